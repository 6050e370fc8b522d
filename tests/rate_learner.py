"""A tiny model whose scores show what it has learned in which order, and what goes with it."""

from collections.abc import Sequence

import msgspec

from operators.models.learner import LearnerError
from operators.models.parts import Value
from operators.models.plan import InputPlan, ModelPlan, TargetPlan

PACE = 0.3
REFUSED = "refused"
"""A first input that cannot be scored."""
UNLEARNABLE = "unlearnable"
"""A first input that cannot be learned from."""


def plan(name: str = "intent", step_ms: int = 60_000, **options: object) -> ModelPlan:
    """Make a model that predicts an order."""
    values: dict[str, object] = {
        "name": name,
        "version": "11111111",
        "kind": "rate",
        "target": TargetPlan("Order Completed", is_absence=False, within_ms=None),
        "inputs": (InputPlan("device", "category"),),
        "step_ms": step_ms,
        **options,
    }
    return msgspec.convert(values, ModelPlan)


class RateLearner:
    """The recent rate among examples of the same first input: a later one counts for more.

    Attributes:
        examples: all that was learned since it was made, in order.
    """

    def __init__(self) -> None:
        self.rates: dict[str, float] = {}
        self.examples: list[tuple[list[Value], float]] = []

    def predict(self, rows: Sequence[Sequence[Value]]) -> list[float]:
        """See Learner."""
        if any(row[0] == REFUSED for row in rows):
            raise ValueError("this cannot be scored")
        return [self.rates.get(str(row[0]), 0.5) for row in rows]

    def learn(self, row: Sequence[Value], label: float) -> None:
        """See Learner."""
        if row[0] == UNLEARNABLE:
            raise ValueError("this cannot be learned")
        self.examples.append((list(row), label))
        rate = self.rates.get(str(row[0]), 0.5)
        self.rates[str(row[0])] = rate + PACE * (label - rate)

    def contributions(self, row: Sequence[Value]) -> dict[str, float] | None:
        """See Learner."""
        return {"device": self.rates.get(str(row[0]), 0.5)}

    def importance(self) -> dict[str, float]:
        """See Learner."""
        return {"device": 1.0}

    def dump(self) -> bytes:
        """See Learner."""
        return msgspec.json.encode(self.rates)

    def load(self, data: bytes) -> None:
        """See Learner."""
        try:
            self.rates = msgspec.json.decode(data, type=dict[str, float])
        except msgspec.DecodeError as error:
            raise LearnerError("not a table of rates") from error


class PairWatch:
    """Keeps every pair that is noted: score, baseline's score, label."""

    def __init__(self) -> None:
        self.pairs: list[tuple[float, float, float]] = []

    def note(self, score: float, baseline_score: float, label: float) -> None:
        """See Watch."""
        self.pairs.append((score, baseline_score, label))

    def dump(self) -> bytes:
        """See Watch."""
        return msgspec.json.encode(self.pairs)

    def load(self, data: bytes) -> None:
        """See Watch."""
        self.pairs = msgspec.json.decode(data, type=list[tuple[float, float, float]])
