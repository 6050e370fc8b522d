"""What every kind of window has in common."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from operators.features.kind import Kind
from operators.features.moment import Moment
from operators.features.plan import WindowPlan
from operators.times import AFTER_ALL, EventTime


class Window(ABC):
    """Which values count at a moment; keeps the states of one feature's kind.

    A state that is given may be changed: keep only what comes back.

    Args:
        kind: what is kept of the values.
        plan: the window.

    Attributes:
        name: as plans name it.
        changes_at_rows: whether the value depends on the moment, and is taken anew at rows only.
    """

    name: ClassVar[str]
    changes_at_rows: ClassVar[bool] = False

    @abstractmethod
    def __init__(self, kind: Kind, plan: WindowPlan) -> None: ...

    @abstractmethod
    def start(self) -> Any:
        """Return the state of nothing."""

    @abstractmethod
    def add(self, state: Any, value: Any, time: EventTime, moment: Moment) -> Any:
        """Return the state with one more value, and without what has left at the moment.

        Args:
            state: as it was.
            value: of the event, None for a kind that looks at none.
            time: of the event.
            moment: the customer's clock, not before the event's time, and the customer's zone.
        """

    @abstractmethod
    def value(self, state: Any, moment: Moment) -> Any:
        """Return what stands in a row; nothing of the state must have left at the moment."""

    def reset(self, state: Any, time: EventTime) -> Any:
        """Return the state after the event that empties the window."""
        return state

    def passed(self, state: Any, now: EventTime) -> Any:
        """Return the state without what has left at a time: where the deadline is not after it."""
        return state

    def deadline(self, state: Any) -> EventTime:
        """Return the next time at which something leaves, AFTER_ALL for none."""
        return AFTER_ALL
