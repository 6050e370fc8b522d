"""Profile, models, gather and decide together: records, rows, segments and triggers on scores."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import cycle
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from model_simulation import WithModels
from moments_checks import shop, with_models
from rate_learner import RateLearner

from engine_checks import SIZES, STOPS, few_timers, records, turns, with_stops
from operators.models.parts import Value
from operators.times import parse_time
from oracle import Rules, drawn_segments
from oracle.drawn_late import with_grace
from oracle.models import Moment, score_records, scores_of, told_models
from oracle.records import canonical
from oracle.visits import visits
from oracle.writing import MINUTE_MS, NOW_MS, event_line, renamed, stamp
from simulation import Simulation

MODELS = with_models(drawn_segments.rules())
LATE = with_models(with_grace(drawn_segments.rules()))


class OneByOne:
    """The same model, asked for one row at a time."""

    def __init__(self) -> None:
        self.learner = RateLearner()

    def predict(self, values: Sequence[Value]) -> float:
        return self.learner.predict([values])[0]

    def learn(self, values: Sequence[Value], label: float) -> None:
        self.learner.learn(values, label)


def expected_scores(
    raw: Sequence[bytes], rules: Rules, *, close: bool
) -> dict[str, list[tuple[Moment, float]]]:
    told = told_models(raw, rules, now_ms=NOW_MS, close=close)
    return {name: scores_of(each, MINUTE_MS, OneByOne) for name, each in told.items()}


def without_ids(run: Simulation) -> list[str]:
    return sorted(
        canonical([each["type"], each["subject"], each["time"], each["data"]])
        for each in records(run.outcome, "scores")
    )


@settings(max_examples=80, deadline=None)
@given(
    raw=st.one_of(visits(), visits(backwards=True), visits(late=True)),
    rules=st.one_of(MODELS, LATE),
    sizes=SIZES,
    shards=st.integers(1, 4),
    close=st.booleans(),
)
def test_score_records_are_the_oracles_for_any_ticks_and_shards(
    *, raw: list[bytes], rules: Rules, sizes: list[int], shards: int, close: bool
) -> None:
    with few_timers(4):
        run = WithModels(raw, rules, shards=shards, close=close, cache=4)
        run.run(cycle(sizes))
    expected: list[str] = []
    counts = Counter[str]()
    versions = {each.name: each.version for each in run.plans[1].models}
    for name, scores in expected_scores(raw, rules, close=close).items():
        expected += score_records(name, versions[name], rules.models[name], scores)
        counts[f"scores {name}"] = len(scores)
    assert without_ids(run) == sorted(expected)
    assert {name: run.outcome.counts[name] for name in counts} == counts


@settings(max_examples=40, deadline=None)
@given(
    raw=st.one_of(visits(), visits(backwards=True)),
    rules=MODELS,
    sizes=SIZES,
    close=st.booleans(),
)
def test_a_segment_on_a_score_changes_at_the_moments_time_by_the_records_value(
    *, raw: list[bytes], rules: Rules, sizes: list[int], close: bool
) -> None:
    rules = replace(rules, retention_ms=None)
    segments = {f"s{name}": f"score.{name} > 0.5" for name in rules.models}
    run = WithModels(raw, replace(rules, segments=segments), close=close, cache=4)
    run.run(cycle(sizes))
    expected = []
    for name, scores in expected_scores(raw, rules, close=close).items():
        changes = Counter[str]()
        for moment, score in sorted(scores, key=lambda each: each[0].number):
            if (score > 0.5) is not bool(changes[moment.customer] % 2):
                changes[moment.customer] += 1
                kind = "entered" if changes[moment.customer] % 2 else "left"
                expected.append((moment.customer, f"s{name}", kind, moment.time))
    found = [
        (each["subject"], each["data"]["segment"], each["type"].rpartition(".")[2], each["time"])
        for each in records(run.outcome, "segments")
    ]
    assert sorted(found) == sorted((*one[:3], _text(one[3])) for one in expected)


def _text(time: int) -> str:
    return stamp(time - time % 1000).removesuffix("Z") + f".{time % 1000:03d}Z"


@settings(max_examples=40, deadline=None)
@given(
    inputs=st.lists(st.one_of(visits(), visits(late=True)), min_size=1, max_size=2),
    rules=st.one_of(MODELS, LATE),
    moves=st.sampled_from([None, 0.05, 0.3]),
    sizes=SIZES,
    order=st.lists(st.integers(0, 1), max_size=6),
    stops=STOPS,
    shards=st.sampled_from([1, 3]),
)
def test_restarts_change_no_score_and_no_record_of_the_state(
    *,
    inputs: list[list[bytes]],
    rules: Rules,
    moves: float | None,
    sizes: list[int],
    order: list[int],
    stops: list[bool],
    shards: int,
) -> None:
    first, *others = [renamed(lines, f"{n}-") for n, lines in enumerate(inputs)]
    emit = {"emit": {"moves": moves}} if moves else {}
    rules = replace(rules, models={name: {**each, **emit} for name, each in rules.models.items()})
    order = [reader % len(inputs) for reader in order]
    never = WithModels(first, rules, more=others, shards=shards, cache=2)
    never.run(cycle(sizes), turns(never, order))
    again = WithModels(first, rules, more=others, shards=shards, cache=2)
    again = with_stops(again, sizes, stops, order)  # type: ignore[assignment]
    assert again.outcome.lines == never.outcome.lines
    assert again.outcome.counts == never.outcome.counts
    assert again.snapshot() == never.snapshot()
    assert again.at_rest == never.at_rest


def by_device(**model: Any) -> Rules:
    """Make rules with a model that sees no difference between these events."""
    return shop(**{"from": ["context.device"]}, **model)


def viewed(*minutes: float) -> list[bytes]:
    """Views of one customer, whose sessions all end without an order."""
    return [event_line(minute, "Product Viewed", f"m{n}") for n, minute in enumerate(minutes)]


@settings(max_examples=40, deadline=None)
@given(
    raw=st.one_of(visits(), visits(late=True)),
    rules=MODELS,
    moves=st.sampled_from([0.01, 0.05, 0.15, 0.3]),
    sizes=SIZES,
)
@example(  # scores 0.5, 0.5, 0.35, 0.245, …: the third has moved by 0.15, not by more
    raw=viewed(0, 60, 120, 180, 240, 300), rules=by_device(), moves=0.15, sizes=[1]
)
def test_only_scores_that_have_moved_are_written(
    *, raw: list[bytes], rules: Rules, moves: float, sizes: list[int]
) -> None:
    rules = replace(rules, retention_ms=None)
    [name, *_] = rules.models
    model = rules.models[name]
    moving = replace(rules, models={name: {**model, "emit": {"moves": moves}}})
    run = WithModels(raw, moving, cache=4)
    run.run(cycle(sizes))
    last: dict[str, Fraction] = {}
    expected = []
    for moment, score in sorted(
        expected_scores(raw, moving, close=False)[name], key=lambda each: each[0].number
    ):
        exact, before = Fraction(repr(score)), last.get(moment.customer)
        if before is None or abs(exact - before) > Fraction(str(moves)):
            last[moment.customer] = exact
            expected.append((moment.customer, _text(moment.time), score))
    found = [
        (each["subject"], each["time"], each["data"]["score"])
        for each in records(run.outcome, "scores")
    ]
    assert sorted(found) == sorted(expected)


def run_shop(raw: Sequence[bytes], rules: Rules, size: int = 1) -> WithModels:
    run = WithModels(raw, rules)
    run.run(cycle([size]))
    return run


def test_where_and_when_see_the_score_of_the_event_itself() -> None:
    rules = replace(
        by_device(),
        triggers={"unlikely": {"on": "Product Viewed", "where": "score.m < 0.5"}},
    )
    raw = viewed(0, 60, 120)
    run = run_shop(raw, rules)
    scores = [each["data"]["score"] for each in records(run.outcome, "scores")]
    assert scores == [0.5, 0.5, 0.35], (
        "the watermark passes a session's end with the next event but one"
    )
    sent = [each["time"] for each in records(run.outcome, "triggers")]
    assert sent == [each["time"] for each in records(run.outcome, "scores")[2:]]


def test_a_score_that_has_not_moved_is_seen_by_rules_all_the_same() -> None:
    rules = by_device(emit={"moves": 1})
    rules = replace(rules, segments={"unlikely": "score.m < 0.3"})
    run = run_shop(viewed(0, 60, 120, 180), rules)
    assert len(records(run.outcome, "scores")) == 1
    [entered] = records(run.outcome, "segments")
    assert entered["time"] == _text(_minute(180))


def _minute(minute: int) -> int:
    [line] = viewed(minute)
    return parse_time(json.loads(line)["timestamp"])


def test_a_shadow_models_scores_are_written_as_such() -> None:
    run = run_shop(viewed(0), by_device(shadow=True))
    [record] = records(run.outcome, "scores")
    assert record["data"]["shadow"] is True
    assert "score.m" not in run.plans[1].slot_names


@pytest.mark.parametrize("has_pending", [True, False])
def test_after_a_customer_was_forgotten_the_first_score_is_written_again(
    *, has_pending: bool
) -> None:
    slow = {"slow": {"on": "Product Viewed", "after_ms": 24 * 60 * MINUTE_MS}}
    rules = replace(
        by_device(emit={"moves": 1}),
        retention_ms=120 * MINUTE_MS,
        triggers=slow if has_pending else {},
    )
    other = event_line(300, "Product Viewed", customer="u2")
    raw = [*viewed(0, 30), other, *viewed(400, 430)]
    run = run_shop(raw, rules)
    written = [each["time"] for each in records(run.outcome, "scores") if each["subject"] == "u1"]
    assert written == [_text(_minute(minute)) for minute in (0, 400)]
    assert run_shop(raw, rules, size=10).outcome.sets() == run.outcome.sets()


def test_two_moments_at_one_time_without_ids_have_records_of_their_own() -> None:
    raw = [event_line(0, "Product Viewed"), event_line(0, "Product Viewed")]
    run = run_shop(raw, by_device())
    found = records(run.outcome, "scores")
    assert [each["data"]["cause"] for each in found] == [[], []]
