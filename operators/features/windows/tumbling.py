"""Tumbling windows: the current hour, day or week of the calendar."""

from typing import Any

from operators.features.kind import Kind
from operators.features.moment import Moment
from operators.features.plan import WindowPlan
from operators.features.window import Window
from operators.features.zones import UTC
from operators.times import AFTER_ALL, EventTime

State = list[Any]
"""Start and end of the period in ms, and the kind's state; empty without any value."""


class Tumbling(Window):
    """Counts the values of one period, which the value that opens it fixes.

    The period ends when it ends in the zone that the customer was in then, and is empty from
    then on; the next value opens another. A value from before the period does not count.
    """

    name = "tumbling"

    def __init__(self, kind: Kind, plan: WindowPlan) -> None:
        assert plan.period, plan
        self._kind = kind
        self._period = plan.period
        self._in_utc = plan.zone == "utc"

    def start(self) -> State:
        """See Window."""
        return []

    def add(self, state: State, value: Any, time: EventTime, moment: Moment) -> State:
        """See Window."""
        now = moment[0]
        if state:
            start, end, of_period = state
            if now < end:
                if time >= start:
                    state[2] = self._kind.update(of_period, value, time)
                return state
        zone = UTC if self._in_utc else moment.zone
        start, end = zone.period(self._period, time)
        if now >= end:
            return []
        return [start, end, self._kind.update(self._kind.start(), value, time)]

    def passed(self, state: State, now: EventTime) -> State:
        """See Window."""
        return [] if state and now >= state[1] else state

    def deadline(self, state: State) -> EventTime:
        """See Window."""
        return EventTime(state[1]) if state else AFTER_ALL

    def value(self, state: State, moment: Moment) -> Any:
        """See Window."""
        return self._kind.value(state[2], moment) if state else self._kind.empty
