"""What is known of a run from its workers' reports: the latest of each, and sums over restarts.

The supervisor's thread takes reports in; the threads of the HTTP server look at views.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock

from flows.reports import (
    CountReport,
    QualityReport,
    ReaderReport,
    Report,
    Restart,
    SinkReport,
    StepReport,
    WorkersGone,
    WorkersStarted,
)
from operators.decisions import OUTCOMES

SENT, RETRACTED = "sent ", "retracted "
SUPPRESSED = "suppressed "
"""The reason stands between this and the trigger's name."""
ENDED = {each: f"{each} " for each in OUTCOMES if each != "suppressed"}
"""By the outcome of a trigger's instances; what was suppressed is counted by reason."""
ENTERED, LEFT = "segment.entered ", "segment.left "
"""How the names of counts begin that are kept by trigger, and by segment."""


def by_name(counts: Mapping[str, int], beginning: str) -> dict[str, int]:
    """Return the counts of all triggers, or segments, by their names.

    Args:
        counts: all of them.
        beginning: what stands before them, such as ``SENT``.
    """
    return {
        name.removeprefix(beginning): count
        for name, count in counts.items()
        if name.startswith(beginning)
    }


@dataclass(frozen=True)
class SeenReader:
    """What is known of a reader.

    Attributes:
        report: its latest.
        heard_at: when that came.
        stuck_since: since when its watermark has not moved although records waited for it all the
            time; None where that is not so.
    """

    report: ReaderReport
    heard_at: float
    stuck_since: float | None


@dataclass(frozen=True)
class SeenSink:
    """What is known of the sink: its latest report, and when that came."""

    report: SinkReport
    heard_at: float


@dataclass(frozen=True)
class Spent:
    """What was spent since the command was started, over all workers and their restarts.

    Attributes:
        seconds: on ticks, by step.
        checkpoints: how many were made.
        checkpoint_s: seconds spent on them.
        checkpoint_bytes: written for them.
        cache_hits: records found in memory.
        cache_misses: records looked up on disk.
        epochs: how many were committed.
        epoch_s: seconds that they took.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    checkpoints: int = 0
    checkpoint_s: float = 0.0
    checkpoint_bytes: int = 0
    cache_hits: int = 0
    cache_misses: int = 0
    epochs: int = 0
    epoch_s: float = 0.0

    def with_steps(self, report: StepReport) -> "Spent":
        """Return the sum with what a worker has spent."""
        seconds = dict(self.seconds)
        for step, spent in report.seconds.items():
            seconds[step] = seconds.get(step, 0.0) + spent
        return replace(
            self,
            seconds=seconds,
            checkpoints=self.checkpoints + report.checkpoints,
            checkpoint_s=self.checkpoint_s + report.checkpoint_s,
            checkpoint_bytes=self.checkpoint_bytes + report.checkpoint_bytes,
            cache_hits=self.cache_hits + report.cache_hits,
            cache_misses=self.cache_misses + report.cache_misses,
        )

    def with_epochs(self, report: SinkReport) -> "Spent":
        """Return the sum with a sink's epochs."""
        return replace(
            self, epochs=self.epochs + report.epochs, epoch_s=self.epoch_s + report.epoch_s
        )


@dataclass(frozen=True)
class View:
    """A run at one moment; times are those of the clock that ``Observed`` was given.

    Attributes:
        now: the moment.
        workers: how many run, 0 while none do.
        restarts: how often workers were started again.
        readers: those that were heard of since the workers were started.
        sink: likewise.
        counts: what the summary counts, over all runs of the state, as committed.
        written: outputs by kind, likewise.
        ticks: likewise; None as long as none of these three is known.
        spent: since the command was started.
        state_bytes: of all shards that were heard of.
        models: what each is worth, of those that were heard of since the workers were started.
    """

    now: float
    workers: int
    restarts: int
    readers: dict[int, SeenReader]
    sink: SeenSink | None
    counts: dict[str, int]
    written: dict[str, int]
    ticks: int | None
    spent: Spent
    state_bytes: int
    models: dict[str, QualityReport]


class Observed:
    """Collects reports; one thread reports, any may look.

    Args:
        triggers: names of those that have perhaps sent nothing yet.
        kinds: of outputs of which there are perhaps none yet.
        segments: names of those that perhaps nobody has entered yet.
        clock: in seconds, from anywhere.
    """

    def __init__(
        self,
        triggers: Iterable[str] = (),
        kinds: Iterable[str] = (),
        *,
        segments: Iterable[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._lock = Lock()
        self._workers = 0
        self._restarts = 0
        self._readers: dict[int, SeenReader] = {}
        self._sink: SeenSink | None = None
        self._steps: dict[int, StepReport] = {}
        self._models: dict[str, QualityReport] = {}
        told_of_each = (*ENDED.values(), RETRACTED)
        self._counts = {f"{each}{name}": 0 for name in triggers for each in told_of_each}
        for name in segments:
            self._counts |= {f"{ENTERED}{name}": 0, f"{LEFT}{name}": 0}
        self._written = dict.fromkeys(kinds, 0)
        self._ticks: int | None = None
        self._spent_before = Spent()

    def report(self, report: Report) -> None:
        """Take a report in."""
        with self._lock:
            self._take(report)

    def view(self) -> View:
        """Return what is known now."""
        with self._lock:
            return View(
                now=self._clock(),
                workers=self._workers,
                restarts=self._restarts,
                readers=dict(self._readers),
                sink=self._sink,
                counts=dict(self._counts),
                written=dict(self._written),
                ticks=self._ticks,
                spent=self._spent(),
                state_bytes=sum(each.state_bytes for each in self._steps.values()),
                models=dict(self._models),
            )

    def _take(self, report: Report) -> None:
        match report:
            case ReaderReport():
                self._readers[report.reader] = self._seen(report)
            case StepReport():
                self._steps[report.worker] = report
            case CountReport():
                self._counts |= report.counts
                self._written |= report.written
            case QualityReport():
                self._models[report.model] = report
            case SinkReport():
                self._sink = SeenSink(report, self._clock())
                self._ticks = report.ticks
            case WorkersStarted():
                self._workers = report.workers
            case WorkersGone():
                self._spent_before = self._spent()
                self._workers, self._sink = 0, None
                self._readers.clear()
                self._steps.clear()
                self._models.clear()
            case Restart():
                self._restarts += 1

    def _seen(self, report: ReaderReport) -> SeenReader:
        now, before = self._clock(), self._readers.get(report.reader)
        stuck_since = now if report.lag else None
        if report.lag and before and before.report.watermark_ms == report.watermark_ms:
            stuck_since = now if before.stuck_since is None else before.stuck_since
        return SeenReader(report, now, stuck_since)

    def _spent(self) -> Spent:
        spent = self._spent_before
        for steps in self._steps.values():
            spent = spent.with_steps(steps)
        return spent if self._sink is None else spent.with_epochs(self._sink.report)
