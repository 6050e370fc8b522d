"""Logistic regression: River learns, one example at a time; numpy scores rows together.

Of numbers the fourth roots are scaled, by the mean and variance so far; they are left out where
they are missing. Each input that can be missing has an indicator for it, each category one for
each of its texts. Why roots, and why the intercept learns faster at first: docs/models.md tells
what was measured.
"""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from math import exp
from typing import Any

import msgspec
from river import linear_model, optim, preprocessing, utils

from operators.models.encoding import (
    MOST_CATEGORIES,
    Categories,
    Hashed,
    OneHot,
    is_usable,
    missing,
    root,
)
from operators.models.linear import Linear, Scalar, Text
from operators.models.parts import Value
from operators.models.plan import InputPlan
from operators.models.stamps import layout, seal, unseal_as

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
        self._looks = [
            (each.name, missing(each.name), each.kind != "boolean", self._categories.get(each.name))
            for each in inputs
        ]
        self._scaler: Any = preprocessing.StandardScaler()
        self._model: Any = _new_model(parameters)
        self._linear: Linear | None = None
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
        return [probability(each) for each in self._fold().log_odds(rows)]

    def learn(self, row: Sequence[Value], label: float) -> None:
        """See Learner."""
        numbers: dict[str, float] = {}
        indicators: dict[str, float] = {}
        for (name, absent, is_number, categories), value in zip(self._looks, row, strict=True):
            if categories is not None:
                indicators[categories.learn(value) if isinstance(value, str) else absent] = 1.0
            elif not is_usable(value):
                indicators[absent] = 1.0
            elif is_number:
                numbers[name] = root(float(value))
            else:
                indicators[name] = float(value)
        self._linear = None
        self._scaler.learn_one(numbers)
        scaled = self._scaler.transform_one(numbers)
        self._model.learn_one(scaled | indicators, bool(label))

    def contributions(self, row: Sequence[Value]) -> dict[str, float] | None:
        """See Learner; with the intercept they add up to the log-odds."""
        parts = sorted(self._fold().parts(row))
        return {each.name: part for each, (_, part) in zip(self._inputs, parts, strict=True)}

    def importance(self) -> dict[str, float]:
        """Return the weights, the greatest (either way) first.

        Numbers are scaled, so that weights can be compared: NAME, ``NAME=text``,
        ``NAME is missing``.
        """
        weights: dict[str, float] = self._model.weights
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
        learned = unseal_as(_Learned, self._stamp, data)
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
        self._scaler, self._model, self._linear = scaler, model, None

    def _fold(self) -> Linear:
        """Fold what River's objects hold together, once after learning; as River scales."""
        if self._linear is not None:
            return self._linear
        weights: dict[str, float] = self._model.weights
        means, variances = self._scaler.means, self._scaler.vars
        scalars: list[Scalar] = []
        texts: list[Text] = []
        for place, (name, absent, is_number, categories) in enumerate(self._looks):
            without = weights.get(absent, 0.0)
            if categories is not None:
                texts.append(Text(place, categories.find, without))
                continue
            mean, factor = 0.0, weights.get(name, 0.0)
            if is_number:
                mean, variance = means.get(name, 0.0), variances.get(name)
                factor = factor / variance**0.5 if variance else 0.0
            scalars.append(Scalar(place, mean, factor, without))
        self._linear = Linear(scalars, texts, weights, float(self._model.intercept))
        return self._linear


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
