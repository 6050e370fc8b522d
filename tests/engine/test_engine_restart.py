"""Stopped after any tick and started again: the same outputs and records as never stopped."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine_checks import SIZES, STOPS, assert_stops_change_nothing
from oracle import streams


@settings(max_examples=100, deadline=None)
@given(
    inputs=st.lists(st.one_of(streams.busy(20), streams.crowds(2, 12)), min_size=1, max_size=3),
    rules=streams.rules(),
    sizes=SIZES,
    order=st.lists(st.integers(0, 2), max_size=6),
    stops=STOPS,
    shards=st.sampled_from([1, 3]),
    records=st.integers(1, 4),
    timers=st.integers(2, 5),
    close=st.booleans(),
)
def test_restarts_between_ticks_change_no_output_and_no_record(**drawn: Any) -> None:
    assert_stops_change_nothing(**drawn)
