"""Any classifier or regressor of River by its name, behind what a kind of model can do.

They score one row after the other. What they learn is kept as a pickle, which no other version
of River is asked to read.
"""

import pickle
import platform
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from inspect import signature
from math import isfinite, nan
from typing import Any

from river import base, preprocessing

from operators.models.encoding import MOST_CATEGORIES, OneHot, is_usable
from operators.models.learner import LearnerError
from operators.models.parts import Value
from operators.models.pickles import dumps
from operators.models.plan import InputPlan
from operators.models.stamps import damaged, layout, seal, unseal

MOST_ONE_HOT = 100
"""Indicators of one input; each costs such a kind time at every row, also where it is 0."""
SEED = 1

_TAKE_TEXTS = frozenset(
    {
        "ensemble.SRPClassifier",
        "forest.ARFClassifier",
        "tree.ExtremelyFastDecisionTreeClassifier",
        "tree.HoeffdingAdaptiveTreeClassifier",
        "tree.HoeffdingTreeClassifier",
        "tree.LASTClassifier",
    }
)
"""They split by texts; River's others fail on them, or take them for something else."""
_UNSTEADY = "neighbors."
"""Their search depends on Python's hashes of texts, so each run of a process scores otherwise."""
_SCALED = ("facto.", "linear_model.")
"""They take steps as large as the numbers are: unscaled, an input in seconds sends weights off to
infinity, and every score with them."""


class RiverModel:
    """A classifier (0/1 labels) or a regressor (sums).

    A row that it cannot score has the score nan. Numbers that are missing are left out; for linear
    kinds the others are scaled by the mean and variance so far.

    Args:
        kind: the class, by its name below ``river``: ``tree.HoeffdingTreeClassifier``.
        inputs: what it looks at.
        parameters: of the class; ``seed`` is 1 where it is not given.

    Raises:
        ValueError: the class does not score the same again after a restart.
    """

    def __init__(
        self, kind: str, inputs: Sequence[InputPlan], parameters: Mapping[str, Any]
    ) -> None:
        if kind.startswith(_UNSTEADY):
            raise ValueError(f"{kind} scores otherwise after each restart; take another kind")
        self._inputs = tuple(inputs)
        self._takes_texts = kind in _TAKE_TEXTS
        most = MOST_CATEGORIES if self._takes_texts else MOST_ONE_HOT
        self._categories = {
            each.name: OneHot(each.name, most) for each in inputs if each.kind == "category"
        }
        self._model: Any = _build(kind, parameters)
        self._scaler: Any = preprocessing.StandardScaler() if kind.startswith(_SCALED) else None
        self._numbers = {each.name for each in inputs if each.kind in {"number", "time"}}
        self._is_classifier = isinstance(self._model, base.Classifier)
        self._before_learning = 0.5 if self._is_classifier else 0.0
        self._has_learned = False
        self._stamp = {
            "kind": kind,
            "inputs": layout(inputs),
            "python": ".".join(platform.python_version_tuple()[:2]),
            **{name: version(name) for name in ("river", "numpy")},
            **({"numbers": "scaled"} if self._scaler else {}),
        }

    def predict(self, rows: Sequence[Sequence[Value]]) -> list[float]:
        """See Learner; nan for a row that cannot be scored."""
        if not self._has_learned:
            return [self._before_learning] * len(rows)
        return [self._score(row) for row in rows]

    def learn(self, row: Sequence[Value], label: float) -> None:
        """See Learner; raises what River raises."""
        for each, value in zip(self._inputs, row, strict=True):
            if each.kind == "category" and isinstance(value, str):
                self._categories[each.name].learn(value)
        named = self._named(row)
        if self._scaler:
            self._scaler.learn_one(self._numbers_of(named))
        named = self._scaled(named)
        self._model.learn_one(named, bool(label) if self._is_classifier else label)
        self._has_learned = True

    def contributions(self, _row: Sequence[Value]) -> dict[str, float] | None:
        """See Learner."""
        return None

    def importance(self) -> dict[str, float]:
        """See Learner."""
        return {}

    def dump(self) -> bytes:
        """See Learner."""
        known = {name: each.known for name, each in self._categories.items()}
        return seal(self._stamp, dumps((self._model, self._has_learned, known, self._scaler)))

    def load(self, data: bytes) -> None:
        """See Learner; runs what the data says, so it must come from a state that is trusted."""
        learned = unseal(self._stamp, data)
        try:
            model, has_learned, known, scaler = pickle.loads(learned)  # noqa: S301 (the state is its own)
        except Exception as error:  # (a damaged pickle may raise anything)
            raise damaged(error) from error
        if type(model) is not type(self._model):
            raise LearnerError(f"what was learned is a {type(model).__name__}")
        self._model, self._has_learned, self._scaler = model, has_learned, scaler
        for name, each in self._categories.items():
            each.restore(known[name])

    def _score(self, row: Sequence[Value]) -> float:
        named = self._scaled(self._named(row))
        try:
            if not self._is_classifier:
                return _finite(self._model.predict_one(named))
            told = self._model.predict_proba_one(named)
        except Exception:  # noqa: BLE001 (of whatever kind: one row costs no other its score)
            return nan
        if not told:  # it has no opinion
            return self._before_learning
        return min(max(_finite(told.get(True, 0.0)), 0.0), 1.0)

    def _scaled(self, named: dict[str, float | str]) -> dict[str, float | str]:
        if not self._scaler:
            return named
        return {**named, **self._scaler.transform_one(self._numbers_of(named))}

    def _numbers_of(self, named: Mapping[str, float | str]) -> dict[str, float | str]:
        return {name: value for name, value in named.items() if name in self._numbers}

    def _named(self, row: Sequence[Value]) -> dict[str, float | str]:
        """Return a row as River takes it, without what is missing or not known yet."""
        named: dict[str, float | str] = {}
        for each, value in zip(self._inputs, row, strict=True):
            if each.kind != "category":
                if is_usable(value):
                    named[each.name] = float(value)
                continue
            categories = self._categories[each.name]
            found = categories.find(value) if isinstance(value, str) else None
            if not self._takes_texts:
                named.update(dict.fromkeys(categories.names, 0.0))
                if found is not None:
                    named[found] = 1.0
            elif found is not None:
                named[each.name] = found
        return named


def _build(kind: str, parameters: Mapping[str, Any]) -> object:
    module, _, name = kind.rpartition(".")
    made = getattr(import_module(f"river.{module}"), name)
    seed = {"seed": SEED} if "seed" in signature(made).parameters else {}
    return made(**{**seed, **parameters})


def _finite(value: float | None) -> float:
    return float(value) if value is not None and isfinite(value) else nan
