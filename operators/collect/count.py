"""How many events."""

from typing import Any

from operators.collect.kind import Kind
from operators.times import EventTime


class Count(Kind):
    """Counts events; its state is the number."""

    field_type = None

    def start(self) -> int:
        """See Kind."""
        return 0

    def update(self, state: int, value: Any, time: EventTime) -> int:
        """See Kind."""
        return state + 1

    def merge(self, earlier: int, later: int) -> int:
        """See Kind."""
        return earlier + later
