"""When visits begin: quiet nights, busy evenings, somewhat more at the weekend.

All in whole numbers. Each hour has a weight, and a visit's place is a number on the line of all
weights laid end to end ("mass"); equal stretches of it hold equally many visits.
"""

import numpy as np

from connectors.simulation.draws import Ints
from operators.times import EventTime

_HOUR_MS = 3_600_000
_WEIGHT_OF_HOUR = np.array(
    [18, 11, 7, 5, 5, 8, 16, 27, 37, 44, 49, 52, 55, 52, 50, 51, 55, 63, 76, 90, 100, 93, 67, 37]
)
_WEEKEND_PERCENT = 120
_FIRST_SATURDAY = 2
"""1970-01-01 was a Thursday: days 2 and 3 since then were the first weekend."""


class Rhythm:
    """The times from ``start`` on for ``span_ms`` milliseconds, by how busy the shop is."""

    def __init__(self, start: EventTime, span_ms: int) -> None:
        first = start - start % _HOUR_MS
        borders = np.arange(first, start + span_ms + _HOUR_MS, _HOUR_MS, dtype=np.int64)
        borders = np.clip(borders, start, start + span_ms)
        hours = (borders[:-1] - borders[:-1] % _HOUR_MS) // _HOUR_MS
        weekend = (hours // 24 - _FIRST_SATURDAY) % 7 < 2  # noqa: PLR2004 (a weekend's days)
        self._weights = _WEIGHT_OF_HOUR[hours % 24] * np.where(weekend, _WEEKEND_PERCENT, 100)
        self._begins = borders[:-1]
        masses = (borders[1:] - borders[:-1]) * self._weights
        self._ends = np.cumsum(masses)
        self._offsets = self._ends - masses

    @property
    def mass(self) -> int:
        """The length of the whole line."""
        return int(self._ends[-1])

    def times(self, places: Ints) -> Ints:
        """Turn places on the line, 0 to ``mass`` - 1, into times; larger ones are never earlier."""
        hours = np.searchsorted(self._ends, places, side="right")
        times: Ints = self._begins[hours] + (places - self._offsets[hours]) // self._weights[hours]
        return times
