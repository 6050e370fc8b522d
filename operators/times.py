"""Event time: an int of milliseconds since 1970-01-01 UTC inside, RFC 3339 text at the edges.

This is the one place that turns one into the other.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NewType

EventTime = NewType("EventTime", int)
"""Milliseconds since 1970-01-01T00:00:00Z."""

BEFORE_ALL = EventTime(-(2**62))
"""Where a watermark stands before anything was heard (minus infinity)."""

AFTER_ALL = EventTime(2**62)
"""A deadline that never comes."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DAY_MS = 86_400_000
_RFC_3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)


def parse_time(text: str) -> EventTime:
    """Read an RFC 3339 timestamp with any offset; what is finer than a millisecond is cut off.

    Raises:
        ValueError: the text is no such timestamp.
    """
    match = _RFC_3339.fullmatch(text)
    if match is None:
        raise ValueError("not an RFC 3339 timestamp")
    day, clock, fraction, sign, hours, minutes = match.groups()
    moment = datetime.fromisoformat(f"{day}T{clock}+00:00")
    milliseconds = (moment - _EPOCH) // _MILLISECOND
    if fraction:
        milliseconds += int(fraction[:3].ljust(3, "0"))
    if sign:
        if int(hours) > 23 or int(minutes) > 59:  # noqa: PLR2004 (a day's hours, an hour's minutes)
            raise ValueError("not an RFC 3339 timestamp")
        offset = (int(hours) * 60 + int(minutes)) * 60_000
        milliseconds -= offset if sign == "+" else -offset
    return EventTime(milliseconds)


def format_time(time: EventTime) -> str:
    """Write a time as RFC 3339 text with milliseconds and ``Z``."""
    day, rest = divmod(time, _DAY_MS)
    seconds, milliseconds = divmod(rest, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{_format_day(day)}T{hours:02d}:{minutes:02d}:{seconds:02d}.{milliseconds:03d}Z"


@lru_cache(maxsize=4096)
def _format_day(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).date().isoformat()
