"""Cuts the time that messages were sent in into periods, few enough for a chart."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cartwheel.diff_result import Periods
from operators.times import EventTime, format_time

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_WEEK_MS = 7 * _DAY_MS
_MONDAY_MS = 4 * _DAY_MS
"""The first Monday after 1970 began, from which weeks are counted."""

_PERIODS_MOST = 62
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DAY_DIGITS = len("2026-01-31")
_HOUR_DIGITS = len("2026-01-31T10:00")


@dataclass(frozen=True)
class Cut:
    """Periods of one length, one after the other, in UTC.

    Attributes:
        first: the number of the first one.
        count: how many there are.
        length_ms: of each.
        origin_ms: where number 0 begins.
    """

    first: int
    count: int
    length_ms: int
    origin_ms: int

    def number(self, time: str) -> int:
        """Return the place of the period that a record's time is in, from 0."""
        return (_milliseconds(time) - self.origin_ms) // self.length_ms - self.first

    def told(self) -> Periods:
        """Name the periods."""
        starts = [
            format_time(EventTime(self.origin_ms + (self.first + number) * self.length_ms))
            for number in range(self.count)
        ]
        digits = _HOUR_DIGITS if self.length_ms == _HOUR_MS else _DAY_DIGITS
        return Periods(self._name, [start[:digits] for start in starts])

    @property
    def _name(self) -> str:
        weeks = self.length_ms // _WEEK_MS
        if weeks > 1:
            return f"{weeks} weeks"
        return {_HOUR_MS: "hour", _DAY_MS: "day", _WEEK_MS: "week"}[self.length_ms]


NO_TIME = Cut(0, 0, _DAY_MS, 0)


def cut(first: str, last: str) -> Cut:
    """Choose hours, days, weeks or several weeks: the shortest of which few are enough.

    Args:
        first: the earliest time of a record.
        last: the latest one.
    """
    start_ms, end_ms = _milliseconds(first), _milliseconds(last)
    if end_ms - start_ms < 2 * _DAY_MS:
        return _cut(start_ms, end_ms, _HOUR_MS, 0)
    length_ms, origin_ms = _DAY_MS, 0
    while (found := _cut(start_ms, end_ms, length_ms, origin_ms)).count > _PERIODS_MOST:
        length_ms = _WEEK_MS if length_ms == _DAY_MS else 2 * length_ms
        origin_ms = _MONDAY_MS
    return found


def _cut(start_ms: int, end_ms: int, length_ms: int, origin_ms: int) -> Cut:
    start, end = ((time - origin_ms) // length_ms for time in (start_ms, end_ms))
    return Cut(start, end - start + 1, length_ms, origin_ms)


def _milliseconds(time: str) -> int:
    return (datetime.fromisoformat(time) - _EPOCH) // _MILLISECOND
