"""The profile step alone with drawn models: what it tells them, and what the oracle says."""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import cycle
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st

from config import Config
from connectors.rendering import render_line
from engine_checks import few_timers, job_of
from operators.models.parts import ModelMoment, ModelOutcome
from operators.plans import DecidePlan, ProfilePlan
from operators.signs import Row
from operators.ticks import ModelTick, ShardTick
from operators.times import AFTER_ALL, BEFORE_ALL
from oracle import Rules, drawn_segments
from oracle.models import Moment, Outcome, Told, Value, told_models
from oracle.specs import kind_of
from oracle.writing import MINUTE_MS, NOW_MS
from simulation import Simulation

CHOICES = st.sampled_from
FREE_INPUTS = [
    *("trait.plan", "trait.vip", "context.device", "context.hour", "context.weekday"),
    *("session.start", "session.duration", "session.events"),
]


class ProfileAlone(Simulation):
    """The profile step of every shard, and all that models are told."""

    def __init__(self, raw: Sequence[bytes], plan: ProfilePlan, **options: Any) -> None:
        self.told: dict[str, list[ModelTick]] = {}
        super().__init__(raw, plan, DecidePlan("shop", ()), **options)

    def _pass_on(self, ticks: list[ShardTick]) -> None:
        for tick, profile in zip(ticks, self.profiles, strict=True):
            result = profile.on_tick(tick)
            self.outcome.counts.update(result.counts)
            for kind, outputs in result.outputs.kinds.items():
                lines = [render_line("shop", each).text for each in outputs]
                self.outcome.lines.setdefault(kind, []).extend(lines)
            assert list(result.models) == [each.name for each in self.plans[0].models]
            for name, told in result.models.items():
                assert (told.name, told.shard, told.model) == (result.name, result.shard, name)
                assert told.watermark == result.watermark
                for moment, sign in zip(told.moments, told.signs, strict=True):
                    row = result.signs[sign]
                    assert isinstance(row, Row)
                    assert row.is_event
                    assert row[:3] == moment[:3]
                self.told.setdefault(name, []).append(told)


def profile_plan(rules: Rules) -> ProfilePlan:
    """Compile these rules for the profile step."""
    return job_of(Config.model_validate(rules.as_config())).profile


def alone(raw: Sequence[bytes], rules: Rules, **options: Any) -> ProfileAlone:
    """Make the profile step ready to run on these lines."""
    times = {"disorder_ms": rules.disorder_ms, "future_ms": rules.future_ms, "now_ms": NOW_MS}
    return ProfileAlone(raw, profile_plan(rules), **times, **options)


def told_by_engine(
    raw: Sequence[bytes], rules: Rules, sizes: Iterable[int] = (1,), **options: Any
) -> dict[str, Told]:
    """Run the profile step, with little in memory; return what it tells each model."""
    with few_timers(4):
        run = alone(raw, rules, cache=4, **options)
        run.run(cycle(sizes))
    return {name: as_told(ticks) for name, ticks in run.told.items()}


def as_told(ticks: Iterable[ModelTick]) -> Told:
    """Put together what a model is told, as the oracle has it: but for lives and messageIds."""
    told = Told()
    for tick in ticks:
        told.moments += map(_moment, tick.moments)
        told.outcomes += map(_outcome, tick.outcomes)
        assert all(each.time < tick.watermark or each.label is None for each in tick.outcomes)
    return told


def _moment(one: ModelMoment) -> Moment:
    watermark = -math.inf if one.watermark == BEFORE_ALL else one.watermark
    about = one.customer, 0, one.time, watermark, one.number, tuple(one.values), "", 0
    return Moment(*about, one.is_candidate, one.instead)


def _outcome(one: ModelOutcome) -> Outcome:
    assert one.time < AFTER_ALL
    return Outcome(one.customer, one.number, one.time, tuple(one.values), one.label)


def written(told: Told) -> tuple[list[str], list[str]]:
    """Write moments and outcomes in a form that tells 1.0 from True, without their order.

    Rates and what decays are equal but for their last digits, which the oracle adds up otherwise.
    """
    moments = [
        each._replace(life=0, message_id="", arrival=0, values=_rounded(each.values))
        for each in told.moments
    ]
    outcomes = [each._replace(life=0, values=_rounded(each.values)) for each in told.outcomes]
    return sorted(map(json.dumps, moments)), sorted(map(json.dumps, outcomes))


def _rounded(values: tuple[Value, ...]) -> tuple[Value, ...]:
    return tuple(float(f"{each:.9g}") if isinstance(each, float) else each for each in values)


def assert_told_as_the_oracle_says(
    raw: Sequence[bytes], rules: Rules, sizes: Sequence[int], *, close: bool, shards: int = 4
) -> dict[str, Told]:
    """Run both, and check every moment and every outcome."""
    found = told_by_engine(raw, rules, sizes, close=close, shards=shards)
    expected = told_models(raw, rules, now_ms=NOW_MS, close=close)
    assert found.keys() == expected.keys()
    for name, told in expected.items():
        assert written(found[name]) == written(told)
    return expected


@contextmanager
def at_most_waiting(most: int) -> Iterator[None]:
    """Let no more moments of a customer wait than this."""
    with (
        patch("operators.models.moments.WAITING_MOST", most),
        patch("oracle.models.MOST_WAITING", most),
    ):
        yield


@st.composite
def models(draw: st.DrawFn, names: Sequence[str]) -> dict[str, Any]:
    """Draw a model over these inputs."""
    event = draw(CHOICES(drawn_segments.NAMES))
    within = draw(CHOICES(["session", "session", "1m", "10m", "1h", "1h", "26h"]))
    predicts: Any = event
    form = draw(CHOICES(["event", "event", "event", "absence", "sum", "sum"]))
    if form == "absence" and within != "session":
        predicts = f"no {event}"
    if form == "sum":
        fields = ["properties.price", "properties.price", "properties.category"]
        predicts = {"sum": draw(CHOICES(fields)), "of": event}
    inputs = draw(st.lists(CHOICES([*names, *FREE_INPUTS]), min_size=1, max_size=4, unique=True))
    at = draw(st.lists(CHOICES(drawn_segments.NAMES), max_size=2, unique=True))
    return {
        "kind": "logistic_regression",
        "predicts": predicts,
        "within": within,
        "from": inputs,
        **({"at": at} if at else {}),
    }


@st.composite
def with_models(draw: st.DrawFn, given: st.SearchStrategy[Rules], *, most: int = 2) -> Rules:
    """Draw models over what rules keep; nothing else looks at it."""
    rules = draw(given)
    names = [name for name, spec in rules.features.items() if kind_of(spec)[0] != "recent"]
    names += [f"session.{name}" for name in rules.collect]
    drawn = draw(st.lists(models(names), min_size=1, max_size=most))
    return replace(
        rules,
        segments={},
        triggers={},
        models=dict(zip(["m", "n", "o"], drawn, strict=False)),
    )


def shop(**model: Any) -> Rules:
    """Make rules with one model, by hand."""
    given = {"kind": "logistic_regression", "predicts": "Order Completed", "within": "session"}
    return Rules(
        gap_ms=30 * MINUTE_MS,
        disorder_ms=0,
        features={"views": {"count": "Product Viewed"}},
        models={"m": {**given, "from": ["views"], **model}},
    )
