"""Late events within grace: the engine's sessions, features and segments are the oracle's."""

from dataclasses import replace
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine_checks import (
    SIZES,
    STOPPED,
    assert_engine_is_the_oracle,
    assert_stops_change_nothing,
)
from oracle import Rules, drawn_segments, streams
from oracle.drawn_late import with_grace
from oracle.visits import visits
from oracle.writing import HOUR_MS, START_MS, event_line, stamp, write

SESSIONS = with_grace(streams.rules().map(lambda rules: replace(rules, triggers={})))
SEGMENTS = with_grace(drawn_segments.rules())


def from_zone(minute: int, zone: str) -> bytes:
    """Write an event that says where its customer is."""
    return write(
        {
            "userId": "u1",
            "type": "page",
            "timestamp": stamp(START_MS + minute * 60_000),
            "context": {"timezone": zone},
        }
    )


@settings(max_examples=300, deadline=None)
@given(
    raw=st.one_of(streams.lines(), visits(late=True), visits(late=True, customers=("u1",))),
    rules=SESSIONS,
    sizes=SIZES,
    shards=st.sampled_from([1, 3]),
    close=st.booleans(),
)
def test_sessions_that_late_events_join_are_the_oracles(
    *, raw: list[bytes], rules: Rules, sizes: list[int], shards: int, close: bool
) -> None:
    assert_engine_is_the_oracle(raw, rules, sizes, shards=shards, close=close)


@settings(max_examples=300, deadline=None)
@given(
    raw=visits(late=True),
    rules=SEGMENTS,
    sizes=SIZES,
    shards=st.sampled_from([1, 3]),
    close=st.booleans(),
)
@example(  # the latest event says where the customer is, also after a timer of later
    raw=[
        from_zone(0, "Asia/Tokyo"),
        event_line(120, "page", customer="u2"),
        from_zone(30, "America/New_York"),
    ],
    rules=Rules(
        features={"views": {"count": "page", "over": "1h"}},
        segments={"reader": "views > 1", "early": "context.hour < 12"},
        grace_ms=2 * HOUR_MS,
    ),
    sizes=[1],
    shards=1,
    close=False,
)
def test_memberships_that_late_events_change_are_the_oracles(
    *, raw: list[bytes], rules: Rules, sizes: list[int], shards: int, close: bool
) -> None:
    assert_engine_is_the_oracle(raw, rules, sizes, shards=shards, close=close)


@settings(max_examples=100, deadline=None)
@given(
    inputs=st.lists(st.one_of(visits(late=True), streams.busy(20)), min_size=1, max_size=2),
    rules=SEGMENTS,
    **STOPPED,
)
def test_restarts_change_nothing_that_late_events_change(**drawn: Any) -> None:
    assert_stops_change_nothing(**drawn)
