"""All time: every value counts."""

from typing import Any

from operators.features.kind import Kind
from operators.features.moment import Moment
from operators.features.plan import WindowPlan
from operators.features.window import Window
from operators.times import EventTime


class AllTime(Window):
    """Keeps the kind's state, of everything."""

    name = "all"

    def __init__(self, kind: Kind, plan: WindowPlan) -> None:
        self._kind = kind
        self._update = kind.update

    def start(self) -> Any:
        """See Window."""
        return self._kind.start()

    def add(self, state: Any, value: Any, time: EventTime, moment: Moment) -> Any:
        """See Window."""
        return self._update(state, value, time)

    def value(self, state: Any, moment: Moment) -> Any:
        """See Window."""
        return self._kind.value(state, moment)
