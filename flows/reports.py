"""What workers tell their supervisor while they run, as lines of JSON through a pipe.

Reports are for people who look on: one may get lost, and nothing that is decided depends on any.
"""

import os
from collections.abc import Iterator, Mapping
from time import monotonic

import msgspec

_PIPE = "CARTWHEEL_REPORTS"
_ATOMIC_BYTES = 4096  # what Linux writes to a pipe without mixing it with another process's
_COUNTS_BYTES = 2048  # of one CountReport, well below that


class ReaderReport(msgspec.Struct, frozen=True, tag="reader"):
    """How far a reader is.

    Attributes:
        reader: its number.
        bytes_read: of its files so far.
        events: lines handed over so far, over all runs.
        watermark_ms: event time up to which its input is complete.
        at_ms: the wall clock.
        lag: how many records wait for it, None where that is not known.
        reachable: whether its source can be reached.
        ended: whether its input has ended, so that it reports no more.
    """

    reader: int
    bytes_read: int
    events: int
    watermark_ms: int
    at_ms: int
    lag: int | None = None
    reachable: bool = True
    ended: bool = False


class StepReport(msgspec.Struct, frozen=True, tag="steps"):
    """What the steps of one worker have spent, over its life.

    Attributes:
        worker: its number.
        seconds: spent on ticks, by step.
        checkpoints: how many were made.
        checkpoint_s: seconds spent on them.
        checkpoint_bytes: written for them; what they share with earlier ones is not counted.
        state_bytes: of its shards' latest versions.
        cache_hits: records found in memory.
        cache_misses: records looked up on disk, also in vain.
    """

    worker: int
    seconds: dict[str, float]
    checkpoints: int
    checkpoint_s: float
    checkpoint_bytes: int
    state_bytes: int
    cache_hits: int
    cache_misses: int


class CountReport(msgspec.Struct, frozen=True, tag="counts"):
    """Some of what is counted over all runs of the state, as committed; the rest is in others.

    Attributes:
        counts: what the summary counts; for each trigger ``sent NAME`` and how its other
            instances ended, such as ``cancelled NAME`` and ``suppressed REASON NAME``.
        written: outputs by kind.
    """

    counts: dict[str, int]
    written: dict[str, int]

    @staticmethod
    def of(counts: Mapping[str, int], written: Mapping[str, int]) -> "Iterator[CountReport]":
        """Spread counts over reports that are short enough to be sent."""
        part: tuple[dict[str, int], dict[str, int]] = ({}, {})
        size = 0
        for side, names in enumerate((counts, written)):
            for name, count in names.items():
                part[side][name] = count
                size += len(msgspec.json.encode(name)) + len(str(count)) + 2
                if size > _COUNTS_BYTES:
                    yield CountReport(*part)
                    part, size = ({}, {}), 0
        if size:
            yield CountReport(*part)


class SinkReport(msgspec.Struct, frozen=True, tag="sink"):
    """How far the sink is; comes behind its CountReports.

    Attributes:
        ticks: that are committed, over all runs of the state and all readers.
        epochs: how many were committed, over this worker's life.
        epoch_s: seconds that they took.
        reachable: whether it can write.
    """

    ticks: int
    epochs: int
    epoch_s: float
    reachable: bool = True


class QualityReport(msgspec.Struct, frozen=True, tag="model"):
    """What a model is worth, and how large it is, as committed.

    Attributes:
        model: its name.
        bytes: of what it has learned.
        all_time: figures of all pairs of a score and what became of it, by name.
        rolling: of the last ones.
    """

    model: str
    bytes: int
    all_time: dict[str, float]
    rolling: dict[str, float]


class WorkersStarted(msgspec.Struct, frozen=True):
    """The supervisor has started so many workers; nothing was heard of them yet."""

    workers: int


class WorkersGone(msgspec.Struct, frozen=True):
    """All workers have gone, whatever the reason."""


class Restart(msgspec.Struct, frozen=True):
    """A worker has failed, and all are started again: the cause."""

    cause: str


WorkerReport = ReaderReport | StepReport | CountReport | SinkReport | QualityReport
Report = WorkerReport | WorkersStarted | WorkersGone | Restart


class Reporter:
    """A worker's end of the pipe."""

    def __init__(self) -> None:
        self._pipe = int(os.environ.get(_PIPE, "-1"))
        self._next: dict[str, float] = {}

    def is_due(self, what: str, every_s: float) -> bool:
        """Tell whether it is time to report on something again; if so it counts as reported."""
        now = monotonic()
        if now < self._next.get(what, 0.0):
            return False
        self._next[what] = now + every_s
        return True

    def report(self, report: WorkerReport) -> None:
        """Send a report; nobody may be listening, or not fast enough."""
        if self._pipe < 0:
            return
        line = msgspec.json.encode(report) + b"\n"
        if len(line) <= _ATOMIC_BYTES:
            try:
                os.write(self._pipe, line)
            except BlockingIOError:
                return  # the pipe is full: a worker never waits for someone who looks on
            except OSError:
                self._pipe = -1


class Listener:
    """The supervisor's end of the pipe, and the end that its workers inherit."""

    def __init__(self) -> None:
        self._pipe, self.workers_end = os.pipe()
        os.set_blocking(self._pipe, False)
        os.set_blocking(self.workers_end, False)
        self._rest = b""
        self._decoder = msgspec.json.Decoder(WorkerReport)

    def environment(self) -> dict[str, str]:
        """Return what tells a worker where to report."""
        return {_PIPE: str(self.workers_end)}

    def reports(self) -> list[WorkerReport]:
        """Return what has come since the last call."""
        found: list[WorkerReport] = []
        while True:
            try:
                data = os.read(self._pipe, 1 << 16)
            except BlockingIOError:
                return found
            if not data:
                return found
            *lines, self._rest = (self._rest + data).split(b"\n")
            found += [self._decoder.decode(line) for line in lines]

    def close_workers_end(self) -> None:
        """Keep only the end to listen at, once the workers have theirs."""
        os.close(self.workers_end)

    def close(self) -> None:
        """Stop listening."""
        os.close(self._pipe)
