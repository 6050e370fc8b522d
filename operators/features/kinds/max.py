"""The greatest."""

from collections.abc import Sequence
from typing import Any

from operators.features.kind import Kind
from operators.features.moment import Moment
from operators.features.row_values import row_number
from operators.fields import FieldType
from operators.times import EventTime

State = float | None


class Max(Kind):
    """Keeps the greatest value; None before any."""

    name = "max"
    field_type = FieldType.NUMBER

    def start(self) -> State:
        """See Kind."""
        return None

    def update(self, state: State, value: float, time: EventTime) -> State:
        """See Kind."""
        return row_number(value) if state is None or value > state else state

    def merge(self, earlier: State, later: State) -> State:
        """See Kind."""
        if earlier is None or later is None:
            return later if earlier is None else earlier
        return max(earlier, later)

    def merge_all(self, states: Sequence[State]) -> State:
        """See Kind."""
        return max((state for state in states if state is not None), default=None)

    def value(self, state: State, moment: Moment) -> float | None:
        """See Kind."""
        return state

    def without(self, state: State, earliest: State) -> Any:
        """See Kind."""
        if earliest is None or (state is not None and state > earliest):
            return state
        return NotImplemented
