"""A feature at work: one kind over one window."""

from collections.abc import Callable
from typing import Any

from operators.features.kinds import KINDS
from operators.features.moment import Moment
from operators.features.plan import FeaturePlan
from operators.features.window import Window
from operators.features.windows import WINDOWS
from operators.times import EventTime


class Feature:
    """Keeps one feature of any number of customers, whose states it is given.

    The methods are those of the window, see there.

    Attributes:
        plan: what it was made from.
        kind: what is kept of the values.
        window: which of them count.
        empty: the value of nothing.
        changes_at_rows: whether the value is to be taken anew for each row.
        lets_go: whether its window lets go of values by itself, and so has deadlines.
    """

    start: Callable[[], Any]
    add: Callable[[Any, Any, EventTime, Moment], Any]
    reset: Callable[[Any, EventTime], Any]
    passed: Callable[[Any, EventTime], Any]
    deadline: Callable[[Any], EventTime]
    value: Callable[[Any, Moment], Any]

    def __init__(self, plan: FeaturePlan) -> None:
        self.plan = plan
        self.kind = KINDS[plan.kind](plan.at_most)
        assert plan.window.kind in self.kind.windows, plan
        self.window = WINDOWS[plan.window.kind](self.kind, plan.window)
        self.empty = self.kind.empty
        self.changes_at_rows = self.kind.changes_at_rows or self.window.changes_at_rows
        self.lets_go = type(self.window).deadline is not Window.deadline
        self.start = self.window.start
        self.add = self.window.add
        self.reset = self.window.reset
        self.passed = self.window.passed
        self.deadline = self.window.deadline
        self.value = self.window.value
