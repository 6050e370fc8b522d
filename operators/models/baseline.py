"""What one would say who knows nothing but the outcomes so far: every other kind must beat it."""

from collections.abc import Sequence

import msgspec

from operators.models.parts import Value
from operators.models.stamps import seal, unseal_as


class _Learned(msgspec.Struct, array_like=True):
    count: int = 0
    total: float = 0.0


class Baseline:
    """The rate so far, which starts at a half (Laplace's rule of succession), or the mean so far.

    Args:
        is_sum: whether labels are sums; their mean before the first is 0.
    """

    def __init__(self, *, is_sum: bool) -> None:
        self._is_sum = is_sum
        self._learned = _Learned()
        self._stamp = {"kind": "baseline", "labels": "sums" if is_sum else "0 or 1"}

    def predict(self, rows: Sequence[Sequence[Value]]) -> list[float]:
        """See Learner."""
        count, total = self._learned.count, self._learned.total
        mean = total / count if count else 0.0
        return [mean if self._is_sum else (total + 1) / (count + 2)] * len(rows)

    def learn(self, _row: Sequence[Value], label: float) -> None:
        """See Learner."""
        self._learned.count += 1
        self._learned.total += label

    def contributions(self, _row: Sequence[Value]) -> dict[str, float] | None:
        """See Learner."""
        return None

    def importance(self) -> dict[str, float]:
        """See Learner."""
        return {}

    def dump(self) -> bytes:
        """See Learner."""
        return seal(self._stamp, msgspec.msgpack.encode(self._learned))

    def load(self, data: bytes) -> None:
        """See Learner."""
        self._learned = unseal_as(_Learned, self._stamp, data)
