"""The sum of a numeric field, exact and the same in whatever order the events come."""

import sys
from fractions import Fraction

from operators.collect.kind import Kind
from operators.fields import FieldType
from operators.outputs import json_number
from operators.times import EventTime

_SCALE = 10**6
_BITS_64 = 1 << 63
_SURE_BELOW = 2.0**41  # the product's error is below 2**-11 there
_SURE_WITHIN = 0.499

State = int | str
"""The sum in millionths; beyond 64 bits, which the store's integers have, as decimal text."""


class Sum(Kind):
    """Adds in fixed point: each value is rounded to a millionth, half to even, sums are exact."""

    field_type = FieldType.NUMBER

    def start(self) -> State:
        """See Kind."""
        return 0

    def update(self, state: State, value: float, time: EventTime) -> State:
        """See Kind."""
        return _stored(int(state) + to_millionths(value))

    def merge(self, earlier: State, later: State) -> State:
        """See Kind."""
        return _stored(int(earlier) + int(later))

    def result(self, state: State) -> dict[str, object]:
        """See Kind."""
        try:
            value = int(state) / _SCALE
        except OverflowError:  # no JSON number is that great
            value = sys.float_info.max if int(state) > 0 else -sys.float_info.max
        return {self.name: json_number(value)}


def to_millionths(value: float) -> int:
    """Round a number to whole millionths, half to even.

    What counts is the number's shortest decimal text, so 0.0000005 is a tie, although the binary
    number nearest to it is not. Far from a tie, and where the binary error is small, the product
    of the binary numbers rounds to the same.
    """
    scaled = value * _SCALE
    if abs(scaled) < _SURE_BELOW:
        nearest = round(scaled)
        if abs(scaled - nearest) < _SURE_WITHIN:
            return nearest
    return round(Fraction(repr(value)) * _SCALE)


def _stored(total: int) -> State:
    return total if -_BITS_64 <= total < _BITS_64 else str(total)
