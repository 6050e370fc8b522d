"""Sliding windows, made of panes: what is older than the window leaves by the pane."""

from typing import Any

from operators.features.kind import Kind
from operators.features.moment import Moment
from operators.features.plan import WindowPlan
from operators.features.window import Window
from operators.times import AFTER_ALL, EventTime

State = list[Any]
"""The kind's state of the whole window, then number and state of each pane that has values, by
number; empty without any. The first panes are left out where they no longer matter."""

_ONE_PANE = 3
"""The length of a state with one pane."""


class Sliding(Window):
    """Counts the values of the panes i(t) - n to i(t) at time t, n panes being the window.

    Pane i holds the times from i * pane on, so a value never leaves early, and at most a pane
    late. A value that is older than the window does not count.
    """

    name = "sliding"

    def __init__(self, kind: Kind, plan: WindowPlan) -> None:
        assert 0 < plan.pane_ms <= plan.size_ms, plan
        self._kind = kind
        self._update = kind.update
        self._is_spent = kind.is_spent
        self._pane_ms = plan.pane_ms
        self._panes = -(-plan.size_ms // plan.pane_ms)

    def start(self) -> State:
        """See Window."""
        return []

    def add(self, state: State, value: Any, time: EventTime, moment: Moment) -> State:
        """See Window."""
        number = time // self._pane_ms
        oldest = moment[0] // self._pane_ms - self._panes
        if state and state[1] < oldest:
            state = self._since(state, oldest)
        if number < oldest:
            return state
        update = self._update
        if not state:
            alone = update(self._kind.start(), value, time)
            return [alone, number, alone]
        newest = state[-2]
        if number == newest:
            state[-1] = update(state[-1], value, time)
        elif number > newest:
            state += number, update(self._kind.start(), value, time)
        else:
            self._add_before(state, number, value, time)
        whole = state[0] = update(state[0], value, time)
        if number > newest:
            while len(state) > _ONE_PANE and self._is_spent(state[2], whole):
                del state[1:3]
        return state

    def passed(self, state: State, now: EventTime) -> State:
        """See Window."""
        oldest = now // self._pane_ms - self._panes
        return self._since(state, oldest) if state and state[1] < oldest else state

    def deadline(self, state: State) -> EventTime:
        """See Window."""
        if not state:
            return AFTER_ALL
        return EventTime((state[1] + self._panes + 1) * self._pane_ms)

    def value(self, state: State, moment: Moment) -> Any:
        """See Window."""
        return self._kind.value(state[0], moment) if state else self._kind.empty

    def _add_before(self, state: State, number: int, value: Any, time: EventTime) -> None:
        """Add a value to a pane that lies before the newest."""
        place = len(state) - 2
        while place > 1 and state[place - 2] >= number:
            place -= 2
        if state[place] != number:
            state[place:place] = number, self._kind.start()
        state[place + 1] = self._update(state[place + 1], value, time)

    def _since(self, state: State, oldest: int) -> State:
        """Return the state without the panes before one."""
        left = 1
        while left < len(state) and state[left] < oldest:
            left += 2
        if left == len(state):
            return []
        whole = state[0]
        for earliest in state[2:left:2]:
            whole = self._kind.without(whole, earliest)
            if whole is NotImplemented:
                whole = self._kind.merge_all(state[left + 1 :: 2])
                break
        return [whole, *state[left:]]
