"""The engine's segments are the oracle's: who enters and leaves what, when, why."""

from typing import Any
from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine_checks import (
    SIZES,
    STOPPED,
    STOPS,
    assert_changes,
    assert_engine_is_the_oracle,
    assert_stops_change_nothing,
    few_timers,
    plans,
    simulation,
    with_stops,
)
from oracle import Rules, run
from oracle.drawn_segments import changes, rules
from oracle.visits import visits
from oracle.writing import HOUR_MS, NOW_MS, event_line


@settings(max_examples=300, deadline=None)
@given(
    raw=st.one_of(visits(), visits(12, backwards=True)),
    rules=rules(),
    sizes=SIZES,
    shards=st.sampled_from([1, 3, 4]),
    close=st.booleans(),
)
@example(  # forgotten before the clock is moved past everything
    raw=[event_line(0, "page", customer="u2"), event_line(61, "page")],
    rules=Rules(retention_ms=HOUR_MS, segments={"s": 'not (trait.plan == "gold")'}, disorder_ms=0),
    sizes=[1],
    shards=1,
    close=True,
)
@example(  # a limit that passes at the time of an event which has nothing to do with it
    raw=[event_line(0, "page"), event_line(10, "page")],
    rules=Rules(segments={"s": {"when": "trait.plan is missing", "for": "10m"}}),
    sizes=[1],
    shards=1,
    close=False,
)
@example(  # ... and two events at that time, of which the second takes back what has changed
    raw=[event_line(0, "page"), event_line(10, "page"), event_line(10, "Order Completed")],
    rules=Rules(
        features={"orders": {"count": "Order Completed"}},
        segments={"s": {"when": "orders == 0", "for": "10m"}},
    ),
    sizes=[1],
    shards=1,
    close=False,
)
@example(  # what conditions ask of an event besides its fields, beside two fields
    raw=[event_line(0, "page", price=1), event_line(0, "page", price=1, category="hats")],
    rules=Rules(
        features={
            "dearest": {"max": "properties.price", "where": 'event.name != "page"'},
        },
        segments={"s": "dearest is missing"},
    ),
    sizes=[1],
    shards=1,
    close=False,
)
@example(  # a window that would let go of a value after the customer is forgotten
    raw=[event_line(0, "page", customer="u2"), event_line(500, "page")],
    rules=Rules(
        retention_ms=HOUR_MS,
        features={"views": {"count": "page", "over": "1h"}},
        segments={"s": "views == 0"},
    ),
    sizes=[1],
    shards=1,
    close=False,
)
def test_memberships_are_the_oracles(
    *, raw: list[bytes], rules: Rules, sizes: list[int], shards: int, close: bool
) -> None:
    assert_engine_is_the_oracle(raw, rules, sizes, shards=shards, close=close)


@settings(max_examples=80, deadline=None)
@given(
    inputs=st.lists(st.one_of(visits(), visits(12, backwards=True)), min_size=1, max_size=2),
    rules=rules(),
    **STOPPED,
)
def test_restarts_change_no_membership_and_no_record(**drawn: Any) -> None:
    assert_stops_change_nothing(**drawn)


@settings(max_examples=150, deadline=None)
@given(
    raw=st.one_of(visits(), visits(12, backwards=True)).filter(bool),
    rules=changes(),
    cut=st.floats(0, 1, exclude_max=True),
    sizes=SIZES,
    stops=STOPS,
    reconciled=st.sampled_from([1, 20]),
    close=st.booleans(),
)
def test_after_a_change_of_rules_memberships_are_the_oracles(
    *,
    raw: list[bytes],
    rules: tuple[Rules, Rules],
    cut: float,
    sizes: list[int],
    stops: list[bool],
    reconciled: int,
    close: bool,
) -> None:
    before, after = rules
    at = int(cut * len(raw))
    with patch("operators.decide.RECONCILED_A_TICK", reconciled), few_timers(4):
        first = simulation(raw, before, cache=2, close=close, shards=2)
        first.step(at)
        second = first.restarted(*plans(after))
        again = with_stops(second, sizes, stops)
    expected = run(raw, before, now_ms=NOW_MS, close=close, then=(at, after))
    assert_changes(again.outcome, expected.changes)
