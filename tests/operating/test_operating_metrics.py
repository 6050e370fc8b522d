"""What the metrics are made from: made-up reports, over restarts too."""

import json
import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from cartwheel.metrics import METRICS, READY, RunCollector
from cartwheel.observed import Observed
from cartwheel.run_log import LARGE_BYTES, RunLog
from flows.reports import (
    CountReport,
    Listener,
    QualityReport,
    ReaderReport,
    Reporter,
    Restart,
    SinkReport,
    StepReport,
    WorkersGone,
    WorkersStarted,
)
from operators.times import BEFORE_ALL
from replaying import PROJECT

Found = dict[str, float]

DASHBOARD = PROJECT / "examples" / "grafana" / "cartwheel.json"
PAGE = PROJECT / "docs" / "operating.md"

WORTH = {"rate": 0.2, "auc": 0.9, "log_loss": 0.5, "baseline_log_loss": 0.6}
WORTH |= {"calibration_error": 0.01, "precision": 0.7, "recall": 0.4, "f1": 0.5}
WORTH |= {"true_positives": 3}  # which is no metric of its own
WORTH_OF_A_SUM = {"mae": 3.0, "rmse": 4.0, "mean_error": -1.0}
WORTH_OF_A_SUM |= {"baseline_mae": 5.0, "baseline_rmse": 6.0}

FULL = (
    WorkersStarted(2),
    ReaderReport(0, 0, 9, watermark_ms=1_000, at_ms=2_000, lag=3),
    CountReport({"read": 9, "applied": 9, "sent mail": 2}, {"triggers": 2}),
    CountReport({"cancelled mail": 3, "suppressed again mail": 6, "suppressed limit mail": 1}, {}),
    CountReport({"superseded mail": 1, "retracted mail": 1}, {}),
    CountReport({"segment.entered lapsed": 5, "segment.left lapsed": 2}, {"segments": 7}),
    CountReport({"scores intent": 8, "scores churn": 1, "model errors intent": 2}, {}),
    CountReport({"model drift intent error": 1, "model drift intent input session.views": 3}, {}),
    QualityReport("intent", 4321, {"n": 90, **WORTH}, {"n": 10, **WORTH, "log_loss": 0.75}),
    QualityReport("value", 10, {"n": 5, **WORTH_OF_A_SUM}, {"n": 5, **WORTH_OF_A_SUM}),
    CountReport({"no_consent": 4, "consent_unreadable": 1, "no_consent intent": 3}, {}),
    CountReport({"forgotten": 2}, {"customers": 2}),
    CountReport({"merged": 5, "refused_links": 1}, {"identity": 6}),
    SinkReport(ticks=7, epochs=2, epoch_s=2.5),
    StepReport(0, {"profile": 0.5, "decide": 0.25, "sinks": 0.1}, 3, 0.5, 100, 1000, 8, 2),
    StepReport(1, {"profile": 0.5, "decide": 0.25, "sinks": 0.0}, 1, 0.5, 10, 100, 1, 1),
)


def shown(observed: Observed) -> Found:
    """Give what a scrape shows, by name and labels as they stand in the text."""
    registry = CollectorRegistry()
    registry.register(RunCollector(observed.view, lambda view: view.workers > 0))
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {
        sample.name + "".join(f" {name}={text}" for name, text in sample.labels.items()): (
            sample.value
        )
        for family in families
        for sample in family.samples
    }


def reported(*reports: object) -> Observed:
    observed = Observed(
        ["mail", "push"],
        ["triggers", "sessions"],
        segments=["lapsed", "new"],
        clock=lambda: 50.0,
    )
    for report in reports:
        observed.report(report)  # type: ignore[arg-type]
    return observed


def test_every_report_has_its_part() -> None:
    found = shown(reported(*FULL))
    assert found["cartwheel_events_read_total"] == 9
    assert found["cartwheel_events_late_total"] == 0
    assert found["cartwheel_triggers_sent_total trigger=mail"] == 2
    assert found["cartwheel_triggers_sent_total trigger=push"] == 0
    assert found["cartwheel_triggers_retracted_total trigger=mail"] == 1
    assert found["cartwheel_triggers_retracted_total trigger=push"] == 0
    assert found["cartwheel_segments_entered_total segment=lapsed"] == 5
    assert found["cartwheel_segments_left_total segment=lapsed"] == 2
    assert found["cartwheel_segment_members segment=lapsed"] == 3
    for name in ("segments_entered_total", "segments_left_total", "segment_members"):
        assert found[f"cartwheel_{name} segment=new"] == 0, name
    assert found["cartwheel_scores_total model=intent"] == 8
    assert found["cartwheel_scores_total model=churn"] == 1
    assert found["cartwheel_model_errors_total model=intent"] == 2
    assert found["cartwheel_model_drift_total input= model=intent what=error"] == 1
    about = "input=session.views model=intent what=input"
    assert found[f"cartwheel_model_drift_total {about}"] == 3
    assert found["cartwheel_model_pairs model=intent window=all"] == 90
    assert found["cartwheel_model_pairs model=intent window=rolling"] == 10
    assert found["cartwheel_model_log_loss model=intent window=all"] == 0.5
    assert found["cartwheel_model_log_loss model=intent window=rolling"] == 0.75
    assert found["cartwheel_model_baseline_log_loss model=intent window=all"] == 0.6
    assert found["cartwheel_model_mean_error model=value window=all"] == -1
    assert found["cartwheel_model_bytes model=intent"] == 4321
    assert "cartwheel_model_auc model=value window=all" not in found
    assert not [name for name in found if "positives" in name]
    assert found["cartwheel_identity_merged_total"] == 5
    assert found["cartwheel_identity_refused_total"] == 1
    assert found["cartwheel_events_no_consent_total"] == 4
    assert found["cartwheel_events_consent_unreadable_total"] == 1
    assert found["cartwheel_moments_no_consent_total model=intent"] == 3
    assert found["cartwheel_outputs_total kind=triggers"] == 2
    assert found["cartwheel_outputs_total kind=sessions"] == 0
    assert found["cartwheel_ticks_total"] == 7
    assert found["cartwheel_epochs_total"] == 2
    assert found["cartwheel_epoch_seconds_total"] == 2.5
    assert found["cartwheel_tick_seconds_total step=profile"] == 1.0
    assert found["cartwheel_checkpoints_total"] == 4
    assert found["cartwheel_checkpoint_seconds_total"] == 1.0
    assert found["cartwheel_checkpoint_written_bytes_total"] == 110
    assert found["cartwheel_state_bytes"] == 1100
    assert found["cartwheel_cache_hits_total"] == 9
    assert found["cartwheel_cache_misses_total"] == 3
    assert found["cartwheel_consumer_lag_records reader=0"] == 3
    assert found["cartwheel_watermark_delay_seconds reader=0"] > 1e9
    assert found["cartwheel_workers"] == 2
    assert found["cartwheel_ready"] == 1


def test_decisions_are_shown_by_trigger_outcome_and_reason() -> None:
    found = {
        tuple(label.partition("=")[2] for label in name.split(" ")[1:]): value
        for name, value in shown(reported(*FULL)).items()
        if name.startswith("cartwheel_decisions_total")
    }
    nothing = dict.fromkeys(("sent", "cancelled", "superseded", "expired"), 0)
    ended = nothing | {"sent": 2, "cancelled": 3, "superseded": 1}
    wanted = {(outcome, "", "mail"): count for outcome, count in ended.items()}
    wanted |= {(outcome, "", "push"): count for outcome, count in nothing.items()}
    wanted |= {("suppressed", "again", "mail"): 6, ("suppressed", "limit", "mail"): 1}
    assert found == wanted


def test_counts_are_not_shown_before_they_are_known() -> None:
    early = shown(reported(WorkersStarted(1)))
    assert "cartwheel_events_read_total" not in early
    of_the_state = ("_events_", "_letters_", "_sent_", "_segment", "_outputs_", "_ticks_")
    of_the_state += ("_scores_", "_model_")
    of_the_state += ("_decisions_", "_retracted_")
    assert not [name for name in early if any(part in name for part in of_the_state)]
    assert "cartwheel_sessions_total" not in early
    assert early["cartwheel_restarts_total"] == 0
    known = shown(reported(WorkersStarted(1), SinkReport(0, 0, 0.0)))
    assert known["cartwheel_events_read_total"] == 0


def test_what_is_not_known_of_a_reader_is_not_shown() -> None:
    found = shown(reported(WorkersStarted(1), ReaderReport(3, 0, 0, BEFORE_ALL, 0)))
    assert "cartwheel_watermark_delay_seconds reader=3" not in found
    assert "cartwheel_consumer_lag_records reader=3" not in found
    assert found["cartwheel_source_reachable reader=3"] == 1


def test_a_restart_takes_nothing_away() -> None:
    restarted = (WorkersGone(), Restart("killed"))
    between = shown(reported(*FULL, *restarted))
    assert between["cartwheel_workers"] == 0
    assert between["cartwheel_restarts_total"] == 1
    assert between["cartwheel_events_read_total"] == 9
    assert between["cartwheel_cache_hits_total"] == 9
    assert between["cartwheel_segment_members segment=lapsed"] == 3
    assert "cartwheel_consumer_lag_records reader=0" not in between
    assert between["cartwheel_model_drift_total input= model=intent what=error"] == 1
    assert "cartwheel_model_auc model=intent window=all" not in between
    after = shown(reported(*FULL, *restarted, *FULL))
    assert after["cartwheel_events_read_total"] == 9
    assert after["cartwheel_ticks_total"] == 7
    assert after["cartwheel_model_pairs model=intent window=all"] == 90  # nothing is summed
    assert after["cartwheel_cache_hits_total"] == 18
    assert after["cartwheel_epochs_total"] == 4
    assert after["cartwheel_epoch_seconds_total"] == 5.0


STEPS = st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 3)), max_size=30)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_counters_never_go_down_whatever_fails_when(steps: list[tuple[bool, int, int]]) -> None:
    observed = Observed()
    observed.report(WorkersStarted(1))
    ticks = epochs = 0
    before: Found = {}
    for fails, more, epochs_more in steps:
        if fails:
            observed.report(WorkersGone())
            observed.report(Restart("killed"))
            observed.report(WorkersStarted(1))
            epochs = 0
        ticks, epochs = ticks + more, epochs + epochs_more
        observed.report(CountReport({"read": ticks}, {"late": ticks}))
        observed.report(SinkReport(ticks, epochs, float(epochs)))
        now = shown(observed)
        for name, value in before.items():
            assert "_total" not in name or now[name] >= value, name
        before = now


def test_any_name_of_a_trigger_is_shown_as_it_is() -> None:
    name = 'a "b" \\ c\nd'
    counts = {f"sent {name}": 4, f"suppressed limit {name}": 3}
    observed = reported(WorkersStarted(1), CountReport(counts, {}))
    observed.report(SinkReport(0, 0, 0.0))
    found = shown(observed)
    assert found[f"cartwheel_triggers_sent_total trigger={name}"] == 4
    labels = f"outcome=suppressed reason=limit trigger={name}"
    assert found[f"cartwheel_decisions_total {labels}"] == 3


def test_a_segment_that_the_config_no_longer_has_goes_on_being_shown() -> None:
    removed = {"segment.entered removed": 4, "segment.left removed": 4}
    observed = reported(WorkersStarted(1), CountReport(removed, {}), SinkReport(0, 0, 0.0))
    found = shown(observed)
    assert found["cartwheel_segments_left_total segment=removed"] == 4
    assert found["cartwheel_segment_members segment=removed"] == 0


def test_the_log_tells_of_an_epoch_by_trigger_and_segment_and_leaves_out_the_rest() -> None:
    stream = StringIO()
    log = RunLog(stream, clock=lambda: 50.0)
    before = {"read": 5, "segment.entered lapsed": 7, "segment.left lapsed": 1, "sent mail": 2}
    after = {"read": 6, "segment.entered lapsed": 9, "segment.left lapsed": 1, "sent mail": 2}
    log.report(CountReport(before, {}))
    log.report(SinkReport(1, 0, 0.0))
    log.report(CountReport(after | {"segment.left new": 1, "sent push": 3}, {}))
    log.report(SinkReport(2, 1, 1.5))
    (line,) = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert (line["event"], line["read"], line["seconds"]) == ("epoch", 1, 1.5)
    assert line["sent"] == {"push": 3}
    assert line["entered"] == {"lapsed": 2}
    assert line["left"] == {"new": 1}


def test_a_model_that_has_grown_large_is_told_and_again_when_it_has_doubled() -> None:
    stream = StringIO()
    log = RunLog(stream)
    sizes = [LARGE_BYTES - 1, LARGE_BYTES, LARGE_BYTES + 5, 2 * LARGE_BYTES - 1, 2 * LARGE_BYTES]
    for size in sizes:
        log.report(QualityReport("tree", size, {}, {}))
    log.report(QualityReport("other", LARGE_BYTES * 3, {}, {}))
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert {(line["level"], line["event"]) for line in lines} == {("warning", "a model is large")}
    told = [(line["model"], line["bytes"]) for line in lines]
    assert told == [
        *(("tree", LARGE_BYTES), ("tree", 2 * LARGE_BYTES)),
        ("other", 3 * LARGE_BYTES),
    ]


NAMES = st.dictionaries(st.text(max_size=300), st.integers(0, 2**62), max_size=60)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(NAMES, NAMES)
def test_many_counts_come_through_the_pipe_whole(
    counts: dict[str, int], written: dict[str, int]
) -> None:
    listener, reporter = Listener(), Reporter()
    reporter._pipe = listener.workers_end
    found_counts: dict[str, int] = {}
    found_written: dict[str, int] = {}
    for report in CountReport.of(counts, written):
        reporter.report(report)
        for heard in listener.reports():
            assert isinstance(heard, CountReport)
            found_counts |= heard.counts
            found_written |= heard.written
    listener.close_workers_end()
    listener.close()
    assert (found_counts, found_written) == (counts, written)


def test_a_worker_never_waits_for_a_supervisor_that_does_not_listen() -> None:
    listener, reporter = Listener(), Reporter()
    reporter._pipe = listener.workers_end
    report = SinkReport(1, 1, 1.0)
    for _ in range(10_000):
        reporter.report(report)
    heard = listener.reports()
    assert 0 < len(heard) < 10_000
    reporter.report(report)
    assert listener.reports() == [report]
    listener.close_workers_end()
    listener.close()


def collected() -> set[tuple[str, str, tuple[str, ...]]]:
    """Give name, type and labels of all metrics, as a scrape shows them."""
    registry = CollectorRegistry()
    registry.register(RunCollector(reported(*FULL).view, lambda view: view.workers > 0))
    return {
        (sample.name, family.type, tuple(sample.labels))
        for family in text_string_to_metric_families(generate_latest(registry).decode())
        for sample in family.samples
    }


def test_a_scrape_shows_every_metric_under_its_own_name() -> None:
    declared = {(metric.name, metric.type, metric.labels) for metric in METRICS}
    assert collected() == declared | {(READY, "gauge", ())}
    for name, kind, _ in declared:
        assert (kind == "counter") == name.endswith("_total"), name


def test_the_page_tells_of_every_metric_and_of_no_other() -> None:
    row = re.compile(r"^\| `(cartwheel_\w+)` \| (\w+) \|([^|]*)\| [^|]{10,} \|$", re.MULTILINE)
    told = {
        (name, kind, tuple(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels in row.findall(PAGE.read_text())
    }
    assert told == collected()
    named = set(re.findall(r"cartwheel_\w+", PAGE.read_text()))
    assert named == {name for name, _, _ in told}


def test_the_page_tells_of_every_line_of_the_log() -> None:
    text = PAGE.read_text()
    for module in ("run", "run_log"):
        source = (PROJECT / "cartwheel" / f"{module}.py").read_text()
        events = re.findall(r"(?:self|log)\.(?:info|warning)\(\s*\"([^\"]+)\"", source)
        assert events
        for event in events:
            assert f"| `{event}` |" in text, event


def every(value: object, take: Callable[[str, object], None]) -> None:
    """Take every member of a JSON document."""
    if isinstance(value, dict):
        for name, member in value.items():
            take(name, member)
            every(member, take)
    elif isinstance(value, list):
        for member in value:
            every(member, take)


def test_the_dashboard_uses_metrics_and_labels_that_exist() -> None:
    labels_of = {name: set(labels) for name, _, labels in collected()}
    labels = {label for each in labels_of.values() for label in each}
    queries: list[str] = []
    legends: list[str] = []

    def take(name: str, value: object) -> None:
        (queries if name == "expr" else legends if name == "legendFormat" else []).append(
            str(value)
        )

    every(json.loads(Path(DASHBOARD).read_text()), take)
    assert len(queries) > 10
    for query in queries:
        used = re.findall(r"cartwheel_\w+", query)
        assert used, query
        for name in used:
            assert name in labels_of, query
        for by in re.findall(r"by \(([^)]*)\)", query):
            for label in by.split(", "):
                assert all(label in labels_of[name] for name in used), query
    for legend in legends:
        for label in re.findall(r"{{(\w+)}}", legend):
            assert label in labels, legend
    shown_metrics = set(re.findall(r"cartwheel_\w+", " ".join(queries)))
    assert len(shown_metrics) > 15
