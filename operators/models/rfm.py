"""RFM: how recently, how often and for how much customers have bought, held against all others.

See docs/models.md. A customer without a time of the last order has no tiers, and is no part of what
others are held against.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from operators.models.parts import ModelOutcome, Value
from operators.models.quantiles import HOURS, NUMBERS, TIERS, Counted, Sketch, Tier
from operators.models.stamps import damaged, seal, unseal_as
from state.records import Records


class Tiers(NamedTuple):
    """A customer's tiers, 1 to 5, 5 the best; None for what is missing, or nobody is known of."""

    recency: int | None
    frequency: int | None
    monetary: int | None


PARTS = Tiers._fields
"""What a model of this kind looks at, in the order of its inputs."""

_NO_TIERS = Tiers(None, None, None)
_MOST = len(PARTS) * (TIERS - 1)


class Values(msgspec.Struct, array_like=True, gc=False):
    """What was last learned of a customer.

    Attributes:
        values: in the order of PARTS.
    """

    values: list[float | None]


class Rfm:
    """Knows what customers are like.

    Rows hold the instant of the last order in ms, and two numbers. The first is told apart to the
    hour, the others to 1/128 of their size.
    """

    def __init__(self) -> None:
        self._sketches = [Sketch(HOURS), Sketch(NUMBERS), Sketch(NUMBERS)]
        self._stamp = {"kind": "rfm", "buckets": "1"}

    @property
    def customers(self) -> int:
        """How many are known."""
        return len(self._sketches[0])

    def tiers(self, row: Sequence[Value]) -> Tiers:
        """Return the tiers of a customer."""
        values = numbers(row)
        if values[0] is None:
            return _NO_TIERS
        pairs = zip(self._sketches, values, strict=True)
        return Tiers(*(None if value is None else sketch.tier(value) for sketch, value in pairs))

    def limits(self) -> dict[str, list[Tier]]:
        """Say who is in which tier, by part."""
        found = zip(PARTS, self._sketches, strict=True)
        return {part: sketch.tiers() if len(sketch) else [] for part, sketch in found}

    def learn_all(self, outcomes: Iterable[ModelOutcome], known: Records[Values]) -> None:
        """Learn what customers are like now, each in place of what was learned before.

        Args:
            outcomes: in their order.
            known: what was learned of each customer; it is changed likewise.
        """
        told = list(outcomes)
        found = known.edit(dict.fromkeys(each.customer for each in told))
        for each in told:
            values = numbers(each.values)
            before = found.get(each.customer)
            if before is not None:
                self._count(before.values, is_gone=True)
            if values[0] is None:
                if before is not None:
                    known.delete(each.customer)
                    del found[each.customer]
                continue
            self._count(values)
            if before is not None:
                before.values = values
            else:
                found[each.customer] = known.insert(each.customer, Values(values))

    def predict(self, rows: Sequence[Sequence[Value]]) -> list[float]:
        """See Learner."""
        return [score_of(self.tiers(row)) for row in rows]

    def learn(self, row: Sequence[Value], _label: float) -> None:
        """Count one more customer."""
        values = numbers(row)
        if values[0] is not None:
            self._count(values)

    def contributions(self, _row: Sequence[Value]) -> dict[str, float] | None:
        """See Learner."""
        return None

    def importance(self) -> dict[str, float]:
        """See Learner."""
        return {}

    def dump(self) -> bytes:
        """See Learner."""
        counted = [sketch.dump() for sketch in self._sketches]
        return seal(self._stamp, msgspec.msgpack.encode(counted))

    def load(self, data: bytes) -> None:
        """See Learner."""
        counted = unseal_as(list[Counted], self._stamp, data)
        try:
            pairs = list(zip(self._sketches, counted, strict=True))
        except ValueError as error:
            raise damaged(error) from error
        for sketch, each in pairs:
            sketch.load(each)

    def _count(self, values: Sequence[float | None], *, is_gone: bool = False) -> None:
        for sketch, value in zip(self._sketches, values, strict=True):
            if value is None:
                continue
            if is_gone:
                sketch.remove(value)
            else:
                sketch.add(value)


def score_of(tiers: Tiers) -> float:
    """Return the score of a customer with these tiers; one that is missing counts as the first."""
    return sum(tier - 1 for tier in tiers if tier is not None) / _MOST


def numbers(row: Sequence[Value]) -> list[float | None]:
    """Return a row's values, all of which are numbers or missing."""
    return [value if isinstance(value, float) else None for value in row]
