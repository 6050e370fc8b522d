"""Event time: an int of milliseconds since 1970-01-01 UTC inside, RFC 3339 text at the edges.

This is the one place that turns one into the other.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NewType

import numpy as np
from numpy.typing import NDArray

EventTime = NewType("EventTime", int)
"""Milliseconds since 1970-01-01T00:00:00Z."""

BEFORE_ALL = EventTime(-(2**62))
"""Where a watermark stands before anything was heard (minus infinity)."""

AFTER_ALL = EventTime(2**62)
"""A deadline that never comes."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_MINUTE_MS = 60_000
_SECONDS = [f"{ms // 1000:02d}.{ms % 1000:03d}Z" for ms in range(_MINUTE_MS)]
_MINUTE_LENGTH = len("0000-00-00T00:00:")
_USUAL = "0000-00-00T00:00:00.000Z"
_USUAL_LENGTH = len(_USUAL)
_DIGITS = [i for i, character in enumerate(_USUAL) if character == "0"]
_SIGNS = [i for i, character in enumerate(_USUAL) if character != "0"]
_SIGN_CODES = np.array([ord(_USUAL[i]) for i in _SIGNS], np.uint8)
_PARTS = ((0, 4), (4, 6), (6, 8), (8, 10), (10, 12), (12, 14), (14, 17))
_MONTH_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_DAYS_BEFORE_MONTH = np.concatenate([[0], np.cumsum(_MONTH_DAYS)[:-1]])
_FIRST = (datetime(1000, 1, 1, tzinfo=UTC) - _EPOCH) // _MILLISECOND
_BEYOND = (datetime(9000, 1, 1, tzinfo=UTC) - _EPOCH) // _MILLISECOND
_RFC_3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)


def parse_time(text: str) -> EventTime:
    """Read an RFC 3339 timestamp with any offset; what is finer than a millisecond is cut off.

    Raises:
        ValueError: the text is no such timestamp, or of no year from 1000 to 8999.
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
    if not _FIRST <= milliseconds < _BEYOND:
        raise ValueError("not a time that deadlines can be added to")
    return EventTime(milliseconds)


def parse_times(texts: list[str]) -> NDArray[np.int64]:
    """Read many RFC 3339 timestamps, quickly where they have the usual form, milliseconds and Z.

    Returns:
        The times, shape (n,), in ms.

    Raises:
        ValueError: one of the texts is no such timestamp.
    """
    joined = "".join(texts)
    usual = joined.isascii() and set(map(len, texts)) == {_USUAL_LENGTH}
    if usual:
        characters = np.frombuffer(joined.encode(), np.uint8).reshape(len(texts), _USUAL_LENGTH)
        times = _parse_usual(characters)
        if times is not None:
            return times
    return np.array([parse_time(text) for text in texts], np.int64)


def _parse_usual(characters: NDArray[np.uint8]) -> NDArray[np.int64] | None:
    """Read ``2026-01-31T09:30:00.000Z`` by columns, shape (n, 24); None where a row differs."""
    digits = characters[:, _DIGITS] - ord("0")
    if (characters[:, _SIGNS] != _SIGN_CODES).any() or (digits > 9).any():  # noqa: PLR2004
        return None
    year, month, day, hour, minute, second, millisecond = (
        _number(digits[:, start:stop]) for start, stop in _PARTS
    )
    leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    month_is_right = (month >= 1) & (month <= 12)  # noqa: PLR2004
    if not month_is_right.all():
        return None
    days_in_month = _MONTH_DAYS[month] + (leap & (month == 2))  # noqa: PLR2004
    right = (year >= 1000) & (year < 9000) & (day >= 1) & (day <= days_in_month)  # noqa: PLR2004
    right &= (hour <= 23) & (minute <= 59) & (second <= 59)  # noqa: PLR2004
    if not right.all():
        return None
    days = (year - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)
    days += _DAYS_BEFORE_MONTH[month] + (leap & (month > 2)) + day - 1  # noqa: PLR2004
    times: NDArray[np.int64] = (
        ((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + millisecond
    )
    return times


def _number(digits: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Read a decimal number from its digits, shape (n, digits)."""
    value = digits[:, 0].astype(np.int64)
    for column in range(1, digits.shape[1]):
        value = value * 10 + digits[:, column]
    return value


def format_time(time: EventTime) -> str:
    """Write a time as RFC 3339 text with milliseconds and ``Z``."""
    minute, milliseconds = divmod(time, _MINUTE_MS)
    return _format_minute(minute) + _SECONDS[milliseconds]


@lru_cache(maxsize=4096)
def _format_minute(minute: int) -> str:
    return f"{_EPOCH + timedelta(minutes=minute):%Y-%m-%dT%H:%M:}".zfill(_MINUTE_LENGTH)
