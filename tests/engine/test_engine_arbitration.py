"""What the engine refuses, holds back and sends is the oracle's: one decision per customer."""

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine_checks import (
    SIZES,
    STOPS,
    assert_as_expected,
    assert_stops_change_nothing,
    engine,
    few_timers,
)
from oracle import Rules, run
from oracle.drawn_triggers import rules
from oracle.shoppers import shoppers
from oracle.writing import MINUTE_MS, NOW_MS, event_line

STREAMS = st.one_of(shoppers(), shoppers(12, backwards=True))


@settings(max_examples=400, deadline=None)
@given(
    raw=STREAMS,
    rules=rules(),
    sizes=SIZES,
    shards=st.sampled_from([1, 3]),
    close=st.booleans(),
)
@example(  # several without a wait that one event starts
    raw=[event_line(0, "page", "m1")],
    rules=Rules(
        triggers={"a": {"on": "page"}, "b": {"on": "page", "priority": 1}},
        limits=[{"at_most": 1, "per": "1m"}],
    ),
    sizes=[1],
    shards=1,
    close=False,
)
@example(  # one without a wait that a change of a membership starts, before one with more priority
    raw=[event_line(0, "page", "m1")],
    rules=Rules(
        features={"views": {"count": "page"}},
        segments={"reader": "views > 0"},
        triggers={"a": {"on": {"enter": "reader"}}, "b": {"on": "page", "priority": 1}},
        limits=[{"at_most": 1, "per": "1m"}],
    ),
    sizes=[1],
    shards=1,
    close=False,
)
@example(  # messages of one tick in which the watermark goes far beyond the limit's period
    raw=[event_line(0, "page", "m1"), event_line(1000, "page", "m2", customer="u2")],
    rules=Rules(
        triggers={
            name: {"on": "page", "after_ms": n * MINUTE_MS} for n, name in enumerate("abc", 1)
        },
        limits=[{"at_most": 2, "per": "10m"}],
    ),
    sizes=[1],
    shards=1,
    close=False,
)
def test_limits_quiet_hours_priorities_and_the_holdout_are_the_oracles(
    *, raw: list[bytes], rules: Rules, sizes: list[int], shards: int, close: bool
) -> None:
    with few_timers(4):
        outcome = engine(raw, rules, sizes, shards=shards, close=close, cache=4)
    assert_as_expected(outcome, run(raw, rules, now_ms=NOW_MS, close=close), rules)


@settings(max_examples=100, deadline=None)
@given(
    inputs=st.lists(STREAMS, min_size=1, max_size=2),
    rules=rules(),
    sizes=SIZES,
    order=st.lists(st.integers(0, 1), max_size=6),
    stops=STOPS,
    shards=st.sampled_from([1, 3]),
    records=st.integers(1, 4),
    timers=st.integers(2, 5),
    close=st.booleans(),
)
def test_restarts_change_nothing_of_what_was_sent_or_is_held_back(**drawn: Any) -> None:
    assert_stops_change_nothing(**drawn)
