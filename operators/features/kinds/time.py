"""When it last happened."""

from collections.abc import Sequence
from typing import Any

from operators.features.kind import Kind
from operators.features.moment import Moment
from operators.times import EventTime

State = EventTime | None


class Time(Kind):
    """The time of the latest event, in ms; None before any."""

    name = "time"
    field_type = None

    def start(self) -> State:
        """See Kind."""
        return None

    def update(self, state: State, value: Any, time: EventTime) -> State:
        """See Kind."""
        return time if state is None or time > state else state

    def merge(self, earlier: State, later: State) -> State:
        """See Kind."""
        return earlier if later is None else later

    def merge_all(self, states: Sequence[State]) -> State:
        """See Kind."""
        return next((state for state in reversed(states) if state is not None), None)

    def value(self, state: State, moment: Moment) -> State:
        """See Kind."""
        return state

    def is_spent(self, earliest: State, state: State) -> bool:
        """See Kind."""
        return earliest is not None and state is not None and earliest < state

    def without(self, state: State, earliest: State) -> Any:
        """See Kind."""
        if earliest is None or (state is not None and earliest < state):
            return state
        return NotImplemented
