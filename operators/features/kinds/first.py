"""The earliest value."""

from collections.abc import Sequence
from typing import Any

from operators.features.kind import Kind
from operators.features.moment import Moment
from operators.features.row_values import row_scalar
from operators.fields import FieldType
from operators.times import EventTime

State = list[Any] | None
"""Time and value; None before any."""


class First(Kind):
    """The value of the earliest event; at equal times of the one that arrived first (S1)."""

    name = "first"
    field_type = FieldType.SCALAR

    def start(self) -> State:
        """See Kind."""
        return None

    def update(self, state: State, value: Any, time: EventTime) -> State:
        """See Kind."""
        return [time, row_scalar(value)] if state is None or time < state[0] else state

    def merge(self, earlier: State, later: State) -> State:
        """See Kind."""
        return later if earlier is None else earlier

    def merge_all(self, states: Sequence[State]) -> State:
        """See Kind."""
        return next((state for state in states if state is not None), None)

    def value(self, state: State, moment: Moment) -> Any:
        """See Kind."""
        return None if state is None else state[1]
