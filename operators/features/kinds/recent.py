"""The last few values."""

from collections.abc import Sequence
from typing import Any

from operators.features.kind import Kind
from operators.features.moment import Moment
from operators.features.row_values import row_scalar
from operators.fields import FieldType
from operators.times import EventTime

State = list[Any]
"""Time, value, time, value, …: by time, at equal times by arrival."""


class Recent(Kind):
    """The values of the latest events, newest last; at equal times by arrival."""

    name = "recent"
    field_type = FieldType.SCALAR
    at_most_usual = 10
    at_most_limit = 100

    def start(self) -> State:
        """See Kind."""
        return []

    def update(self, state: State, value: Any, time: EventTime) -> State:
        """See Kind."""
        place = len(state)
        while place and state[place - 2] > time:
            place -= 2
        is_full = len(state) >= 2 * self.at_most
        if is_full and not place:
            return state
        return [*state[2 * is_full : place], time, row_scalar(value), *state[place:]]

    def merge(self, earlier: State, later: State) -> State:
        """See Kind."""
        return (earlier + later)[-2 * self.at_most :]

    def merge_all(self, states: Sequence[State]) -> State:
        """See Kind."""
        merged: State = []
        for state in reversed(states):
            if len(merged) >= 2 * self.at_most:
                break
            merged = state + merged
        return merged[-2 * self.at_most :]

    def is_spent(self, earliest: State, state: State) -> bool:
        """See Kind."""
        return len(state) == 2 * self.at_most and earliest[-2] < state[0]

    def value(self, state: State, moment: Moment) -> list[Any] | None:
        """See Kind."""
        return state[1::2] or None
