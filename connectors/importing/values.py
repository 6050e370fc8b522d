"""Reads single values of a row: texts, numbers and times; says what was found where it cannot."""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache, partial

from connectors.importing.errors import RowError
from operators.times import parse_time

EPOCH_FORMATS = {"epoch_s": 1, "epoch_ms": 1000, "epoch_us": 1_000_000}
"""Numeric time formats, each with how many of its units make a second."""

ReadTime = Callable[[object], int]
"""Turns a row's value into milliseconds since 1970 UTC, or raises RowError."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_FIRST_MS = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND
_LAST_MS = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND
_DECIMAL = re.compile(r"(-?\d{1,30})(?:\.(\d+))?", re.ASCII)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_COMMA_NUMBER = re.compile(
    r"(-?)(\d+|[1-9]\d{0,2}(?P<apart>[. \u00a0\u202f'\u2019])\d{3}(?:(?P=apart)\d{3})*)"
    r"(?:,(\d+))?([eE][+-]?\d+)?",
    re.ASCII,
)
_INTEGER_DIGITS_MAX = 15  # what every JSON reader keeps exactly
_TIMES_REMEMBERED = 4096  # logs are mostly in time order: the same second comes again and again
_TIME_CHARACTERS_MAX = 100


def shown(value: object) -> str:
    """Say of which kind a value is; never the value, since messages are kept and passed on."""
    if isinstance(value, str):
        return f"a text of {len(value):,} character{'' if len(value) == 1 else 's'}"
    if isinstance(value, bool) or value is None:
        return "nothing" if value is None else "true or false"
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, list) else "a number"


def read_text(value: object) -> str:
    """Return a text, or a number's digits (JSON lines often hold ids as numbers)."""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise RowError(f"found {shown(value)}, expected text or a number")


def read_number(value: object) -> int | float:
    """Return a finite number; a whole one stays whole while that is exact everywhere."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise RowError(f"found {shown(value)}, expected a number")
    text = str(value)
    if _NUMBER.fullmatch(text) is None:
        comma = "," in text and _COMMA_NUMBER.fullmatch(text)
        hint = "; perhaps decimal: ','" if comma else ""
        raise RowError(f"found {shown(value)}, expected a number like 12 or 12.5{hint}")
    return _finite(text, value)


def read_comma_number(value: object) -> int | float:
    """Return the number of a text with a decimal comma, such as ``1.039,90`` or ``1039,9``.

    Thousands may be set apart in groups of three, by one and the same of point, space and
    apostrophe. Where the first group is 0 (``0.125``) the point can only have been meant for a
    decimal point, so the text is refused. JSON's own numbers are taken as they are.
    """
    if not isinstance(value, str):
        return read_number(value)
    match = _COMMA_NUMBER.fullmatch(value)
    if match is None:
        raise RowError(f"found {shown(value)}, expected a number like 12, 12,5 or 1.234,5")
    sign, whole, apart, fraction, exponent = match.groups()
    digits = whole.replace(apart, "") if apart else whole
    point = "." if fraction else ""
    return _finite(f"{sign}{digits}{point}{fraction or ''}{exponent or ''}", value)


def _finite(text: str, value: object) -> int | float:
    if len(text) <= _INTEGER_DIGITS_MAX and text.removeprefix("-").isdigit():
        return int(text)
    number = float(text)
    if not math.isfinite(number):
        raise RowError(f"found {shown(value)}, which is too large for a number")
    return number


def time_reader(time_format: str, zone: tzinfo) -> ReadTime:
    """Make the function that reads times of this format; ``zone`` is for texts without an offset.

    ``time_format`` is one of EPOCH_FORMATS, ``rfc3339`` or a ``strptime`` pattern. What is finer
    than a millisecond is cut off.
    """
    parse = _time_parser(time_format, zone)

    @lru_cache(maxsize=_TIMES_REMEMBERED)
    def read(text: str) -> int:
        try:
            time = parse(text)
        except (ValueError, OverflowError) as error:
            raise RowError(f"found {shown(text)}, expected a time as {time_format}") from error
        if not _FIRST_MS <= time <= _LAST_MS:
            raise RowError(
                f"found {shown(text)}, which as {time_format} is outside the years 1 to 9999; "
                "is it in another unit?"
            )
        return time

    def read_short(value: object) -> int:
        text = read_text(value)
        if len(text) > _TIME_CHARACTERS_MAX:
            raise RowError(f"found {shown(text)}, expected a time as {time_format}")
        return read(text)

    return read_short


def _time_parser(time_format: str, zone: tzinfo) -> Callable[[str], int]:
    if time_format in EPOCH_FORMATS:
        return partial(_parse_epoch, per_second=EPOCH_FORMATS[time_format])
    if time_format == "rfc3339":
        return parse_time
    return partial(_parse_pattern, pattern=time_format, zone=zone)


def _parse_pattern(text: str, pattern: str, zone: tzinfo) -> int:
    moment = datetime.strptime(text, pattern)  # noqa: DTZ007 (the next line gives it a zone)
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    return (aware - _EPOCH) // _MILLISECOND


def _parse_epoch(text: str, per_second: int) -> int:
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise ValueError(text)
    whole, fraction = match.groups()
    thousandths = int((fraction or "")[:3].ljust(3, "0"))
    if whole.startswith("-"):
        thousandths = -thousandths
    return (int(whole) * 1000 + thousandths) // per_second
