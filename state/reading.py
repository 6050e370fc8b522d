"""Looks into a state while a run may be going on; changes nothing in it.

What is read is a shard's committed version, through a clone in a temporary folder: opening writes
there, and a version that the worker removes in the meantime is read again from its successor.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from rocksdict import AccessType, Options, Rdict

from state.about import About, read_about
from state.errors import StateError
from state.folder import StateFolder
from state.keyvalue import MemoryKeyValue
from state.prefixes import Prefix
from state.versions import NO_VERSION, Version, read_committed

_ABOUT = Prefix.ABOUT.key
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


class Committed(NamedTuple):
    """What was found in a shard's committed version.

    Attributes:
        version: its name, NO_VERSION where nothing was ever written.
        about: what the shard says about itself, None where nothing was ever written.
        values: of the keys that were asked for, None where there is none.
        entries: those whose keys begin with what was asked for.
    """

    version: Version
    about: About | None
    values: list[bytes | None]
    entries: dict[bytes, bytes]


def read_committed_version(
    folder: Path,
    version: Version | None = None,
    keys: Sequence[bytes] = (),
    prefixes: Sequence[bytes] = (),
    wanted: Callable[[bytes], bool] | None = None,
) -> Committed:
    """Read some values from a shard's committed version.

    Args:
        folder: the shard's folder.
        version: which, where that is known better than from the file ``committed``.
        keys: of the values, beside what the shard says about itself.
        prefixes: how the keys of further values begin; all of them are held in memory.
        wanted: says which of those values are kept, None for all.

    Raises:
        StateError: the version is missing or cannot be read.
    """
    for _ in range(_ATTEMPTS):
        chosen = read_committed(folder) if version is None else version
        if chosen == NO_VERSION:
            return Committed(NO_VERSION, None, [None for _ in keys], {})
        try:
            found, entries = _read(folder / chosen, [_ABOUT, *keys], prefixes, wanted)
        except FileNotFoundError:
            found, entries = [None], {}
        if found[0] is not None:
            about = read_about(MemoryKeyValue({_ABOUT: found[0]}), str(folder / chosen))
            if about.version == chosen:
                return Committed(chosen, about, found[1:], entries)
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


def _read(
    version: Path,
    keys: Sequence[bytes],
    prefixes: Sequence[bytes],
    wanted: Callable[[bytes], bool] | None,
) -> tuple[list[bytes | None], dict[bytes, bytes]]:
    """Read values through a clone of a version; all None where the version is incomplete."""
    with TemporaryDirectory(prefix="cartwheel-") as clone:
        for file in version.iterdir():
            if file.suffix == ".sst":
                (Path(clone) / file.name).symlink_to(file.resolve())
            else:
                shutil.copyfile(file, Path(clone) / file.name)
        return _get(Path(clone), keys, prefixes, wanted)


def _get(
    folder: Path,
    keys: Sequence[bytes],
    prefixes: Sequence[bytes],
    wanted: Callable[[bytes], bool] | None,
) -> tuple[list[bytes | None], dict[bytes, bytes]]:
    """Read values; every table is opened at once, so that none can vanish later."""
    options = Options(raw_mode=True)
    options.create_if_missing(create_if_missing=False)
    options.set_max_open_files(-1)
    try:
        database = Rdict(str(folder), options, access_type=AccessType.read_only())
    except Exception:  # noqa: BLE001 (rocksdict raises nothing more special)
        return [None for _ in keys], {}
    values: list[bytes | None] = [database.get(key) for key in keys]
    entries: dict[bytes, bytes] = {}
    for prefix in prefixes:
        iterator = database.iter()
        iterator.seek(prefix)
        while iterator.valid() and iterator.key().startswith(prefix):
            value = iterator.value()
            if wanted is None or wanted(value):
                entries[iterator.key()] = value
            iterator.next()
        iterator.status()
    database.close()
    return values, entries
