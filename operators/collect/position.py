"""The first and the last value of a field, by event time."""

from typing import Any

from operators.collect.kind import Kind
from operators.fields import FieldType
from operators.outputs import json_number
from operators.times import EventTime

State = list[Any] | None
"""Time and value; None before any event."""


class _Position(Kind):
    field_type = FieldType.SCALAR

    def start(self) -> State:
        """See Kind."""
        return None

    def result(self, state: State) -> dict[str, object]:
        """See Kind."""
        value = None if state is None else state[1]
        return {self.name: json_number(value) if isinstance(value, float) else value}


class First(_Position):
    """The value of the earliest event; at equal times of the one that arrived first (S1)."""

    def update(self, state: State, value: Any, time: EventTime) -> State:
        """See Kind."""
        return [time, value] if state is None or time < state[0] else state

    def merge(self, earlier: State, later: State) -> State:
        """See Kind."""
        return later if earlier is None else earlier


class Last(_Position):
    """The value of the latest event; at equal times of the one that arrived last (S1)."""

    def update(self, state: State, value: Any, time: EventTime) -> State:
        """See Kind."""
        return [time, value] if state is None or time >= state[0] else state

    def merge(self, earlier: State, later: State) -> State:
        """See Kind."""
        return earlier if later is None else later
