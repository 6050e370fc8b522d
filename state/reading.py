"""Looks into a state while a run may be going on; changes nothing in it.

What is read is a shard's committed version, through a clone in a temporary folder: opening writes
there, and a version that the worker removes in the meantime is read again from its successor.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from rocksdict import AccessType, Options, Rdict

from state.about import About, read_about
from state.errors import StateError
from state.folder import StateFolder
from state.keyvalue import MemoryKeyValue
from state.prefixes import Prefix
from state.versions import NO_VERSION, Version, read_committed

_ATTEMPTS = 10
_APART_S = 0.02


@contextmanager
def while_unused(folder: StateFolder) -> Iterator[bool]:
    """Keep runs from starting for a moment; give False where one is going on."""
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(_APART_S)  # somebody else may be having a look
        with ExitStack() as stack:
            if all(_locked(folder.path / name, stack) for name in ("lock", "workers.lock")):
                yield True
                return
    yield False


def committed_about(folder: Path, version: Version | None = None) -> tuple[Version, About | None]:
    """Return what a shard says about itself in its committed version.

    Args:
        folder: the shard's folder.
        version: which, where that is known better than from the file ``committed``.

    Returns:
        The version and its record; NO_VERSION and None where nothing was ever written.

    Raises:
        StateError: the version is missing or cannot be read.
    """
    for _ in range(_ATTEMPTS):
        chosen = read_committed(folder) if version is None else version
        if chosen == NO_VERSION:
            return NO_VERSION, None
        try:
            about = _read(folder / chosen)
        except FileNotFoundError:
            about = None
        if about is not None and about.version == chosen:
            return chosen, about
        if version is not None or read_committed(folder) == chosen:
            break
    raise StateError(
        f"{folder / chosen} is missing or damaged: the state is incomplete and cannot go on."
        " Restore it from a backup, or start a new state"
    )


def bytes_on_disk(folder: Path) -> int:
    """Return the size of all files under a folder, one that has several names counted once."""
    sizes: dict[tuple[int, int], int] = {}
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                found = os.lstat(Path(place) / name)
            except FileNotFoundError:  # a run goes on and has removed it
                continue
            sizes[found.st_dev, found.st_ino] = found.st_size
    return sum(sizes.values())


def _locked(path: Path, stack: ExitStack) -> bool:
    """Lock a file until the stack is left; one that is not there was never used."""
    try:
        file = stack.enter_context(path.open("rb"))
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return True
    except BlockingIOError:
        return False
    return True


def _read(version: Path) -> About | None:
    """Read the record through a clone of a version; None where the version is incomplete."""
    with TemporaryDirectory(prefix="cartwheel-") as clone:
        for file in version.iterdir():
            if file.suffix == ".sst":
                (Path(clone) / file.name).symlink_to(file.resolve())
            else:
                shutil.copyfile(file, Path(clone) / file.name)
        key = Prefix.ABOUT.key
        value = _get(Path(clone), key)
    return None if value is None else read_about(MemoryKeyValue({key: value}), str(version))


def _get(folder: Path, key: bytes) -> bytes | None:
    """Read one value; every table is opened at once, so that none can vanish later."""
    options = Options(raw_mode=True)
    options.create_if_missing(create_if_missing=False)
    options.set_max_open_files(-1)
    try:
        database = Rdict(str(folder), options, access_type=AccessType.read_only())
    except Exception:  # noqa: BLE001 (rocksdict raises nothing more special)
        return None
    value: bytes | None = database.get(key)
    database.close()
    return value
