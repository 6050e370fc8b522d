"""The definition of features against values worked out by hand."""

from datetime import datetime
from typing import Any

import pytest

from oracle.features import Arrival, Spec, feature_value, period

HOUR = 3_600_000
DAY = 24 * HOUR


def arrived(*dated: tuple[int, Any]) -> list[Arrival]:
    """Return events in order of arrival; the clock is the latest time so far."""
    clocks = [max(time for time, _ in dated[: n + 1]) for n in range(len(dated))]
    return [Arrival(time, clock, value) for (time, value), clock in zip(dated, clocks, strict=True)]


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("count", 4),
        ("sum", 6.75),
        ("mean", 1.6875),
        ("min", 0.25),
        ("max", 4),
        ("first", 4),
        ("last", 2),
        ("time", 9),
        ("distinct", 4),
        ("recent", [0.25, 0.5, 2]),
    ],
)
def test_each_kind_of_four_values(kind: str, expected: Any) -> None:
    history = arrived((3, 4.0), (5, 0.25), (9, 0.5), (9, 2.0))
    assert feature_value(Spec(kind, "all", at_most=3), history, 9) == expected


def test_a_late_arrival_is_neither_last_nor_first_unless_its_time_is() -> None:
    history = arrived((3, "a"), (9, "b"), (5, "c"))
    assert feature_value(Spec("last", "all"), history, 9) == "b"
    assert feature_value(Spec("first", "all"), history, 9) == "a"
    assert feature_value(Spec("recent", "all"), history, 9) == ["a", "c", "b"]


@pytest.mark.parametrize(("now", "expected"), [(14, 1), (30, 1), (39, 1), (40, 0), (99, 0)])
def test_a_sliding_window_lets_go_by_the_pane(now: int, expected: int) -> None:
    spec = Spec("count", "sliding", size=20, pane=10)
    assert feature_value(spec, arrived((14, None)), now) == expected


def test_what_comes_with_or_before_the_reset_does_not_count() -> None:
    history = [
        Arrival(1, 1),
        Arrival(5, 5, resets=True),
        Arrival(5, 5),
        Arrival(4, 5),
        Arrival(6, 6),
    ]
    spec = Spec("count", "since")
    assert [feature_value(spec, history[:n], 6) for n in range(6)] == [0, 1, 0, 0, 0, 1]


def test_a_half_life_halves_and_a_rate_is_by_the_day() -> None:
    history = arrived((0, 8.0), (HOUR, 1.0))
    assert feature_value(Spec("sum", "decay", size=HOUR), history, HOUR) == 5
    assert feature_value(Spec("count", "decay", size=HOUR), history, 2 * HOUR) == 0.75
    assert feature_value(Spec("rate", "all"), history, HOUR) == 2
    assert feature_value(Spec("rate", "all"), history, 5 * DAY, first_seen=DAY) == 0.5


def test_a_day_ends_at_the_customers_midnight() -> None:
    spec = Spec("count", "tumbling", period="day")
    time = ms("2026-03-10T23:30:00+00:00")
    berlin = [Arrival(time, time, zone="Europe/Berlin")]
    assert feature_value(spec, berlin, ms("2026-03-11T22:59:59+00:00")) == 1
    assert feature_value(spec, berlin, ms("2026-03-11T23:00:00+00:00")) == 0
    utc = Spec("count", "tumbling", period="day", zone="utc")
    assert feature_value(utc, berlin, ms("2026-03-11T00:00:00+00:00")) == 0


def test_periods_by_hand() -> None:
    time = ms("2026-03-29T12:00:00+00:00")
    assert period("day", "Europe/Berlin", time) == (
        ms("2026-03-28T23:00:00+00:00"),
        ms("2026-03-29T22:00:00+00:00"),
    )
    assert period("week", "UTC", time) == (
        ms("2026-03-23T00:00:00+00:00"),
        ms("2026-03-30T00:00:00+00:00"),
    )
    assert period("hour", "Asia/Kolkata", time) == (time - HOUR // 2, time + HOUR // 2)


def test_of_nothing_some_are_zero_and_the_others_missing() -> None:
    zero = {
        kind
        for kind in ("count", "sum", "distinct")
        if feature_value(Spec(kind, "all"), [], 9) == 0
    }
    assert zero == {"count", "sum", "distinct"}
    assert feature_value(Spec("mean", "all"), [], 9) is None
