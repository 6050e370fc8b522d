"""Customers' time zones: local hours, days and weeks as periods of event time.

The rules come from the ``tzdata`` package alone, so that they are the same on every machine.
"""

from datetime import UTC as DATETIME_UTC
from datetime import datetime, timedelta, tzinfo
from functools import cache
from importlib.resources import files
from typing import NamedTuple
from zoneinfo import ZoneInfo

from operators.features.plan import PeriodName
from operators.times import EventTime

_EPOCH = datetime(1970, 1, 1, tzinfo=DATETIME_UTC)
_MILLISECOND = timedelta(milliseconds=1)
_HOUR_MS = 3_600_000
_LENGTHS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}


class Period(NamedTuple):
    """A stretch of time, with its start and without its end."""

    start: EventTime
    end: EventTime


class Local(NamedTuple):
    """What the clock and the calendar on the wall show.

    Attributes:
        hour: 0 to 23.
        weekday: 1 for Monday to 7 for Sunday.
        date: such as 2026-01-31.
    """

    hour: int
    weekday: int
    date: str


class Zone:
    """A time zone, whose clocks may be put forward and back.

    A local hour, day or week begins when the clock on the wall first shows its start or anything
    later, and ends when the next one begins. So an hour that the clocks show twice is one period
    of two hours, and one that they leave out is none.
    """

    def __init__(self, name: str, info: tzinfo) -> None:
        self.name = name
        self._info = info
        self._periods: dict[str, Period] = {}  # the last of each length: the next is mostly in it
        self._shown = Local(0, 4, "1970-01-01")
        self._shown_in = Period(EventTime(0), EventTime(0))

    def __reduce__(self) -> tuple[object, ...]:
        return zone_of, (self.name,)

    def period(self, name: PeriodName, time: EventTime) -> Period:
        """Return the local hour, day or week that a time lies in; weeks start on Monday."""
        period = self._periods.get(name)
        if period is None or not period[0] <= time < period[1]:
            period = self._periods[name] = self._find(name, time)
        return period

    def local(self, time: EventTime) -> Local:
        """Return what the clock and the calendar show at a time."""
        start, end = self._shown_in
        if start <= time < end:
            return self._shown
        wall = self._wall(time)
        shown = Local(wall.hour, wall.isoweekday(), wall.date().isoformat())
        hour = self.period("hour", time)
        if hour.end - hour.start <= _HOUR_MS:  # a longer one shows more than one hour
            self._shown, self._shown_in = shown, hour
        return shown

    def time_of_day(self, time: EventTime) -> int:
        """Return what the clock shows, in milliseconds since midnight."""
        wall = self._wall(time)
        return (wall - wall.replace(hour=0, minute=0, second=0, microsecond=0)) // _MILLISECOND

    def next_shift(self, after: EventTime, until: EventTime) -> EventTime:
        """Return when the clocks are next put forward or back, at the latest a given time.

        Args:
            after: the shift is later.
            until: less than a day later: so there is one shift at most.
        """
        offset, shifted = self._offset(after), until
        if self._offset(until) == offset:
            return until
        while shifted - after > 1:
            middle = EventTime((after + shifted) // 2)
            if self._offset(middle) == offset:
                after = middle
            else:
                shifted = middle
        return shifted

    def _offset(self, time: EventTime) -> timedelta:
        return self._wall(time) - (_EPOCH.replace(tzinfo=None) + time * _MILLISECOND)

    def _find(self, name: PeriodName, time: EventTime) -> Period:
        length = _LENGTHS[name]
        start = self._wall(time).replace(minute=0, second=0, microsecond=0, fold=0)
        if name != "hour":
            start = start.replace(hour=0)
        if name == "week":
            start -= timedelta(days=start.weekday())
        period = Period(self._begin(start), self._begin(start + length))
        while time >= period.end:  # the clocks were put back to before the period's start
            start += length
            period = Period(period.end, self._begin(start + length))
        return period

    def _wall(self, time: EventTime) -> datetime:
        """Return what the clock shows, without a zone."""
        moment = _EPOCH + time * _MILLISECOND
        return moment.astimezone(self._info).replace(tzinfo=None)

    def _begin(self, wall: datetime) -> EventTime:
        """Return when the clock first shows a time or, where that is left out, any later one."""
        early = _milliseconds(wall.replace(tzinfo=self._info))
        if self._wall(early) == wall.replace(fold=0):
            return early
        before, reached = _milliseconds(wall.replace(tzinfo=self._info, fold=1)) - 1, early
        while reached - before > 1:
            middle = (before + reached) // 2
            if self._wall(EventTime(middle)) >= wall:
                reached = EventTime(middle)
            else:
                before = middle
        return reached


def _milliseconds(moment: datetime) -> EventTime:
    return EventTime((moment.astimezone(DATETIME_UTC) - _EPOCH) // _MILLISECOND)


UTC = Zone("UTC", DATETIME_UTC)


def zone_of(name: object) -> Zone:
    """Return a zone by its IANA name, UTC where there is no such zone."""
    return _load(name) if isinstance(name, str) and name in _names() else UTC


@cache
def _names() -> frozenset[str]:
    names = files("tzdata").joinpath("zones").read_text(encoding="ascii").split()
    return frozenset(names) - {"UTC"}


@cache  # as many as there are names
def _load(name: str) -> Zone:
    with files("tzdata.zoneinfo").joinpath(*name.split("/")).open("rb") as file:
        return Zone(name, ZoneInfo.from_file(file, key=name))
