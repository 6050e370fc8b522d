"""The input files as a Bytewax source: each reader is a partition that hands over ticks."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from connectors.errors import FileProblem
from connectors.line_file import BEGINNING, Position
from connectors.replay import Order, Replay
from flows.shard_keys import shard_key
from flows.worker_state import WorkerState, noting_failure
from operators.lines import LineReader, Lines, join
from operators.route import Route, RouteState
from operators.ticks import ShardTick

_SLACK = 0.05
_PAUSE = timedelta(milliseconds=5)
_PROGRESS_EVERY_S = 0.1


_KEY_PREFIX = "reader-"


def reader_key(number: int) -> str:
    """Return the permanent name under which Bytewax knows a reader."""
    return f"{_KEY_PREFIX}{number}"


class ReaderState(msgspec.Struct):
    """What a reader remembers.

    Attributes:
        files: the names of its files.
        order: how they become one stream.
        positions: where to go on in each.
        route: its last tick and the latest event time.
        events: how many lines it has handed over.
        ended: whether it has handed over everything.
        closed: whether it has then moved the clock past every timer.
    """

    files: list[str]
    order: Order
    positions: list[Position]
    route: RouteState
    events: int = 0
    ended: bool = False
    closed: bool = False


class ReaderPartition(StatefulSourcePartition[tuple[str, ShardTick], bytes]):
    """One reader."""

    def __init__(self, worker: WorkerState, number: int, row: bytes | None) -> None:
        expected = worker.run.readers[number]
        worker.verify(f"reader {number}", row, expected)
        job = worker.job
        files = job.readers[number]
        self._worker = worker
        self._job = job
        self._number = number
        self._state = (
            msgspec.msgpack.decode(expected, type=ReaderState)
            if expected
            else ReaderState(files, job.order, [BEGINNING] * len(files), RouteState())
        )
        reader = LineReader(job.route.future_ms, job.route.now_ms)
        self._replay = Replay(files, reader, order=job.order, positions=self._state.positions)
        self._route = Route(
            number,
            shards=job.route.shards,
            disorder_ms=job.route.disorder_ms,
            files=tuple(files),
            state=self._state.route,
        )
        self._bytes = 0
        self._next_progress = 0.0
        self._epoch_started = time.time()

    @noting_failure
    def next_batch(self) -> Iterable[tuple[str, ShardTick]]:
        """Hand over the next tick.

        Raises:
            StopIteration: the input has ended, cannot be read, or the worker is to stop.
        """
        if self._wait_for_grid() or self._bytes >= self._job.epoch_bytes:
            return []
        lines = self._take()
        ended = self._state.ended
        self._state.closed = ended and self._job.close
        ticks = self._route.split(lines, ended=ended, close=self._state.closed)
        if time.monotonic() >= self._next_progress:
            self._report()
        return [(shard_key(tick.shard), tick) for tick in ticks]

    def _take(self) -> Lines:
        """Return the next tick's lines.

        Raises:
            StopIteration: there is none, or there shall be none.
        """
        if not (self._state.ended or self._worker.stopping or self._worker.problem):
            try:
                lines = self._replay.take(self._job.tick_lines)
            except FileProblem as problem:
                self._worker.problem = problem
            else:
                self._state.ended = self._replay.ended
                self._state.events += len(lines)
                self._bytes += lines.size
                return lines
        if self._state.route.tick == 0:
            return join([])  # every step must have had a tick, or its snapshot would be missing
        self._report()
        raise StopIteration

    def next_awake(self) -> datetime | None:
        """Wait a little when enough is on its way until the next snapshot."""
        if self._bytes >= self._job.epoch_bytes:
            return datetime.now(UTC) + _PAUSE
        return None

    @noting_failure
    def snapshot(self) -> bytes:
        """Remember where to go on."""
        self._bytes = 0
        self._epoch_started = time.time()
        self._state.positions = self._replay.positions
        return msgspec.msgpack.encode(self._state)

    def close(self) -> None:
        """Close the files."""
        self._replay.close()

    def _report(self) -> None:
        self._next_progress = time.monotonic() + _PROGRESS_EVERY_S
        self._worker.progress.report(self._number, self._replay.bytes_read(), self._state.events)

    def _wait_for_grid(self) -> bool:
        """Close epochs on common lines of the wall clock, where there are several readers.

        Each closes its epochs by its own clock and waits for the slowest; Bytewax would keep any
        skew for ever. Lines are a little further apart than an epoch is long, so that a reader
        reaches the end of its epoch shortly before one. This changes when things are committed,
        never what comes out.

        Returns:
            Whether the epoch is over, and Bytewax closes it after this batch.
        """
        every_s = self._job.epoch_ms / 1000
        now = time.time()
        if len(self._job.readers) == 1 or now - self._epoch_started < every_s:
            return False
        grid_s = every_s * (1 + _SLACK)
        past_line_s = now % grid_s
        if past_line_s > _SLACK * every_s:
            time.sleep(grid_s - past_line_s)
        return True


class Readers(FixedPartitionedSource[tuple[str, ShardTick], bytes]):
    """All readers of a job."""

    def __init__(self, worker: WorkerState) -> None:
        self._worker = worker

    def list_parts(self) -> list[str]:
        """Name the readers."""
        return [reader_key(number) for number in range(len(self._worker.job.readers))]

    @noting_failure
    def build_part(
        self, step_id: str, for_part: str, resume_state: bytes | None
    ) -> ReaderPartition:
        """Open a reader where its snapshot left it."""
        number = int(for_part.removeprefix(_KEY_PREFIX))
        return ReaderPartition(self._worker, number, resume_state)
