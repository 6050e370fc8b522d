"""What the engine refuses, holds back and sends is the oracle's: one decision per customer."""

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine_checks import (
    SIZES,
    STOPPED,
    assert_engine_is_the_oracle,
    assert_stops_change_nothing,
)
from oracle import Rules
from oracle.drawn_triggers import rules
from oracle.shoppers import shoppers
from oracle.writing import MINUTE_MS, event_line

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
    assert_engine_is_the_oracle(raw, rules, sizes, shards=shards, close=close)


@settings(max_examples=100, deadline=None)
@given(
    inputs=st.lists(STREAMS, min_size=1, max_size=2),
    rules=rules(),
    **STOPPED,
)
def test_restarts_change_nothing_of_what_was_sent_or_is_held_back(**drawn: Any) -> None:
    assert_stops_change_nothing(**drawn)
