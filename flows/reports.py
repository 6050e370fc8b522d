"""What workers tell their supervisor while they run, as lines of JSON through a pipe."""

import os
from time import monotonic

import msgspec

_PIPE = "CARTWHEEL_REPORTS"
_ATOMIC_BYTES = 4096  # what Linux writes to a pipe without mixing it with another process's


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
    """

    reader: int
    bytes_read: int
    events: int
    watermark_ms: int
    at_ms: int
    lag: int | None = None
    reachable: bool = True


class StepReport(msgspec.Struct, frozen=True, tag="steps"):
    """What the steps of one worker have spent, over its life.

    Attributes:
        worker: its number.
        ticks: shares of ticks that went through.
        tick_s: seconds spent on them.
        checkpoints: how many were made.
        checkpoint_s: seconds spent on them.
        state_bytes: of its shards' live folders.
        cache_hits: records found in memory.
        cache_misses: records looked up on disk.
    """

    worker: int
    ticks: int
    tick_s: float
    checkpoints: int
    checkpoint_s: float
    state_bytes: int
    cache_hits: int
    cache_misses: int


class SinkReport(msgspec.Struct, frozen=True, tag="sink"):
    """What the sink has written, over all runs of the state.

    Attributes:
        counts: what the summary counts, and ``sent NAME`` for each trigger.
        written: outputs by kind.
        epochs: how many were closed, over this worker's life.
        epoch_s: seconds between the last two.
        reachable: whether it can write.
    """

    counts: dict[str, int]
    written: dict[str, int]
    epochs: int
    epoch_s: float
    reachable: bool = True


Report = ReaderReport | StepReport | SinkReport


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

    def report(self, report: Report) -> None:
        """Send a report; nobody may be listening."""
        if self._pipe < 0:
            return
        line = msgspec.json.encode(report) + b"\n"
        if len(line) <= _ATOMIC_BYTES:
            try:
                os.write(self._pipe, line)
            except OSError:
                self._pipe = -1


class Listener:
    """The supervisor's end of the pipe, and the end that its workers inherit."""

    def __init__(self) -> None:
        self._pipe, self.workers_end = os.pipe()
        os.set_blocking(self._pipe, False)
        self._rest = b""
        self._decoder = msgspec.json.Decoder(Report)

    def environment(self) -> dict[str, str]:
        """Return what tells a worker where to report."""
        return {_PIPE: str(self.workers_end)}

    def reports(self) -> list[Report]:
        """Return what has come since the last call."""
        found: list[Report] = []
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
