"""The mean, from the exact sum and the count."""

from operators.features.fixed_point import Total, add, number, subtract, to_millionths
from operators.features.kind import Kind
from operators.features.moment import Moment
from operators.fields import FieldType
from operators.times import EventTime

State = list[Total]
"""Sum in millionths and count."""


class Mean(Kind):
    """Divides the exact sum by the count, rounded once; see Sum."""

    name = "mean"
    field_type = FieldType.NUMBER

    def start(self) -> State:
        """See Kind."""
        return [0, 0]

    def update(self, state: State, value: float, time: EventTime) -> State:
        """See Kind."""
        return [add(state[0], to_millionths(value)), int(state[1]) + 1]

    def merge(self, earlier: State, later: State) -> State:
        """See Kind."""
        return [add(earlier[0], later[0]), int(earlier[1]) + int(later[1])]

    def value(self, state: State, moment: Moment) -> float | None:
        """See Kind."""
        total, count = state
        return number(total, int(count)) if count else None

    def without(self, state: State, earliest: State) -> State:
        """See Kind."""
        return [subtract(state[0], earliest[0]), int(state[1]) - int(earliest[1])]
