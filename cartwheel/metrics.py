"""The metrics of a run, for Prometheus: what each is called, and what it is made from.

Counts are those of the committed state, over all its runs: they survive restarts, and agree with
what ``cartwheel state info`` tells. Until they are known there are none, since a 0 would look as
if they had begun anew. docs/operating.md explains each of them.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cartwheel.model_metrics import FIGURES, Sample, figure, sizes
from cartwheel.observed import (
    ENDED,
    ENTERED,
    LEFT,
    RETRACTED,
    SENT,
    SUPPRESSED,
    SeenReader,
    View,
    by_name,
)
from flows.measures import STEPS
from operators.times import BEFORE_ALL

SCORED, FAILED, DRIFTED = "scores ", "model errors ", "model drift "
NOT_PERMITTED = "no_consent "
"""How the names of counts begin that are kept by model."""

"""The values of the labels, and the value."""


class Shown(NamedTuple):
    """One metric.

    Attributes:
        name: as it is seen.
        type: whether it only grows.
        labels: names of its labels.
        text: what it tells.
        samples: its values in a view.
    """

    name: str
    type: Literal["counter", "gauge"]
    labels: tuple[str, ...]
    text: str
    samples: Callable[[View], Iterable[Sample]]


def _counter(name: str, text: str, value: Callable[[View], float]) -> Shown:
    return Shown(name, "counter", (), text, lambda view: [((), value(view))])


def _counted(name: str, text: str, count: str) -> Shown:
    def samples(view: View) -> Iterator[Sample]:
        if view.ticks is not None:
            yield (), view.counts.get(count, 0)

    return Shown(name, "counter", (), text, samples)


def _counted_if_asked(name: str, text: str, count: str) -> Shown:
    """Show a count that is kept only where the config asks for consent."""

    def samples(view: View) -> Iterator[Sample]:
        if view.ticks is not None and count in view.counts:
            yield (), view.counts[count]

    return Shown(name, "counter", (), text, samples)


def _gauge(name: str, text: str, value: Callable[[View], float]) -> Shown:
    return Shown(name, "gauge", (), text, lambda view: [((), value(view))])


def _by_reader(name: str, text: str, value: Callable[[SeenReader], float | None]) -> Shown:
    def samples(view: View) -> Iterator[Sample]:
        for number, reader in sorted(view.readers.items()):
            found = value(reader)
            if found is not None:
                yield (str(number),), found

    return Shown(name, "gauge", ("reader",), text, samples)


def _counted_by(label: str, name: str, text: str, beginning: str) -> Shown:
    def samples(view: View) -> Iterator[Sample]:
        if view.ticks is not None:
            for each, count in by_name(view.counts, beginning).items():
                yield (each,), count

    return Shown(name, "counter", (label,), text, samples)


def _members(view: View) -> Iterator[Sample]:
    if view.ticks is not None:
        left = by_name(view.counts, LEFT)
        for name, entered in by_name(view.counts, ENTERED).items():
            yield (name,), entered - left.get(name, 0)


def _drifted(view: View) -> Iterator[Sample]:
    """Count changes; only those of an input have its name."""
    if view.ticks is not None:
        for about, count in by_name(view.counts, DRIFTED).items():
            model, what, *name = about.split(" ", 2)
            yield ("".join(name), model, what), count


def _decided(view: View) -> Iterator[Sample]:
    """Count how instances ended; only what was suppressed has a reason."""
    if view.ticks is not None:
        for outcome, beginning in ENDED.items():
            for name, count in by_name(view.counts, beginning).items():
                yield (outcome, "", name), count
        for reason_and_name, count in by_name(view.counts, SUPPRESSED).items():
            reason, _, name = reason_and_name.partition(" ")
            yield ("suppressed", reason, name), count


def _written(view: View) -> Iterator[Sample]:
    if view.ticks is not None:
        for kind, count in view.written.items():
            yield (kind,), count


def _ticks(view: View) -> Iterator[Sample]:
    if view.ticks is not None:
        yield (), view.ticks


def _tick_seconds(view: View) -> Iterator[Sample]:
    for step in STEPS:
        yield (step,), view.spent.seconds.get(step, 0.0)


def _sink_reachable(view: View) -> Iterator[Sample]:
    if view.sink is not None:
        yield (), view.sink.report.reachable


def _delay_s(reader: SeenReader) -> float | None:
    """Return how far a watermark is behind the clock; None before any event."""
    watermark_ms = reader.report.watermark_ms
    return None if watermark_ms == BEFORE_ALL else time.time() - watermark_ms / 1000


METRICS: Sequence[Shown] = (
    _counted("cartwheel_events_read_total", "Events read.", "read"),
    _counted("cartwheel_events_applied_total", "Events that changed a profile.", "applied"),
    _counted("cartwheel_events_duplicate_total", "Events that came before.", "duplicates"),
    _counted("cartwheel_events_late_total", "Events older than the watermark.", "late"),
    _counted("cartwheel_dead_letters_total", "Events that are none.", "dead_letters"),
    _counted_if_asked(
        "cartwheel_events_no_consent_total",
        "Events that were not applied for lack of consent.",
        "no_consent",
    ),
    _counted_if_asked(
        "cartwheel_events_consent_unreadable_total",
        "Events whose preferences could not be read.",
        "consent_unreadable",
    ),
    _counted_if_asked(
        "cartwheel_identity_merged_total",
        "Anonymous ids whose past became a customer's.",
        "merged",
    ),
    _counted_if_asked(
        "cartwheel_identity_refused_total",
        "Links that were refused, since they would make two customers one.",
        "refused_links",
    ),
    _counted_if_asked(
        "cartwheel_customers_forgotten_total",
        "Events that let their customer be forgotten.",
        "forgotten",
    ),
    _counted("cartwheel_customers_total", "Profiles that were begun.", "customers"),
    _counted("cartwheel_sessions_total", "Sessions that were closed.", "sessions"),
    _counted_by("trigger", "cartwheel_triggers_sent_total", "Messages sent.", SENT),
    _counted_by("trigger", "cartwheel_triggers_retracted_total", "Messages taken back.", RETRACTED),
    Shown(
        "cartwheel_decisions_total",
        "counter",
        ("outcome", "reason", "trigger"),
        "How instances ended.",
        _decided,
    ),
    _counted_by(
        "segment", "cartwheel_segments_entered_total", "How often customers entered.", ENTERED
    ),
    _counted_by("segment", "cartwheel_segments_left_total", "How often customers left.", LEFT),
    Shown("cartwheel_segment_members", "gauge", ("segment",), "Customers who are in it.", _members),
    _counted_by("model", "cartwheel_scores_total", "Scores written.", SCORED),
    _counted_by(
        "model",
        "cartwheel_model_errors_total",
        "Moments that could not be scored, and examples that could not be learned.",
        FAILED,
    ),
    Shown(
        "cartwheel_model_drift_total",
        "counter",
        ("input", "model", "what"),
        "Changes that were told of a model's error or of an input.",
        _drifted,
    ),
    *(
        Shown(f"cartwheel_model_{name}", "gauge", ("model", "window"), text, figure(key))
        for name, (key, text) in FIGURES.items()
    ),
    Shown("cartwheel_model_bytes", "gauge", ("model",), "Size of what a model has learned.", sizes),
    _counted_by(
        "model",
        "cartwheel_moments_no_consent_total",
        "Moments that were not scored for lack of consent.",
        NOT_PERMITTED,
    ),
    Shown("cartwheel_outputs_total", "counter", ("kind",), "Outputs of all kinds.", _written),
    Shown("cartwheel_ticks_total", "counter", (), "Ticks that all steps have seen.", _ticks),
    Shown(
        "cartwheel_tick_seconds_total",
        "counter",
        ("step",),
        "Seconds that the steps have spent on ticks, over all workers.",
        _tick_seconds,
    ),
    _counter(
        "cartwheel_epochs_total", "Epochs that were committed.", lambda view: view.spent.epochs
    ),
    _counter(
        "cartwheel_epoch_seconds_total",
        "Seconds that they took.",
        lambda view: view.spent.epoch_s,
    ),
    _counter(
        "cartwheel_checkpoints_total",
        "Versions of shards that were made.",
        lambda view: view.spent.checkpoints,
    ),
    _counter(
        "cartwheel_checkpoint_seconds_total",
        "Seconds that they took.",
        lambda view: view.spent.checkpoint_s,
    ),
    _counter(
        "cartwheel_checkpoint_written_bytes_total",
        "Bytes that they have added on disk.",
        lambda view: view.spent.checkpoint_bytes,
    ),
    _counter(
        "cartwheel_cache_hits_total",
        "Records that were found in memory.",
        lambda view: view.spent.cache_hits,
    ),
    _counter(
        "cartwheel_cache_misses_total",
        "Records that were looked up on disk.",
        lambda view: view.spent.cache_misses,
    ),
    _counter(
        "cartwheel_restarts_total",
        "How often workers were started again after a failure.",
        lambda view: view.restarts,
    ),
    _gauge("cartwheel_state_bytes", "Size of the shards.", lambda view: view.state_bytes),
    _gauge("cartwheel_workers", "Workers that run.", lambda view: view.workers),
    _by_reader(
        "cartwheel_watermark_delay_seconds", "How far the watermark is behind the clock.", _delay_s
    ),
    _by_reader(
        "cartwheel_consumer_lag_records",
        "Records that wait to be read.",
        lambda reader: reader.report.lag,
    ),
    _by_reader(
        "cartwheel_source_reachable",
        "Whether the source can be reached.",
        lambda reader: reader.report.reachable,
    ),
    Shown(
        "cartwheel_sink_reachable",
        "gauge",
        (),
        "Whether results can be written.",
        _sink_reachable,
    ),
)
"""All but ``cartwheel_ready``, which needs more than a view."""


READY = "cartwheel_ready"


class RunCollector(Collector):
    """Gives the metrics of a run whenever they are asked for.

    Args:
        view: tells what is known now.
        is_ready: judges it.
    """

    def __init__(self, view: Callable[[], View], is_ready: Callable[[View], bool]) -> None:
        self._view = view
        self._is_ready = is_ready

    def collect(self) -> Iterator[Metric]:
        """Give all metrics, of one moment."""
        view = self._view()
        for shown in METRICS:
            kind = CounterMetricFamily if shown.type == "counter" else GaugeMetricFamily
            family = kind(shown.name, shown.text, labels=shown.labels)
            for labels, value in shown.samples(view):
                family.add_metric(labels, value)
            yield family
        yield GaugeMetricFamily(READY, "Whether /ready says yes.", value=self._is_ready(view))
