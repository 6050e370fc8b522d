"""Models that learn all at once, from the same rows: what a learner by the row is held against.

They see what an analyst would give them: a category by an indicator or as one, an input that is
missing by an indicator; the linear one also the fourth roots that the engine's looks at.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegressionCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bench.intent.pairs import Pair
from operators.models.encoding import is_usable, roots
from operators.models.parts import Value
from operators.models.plan import InputPlan

Numbers = NDArray[np.float64]

SEED = 1
PENALTIES = (0.001, 0.01, 0.1, 1.0)
"""scikit-learn's C, of which three-fold cross-validation of the first part takes one."""
FOLDS = 3
MOST_TEXTS = 250
"""Of one input; gradient boosting takes no more than 255."""


def logistic(inputs: Sequence[InputPlan], first: Sequence[Pair], rest: Sequence[Pair]) -> Numbers:
    """Train a logistic regression on the first part; score the rest."""
    model: Any = make_pipeline(
        StandardScaler(),
        LogisticRegressionCV(
            Cs=PENALTIES,
            cv=FOLDS,
            scoring="neg_log_loss",
            max_iter=2000,
            l1_ratios=(0.0,),
            use_legacy_attributes=False,
        ),
    )
    texts = _texts(inputs, first)
    model.fit(_indicators(inputs, first, texts), [each.label for each in first])
    scores: Numbers = model.predict_proba(_indicators(inputs, rest, texts))[:, 1]
    return scores


def boosted(inputs: Sequence[InputPlan], first: Sequence[Pair], rest: Sequence[Pair]) -> Numbers:
    """Train a gradient boosting on the first part; score the rest."""
    is_text = [each.kind == "category" for each in inputs]
    model: Any = HistGradientBoostingClassifier(
        categorical_features=is_text,
        learning_rate=0.05,
        max_iter=50,
        min_samples_leaf=50,
        random_state=SEED,
    )
    texts = _texts(inputs, first)
    model.fit(_codes(inputs, first, texts), [each.label for each in first])
    scores: Numbers = model.predict_proba(_codes(inputs, rest, texts))[:, 1]
    return scores


def _texts(inputs: Sequence[InputPlan], pairs: Sequence[Pair]) -> dict[str, list[str]]:
    """Return the texts of each category, as far as they are in the first part."""
    found = {}
    for place, each in enumerate(inputs):
        if each.kind == "category":
            texts = sorted({str(p.row[place]) for p in pairs if p.row[place] is not None})
            found[each.name] = texts[:MOST_TEXTS]
    return found


def _indicators(
    inputs: Sequence[InputPlan], pairs: Sequence[Pair], texts: dict[str, list[str]]
) -> Numbers:
    columns: list[Numbers] = []
    for place, each in enumerate(inputs):
        values = [pair.row[place] for pair in pairs]
        if each.kind == "category":
            columns += [
                np.array([value == text for value in values], float) for text in texts[each.name]
            ]
        else:
            numbers = roots(_numbers(values))
            is_missing = np.isnan(numbers)
            columns += [np.where(is_missing, 0.0, numbers), is_missing.astype(float)]
    return np.array(columns).T


def _codes(
    inputs: Sequence[InputPlan], pairs: Sequence[Pair], texts: dict[str, list[str]]
) -> Numbers:
    columns = []
    for place, each in enumerate(inputs):
        values = [pair.row[place] for pair in pairs]
        if each.kind == "category":
            code = {text: float(number) for number, text in enumerate(texts[each.name])}
            columns.append(np.array([code.get(str(value), np.nan) for value in values]))
        else:
            columns.append(_numbers(values))
    return np.array(columns).T


def _numbers(values: Sequence[Value]) -> Numbers:
    return np.array([float(value) if is_usable(value) else np.nan for value in values])
