"""The least and the greatest of a numeric field."""

from abc import abstractmethod

from operators.collect.kind import Kind
from operators.fields import FieldType
from operators.outputs import json_number
from operators.times import EventTime

State = float | None


class _Extreme(Kind):
    field_type = FieldType.NUMBER

    @abstractmethod
    def choose(self, one: float, other: float) -> float:
        """Return the one of two values that counts."""

    def start(self) -> State:
        """See Kind."""
        return None

    def update(self, state: State, value: float, time: EventTime) -> State:
        """See Kind."""
        return value if state is None else self.choose(state, value)

    def merge(self, earlier: State, later: State) -> State:
        """See Kind."""
        if earlier is None or later is None:
            return later if earlier is None else earlier
        return self.choose(earlier, later)

    def result(self, state: State) -> dict[str, object]:
        """See Kind."""
        return {self.name: None if state is None else json_number(state)}


class Min(_Extreme):
    """The least value; its state is the value, None before any."""

    def choose(self, one: float, other: float) -> float:
        """See above."""
        return min(one, other)


class Max(_Extreme):
    """The greatest value; its state is the value, None before any."""

    def choose(self, one: float, other: float) -> float:
        """See above."""
        return max(one, other)
