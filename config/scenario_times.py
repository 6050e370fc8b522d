"""Times in scenario files: RFC 3339, or short and relative to the scenario's start.

``2026-01-05T10:30:00Z`` stands for itself; ``+30m`` or ``+1d2h`` for so long after the start;
``10:30`` for that time on the day of the start, and ``+1d 10:30`` for that time a day later, both
by the start's own offset from UTC.
"""

import re
from dataclasses import dataclass
from typing import Annotated

from config.forms import TEXT
from config.kafka_values import parse_time_ms
from config.values import MAX_DURATION_MS, expected, parse_duration, read_by

_DAY_MS = 86_400_000
_SHIFT = re.compile(r"\+((?:[0-9]{1,9}(?:ms|s|m|h|d))+)")
_PART = re.compile(r"[0-9]+[a-z]+")
_CLOCK = re.compile(
    r"(?:\+([0-9]{1,4})d )?([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:\.([0-9]{1,3}))?)?"
)
_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)$", re.ASCII)
_FORMS = "a time such as 2026-01-05T10:30:00Z, +30m or 10:30"


@dataclass(frozen=True)
class Start:
    """What short times refer to.

    Attributes:
        time_ms: of the start.
        offset_ms: how far its clock is ahead of UTC.
    """

    time_ms: int
    offset_ms: int

    @property
    def midnight_ms(self) -> int:
        """When the start's day began."""
        local = self.time_ms + self.offset_ms
        return local - local % _DAY_MS - self.offset_ms


@dataclass(frozen=True)
class Moment:
    """A time as it is written.

    Attributes:
        time_ms: the time, where it stands for itself.
        since_start_ms: how long after the start.
        since_midnight_ms: how long after the midnight before the start.
    """

    time_ms: int | None = None
    since_start_ms: int | None = None
    since_midnight_ms: int | None = None

    def resolve(self, start: Start | None) -> int | None:
        """Return the time in ms; None where a start is needed and there is none."""
        if self.time_ms is not None:
            return self.time_ms
        if start is None:
            return None
        if self.since_start_ms is not None:
            return start.time_ms + self.since_start_ms
        assert self.since_midnight_ms is not None, "one of the three is given"
        return start.midnight_ms + self.since_midnight_ms


def parse_start(text: str) -> Start:
    """Read an RFC 3339 time, and keep its offset.

    Raises:
        ValueError: it is none; the text says what was expected.
    """
    time_ms = parse_time_ms(text)
    offset = _OFFSET.search(text)
    if offset is None:
        return Start(time_ms, 0)
    minutes = int(offset[2]) * 60 + int(offset[3])
    return Start(time_ms, minutes * (60_000 if offset[1] == "+" else -60_000))


def parse_moment(text: str) -> Moment:
    """Read a time in one of its forms.

    Raises:
        ValueError: it is none; the text says what was expected.
    """
    shift = _SHIFT.fullmatch(text)
    if shift:
        since_start_ms = sum(map(parse_duration, _PART.findall(shift[1])))
        if since_start_ms > MAX_DURATION_MS:
            raise ValueError("a time at most ten years (3650d) after the start")
        return Moment(since_start_ms=since_start_ms)
    clock = _CLOCK.fullmatch(text)
    if clock:
        days, hours, minutes, seconds, fraction = clock.groups()
        seconds_ms = int(seconds or 0) * 1000 + int((fraction or "0").ljust(3, "0"))
        minutes_ms = (int(hours) * 60 + int(minutes)) * 60_000
        return Moment(since_midnight_ms=int(days or 0) * _DAY_MS + minutes_ms + seconds_ms)
    try:
        return Moment(time_ms=parse_time_ms(text))
    except ValueError:
        raise ValueError(_FORMS) from None


def _start(value: object) -> Start:
    try:
        return parse_start(value if isinstance(value, str) else "")
    except ValueError as error:
        raise expected(str(error)) from None


def _moment(value: object) -> Moment:
    try:
        return parse_moment(value if isinstance(value, str) else "")
    except ValueError as error:
        raise expected(str(error)) from None


StartTime = Annotated[Start, read_by(_start, TEXT)]
MomentText = Annotated[Moment, read_by(_moment, TEXT)]
