"""RFM tiers, worked out slowly: by the values of all customers, each compared with each other.

A customer is known by what was learned last; who never had the time (of the last order) is not
known, and has no tiers. The tier of a value is 1, and one more for each full fifth of the known
customers' values that lie strictly below it, at most 5.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction

from oracle.models import Moment, Told, Value

Number = float | int
Tiers = tuple[int | None, ...]


class Known:
    """The customers that a model knows.

    Attributes:
        values: what was learned last of each: recency (ms), frequency, monetary.
    """

    def __init__(self) -> None:
        self.values: dict[str, Sequence[Value]] = {}

    def learn(self, customer: str, values: Sequence[Value]) -> None:
        """Put what a customer is like now in place of what was known."""
        self.values.pop(customer, None)
        if values[0] is not None:
            self.values[customer] = values

    def tiers(self, values: Sequence[Value], is_below: Sequence[Callable[..., bool]]) -> Tiers:
        """Give the tiers of a customer.

        Args:
            values: of the customer.
            is_below: of each part, whether the first of two values lies below the second.
        """
        if values[0] is None:
            return (None, None, None)
        return tuple(self._tier(part, values[part], is_below[part]) for part in range(3))

    def _tier(self, part: int, value: Value, is_below: Callable[..., bool]) -> int | None:
        others = [each[part] for each in self.values.values() if each[part] is not None]
        if value is None or not others:
            return None
        below = Fraction(sum(is_below(other, value) for other in others), len(others))
        return min(5, 1 + int(below * 5))


def exactly(one: Number, other: Number) -> bool:
    """Tell whether a value lies below another."""
    return one < other


def by_the_hour(one: Number, other: Number) -> bool:
    """Tell whether a time lies in an earlier hour than another."""
    return one // 3_600_000 < other // 3_600_000


def clearly(one: Number, other: Number) -> bool:
    """Tell whether a number lies below another by at least the 128th part of either."""
    return one < other and other - one >= max(abs(one), abs(other)) / 128


EXACT = (by_the_hour, exactly, exactly)
CLEAR = (by_the_hour, clearly, clearly)


def score_of(tiers: Tiers) -> float:
    """Give the score: what is missing counts as the first tier."""
    return round(sum((tier or 1) - 1 for tier in tiers) / 12, 6)


def tiers_of(told: Told, step_ms: int) -> list[tuple[Moment, Tiers, Tiers]]:
    """Give the tiers of all moments, each by what was learned before the watermark at it (M6, M7).

    Returns:
        With each moment the tiers where all values are told apart, and where only those are that
        are clearly apart: what a model says lies between.
    """
    known = Known()
    to_learn = [each for each in told.outcomes if each.label is not None]
    to_learn.sort(key=lambda each: (each.time, each.customer, each.number))
    found = []
    for moment in sorted(told.moments, key=lambda each: each.watermark):
        while to_learn and (to_learn[0].time // step_ms + 1) * step_ms <= moment.watermark:
            outcome = to_learn.pop(0)
            known.learn(outcome.customer, outcome.values)
        tiers = [known.tiers(moment.values, is_below) for is_below in (EXACT, CLEAR)]
        found.append((moment, tiers[0], tiers[1]))
    return found
