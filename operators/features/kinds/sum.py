"""The sum, exact and the same in whatever order the values come."""

from operators.features.fixed_point import Total, add, number, subtract, to_millionths
from operators.features.kind import EVERY_WINDOW, Kind
from operators.features.moment import Moment
from operators.fields import FieldType
from operators.times import EventTime


class Sum(Kind):
    """Adds in fixed point: each value is rounded to a millionth, half to even, sums are exact."""

    name = "sum"
    field_type = FieldType.NUMBER
    windows = EVERY_WINDOW | {"decay"}
    empty = 0

    def start(self) -> Total:
        """See Kind."""
        return 0

    def update(self, state: Total, value: float, time: EventTime) -> Total:
        """See Kind."""
        return add(state, to_millionths(value))

    def merge(self, earlier: Total, later: Total) -> Total:
        """See Kind."""
        return add(earlier, later)

    def value(self, state: Total, moment: Moment) -> float:
        """See Kind."""
        return number(state)

    def without(self, state: Total, earliest: Total) -> Total:
        """See Kind."""
        return subtract(state, earliest)
