"""What the profile step tells models is what the oracle says: moments, and what came of them."""

from itertools import cycle
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from moments_checks import (
    ProfileAlone,
    alone,
    assert_told_as_the_oracle_says,
    at_most_waiting,
    with_models,
)

from engine_checks import SIZES, STOPPED, few_timers, turns, with_stops
from oracle import Rules, drawn_segments, streams
from oracle.drawn_late import with_grace
from oracle.visits import visits
from oracle.writing import renamed

RULES = with_models(drawn_segments.rules())
LATE = with_models(with_grace(drawn_segments.rules()))


@settings(max_examples=150, deadline=None)
@given(
    raw=st.one_of(visits(), visits(backwards=True), streams.busy(30)),
    rules=RULES,
    sizes=SIZES,
    shards=st.integers(1, 4),
    close=st.booleans(),
    most=st.sampled_from([1, 2, 20]),
)
def test_moments_and_outcomes_are_the_oracles(
    *, raw: list[bytes], rules: Rules, sizes: list[int], shards: int, close: bool, most: int
) -> None:
    with at_most_waiting(most):
        assert_told_as_the_oracle_says(raw, rules, sizes, close=close, shards=shards)


@settings(max_examples=150, deadline=None)
@given(
    raw=st.one_of(visits(late=True), visits(late=True, customers=("u1",))),
    rules=LATE,
    sizes=SIZES,
    shards=st.sampled_from([1, 3]),
    close=st.booleans(),
    most=st.sampled_from([1, 2, 20]),
)
def test_moments_and_outcomes_are_the_oracles_where_late_events_are_applied(
    *, raw: list[bytes], rules: Rules, sizes: list[int], shards: int, close: bool, most: int
) -> None:
    with at_most_waiting(most):
        assert_told_as_the_oracle_says(raw, rules, sizes, close=close, shards=shards)


@settings(max_examples=60, deadline=None)
@given(
    inputs=st.lists(st.one_of(visits(late=True), streams.busy(20)), min_size=1, max_size=2),
    rules=LATE,
    **STOPPED,
)
def test_a_run_that_stops_tells_models_the_same_and_keeps_the_same(
    *,
    inputs: list[list[bytes]],
    rules: Rules,
    sizes: list[int],
    order: list[int],
    stops: list[bool],
    shards: int,
    records: int,
    timers: int,
    close: bool,
) -> None:
    first, *others = [renamed(lines, f"{n}-") for n, lines in enumerate(inputs)]
    options: dict[str, Any] = {"more": others, "shards": shards, "cache": records, "close": close}
    order = [reader % len(inputs) for reader in order]
    with few_timers(timers):
        never = alone(first, rules, **options)
        never.run(cycle(sizes), turns(never, order))
        again = with_stops(alone(first, rules, **options), sizes, stops, order)
    assert isinstance(again, ProfileAlone)
    assert again.told == never.told
    assert again.snapshot() == never.snapshot()
