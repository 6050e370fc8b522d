"""The periods that the charts of `cartwheel diff` count messages by."""

from hypothesis import example, given
from hypothesis import strategies as st

from cartwheel.diff_periods import cut
from operators.times import EventTime, format_time, parse_time

TIMES = st.integers(parse_time("1000-01-01T00:00:00Z"), parse_time("8999-12-31T23:59:59Z"))


@given(TIMES, TIMES, TIMES)
@example(0, 0, 0)
@example(0, 2 * 86_400_000, 86_400_000)
def test_every_time_is_in_one_of_few_periods(one: int, other: int, third: int) -> None:
    first, middle, last = (format_time(EventTime(time)) for time in sorted((one, other, third)))
    times = cut(first, last)
    periods = times.told()
    assert 1 <= len(periods.starts) == times.count <= 62
    assert times.number(first) == 0
    assert times.number(last) == times.count - 1
    start = periods.starts[times.number(middle)]
    assert start <= middle
    assert all(each > middle for each in periods.starts[times.number(middle) + 1 :])


def test_periods_are_hours_days_or_weeks_from_monday() -> None:
    day = cut("2026-01-01T10:20:00.000Z", "2026-01-01T12:00:00.000Z").told()
    assert (day.length, day.starts[0]) == ("hour", "2026-01-01T10:00")
    month = cut("2026-01-01T10:00:00.000Z", "2026-01-31T12:00:00.000Z").told()
    assert (month.length, month.starts[:2]) == ("day", ["2026-01-01", "2026-01-02"])
    year = cut("2026-01-01T10:00:00.000Z", "2026-12-31T12:00:00.000Z").told()
    assert (year.length, year.starts[:2]) == ("week", ["2025-12-29", "2026-01-05"])
