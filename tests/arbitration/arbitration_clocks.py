"""Local time, plainly: whether it is quiet is asked minute by minute, what day it is likewise.

Clocks are put forward and back by whole minutes, and quiet hours begin and end on them.
"""

from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from arbitration_rules import Quiet

MINUTE_MS = 60_000
_MINUTES_A_DAY = 1440
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_quiet(quiet: Quiet, zone: str | None, time: int) -> bool:
    """Tell whether a time lies in quiet hours by the clocks of a zone."""
    day, minute = divmod(time // MINUTE_MS, _MINUTES_A_DAY)
    return bool(_quiet_minutes(quiet, zone, day)[minute])


def quiet_end(quiet: Quiet, zone: str | None, time: int) -> int:
    """Return the first moment after a quiet one that is not quiet."""
    day, minute = divmod(time // MINUTE_MS, _MINUTES_A_DAY)
    while (minute := _quiet_minutes(quiet, zone, day).find(0, minute)) < 0:
        day, minute = day + 1, 0
    return (day * _MINUTES_A_DAY + minute) * MINUTE_MS


def local_period(period: str, zone: str | None, time: int) -> int:
    """Return the number of the local day, or of the local week, which begins on Monday."""
    day = _local_day(zone, time // MINUTE_MS)
    return day if period == "day" else (day - 1) // 7  # the first of January 1 was a Monday


@lru_cache(maxsize=10_000)
def _quiet_minutes(quiet: Quiet, zone: str | None, day: int) -> bytes:
    """Say of each minute of a day of UTC whether it is quiet: 1 or 0."""
    first = day * _MINUTES_A_DAY
    return bytes(_is_quiet_minute(quiet, zone, first + each) for each in range(_MINUTES_A_DAY))


def _is_quiet_minute(quiet: Quiet, zone: str | None, minute: int) -> bool:
    wall = _wall(zone, minute)
    at = wall.hour * 60 + wall.minute
    if quiet.from_minute < quiet.to_minute:
        return quiet.from_minute <= at < quiet.to_minute
    return at >= quiet.from_minute or at < quiet.to_minute


@lru_cache(maxsize=200_000)
def _local_day(zone: str | None, minute: int) -> int:
    return _wall(zone, minute).toordinal()


def _wall(zone: str | None, minute: int) -> datetime:
    return (_EPOCH + timedelta(minutes=minute)).astimezone(_zone(zone))


@cache
def _zone(name: str | None) -> ZoneInfo:
    """Return a zone; where nothing or nonsense is known, it is UTC.

    The rules come from the tzdata package: what the machine knows may be older.
    """
    known = name if name in files("tzdata").joinpath("zones").read_text().split() else None
    place = files("tzdata.zoneinfo").joinpath(*(known or "UTC").split("/"))
    with place.open("rb") as file:
        return ZoneInfo.from_file(file)
