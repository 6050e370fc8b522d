"""Durations as people write them who have not read how they are written here."""

import re
from fractions import Fraction

_SPOKEN = {
    "ms": "ms msec millisecond milliseconds",
    "s": "s sec secs second seconds",
    "m": "m min mins minute minutes",
    "h": "h hr hrs hour hours",
    "d": "d day days",
}
_LONGER = {"w": 7, "week": 7, "weeks": 7, "month": 30, "months": 30, "year": 365, "years": 365}
"""Units that the language does not have, in days."""

_UNITS = {word: (unit, 1) for unit, words in _SPOKEN.items() for word in words.split()}
_UNITS |= {word: ("d", days) for word, days in _LONGER.items()}
_SMALLER = {"d": (24, "h"), "h": (60, "m"), "m": (60, "s"), "s": (1_000, "ms")}
_WRITTEN = re.compile(r"\s*([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*([A-Za-z]{1,12})\s*")


def meant_duration(text: str) -> str | None:
    """Give the duration that was meant: ``30 min`` is ``30m``, ``2 weeks`` is ``14d``.

    None for what is no number with a unit of time, and for what no whole number of ms makes.
    """
    match = _WRITTEN.fullmatch(text)
    known = match and _UNITS.get(match[2].lower())
    if not match or not known:
        return None
    unit, times = known
    amount = Fraction(match[1]) * times
    while amount.denominator > 1 and unit in _SMALLER:
        smaller, unit = _SMALLER[unit]
        amount *= smaller
    return None if amount.denominator > 1 else f"{amount}{unit}"
