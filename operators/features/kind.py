"""What every kind of feature has in common."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import reduce
from typing import Any, ClassVar

from operators.features.moment import Moment
from operators.fields import FieldType
from operators.times import EventTime

EVERY_WINDOW = frozenset({"all", "sliding", "tumbling", "since", "session"})


class Kind(ABC):
    """What is kept of a stretch of one customer's values, and what it comes to.

    After Chronon's aggregators. No method changes a state that it is given. A value is never
    None: a feature whose value is missing is not updated.

    Args:
        at_most: the bound of a kind that has one, 0 for the usual one.

    Attributes:
        name: as plans name it.
        field_type: what the values must be, None for a kind that looks at none.
        windows: the names of the windows that it goes with.
        changes_at_rows: whether the value depends on the moment, and is taken anew at rows only.
        empty: the value of nothing.
        at_most_usual: the bound when the rule names none, 0 for a kind without one.
        at_most_limit: the greatest bound that a rule may name.
    """

    name: ClassVar[str]
    field_type: ClassVar[FieldType | None]
    windows: ClassVar[frozenset[str]] = EVERY_WINDOW
    changes_at_rows: ClassVar[bool] = False
    empty: ClassVar[Any] = None
    at_most_usual: ClassVar[int] = 0
    at_most_limit: ClassVar[int] = 0

    def __init__(self, at_most: int = 0) -> None:
        assert 0 <= at_most <= self.at_most_limit, at_most
        self.at_most = at_most or self.at_most_usual

    @abstractmethod
    def start(self) -> Any:
        """Return the state of nothing."""

    @abstractmethod
    def update(self, state: Any, value: Any, time: EventTime) -> Any:
        """Return the state with one more value; values may come in any order of time."""

    @abstractmethod
    def merge(self, earlier: Any, later: Any) -> Any:
        """Return the state of two stretches together, no value of one inside the other."""

    def merge_all(self, states: Sequence[Any]) -> Any:
        """Return the state of several stretches together, at least one, by time."""
        return reduce(self.merge, states)

    @abstractmethod
    def value(self, state: Any, moment: Moment) -> Any:
        """Return what stands in a row: an int when whole, else a float, or a scalar, or a list."""

    def is_spent(self, earliest: Any, state: Any) -> bool:
        """Tell whether the state's earliest stretch no longer matters, as it is the first to leave.

        Args:
            earliest: the stretch, with at least one value.
            state: the whole, with later stretches.
        """
        return False

    def without(self, state: Any, earliest: Any) -> Any:
        """Return the state without its earliest stretch.

        Returns:
            The state, or NotImplemented where it takes merging the other stretches anew.
        """
        return NotImplemented
