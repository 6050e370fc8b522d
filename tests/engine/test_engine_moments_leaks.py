"""Nothing leaks: what comes after a moment changes neither its values nor its score."""

import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import cycle
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from moments_checks import alone, as_told, shop, with_models

from oracle import Rules, drawn_segments, run
from oracle.drawn_late import with_grace
from oracle.input import Event, value_at
from oracle.models import Moment, RateSoFar, Told, scores_of, target, total
from oracle.sessions import runs_of
from oracle.specs import milliseconds
from oracle.visits import visits
from oracle.writing import HOUR_MS, MINUTE_MS, NOW_MS, event_line

RULES = with_models(drawn_segments.rules(retention=False), most=1)
LATE = with_models(with_grace(drawn_segments.rules()), most=1)
MODEL = "m"
STEPS = st.sampled_from([1_000, 60_000, 3_600_000])


def swapped(lines: list[bytes]) -> list[bytes]:
    """Let everything happen that did not, and the other way round."""
    marked = [line.replace(b"Product Viewed", b"?") for line in lines]
    ordered = [line.replace(b"Order Completed", b"Product Viewed") for line in marked]
    return [
        line.replace(b"?", b"Order Completed").replace(b'"price":', b'"cost":') for line in ordered
    ]


def told_before(lines: list[bytes], rest: list[bytes], rules: Rules) -> tuple[list[Moment], Told]:
    """Run on all lines; return the moments among the first, and all that the model is told."""
    one = alone([*lines, *rest], rules, shards=2)
    for _ in lines:
        one.step(1)
    before = as_told(one.told[MODEL]).moments
    one.run(cycle([3]))
    return before, as_told(one.told[MODEL])


@settings(max_examples=80, deadline=None)
@given(
    raw=st.one_of(visits(30), visits(late=True)).filter(bool),
    other=visits(10, late=True),
    rules=st.one_of(RULES, LATE),
    cut=st.floats(0, 1),
    step_ms=STEPS,
)
@example(  # a late order, known when it comes: what is scored before cannot have learned from it
    raw=[
        event_line(0, "Product Viewed"),
        event_line(45, "page", customer="u2"),
        event_line(45, "Product Viewed", customer="u2"),
        event_line(35, "Order Completed"),
        event_line(300, "page", customer="u2"),
    ],
    other=[],
    rules=replace(shop(within="1h", at=["Product Viewed"]), grace_ms=2 * HOUR_MS),
    cut=0.6,
    step_ms=MINUTE_MS,
)
def test_what_comes_after_a_moment_changes_neither_its_values_nor_its_score(
    *, raw: list[bytes], other: list[bytes], rules: Rules, cut: float, step_ms: int
) -> None:
    at = max(1, int(cut * len(raw)))
    lines, rest = raw[:at], raw[at:]
    moments, told = told_before(lines, [], rules)
    scores = scores_of(told, step_ms, RateSoFar)
    assert sorted(moment for moment, _ in scores) == sorted(moments)
    for instead in (rest, swapped(rest), other):
        again, told = told_before(lines, instead, rules)
        assert again == moments
        assert [one for one in scores_of(told, step_ms, RateSoFar) if one[0] in moments] == scores


@settings(max_examples=100, deadline=None)
@given(raw=st.one_of(visits(30), visits(backwards=True)), rules=RULES, shards=st.integers(1, 3))
def test_labels_are_those_of_the_whole_history(
    *, raw: list[bytes], rules: Rules, shards: int
) -> None:
    spec = rules.models[MODEL]
    one = alone(raw, rules, shards=shards, close=True)
    one.run(cycle([7]))
    told = as_told(one.told[MODEL])
    applied = run(raw, rules, now_ms=NOW_MS).classified.applied
    moments = {(each.customer, each.number): each for each in told.moments}
    for customer in {event.customer for event in applied}:
        events = [event for event in applied if event.customer == customer]
        scored = [event for event in events if event.name in spec.get("at", [event.name])]
        assert len(scored) == sum(each.customer == customer for each in told.moments)
        sessions = runs_of(sorted(events, key=lambda event: event.time), gap_ms=rules.gap_ms)
        outcomes = [each for each in told.outcomes if each.customer == customer]
        learned = [each for each in outcomes if each.label is not None]
        sessions_of = [
            next(run for run in sessions if scored[each.number - 1] in run) for each in learned
        ]
        with_moments = [run for run in sessions if any(event in scored for event in run)]
        assert sorted(each[0].arrival for each in sessions_of) == sorted(
            each[0].arrival for each in with_moments
        )
        for outcome, session in zip(learned, sessions_of, strict=True):
            moment = moments[customer, outcome.number]
            assert outcome.values == moment.values
            within = session if spec["within"] == "session" else events
            assert outcome.label == label(spec, moment, within)
            assert outcome.time >= session[-1].time + rules.gap_ms


def label(spec: Mapping[str, Any], moment: Moment, events: list[Event]) -> float:
    """Say what came of a moment, of all that ever came."""
    name, is_absence, path = target(spec)
    within = spec["within"]
    until = math.inf if within == "session" else moment.time + milliseconds(within)
    came = [each for each in events if each.name == name and moment.time < each.time <= until]
    if path:
        return total(value_at(each.data, path) for each in came)
    return float(bool(came) != is_absence)
