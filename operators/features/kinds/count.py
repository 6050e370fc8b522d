"""How many."""

from typing import Any

from operators.features.kind import EVERY_WINDOW, Kind
from operators.features.moment import Moment
from operators.times import EventTime


class Count(Kind):
    """Counts; its state is the number."""

    name = "count"
    field_type = None
    windows = EVERY_WINDOW | {"decay"}
    empty = 0

    def start(self) -> int:
        """See Kind."""
        return 0

    def update(self, state: int, value: Any, time: EventTime) -> int:
        """See Kind."""
        return state + 1

    def merge(self, earlier: int, later: int) -> int:
        """See Kind."""
        return earlier + later

    def value(self, state: int, moment: Moment) -> int:
        """See Kind."""
        return state

    def without(self, state: int, earliest: int) -> int:
        """See Kind."""
        return state - earliest
