"""Exact sums: in whole millionths, the same in whatever order and however often regrouped."""

import sys
from fractions import Fraction
from functools import lru_cache

from operators.features.row_values import row_number

Total = int | str
"""Millionths; beyond 64 bits, which the store's integers have, as decimal text."""

_SCALE = 10**6
_BITS_64 = 1 << 63
_SURE_BELOW = 2.0**41  # the product's error is below 2**-11 there
_SURE_WITHIN = 0.499
_SURE_SHARE = 1 << 50  # a share of less than a whole is not rounded to one there


@lru_cache(maxsize=4096)  # prices come again, and a sliding window adds each one twice
def to_millionths(value: float) -> int:
    """Round a number to whole millionths, half to even.

    What counts is the number's shortest decimal text, so 0.0000005 is a tie, although the binary
    number nearest to it is not. Far from a tie, and where the binary error is small, the product
    of the binary numbers rounds to the same.
    """
    scaled = value * _SCALE
    if -_SURE_BELOW < scaled < _SURE_BELOW:
        nearest = round(scaled)
        if -_SURE_WITHIN < scaled - nearest < _SURE_WITHIN:
            return nearest
    return round(Fraction(repr(value)) * _SCALE)


def add(one: Total, other: Total) -> Total:
    """Add two totals."""
    total = one + other if type(one) is type(other) is int else int(one) + int(other)
    return total if -_BITS_64 <= total < _BITS_64 else str(total)


def subtract(one: Total, other: Total) -> Total:
    """Take a total from another."""
    return add(one, -int(other))


def number(total: Total, count: int = 1) -> float:
    """Return a total, or its share in a count, as the nearest number; int when whole."""
    if count == 1 and isinstance(total, int) and -_SURE_SHARE < total < _SURE_SHARE:
        return total / _SCALE if total % _SCALE else total // _SCALE
    try:
        value = int(total) / (_SCALE * count)
    except OverflowError:  # no JSON number is that great
        value = sys.float_info.max if int(total) > 0 else -sys.float_info.max
    return row_number(value)
