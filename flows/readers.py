"""The input as a Bytewax source: each reader is a partition that hands over ticks."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from connectors.errors import ConnectorProblem
from connectors.inputs import LiveInput, Positions, open_input
from flows.reports import ReaderReport
from flows.shard_keys import shard_key
from flows.worker_state import WorkerState, noting_failure
from operators.heads import LineReader
from operators.lines import Lines, join
from operators.route import Route, RouteState
from operators.ticks import ShardTick

_SLACK = 0.05
_PAUSE = timedelta(milliseconds=5)
_REPORT_EVERY_S = 0.1
_LIVE_TICK_S = 0.02
_EMPTY_TICK_S = 0.2


_KEY_PREFIX = "reader-"


def reader_key(number: int) -> str:
    """Return the permanent name under which Bytewax knows a reader."""
    return f"{_KEY_PREFIX}{number}"


class ReaderState(msgspec.Struct):
    """What a reader remembers.

    Attributes:
        positions: where to go on.
        route: its last tick and the latest event times.
        events: how many lines it has handed over.
        ended: whether it has handed over everything.
        closed: whether it has then moved the clock past every timer.
    """

    positions: Positions
    route: RouteState
    events: int = 0
    ended: bool = False
    closed: bool = False


class ReaderPartition(StatefulSourcePartition[tuple[str, ShardTick], bytes]):
    """One reader."""

    def __init__(self, worker: WorkerState, number: int, row: bytes | None) -> None:
        expected = worker.run.readers[number]
        worker.verify(f"reader {number}", row, expected)
        state = msgspec.msgpack.decode(expected, type=ReaderState) if expected else None
        job = worker.job
        self._worker = worker
        self._job = job
        self._number = number
        self._lines = LineReader(
            job.route.future_ms, job.route.now_ms, job.route.identity, worker.minimizer
        )
        self._input = open_input(
            job.source,
            number,
            self._lines,
            state.positions if state else None,
            idle_ms=job.idle_ms,
        )
        self._live = self._input if isinstance(self._input, LiveInput) else None
        self._state = state or ReaderState(self._input.positions(), RouteState())
        self._route = Route(
            number,
            shards=job.route.shards,
            disorder_ms=job.route.disorder_ms,
            state=self._state.route,
            by_origin=self._live is not None and self._live.by_origin,
            forgets=job.profile.forgets,
        )
        self._bytes = 0
        self._epoch_started = time.time()
        self._next_tick = 0.0
        self._next_empty_tick = 0.0
        self._is_proven = True

    @noting_failure
    def next_batch(self) -> Iterable[tuple[str, ShardTick]]:
        """Hand over the next tick.

        Raises:
            StopIteration: the input has ended, cannot be read, or the worker is to stop.
            ConnectorProblem: input that goes on cannot be read.
        """
        if self._live is not None and not self._is_proven:
            self._is_proven = True  # or this epoch would not have begun
            self._live.committed()
        if self._wait_for_grid() or self._bytes >= self._job.epoch_bytes:
            self._report()
            return []
        lines = self._take()
        if self._live is not None and not self._is_worth_a_tick(self._live, lines):
            self._report()
            return []
        self._state.closed = self._state.ended and self._job.close
        ticks = self._route.split(
            lines,
            self._input.origins,
            ended=self._state.ended or not (self._live is None or self._live.has_share),
            close=self._state.closed,
        )
        self._report()
        return [(shard_key(tick.shard), tick) for tick in ticks]

    def _take(self) -> Lines:
        """Return the next tick's lines.

        Raises:
            StopIteration: there is none, or there shall be none.
            ConnectorProblem: input that goes on cannot be read.
        """
        if not (self._state.ended or self._worker.stopping or self._worker.problem):
            if self._live is not None:
                self._lines.now_ms = _now_ms()
            try:
                lines = self._input.take(self._job.tick_lines)
            except ConnectorProblem as problem:
                if self._live is not None:
                    raise  # the other workers' readers never end, and would go on without it
                self._worker.problem = problem
            else:
                self._state.ended = self._input.ended
                self._state.events += len(lines)
                self._bytes += lines.size
                return lines
        if self._state.route.tick == 0:
            return join([])  # every step must have had a tick, or its snapshot would be missing
        self._report(at_once=True)
        raise StopIteration

    def _is_worth_a_tick(self, live: LiveInput, lines: Lines) -> bool:
        """Bring route's partitions up to date; tell whether a live tick is to be made.

        Ticks are cut by time where there is little. One without lines lets timers fire, and the
        first after a snapshot proves that it is committed.
        """
        now = time.monotonic()
        self._next_tick = now if len(lines) == self._job.tick_lines else now + _LIVE_TICK_S
        self._route.add_partitions(live.partitions)
        idle_ms = max(self._job.idle_ms or 0, self._job.route.disorder_ms)
        self._route.note_idle(live.idle(), _now_ms() - idle_ms)
        if not len(lines) and now < self._next_empty_tick and self._state.route.tick:
            return False
        self._next_empty_tick = now + _EMPTY_TICK_S
        return True

    def next_awake(self) -> datetime | None:
        """Wait a little when enough is on its way until the next snapshot, or little is there."""
        if self._bytes >= self._job.epoch_bytes:
            return datetime.now(UTC) + _PAUSE
        wait_s = self._next_tick - time.monotonic()
        if self._live is not None and wait_s > 0 and not self._worker.stopping:
            return datetime.now(UTC) + timedelta(seconds=wait_s)
        return None

    @noting_failure
    def snapshot(self) -> bytes:
        """Remember where to go on."""
        self._bytes = 0
        self._epoch_started = time.time()
        self._next_empty_tick = 0.0
        self._is_proven = False
        self._state.positions = self._input.positions()
        return msgspec.msgpack.encode(self._state)

    def close(self) -> None:
        """Close the input."""
        self._input.close()

    def _report(self, *, at_once: bool = False) -> None:
        reporter = self._worker.reporter
        if reporter.is_due(f"reader {self._number}", _REPORT_EVERY_S) or at_once:
            reporter.report(
                ReaderReport(
                    reader=self._number,
                    bytes_read=self._input.bytes_read(),
                    events=self._state.events,
                    watermark_ms=self._route.watermark,
                    at_ms=_now_ms(),
                    lag=self._live.lag() if self._live else None,
                    reachable=self._live.reachable() if self._live else True,
                    ended=self._state.ended,
                )
            )

    def _wait_for_grid(self) -> bool:
        """Close epochs on common lines of the wall clock, where there are several readers.

        Each closes its epochs by its own clock and waits for the slowest; Bytewax would keep any
        skew for ever. Lines are a little further apart than an epoch is long, so that a reader
        reaches the end of its epoch shortly before one; one that has just missed a line does not
        wait for the next, and comes nearer by and by. This changes when things are committed,
        never what comes out.

        Returns:
            Whether the epoch is over, and Bytewax closes it after this batch.
        """
        every_s = self._job.epoch_ms / 1000
        now = time.time()
        if self._job.readers == 1 or now - self._epoch_started < every_s:
            return False
        grid_s = every_s * (1 + _SLACK)
        to_line_s = grid_s - now % grid_s
        if to_line_s <= grid_s / 2:
            time.sleep(to_line_s)
        return True


class Readers(FixedPartitionedSource[tuple[str, ShardTick], bytes]):
    """All readers of a job."""

    def __init__(self, worker: WorkerState) -> None:
        self._worker = worker

    def list_parts(self) -> list[str]:
        """Name the readers."""
        return [reader_key(number) for number in range(self._worker.job.readers)]

    @noting_failure
    def build_part(
        self, step_id: str, for_part: str, resume_state: bytes | None
    ) -> ReaderPartition:
        """Open a reader where its snapshot left it."""
        number = int(for_part.removeprefix(_KEY_PREFIX))
        return ReaderPartition(self._worker, number, resume_state)


def _now_ms() -> int:
    return int(time.time() * 1000)
