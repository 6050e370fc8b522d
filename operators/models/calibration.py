"""Makes scores fit how often the event came: Platt scaling, learned with every example.

Platt, J. (1999): Probabilistic outputs for support vector machines. Two numbers turn the log-odds
of a model's score into those of the calibrated one: slope * log-odds + shift.
"""

from collections.abc import Sequence
from math import isnan, log

import msgspec

from operators.models.learner import Learner
from operators.models.logistic import probability
from operators.models.parts import Value
from operators.models.stamps import seal, unseal_as

EXAMPLES_BEFORE = 100
"""Until so many are learned, scores are left as they are."""
LEARNING_RATE = 0.02
_LEAST = 1e-6
_STAMP = {"calibration": "platt"}


class _Learned(msgspec.Struct, array_like=True):
    examples: int = 0
    slope: float = 1.0
    shift: float = 0.0
    inner: bytes = b""


class Calibrated:
    """A model for 0/1 labels whose scores are put right.

    Args:
        learner: the model; each example is scored by it before it is learned.
    """

    def __init__(self, learner: Learner) -> None:
        self._learner = learner
        self._learned = _Learned()

    def predict(self, rows: Sequence[Sequence[Value]]) -> list[float]:
        """See Learner."""
        scores = self._learner.predict(rows)
        learned = self._learned
        if learned.examples < EXAMPLES_BEFORE:
            return scores
        slope, shift = learned.slope, learned.shift
        return [
            each if isnan(each) else probability(slope * _log_odds(each) + shift) for each in scores
        ]

    def learn(self, row: Sequence[Value], label: float) -> None:
        """See Learner."""
        score = self._learner.predict([row])[0]
        self._learner.learn(row, label)
        if isnan(score):
            return
        learned, log_odds = self._learned, _log_odds(score)
        error = probability(learned.slope * log_odds + learned.shift) - label
        learned.slope -= LEARNING_RATE * error * log_odds
        learned.shift -= LEARNING_RATE * error
        learned.examples += 1

    def contributions(self, row: Sequence[Value]) -> dict[str, float] | None:
        """See Learner; the calibration's shift belongs to no input."""
        found = self._learner.contributions(row)
        if found is None or self._learned.examples < EXAMPLES_BEFORE:
            return found
        return {name: each * self._learned.slope for name, each in found.items()}

    def importance(self) -> dict[str, float]:
        """See Learner."""
        return self._learner.importance()

    def dump(self) -> bytes:
        """See Learner."""
        learned = msgspec.structs.replace(self._learned, inner=self._learner.dump())
        return seal(_STAMP, msgspec.msgpack.encode(learned))

    def load(self, data: bytes) -> None:
        """See Learner."""
        learned = unseal_as(_Learned, _STAMP, data)
        self._learner.load(learned.inner)
        self._learned = msgspec.structs.replace(learned, inner=b"")


def _log_odds(score: float) -> float:
    """Return the log-odds of a score, of 0 and 1 those of one in a million."""
    within = min(max(score, _LEAST), 1 - _LEAST)
    return log(within / (1 - within))
