"""Puts events into time order with bounded memory: an external merge sort.

Events of the same time stay in the order in which they were added. What fits into one run never
touches the disk; beyond that, sorted runs go to a temporary folder and are merged at the end.
"""

import contextlib
import heapq
import struct
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Self

RUN_BYTES = 128 * 1024 * 1024
"""About how much memory the events of one run may take."""

RUNS_MERGED_AT_ONCE = 64
"""Each is an open file; more runs than this are first merged in groups."""

_EVENT_OVERHEAD_BYTES = 150  # a tuple, an int, a bytes object and a place in the list
_HEADER = struct.Struct("<qI")  # the event's time, the length of its line
_BUFFER_BYTES = 256 * 1024

TimedLine = tuple[int, bytes]
"""An event's time in milliseconds, and its line."""


class EventSorter:
    """Takes events in any order and gives them back by time; a context that removes its files."""

    def __init__(
        self,
        folder: Path | None = None,
        *,
        run_bytes: int = RUN_BYTES,
        merged_at_once: int = RUNS_MERGED_AT_ONCE,
    ) -> None:
        assert merged_at_once > 1  # merging must make runs fewer
        self._parent = folder
        self._run_bytes = run_bytes
        self._merged_at_once = merged_at_once
        self._events: list[TimedLine] = []
        self._bytes = 0
        self._runs: list[Path] = []
        self._runs_made = 0
        self._folder: Path | None = None
        self._cleanup = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._cleanup.close()

    def add(self, time: int, line: bytes) -> None:
        """Take one event; may write a run to disk."""
        self._events.append((time, line))
        self._bytes += len(line) + _EVENT_OVERHEAD_BYTES
        if self._bytes >= self._run_bytes:
            self._runs.append(self._write_run(self._sorted_events()))
            self._events = []
            self._bytes = 0

    def drain(self) -> Iterator[bytes]:
        """Yield the lines of all events in time order, once."""
        if not self._runs:
            yield from map(itemgetter(1), self._sorted_events())
            return
        if self._events:
            self._runs.append(self._write_run(self._sorted_events()))
            self._events = []
        while len(self._runs) > self._merged_at_once:
            self._runs = [self._merge_to_one(group) for group in self._groups()]
        yield from map(itemgetter(1), _merged(self._runs))

    def _sorted_events(self) -> list[TimedLine]:
        self._events.sort(key=itemgetter(0))
        return self._events

    def _groups(self) -> Iterator[Sequence[Path]]:
        for start in range(0, len(self._runs), self._merged_at_once):
            yield self._runs[start : start + self._merged_at_once]

    def _merge_to_one(self, runs: Sequence[Path]) -> Path:
        merged = self._write_run(_merged(runs))
        for run in runs:
            run.unlink()
        return merged

    def _write_run(self, events: Iterable[TimedLine]) -> Path:
        path = self._temporary_folder() / f"run-{self._runs_made:06d}"
        self._runs_made += 1
        with path.open("wb", buffering=_BUFFER_BYTES) as file:
            for time, line in events:
                file.write(_HEADER.pack(time, len(line)))
                file.write(line)
        return path

    def _temporary_folder(self) -> Path:
        if self._folder is None:
            made = tempfile.TemporaryDirectory(prefix=".cartwheel-import-", dir=self._parent)
            self._folder = Path(self._cleanup.enter_context(made))
        return self._folder


def _merged(runs: Sequence[Path]) -> Iterator[TimedLine]:
    # Runs are in the order of their events' arrival, and heapq.merge keeps that order at a tie.
    return heapq.merge(*map(_read_run, runs), key=itemgetter(0))


def _read_run(path: Path) -> Iterator[TimedLine]:
    with path.open("rb", buffering=_BUFFER_BYTES) as file:
        while header := file.read(_HEADER.size):
            time, length = _HEADER.unpack(header)
            yield time, file.read(length)
