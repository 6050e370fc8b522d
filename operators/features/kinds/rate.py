"""How many a day, since the customer was first seen."""

from typing import Any

from operators.features.kind import Kind
from operators.features.moment import Moment
from operators.features.row_values import row_number
from operators.times import EventTime

_DAY_MS = 86_400_000


class Rate(Kind):
    """Counts, and divides by the days that the customer is known, at least one."""

    name = "rate"
    field_type = None
    windows = frozenset({"all"})
    changes_at_rows = True

    def start(self) -> int:
        """See Kind."""
        return 0

    def update(self, state: int, value: Any, time: EventTime) -> int:
        """See Kind."""
        return state + 1

    def merge(self, earlier: int, later: int) -> int:
        """See Kind."""
        return earlier + later

    def value(self, state: int, moment: Moment) -> float | None:
        """See Kind."""
        known_ms = max(_DAY_MS, moment.time - moment.first_seen)
        return row_number(state * _DAY_MS / known_ms) if state else None
