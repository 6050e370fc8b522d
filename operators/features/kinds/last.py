"""The latest value."""

from collections.abc import Sequence
from typing import Any

from operators.features.kind import Kind
from operators.features.moment import Moment
from operators.features.row_values import row_scalar
from operators.fields import FieldType
from operators.times import EventTime

State = list[Any] | None
"""Time and value; None before any."""


class Last(Kind):
    """The value of the latest event; at equal times of the one that arrived last (S1)."""

    name = "last"
    field_type = FieldType.SCALAR

    def start(self) -> State:
        """See Kind."""
        return None

    def update(self, state: State, value: Any, time: EventTime) -> State:
        """See Kind."""
        return [time, row_scalar(value)] if state is None or time >= state[0] else state

    def merge(self, earlier: State, later: State) -> State:
        """See Kind."""
        return earlier if later is None else later

    def merge_all(self, states: Sequence[State]) -> State:
        """See Kind."""
        return next((state for state in reversed(states) if state is not None), None)

    def value(self, state: State, moment: Moment) -> Any:
        """See Kind."""
        return None if state is None else state[1]

    def is_spent(self, earliest: State, state: State) -> bool:
        """See Kind."""
        return earliest is not None and state is not None and bool(earliest[0] < state[0])

    def without(self, state: State, earliest: State) -> Any:
        """See Kind."""
        if earliest is None or (state is not None and earliest[0] < state[0]):
            return state
        return NotImplemented
