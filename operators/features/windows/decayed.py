"""Decayed windows: a value counts half as much after each half-life."""

import sys
from typing import Any

from operators.features.kind import Kind
from operators.features.moment import Moment
from operators.features.plan import WindowPlan
from operators.features.row_values import row_number
from operators.features.window import Window
from operators.times import EventTime

State = list[Any]
"""The time of the latest value, and the sum as it was then; empty without any value."""

_GREATEST = sys.float_info.max


class Decayed(Window):
    """Sums x * 2 ** -((t - time of x) / half-life) at time t; x is 1 for a count."""

    name = "decay"
    changes_at_rows = True

    def __init__(self, kind: Kind, plan: WindowPlan) -> None:
        assert plan.size_ms > 0, plan
        self._empty = kind.empty
        self._counts = kind.field_type is None
        self._half_life_ms = plan.size_ms

    def start(self) -> State:
        """See Window."""
        return []

    def add(self, state: State, value: Any, time: EventTime, moment: Moment) -> State:
        """See Window."""
        amount = 1.0 if self._counts else float(value)
        if not state:
            return [time, amount]
        latest, total = state
        weight = 2.0 ** (-abs(time - latest) / self._half_life_ms)
        if time >= latest:
            latest, total = time, total * weight + amount
        else:
            total += amount * weight
        return [latest, max(-_GREATEST, min(_GREATEST, total))]

    def value(self, state: State, moment: Moment) -> Any:
        """See Window."""
        if not state:
            return self._empty
        latest, total = state
        passed_ms = max(0, moment.time - latest)
        return row_number(total * 2.0 ** (-passed_ms / self._half_life_ms))
