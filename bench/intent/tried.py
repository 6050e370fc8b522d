"""What was tried to bring the online model nearer: other ways to learn, as plain loops over River.

``as it is`` is the engine's own, made of River's parts once more; the bench asserts that it scores
the same.
"""

from collections.abc import Callable, Mapping, Sequence
from math import copysign, log1p, sqrt
from typing import Any

from river import linear_model, optim, preprocessing

from operators.models.calibration import Calibrated
from operators.models.encoding import is_usable, root
from operators.models.learner import Learner
from operators.models.logistic import FIRST_RATE, InterceptRate
from operators.models.parts import Value
from operators.models.plan import InputPlan

RATE = 0.01
Shape = Callable[[float], float]


class Falling(optim.base.Scheduler):
    """A learning rate that falls with the root of the number of examples, down to a floor."""

    def __init__(self, first: float, least: float) -> None:
        self.first, self.least = first, least

    def get(self, t: int) -> float:
        """Return the rate after t examples."""
        return max(self.least, self.first / sqrt(t + 1))


class PlainRiver:
    """A scaler and a logistic regression of River, by hand.

    Args:
        inputs: what it looks at.
        shape: of numbers, before they are scaled.
        optimizer: of the weights.
        intercept: its learning rate; None for a weight like the others.
        most: standard deviations at which scaled numbers are cut.
        l2: how strongly weights are kept small.
    """

    def __init__(  # noqa: PLR0913 (what is varied)
        self,
        inputs: Sequence[InputPlan],
        *,
        shape: Shape = root,
        optimizer: Any = None,
        intercept: Any = None,
        most: float | None = None,
        l2: float = 0.0,
    ) -> None:
        self._inputs = inputs
        self._shape = shape
        self._most = most
        self._constant = {"(constant)": 1.0} if intercept is None else {}
        self._scaler: Any = preprocessing.StandardScaler()
        self._model: Any = linear_model.LogisticRegression(
            optimizer=optimizer or optim.SGD(RATE),
            intercept_lr=0.0 if intercept is None else intercept,
            l2=l2,
        )

    def predict(self, rows: Sequence[Sequence[Value]]) -> list[float]:
        """See Learner."""
        if not self._model.optimizer.n_iterations:
            return [0.5] * len(rows)
        parts = (self._parts(row) for row in rows)
        return [self._model.predict_proba_one(self._scaled(*each))[True] for each in parts]

    def learn(self, row: Sequence[Value], label: float) -> None:
        """See Learner."""
        numbers, rest = self._parts(row)
        self._scaler.learn_one(numbers)
        self._model.learn_one(self._scaled(numbers, rest), bool(label))

    def _scaled(self, numbers: dict[str, float], rest: dict[str, float]) -> dict[str, float]:
        scaled: dict[str, float] = self._scaler.transform_one(numbers)
        if self._most is not None:
            most = self._most
            scaled = {name: min(max(each, -most), most) for name, each in scaled.items()}
        return scaled | rest | self._constant

    def _parts(self, row: Sequence[Value]) -> tuple[dict[str, float], dict[str, float]]:
        numbers: dict[str, float] = {}
        rest: dict[str, float] = {}
        for each, value in zip(self._inputs, row, strict=True):
            if each.kind == "category" and value is not None:
                rest[f"{each.name}={value}"] = 1.0
            elif not is_usable(value):
                rest[f"{each.name} is missing"] = 1.0
            elif each.kind == "boolean":
                rest[each.name] = float(value)
            else:
                numbers[each.name] = self._shape(float(value))
        return numbers, rest

    def contributions(self, _row: Sequence[Value]) -> dict[str, float] | None:
        """See Learner."""
        return None

    def importance(self) -> dict[str, float]:
        """See Learner."""
        return {}

    def dump(self) -> bytes:
        """See Learner; it is never stopped."""
        return b""

    def load(self, data: bytes) -> None:
        """See Learner; it is never stopped."""


def _plain(value: float) -> float:
    return value


def _log(value: float) -> float:
    return copysign(log1p(abs(value)), value)


def _first() -> InterceptRate:
    return InterceptRate(RATE, FIRST_RATE)


Make = Callable[[Sequence[InputPlan]], Learner]

AS_IT_IS = "as it is: fourth roots, the intercept at 4 / n, at least 0.01"
TRIED: Mapping[str, Make] = {
    "at first: plain numbers, the intercept at 0.01": lambda inputs: PlainRiver(
        inputs, shape=_plain, intercept=RATE
    ),
    "that, with `calibrate: true`": lambda inputs: Calibrated(
        PlainRiver(inputs, shape=_plain, intercept=RATE)
    ),
    "plain numbers, the intercept at 4 / n": lambda inputs: PlainRiver(
        inputs, shape=_plain, intercept=_first()
    ),
    "plain numbers, at most 3 sigma": lambda inputs: PlainRiver(
        inputs, shape=_plain, intercept=_first(), most=3.0
    ),
    "logarithms instead of roots": lambda inputs: PlainRiver(
        inputs, shape=_log, intercept=_first()
    ),
    AS_IT_IS: lambda inputs: PlainRiver(inputs, intercept=_first()),
    "that, with `calibrate: true` too": lambda inputs: Calibrated(
        PlainRiver(inputs, intercept=_first())
    ),
    "the intercept at 1 / √n": lambda inputs: PlainRiver(inputs, intercept=Falling(1.0, RATE)),
    "`learning_rate: 0.003`": lambda inputs: PlainRiver(
        inputs, intercept=InterceptRate(0.003, FIRST_RATE), optimizer=optim.SGD(0.003)
    ),
    "`learning_rate: 0.03`": lambda inputs: PlainRiver(
        inputs, intercept=InterceptRate(0.03, FIRST_RATE), optimizer=optim.SGD(0.03)
    ),
    "weights at 0.1 / √n, at least 0.001": lambda inputs: PlainRiver(
        inputs, intercept=_first(), optimizer=optim.SGD(Falling(0.1, 0.001))
    ),
    "`l2: 0.01`": lambda inputs: PlainRiver(inputs, intercept=_first(), l2=0.01),
    "AdaGrad at 0.1": lambda inputs: PlainRiver(inputs, optimizer=optim.AdaGrad(0.1)),
    "Adam at 0.003": lambda inputs: PlainRiver(inputs, optimizer=optim.Adam(0.003)),
    "FTRL at 0.05": lambda inputs: PlainRiver(
        inputs, optimizer=optim.FTRLProximal(alpha=0.05, beta=1.0, l1=0.0, l2=1.0)
    ),
}
"""What is said of a way, and how to make such a model."""
