"""S1 and S2 by hand: where sessions begin and end, and what they collect."""

import math
from typing import Any

import pytest

from oracle.input import Event
from oracle.sessions import Session, millionths, sessions_of

GAP = 100


def event(time: int, arrival: int = 0, name: str = "page", **properties: Any) -> Event:
    return Event("u1", time, name, None, arrival, {"properties": properties})


def sessions(*events: Event, watermark: float = math.inf, **collect: Any) -> list[Session]:
    return sessions_of(events, collect, gap_ms=GAP, watermark=watermark)


def collected(*events: Event, **collect: Any) -> dict[str, Any]:
    [session] = sessions(*events, **collect)
    return session.collected


def prices(kind: str, *values: Any) -> Any:
    events = [event(time, price=value) for time, value in enumerate(values)]
    return collected(*(events or [event(0)]), x={kind: "properties.price"})["x"]


def test_events_exactly_the_gap_apart_join() -> None:
    assert [(s.start, s.end, s.events) for s in sessions(event(0), event(100), event(201))] == [
        (0, 100, 2),
        (201, 201, 1),
    ]


def test_s1_a_sessions_time_is_its_last_event_and_the_gap() -> None:
    assert [session.time for session in sessions(event(0), event(30))] == [130]


def test_a_session_closes_once_the_watermark_is_past_its_time() -> None:
    assert sessions(event(0), watermark=100) == []
    assert len(sessions(event(0), watermark=101)) == 1


def test_s1_of_no_values_count_and_sum_are_zero_and_the_others_null() -> None:
    kinds = ["sum", "min", "max", "first", "last"]
    spec: dict[str, Any] = {kind: {kind: "properties.price"} for kind in kinds}
    spec |= {"count": {"count": "Seen"}, "distinct": {"distinct": "properties.price"}}
    assert collected(event(0, price=None), **spec) == {
        "count": 0,
        "sum": 0,
        "distinct": 0,
        "min": None,
        "max": None,
        "first": None,
        "last": None,
    }


def test_s1_of_says_which_events_count_and_may_be_left_out() -> None:
    events = event(0, name="A", price=1), event(1, name="B", price=2)
    total = {"sum": "properties.price"}
    assert collected(*events, x=total | {"of": "B"}, y=total) == {"x": 2, "y": 3}


def test_s1_first_and_last_go_by_arrival_at_equal_times() -> None:
    events = event(0, 4, price="a"), event(0, 5, price="b"), event(9, 1, price="c")
    assert collected(*events, x={"first": "properties.price"}) == {"x": "a"}
    assert collected(*events[:2], x={"last": "properties.price"}) == {"x": "b"}


def test_a_missing_value_is_neither_first_nor_last() -> None:
    assert prices("first", None, "a", "b", None) == "a"
    assert prices("last", None, "a", "b", None) == "b"


def test_s2_distinct_tells_true_from_one_but_not_one_from_one() -> None:
    assert prices("distinct", 1, 1.0, True, "1", "1", None) == 3


def test_s2_distinct_above_its_bound_is_marked_as_inexact() -> None:
    many = [event(0, price=number) for number in range(65)]
    spec = {"distinct": "properties.price"}
    assert collected(*many[:64], x=spec) == {"x": 64}
    assert collected(*many, x=spec)["x_exact"] is False


def test_least_and_greatest() -> None:
    assert prices("min", 3, -1.5, 2) == -1.5
    assert prices("max", 3, -1.5, 2) == 3


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (19.99, 19_990_000),
        (0.1, 100_000),
        (5e-7, 0),
        (15e-7, 2),
        (25e-7, 2),
        (-15e-7, -2),
        (1e300, 10**306),
        (3, 3_000_000),
    ],
)
def test_numbers_are_rounded_half_to_even_at_six_decimals(number: float, expected: int) -> None:
    assert millionths(number) == expected


def test_sums_are_exact_in_any_order() -> None:
    assert prices("sum", 0.1, 0.2) == 0.3
    assert prices("sum", 1e15, 0.1, -1e15) == 0.1
