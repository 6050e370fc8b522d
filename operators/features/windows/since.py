"""Since an event: that event empties the window."""

from typing import Any

from operators.features.kind import Kind
from operators.features.moment import Moment
from operators.features.plan import WindowPlan
from operators.features.window import Window
from operators.times import EventTime

State = list[Any]
"""The kind's state, and once the window was emptied the latest time of that."""


class Since(Window):
    """Counts the values later than the latest event that empties the window.

    Whatever has been counted goes when that event arrives.
    """

    name = "since"

    def __init__(self, kind: Kind, plan: WindowPlan) -> None:
        assert plan.event, plan
        self._kind = kind

    def start(self) -> State:
        """See Window."""
        return [self._kind.start()]

    def add(self, state: State, value: Any, time: EventTime, moment: Moment) -> State:
        """See Window."""
        if len(state) == 1 or time > state[1]:
            state[0] = self._kind.update(state[0], value, time)
        return state

    def reset(self, state: State, time: EventTime) -> State:
        """See Window."""
        return [self._kind.start(), max(time, state[1]) if len(state) > 1 else time]

    def value(self, state: State, moment: Moment) -> Any:
        """See Window."""
        return self._kind.value(state[0], moment)
