"""One shard's state: its RocksDB, and the checkpoints that a run can start from."""

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import perf_counter

from state import faults
from state.about import About, read_about, write_about
from state.errors import StateError
from state.rocks import RocksKeyValue, RocksSettings
from state.versions import NO_VERSION, Version, Versions


class ShardStore:
    """The state of one shard, as it stands at a version and as the steps change it.

    Attributes:
        checkpoints: how many were made.
        checkpoint_s: seconds spent on them.
        checkpoint_bytes: written for them; tables that an earlier one has are not counted.
        bytes: of the latest version.

    Args:
        folder: the shard's folder.
        run: the id of this run.
        version: where to start, NO_VERSION for a new state.
        settings: how RocksDB is opened.

    Raises:
        StateError: the version is missing, damaged or not what its name says.
    """

    def __init__(
        self, folder: Path, *, run: str, version: Version, settings: RocksSettings
    ) -> None:
        self.checkpoints = 0
        self.checkpoint_s = 0.0
        self.checkpoint_bytes = 0
        self._name = folder.name
        self._versions = Versions(folder, run)
        self._version = version
        self._without_traces = NO_VERSION
        live = self._versions.open(version)
        self._tables = _sizes(self._versions.path(version)) if version else {}
        self.bytes = sum(self._tables.values())
        try:
            self.keyvalue = RocksKeyValue(live, settings)
        except Exception as error:  # rocksdict raises nothing more special
            raise StateError(f"{folder / version} cannot be opened: {error}") from error
        self._about = read_about(self.keyvalue, str(folder / version))
        expected = (folder.name, version) if version else ("", "")
        if (self._about.shard, self._about.version) != expected:
            raise StateError(
                f"{folder / version} says that it is version {self._about.version!r} of"
                f" {self._about.shard!r}: folders were mixed up; restore the state from a backup"
            )

    @property
    def about(self) -> About:
        """What the store says about itself; change it before the next checkpoint."""
        return self._about

    def checkpoint(self, ticks: Sequence[int], watermark: int) -> Version:
        """Make a version of what was written, or name the last one when nothing was.

        Args:
            ticks: the last tick of each reader that is in it.
            watermark: the shard's after them.
        """
        if self.keyvalue.changed:
            started = perf_counter()
            version = self._versions.next()
            self._about.shard, self._about.version = self._name, version
            self._about.ticks, self._about.watermark = list(ticks), watermark
            write_about(self.keyvalue, self._about)
            faults.reach("between-write-and-checkpoint")
            if self.keyvalue.has_traces:
                self._move()
                self._without_traces = version
            self.keyvalue.checkpoint(self._versions.path(version))
            self._version = version
            self._measure(version, started)
            faults.reach("between-checkpoint-and-commit")
        return self._version

    def _move(self) -> None:
        """Write all that there is anew, so that nothing of what was deleted is left."""
        before = self._versions.live
        self.keyvalue.move(self._versions.next_live())
        faults.reach("while-moving")
        shutil.rmtree(before)

    def _measure(self, version: Version, started: float) -> None:
        """Take note of what a checkpoint has cost: its tables never change, all else is copied."""
        before, found = self._tables, _sizes(self._versions.path(version))
        self._tables = found
        self.bytes = sum(found.values())
        self.checkpoint_bytes += sum(
            size for name, size in found.items() if name not in before or not name.endswith(".sst")
        )
        self.checkpoints += 1
        self.checkpoint_s += perf_counter() - started

    def committed(self, version: Version) -> None:
        """Take note that the whole cluster has committed a version."""
        is_alone = version == self._without_traces
        self._versions.commit(version, latest=self._version, is_alone=is_alone)
        faults.reach("after-commit")

    def close(self) -> None:
        """Close the RocksDB; the live folder is thrown away at the next start, as it is."""
        with suppress(Exception):  # a full disk: closing writes what nobody will read
            self.keyvalue.close()


def _sizes(folder: Path) -> dict[str, int]:
    """Return the sizes of a folder's files, by name."""
    with os.scandir(folder) as entries:
        return {entry.name: entry.stat().st_size for entry in entries}
