"""The versions of one shard on disk: checkpoints beside the live folder, and which is committed.

::

    shard-07/
        committed                    the name of the committed version
        v000123-5f0c9a12/            a checkpoint, named after its number and the run that made it
        live-5f0c9a12/               the open RocksDB of that run; thrown away at the next start
"""

import os
import re
import shutil
from pathlib import Path
from typing import NewType

from state import faults
from state.errors import StateError

Version = NewType("Version", str)
"""The name of a version; empty: the shard before its first."""

NO_VERSION = Version("")

_NAME = re.compile(r"v(\d{6,})-[0-9a-f]+")
_COMMITTED = "committed"


class Versions:
    """The folder of one shard.

    Args:
        folder: where the versions are; made when it is not there.
        run: the id of the run that makes the next versions.
    """

    def __init__(self, folder: Path, run: str) -> None:
        self.folder = folder
        self._run = run
        self._number = 0
        self._moved = 0
        self._previous = NO_VERSION

    @property
    def live(self) -> Path:
        """Where this run keeps its open RocksDB."""
        again = f"-{self._moved}" if self._moved else ""
        return self.folder / f"live-{self._run}{again}"

    def next_live(self) -> Path:
        """Name another folder for the open RocksDB, in place of the one before."""
        self._moved += 1
        return self.live

    def open(self, version: Version) -> Path:
        """Make the live folder as a clone of a version, or empty before the first.

        Raises:
            StateError: the version is not there.
        """
        self._previous = version
        self.folder.mkdir(parents=True, exist_ok=True)
        if version == NO_VERSION:
            self.live.mkdir()
            return self.live
        source = self.folder / version
        if not source.is_dir():
            raise StateError(
                f"{source} is missing: the state is incomplete and cannot go on."
                " Restore it from a backup, or start a new state"
            )
        self._number = number_of(version)
        clone(source, self.live)
        return self.live

    def next(self) -> Version:
        """Name the next version."""
        self._number += 1
        return Version(f"v{self._number:06d}-{self._run}")

    def path(self, version: Version) -> Path:
        """Where a version is."""
        return self.folder / version

    def commit(self, version: Version, latest: Version, *, is_alone: bool = False) -> None:
        """Note that a version is committed; remove those that nobody can want any more.

        What stays: this version, the one committed before it (somebody may be reading it, and
        would have to read again), unless this one is to be alone, and the latest one made.
        """
        if version == NO_VERSION:
            return
        write_committed(self.folder, version)
        before = set() if is_alone else {self._previous}
        remove_versions(self.folder, keep={version, latest, *before}, live=self.live.name)
        self._previous = version


def number_of(version: Version) -> int:
    """Return a version's number.

    Raises:
        StateError: this is no version's name.
    """
    match = _NAME.fullmatch(version)
    if match is None:
        raise StateError(f"{version!r} is not the name of a version")
    return int(match[1])


def clone(source: Path, target: Path) -> None:
    """Copy a version: finished tables (.sst) by hard link, what RocksDB may change by copy."""
    target.mkdir()
    for file in source.iterdir():
        if file.suffix == ".sst":
            os.link(file, target / file.name)
        else:
            shutil.copyfile(file, target / file.name)


def write_committed(folder: Path, version: Version) -> None:
    """Replace the file that names the committed version."""
    beside = folder / f"{_COMMITTED}.new"
    beside.write_text(version)
    beside.replace(folder / _COMMITTED)


def read_committed(folder: Path) -> Version:
    """Return the committed version of a shard, or NO_VERSION."""
    try:
        return Version((folder / _COMMITTED).read_text())
    except FileNotFoundError:
        return NO_VERSION


def remove_versions(folder: Path, keep: set[Version], live: str = "") -> None:
    """Remove versions and live folders but for those to keep."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries]
    for name in names:  # RocksDB leaves NAME.tmp when it is killed while making NAME
        is_version = _NAME.fullmatch(name.removesuffix(".tmp")) is not None and name not in keep
        if is_version or (name.startswith("live-") and name != live):
            faults.reach("while-purging")
            shutil.rmtree(folder / name)
