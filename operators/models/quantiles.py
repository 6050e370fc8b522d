"""Counts of values in buckets, from which a value can be taken out again, and their tiers.

A sketch of quantiles of its own, because none that is well kept fits: `ddsketch` cannot say what
share lies below a value, takes nothing out, and where it is bounded its buckets depend on the order
in which values came. The buckets are those of HdrHistogram (powers of two, each cut into equal
parts), so that they are exact sums of floats and need no logarithm, which differs between machines.
"""

from bisect import bisect_right
from collections.abc import Callable
from math import frexp, ldexp
from typing import NamedTuple

import msgspec

TIERS = 5
MOST_BUCKETS = 20_000
"""How many buckets are told apart: all there are of numbers, and 2.3 years of hours."""
HOUR_MS = 3_600_000

_PARTS = 128
_BLOCK = 128
"""Of so many buckets the sum is kept too, so that limits are found without looking at all."""
_LEAST, _GREATEST = 2.0**-20, 2.0**50
_FIRST = frexp(_LEAST)[1]
_NO_FLOOR = -(1 << 62)


class Scale(NamedTuple):
    """How values become buckets.

    Attributes:
        bucket: of a value; greater values have no lesser bucket.
        value: where a bucket begins, seen from 0.
    """

    bucket: Callable[[float], int]
    value: Callable[[int], float]


class Tier(NamedTuple):
    """The customers in one tier.

    Attributes:
        tier: 1 to TIERS.
        customers: how many.
        first: where the lowest bucket begins that holds one of them, None for nobody.
        last: where the highest does.
    """

    tier: int
    customers: int
    first: float | None
    last: float | None


class Counted(msgspec.Struct, array_like=True):
    """All that a sketch knows.

    Attributes:
        buckets: how many values each holds, none without, in ascending order when written.
        floor: what lies in lower buckets counts as being in this one.
    """

    buckets: dict[int, int] = msgspec.field(default_factory=dict)
    floor: int = _NO_FLOOR


class Sketch:
    """Says which fifth of the values that it holds another one belongs to.

    What it knows depends on what was put in and taken out, not on the order. Values of the same
    bucket count as equal.

    Args:
        scale: of the buckets. Where its values span more than MOST_BUCKETS, the lowest are merged.
    """

    def __init__(self, scale: Scale) -> None:
        self._scale = scale
        self._counted = Counted()
        self._count = 0
        self._blocks: dict[int, int] = {}
        self._limits: list[int] = []
        self._is_changed = False

    def __len__(self) -> int:
        return self._count

    def add(self, value: float) -> None:
        """Put a value in."""
        bucket = self._scale.bucket(value)
        floor = bucket - MOST_BUCKETS + 1
        if floor > self._counted.floor:
            self._merge_below(floor)
        self._change(bucket, 1)

    def remove(self, value: float) -> None:
        """Take out a value that was put in."""
        self._change(self._scale.bucket(value), -1)

    def tier(self, value: float) -> int | None:
        """Return the tier of a value: 1, and one more for each fifth that lies below it.

        Tier 5 is that of values that at least 80% are strictly below. None where there are none.
        """
        if not self._count:
            return None
        if self._is_changed:
            self._find_limits()
        return 1 + bisect_right(self._limits, max(self._scale.bucket(value), self._counted.floor))

    def tiers(self) -> list[Tier]:
        """Say who is in which tier."""
        found: dict[int, list[int]] = {tier: [] for tier in range(1, TIERS + 1)}
        for bucket in sorted(self._counted.buckets):
            tier = self.tier(self._scale.value(bucket))
            assert tier is not None, "there are some"
            found[tier].append(bucket)
        return [
            Tier(
                tier,
                sum(self._counted.buckets[bucket] for bucket in buckets),
                self._scale.value(buckets[0]) if buckets else None,
                self._scale.value(buckets[-1]) if buckets else None,
            )
            for tier, buckets in found.items()
        ]

    def dump(self) -> Counted:
        """Return all of it."""
        return Counted(dict(sorted(self._counted.buckets.items())), self._counted.floor)

    def load(self, counted: Counted) -> None:
        """Take what ``dump`` has returned."""
        self._counted = counted
        self._count = sum(counted.buckets.values())
        self._blocks = {}
        for bucket, count in counted.buckets.items():
            self._change_block(bucket, count)
        self._is_changed = True

    def _change(self, bucket: int, by: int) -> None:
        counted = self._counted
        bucket = max(bucket, counted.floor)
        count = counted.buckets.get(bucket, 0) + by
        assert count >= 0, "what is taken out was put in"
        if count:
            counted.buckets[bucket] = count
        else:
            del counted.buckets[bucket]
        self._change_block(bucket, by)
        self._count += by
        self._is_changed = True

    def _change_block(self, bucket: int, by: int) -> None:
        block = bucket // _BLOCK
        count = self._blocks.get(block, 0) + by
        if count:
            self._blocks[block] = count
        else:
            del self._blocks[block]

    def _merge_below(self, floor: int) -> None:
        buckets, before = self._counted.buckets, self._counted.floor
        self._counted.floor = floor
        is_near = floor - before < len(buckets)
        low = range(before, floor) if is_near else [each for each in buckets if each < floor]
        merged = 0
        for bucket in low:
            count = buckets.pop(bucket, 0)
            if count:
                self._change_block(bucket, -count)
                merged += count
        if merged:
            buckets[floor] = buckets.get(floor, 0) + merged
            self._change_block(floor, merged)

    def _find_limits(self) -> None:
        """Find the lowest bucket of each tier but the first."""
        limits: list[int] = []
        below = 0
        for block in sorted(self._blocks):
            if (below + self._blocks[block]) * TIERS < self._count * (len(limits) + 1):
                below += self._blocks[block]
                continue
            for bucket in range(block * _BLOCK, (block + 1) * _BLOCK):
                below += self._counted.buckets.get(bucket, 0)
                while len(limits) < TIERS - 1 and below * TIERS >= self._count * (len(limits) + 1):
                    limits.append(bucket + 1)
        self._limits, self._is_changed = limits, False


def _bucket_of_number(number: float) -> int:
    size = min(abs(number), _GREATEST)
    if size < _LEAST:
        return 0
    fraction, exponent = frexp(size)
    bucket = (exponent - _FIRST) * _PARTS + int((fraction - 0.5) * 2 * _PARTS) + 1
    return bucket if number > 0 else -bucket


def _number_of(bucket: int) -> float:
    if not bucket:
        return 0.0
    exponent, part = divmod(abs(bucket) - 1, _PARTS)
    size = ldexp(0.5 + part / (2 * _PARTS), exponent + _FIRST)
    return size if bucket > 0 else -size


NUMBERS = Scale(_bucket_of_number, _number_of)
"""Numbers of a bucket differ by less than 1/128 of the lesser; whole ones up to 256 are told apart.

Below 2**-20 all are 0, from 2**50 on all are alike; likewise below 0.
"""
HOURS = Scale(lambda time: int(time // HOUR_MS), lambda bucket: float(bucket * HOUR_MS))
"""Times in ms, by the hour."""
