"""Logistic regression: River learns, one example at a time; numpy scores rows together.

Of numbers the fourth roots are scaled, by the mean and variance so far; they are left out where
they are missing. Each input that can be missing has an indicator for it, each category one for
each of its texts. Why roots, and why the intercept learns faster at first: docs/models.md tells
what was measured.
"""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from math import exp
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from river import linear_model, optim, preprocessing, utils

from operators.models.encoding import (
    LARGEST,
    MOST_CATEGORIES,
    Categories,
    Hashed,
    OneHot,
    is_usable,
    missing,
    root,
    roots,
)
from operators.models.parts import Value
from operators.models.plan import InputPlan
from operators.models.stamps import damaged, layout, seal, unseal

LEARNING_RATE = 0.01
FIRST_RATE = 4.0
"""Of the intercept, by the number of examples: Newton's step is 1 / (n p (1 - p)), p = 1/2."""
_BEFORE_LEARNING = 0.5


class _Learned(msgspec.Struct, array_like=True):
    """What River's objects hold; mappings keep their order, which River's sums follow."""

    examples: int
    intercept: float
    weights: dict[str, float]
    counts: dict[str, int]
    means: dict[str, float]
    variances: dict[str, float]
    l1_most: float
    l1_given: dict[str, float]
    categories: dict[str, list[str]]


class _Folded(NamedTuple):
    """All that scoring needs: ``(root - means) * factors``, or ``absent`` where there is none.

    Attributes:
        means: of each number's roots, 0 for a boolean, shape (scalars, 1).
        factors: the weight of each by its standard deviation, shape (scalars, 1).
        absent: the weight of each one's indicator that it is missing, shape (scalars, 1).
        weights: of all that River has seen, by its name.
        intercept: what a row without any of it scores, as log-odds.
    """

    means: NDArray[np.float64]
    factors: NDArray[np.float64]
    absent: NDArray[np.float64]
    weights: dict[str, float]
    intercept: float


class LogisticRegression:
    """How likely a 0/1 label is 1.

    Args:
        inputs: what it looks at.
        parameters: ``learning_rate`` (of the weights, and of the intercept after the first
            examples), ``l1`` or ``l2``, ``class_weight: {positive: w}``, ``categories`` (one_hot or
            hashed), ``at_most`` (indicators of one input).

    Raises:
        ValueError: weights could grow without end with these parameters.
    """

    def __init__(self, inputs: Sequence[InputPlan], parameters: Mapping[str, Any]) -> None:
        self._inputs = tuple(inputs)
        self._parameters = parameters
        most = parameters.get("at_most", MOST_CATEGORIES)
        kind = Hashed if parameters.get("categories") == "hashed" else OneHot
        self._categories: dict[str, Categories] = {
            each.name: kind(each.name, most) for each in inputs if each.kind == "category"
        }
        self._scalars = [place for place, each in enumerate(inputs) if each.kind != "category"]
        self._texts = [
            (place, each.name) for place, each in enumerate(inputs) if each.kind == "category"
        ]
        self._scaler: Any = preprocessing.StandardScaler()
        self._model: Any = _new_model(parameters)
        self._folded: _Folded | None = None
        minor = version("river").rpartition(".")[0]
        self._stamp = {
            "kind": "logistic_regression",
            "numbers": "fourth roots",
            "river": minor,
            "inputs": layout(inputs),
        }

    def predict(self, rows: Sequence[Sequence[Value]]) -> list[float]:
        """See Learner."""
        if not self._model.optimizer.n_iterations or not rows:
            return [_BEFORE_LEARNING] * len(rows)
        return [probability(each) for each in self._log_odds(rows).tolist()]

    def learn(self, row: Sequence[Value], label: float) -> None:
        """See Learner."""
        numbers: dict[str, float] = {}
        indicators: dict[str, float] = {}
        for each, value in zip(self._inputs, row, strict=True):
            if each.kind == "category":
                name = missing(each.name)
                if isinstance(value, str):
                    name = self._categories[each.name].learn(value)
                indicators[name] = 1.0
            elif not is_usable(value):
                indicators[missing(each.name)] = 1.0
            elif each.kind == "boolean":
                indicators[each.name] = float(value)
            else:
                numbers[each.name] = root(float(value))
        self._folded = None
        self._scaler.learn_one(numbers)
        scaled = self._scaler.transform_one(numbers)
        self._model.learn_one(scaled | indicators, bool(label))

    def contributions(self, row: Sequence[Value]) -> dict[str, float] | None:
        """See Learner; with the intercept they add up to the log-odds."""
        folded = self._fold()
        scalars = self._scaled([row], folded)[:, 0].tolist()
        found = {
            self._inputs[place].name: scalar
            for place, scalar in zip(self._scalars, scalars, strict=True)
        }
        for place, name in self._texts:
            found[name] = self._weights_of(name, [row[place]], folded)[0]
        return {each.name: found[each.name] for each in self._inputs}

    def importance(self) -> dict[str, float]:
        """Return the weights, the greatest (either way) first.

        Numbers are scaled, so that weights can be compared: NAME, ``NAME=text``,
        ``NAME is missing``.
        """
        weights = self._fold().weights
        return dict(sorted(weights.items(), key=lambda item: (-abs(item[1]), item[0])))

    def dump(self) -> bytes:
        """See Learner."""
        scaler, model = self._scaler, self._model
        learned = _Learned(
            examples=model.optimizer.n_iterations,
            intercept=float(model.intercept),
            weights=_floats(model.weights),
            counts=dict(scaler.counts),
            means=_floats(scaler.means),
            variances=_floats(scaler.vars),
            l1_most=float(model.max_cum_l1) if model.l1 else 0.0,
            l1_given=_floats(model.cum_l1.to_dict()) if model.l1 else {},
            categories={name: each.known for name, each in self._categories.items()},
        )
        return seal(self._stamp, msgspec.msgpack.encode(learned))

    def load(self, data: bytes) -> None:
        """See Learner."""
        try:
            learned = msgspec.msgpack.decode(unseal(self._stamp, data), type=_Learned)
        except msgspec.DecodeError as error:
            raise damaged(error) from error
        for name, categories in self._categories.items():
            categories.restore(learned.categories.get(name, ()))
        scaler = preprocessing.StandardScaler()
        scaler.counts.update(learned.counts)
        scaler.means.update(learned.means)
        scaler.vars.update(learned.variances)
        model = _new_model(self._parameters)
        model.optimizer.n_iterations = learned.examples
        model.intercept = learned.intercept
        model._weights = utils.VectorDict(learned.weights)  # noqa: SLF001 (River has no other way)
        if model.l1:
            model.max_cum_l1 = learned.l1_most
            model.cum_l1 = utils.VectorDict(learned.l1_given, optim.initializers.Zeros())
        self._scaler, self._model, self._folded = scaler, model, None

    def _log_odds(self, rows: Sequence[Sequence[Value]]) -> NDArray[np.float64]:
        """Add up each row's parts, one after the other: in whatever batch, the same to the bit."""
        folded = self._fold()
        total = np.full(len(rows), folded.intercept)
        for part in self._scaled(rows, folded):
            total += part
        for place, name in self._texts:
            total += self._weights_of(name, [row[place] for row in rows], folded)
        return total

    def _scaled(self, rows: Sequence[Sequence[Value]], folded: _Folded) -> NDArray[np.float64]:
        """Return what numbers and booleans add to the log-odds, shape (scalars, rows)."""
        columns = [[row[place] for row in rows] for place in self._scalars]
        values = np.array(columns, dtype=np.float64).reshape(len(columns), len(rows))
        is_there = np.abs(values) <= LARGEST  # None has become nan
        values = roots(np.where(is_there, values, 0.0))  # of a boolean it is the boolean itself
        return np.where(is_there, (values - folded.means) * folded.factors, folded.absent)

    def _weights_of(self, name: str, texts: Sequence[Value], folded: _Folded) -> list[float]:
        """Return what the texts of one input add to the log-odds."""
        find, weight = self._categories[name].find, folded.weights.get
        absent = weight(missing(name), 0.0)
        return [
            weight(find(text) or "", 0.0) if isinstance(text, str) else absent for text in texts
        ]

    def _fold(self) -> _Folded:
        """Fold what River's objects hold together, once after learning."""
        if self._folded is None:
            weights: dict[str, float] = self._model.weights
            scalars = [self._fold_scalar(self._inputs[place], weights) for place in self._scalars]
            means, factors, absent = np.array(scalars).reshape(-1, 3).T[:, :, np.newaxis]
            self._folded = _Folded(means, factors, absent, weights, float(self._model.intercept))
        return self._folded

    def _fold_scalar(
        self, plan: InputPlan, weights: Mapping[str, float]
    ) -> tuple[float, float, float]:
        """Return the mean, factor and weight if absent of one input; as River scales."""
        weight, absent = weights.get(plan.name, 0.0), weights.get(missing(plan.name), 0.0)
        if plan.kind == "boolean":
            return 0.0, weight, absent
        mean, variance = self._scaler.means.get(plan.name, 0.0), self._scaler.vars.get(plan.name)
        return mean, weight / variance**0.5 if variance else 0.0, absent


def probability(log_odds: float) -> float:
    """Return 1 / (1 + e**-x), for any x; Python's exp, since numpy's depends on the batch."""
    if log_odds >= 0:
        return 1 / (1 + exp(-log_odds))
    odds = exp(log_odds)
    return odds / (1 + odds)


class InterceptRate(optim.base.Scheduler):
    """The learning rate of the intercept: more for the first examples, which tell the usual rate.

    With one constant rate it takes hundreds of examples until scores are near the usual rate, and
    weights learn to make up for it.

    Args:
        rate: the least, for ever.
        first: by how much the first example moves it, the n-th by first / n.
    """

    def __init__(self, rate: float, first: float) -> None:
        self.rate = rate
        self.first = first

    def get(self, t: int) -> float:
        """Return the rate after t examples."""
        return max(self.rate, self.first / (t + 1))


def _new_model(parameters: Mapping[str, Any]) -> Any:
    rate = parameters.get("learning_rate", LEARNING_RATE)
    l2 = parameters.get("l2", 0.0)
    if rate * l2 > 1:
        raise ValueError(
            f"learning_rate * l2 is {rate * l2:g}: above 1 weights can grow without end"
        )
    positive = parameters.get("class_weight", {}).get("positive", 1.0)
    return linear_model.LogisticRegression(
        optimizer=optim.SGD(rate),
        loss=optim.losses.Log(weight_pos=positive),
        l1=parameters.get("l1", 0.0),
        l2=l2,
        # an example that weighs more moves it no further, so that others can move it back
        intercept_lr=InterceptRate(rate, FIRST_RATE / max(1.0, positive)),
    )


def _floats(numbers: Mapping[str, float]) -> dict[str, float]:
    """Make all of them floats: River's L1 leaves whole zeros, which would be written otherwise."""
    return {name: float(number) for name, number in numbers.items()}
