"""When a run is ready and when not, and what it says then: made-up reports at made-up times."""

from cartwheel.health import SILENT_S, STUCK_S, health
from cartwheel.observed import Observed
from flows.reports import (
    ReaderReport,
    Report,
    SinkReport,
    StepReport,
    WorkersGone,
    WorkersStarted,
)

READERS = 2
SINK = SinkReport(0, 0, 0.0)
SINK_AWAY = SinkReport(0, 0, 0.0, reachable=False)


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def reader(
    number: int,
    *,
    watermark_ms: int = 0,
    lag: int | None = None,
    reachable: bool = True,
    ended: bool = False,
) -> ReaderReport:
    return ReaderReport(number, 0, 0, watermark_ms, 0, lag, reachable, ended)


class Seen:
    """A run of two readers, of which reports come."""

    def __init__(self, *reports: Report) -> None:
        self.clock = Clock()
        self.observed = Observed(clock=self.clock)
        self.take(WorkersStarted(1), *reports)

    def take(self, *reports: Report) -> None:
        for report in reports:
            self.observed.report(report)

    def problems(self, epoch_ms: int = 1000) -> list[str]:
        answer = health(self.observed.view(), readers=READERS, epoch_ms=epoch_ms)
        assert answer.ready == (not answer.problems)
        return answer.problems

    def goes_on(self, seconds: float, *reports: Report, every_s: float = 0.5) -> None:
        """Let the same reports come again and again."""
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.now = min(end, self.clock.now + every_s)
            self.take(*reports)


def test_a_run_is_ready_once_every_reader_and_the_sink_were_heard_of() -> None:
    seen = Seen()
    assert seen.problems() == [
        "recovering: reader 0 has not reported yet",
        "recovering: reader 1 has not reported yet",
        "recovering: the sink has not reported yet",
    ]
    seen.take(reader(1), SINK)
    assert seen.problems() == ["recovering: reader 0 has not reported yet"]
    seen.take(reader(0))
    assert seen.problems() == []


def test_before_any_worker_runs_it_is_not_ready() -> None:
    assert health(Observed().view(), readers=1, epoch_ms=1000).problems == [
        "recovering: no workers run"
    ]


def test_what_was_heard_before_a_restart_counts_no_more() -> None:
    seen = Seen(reader(0), reader(1), SINK)
    seen.take(WorkersGone())
    assert seen.problems() == ["recovering: no workers run"]
    seen.take(WorkersStarted(1), reader(0), SINK)
    assert seen.problems() == ["recovering: reader 1 has not reported yet"]


def test_brokers_that_are_away_are_named() -> None:
    seen = Seen(reader(0, reachable=False), reader(1), SINK_AWAY)
    assert seen.problems() == [
        "the source's broker cannot be reached by reader 0",
        "the sink's broker cannot be reached",
    ]
    seen.take(reader(0), SINK)
    assert seen.problems() == []


def test_silence_is_not_ready() -> None:
    seen = Seen(reader(0), reader(1), SINK)
    seen.goes_on(SILENT_S, reader(0), SINK)
    assert seen.problems() == []
    seen.goes_on(1.0, reader(0), SINK)
    assert seen.problems() == ["reader 1 has been silent for 6 s"]
    seen.take(reader(1))
    assert seen.problems() == []
    seen.goes_on(6.0, reader(0), reader(1))
    assert seen.problems() == ["the sink has been silent for 6 s"]


def test_a_worker_with_long_epochs_may_be_silent_for_longer() -> None:
    seen = Seen(reader(0), reader(1), SINK)
    seen.clock.now += 25
    assert seen.problems(epoch_ms=10_000) == []
    assert len(seen.problems(epoch_ms=1_000)) == 3


def test_readers_that_have_ended_may_be_silent() -> None:
    seen = Seen(reader(0, ended=True), reader(1), SINK)
    seen.goes_on(60, reader(1), SINK)
    assert seen.problems() == []
    seen.take(reader(1, ended=True))
    seen.clock.now += 60
    assert seen.problems() == []


def test_a_watermark_that_stands_still_while_records_wait_is_not_ready() -> None:
    seen = Seen(reader(0, watermark_ms=5, lag=3), reader(1), SINK)
    seen.goes_on(STUCK_S, reader(0, watermark_ms=5, lag=4), reader(1), SINK)
    assert seen.problems() == []
    seen.goes_on(1, reader(0, watermark_ms=5, lag=4), reader(1), SINK)
    assert seen.problems() == [
        "the watermark of reader 0 has stood still for 11 s while 4 records wait"
    ]
    seen.take(reader(0, watermark_ms=6, lag=4))
    assert seen.problems() == []


def test_a_watermark_may_stand_still_while_nothing_waits() -> None:
    for lag in (0, None):
        seen = Seen(reader(0, lag=lag), reader(1), SINK)
        seen.goes_on(60, reader(0, lag=lag), reader(1), SINK)
        assert seen.problems() == []


def test_a_reader_that_catches_up_now_and_then_is_not_stuck() -> None:
    seen = Seen(reader(0), reader(1), SINK)
    for _ in range(10):
        seen.goes_on(STUCK_S - 1, reader(0, lag=9), reader(1), SINK)
        seen.goes_on(0.5, reader(0, lag=0), reader(1), SINK)
        assert seen.problems() == []


def test_reports_of_steps_say_nothing_of_health() -> None:
    seen = Seen(reader(0), reader(1), SINK)
    seen.take(StepReport(0, {}, 0, 0.0, 0, 0, 0, 0))
    assert seen.problems() == []
