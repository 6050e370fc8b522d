"""How many different values there were: exact up to a bound, nearly above it."""

from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

from operators.features.kind import Kind
from operators.features.moment import Moment
from operators.features.sketch import Sketch, sketch_estimate, sketch_of, sketch_union
from operators.fields import FieldType
from operators.times import EventTime

State = list[int] | Sketch
"""The values' digests, sorted; above the bound a sketch of them."""


class Distinct(Kind):
    """Counts different values; 1 and 1.0 are the same, 1 and "1" and true are three."""

    name = "distinct"
    field_type = FieldType.SCALAR
    empty = 0
    at_most_usual = 64
    at_most_limit = 1000

    def start(self) -> State:
        """See Kind."""
        return []

    def update(self, state: State, value: str | float, time: EventTime) -> State:
        """See Kind."""
        digest = _digest(value)
        if isinstance(state, bytes):
            return sketch_union(state, sketch_of([digest]))
        place = bisect_left(state, digest)
        if place < len(state) and state[place] == digest:
            return state
        return self._bounded([*state[:place], digest, *state[place:]])

    def merge(self, earlier: State, later: State) -> State:
        """See Kind."""
        return self.merge_all((earlier, later))

    def merge_all(self, states: Sequence[State]) -> State:
        """See Kind."""
        digests: set[int] = set()
        sketches = []
        for state in states:
            if isinstance(state, bytes):
                sketches.append(state)
            else:
                digests.update(state)
        if sketches:
            return sketch_union(*sketches, sketch_of(digests))
        return self._bounded(sorted(digests))

    def value(self, state: State, moment: Moment) -> int:
        """See Kind."""
        if isinstance(state, bytes):
            return max(self.at_most + 1, round(sketch_estimate(state)))
        return len(state)

    def _bounded(self, digests: list[int]) -> State:
        """Return a state for digests, which may be more than the bound."""
        return digests if len(digests) <= self.at_most else sketch_of(digests)


@lru_cache(maxsize=4096, typed=True)  # a window counts each value in its pane and in the whole
def _digest(value: str | float) -> int:
    """Return 63 bits that stand for a value: among 1,000 two are the same once in 10^13 times."""
    if isinstance(value, str):
        text = f'"{value}'
    elif isinstance(value, float) and value == int(value):
        text = str(int(value))
    else:
        text = str(value)
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
