"""How good scores are, held against what came: the figures that scikit-learn gives for them.

Scores of 0/1 labels have six decimals, so that a histogram of them loses nothing: the figures are
those of the pairs themselves. For sums there are none to sort, and sums of errors are enough. A
figure that is not defined, such as the precision where nothing was predicted, is None.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite, log, sqrt
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

MILLION = 1_000_000
"""Scores are whole millionths."""
BINS = 10
CLIP = 1e-6
"""The log loss takes a score for no less than this, and for no more than 1 minus it."""

_MOST_LOSS = -log(CLIP)
_LEAST_LOSS = -log(1 - CLIP)


class Histogram(NamedTuple):
    """Scores, and what came of them.

    Attributes:
        scores: shape (n,), ascending, each once, in parts of 1 / ``resolution``.
        negatives: shape (n,), how many labels 0 had this score.
        positives: shape (n,), how many labels 1.
        resolution: how many parts make a score of 1.
    """

    scores: NDArray[np.int64]
    negatives: NDArray[np.int64]
    positives: NDArray[np.int64]
    resolution: int = MILLION

    @property
    def n(self) -> int:
        """How many pairs."""
        return int(self.negatives.sum()) + self.n_positive

    @property
    def n_positive(self) -> int:
        """How many labels are 1."""
        return int(self.positives.sum())


class Confusion(NamedTuple):
    """How many were predicted, and came: ``score >= threshold`` predicts."""

    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int

    @property
    def precision(self) -> float | None:
        """The share of the predicted that came."""
        return _share(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float | None:
        """The share of those that came that were predicted."""
        return _share(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def f1(self) -> float | None:
        """The harmonic mean of precision and recall."""
        wrong = self.false_positives + self.false_negatives
        return _share(2 * self.true_positives, 2 * self.true_positives + wrong)


class Bin(NamedTuple):
    """The scores above ``low`` (from 0 on in the first bin) up to ``high``."""

    low: float
    high: float
    n: int
    mean_score: float
    rate: float


class ErrorSums(msgspec.Struct, array_like=True):
    """Sums over pairs of a score and a label that is a sum; error = score - label."""

    n: int = 0
    absolute: float = 0.0
    squares: float = 0.0
    signed: float = 0.0

    def add(self, score: float, label: float) -> None:
        """Take one pair."""
        error = score - label
        self.n += 1
        self.absolute += abs(error)
        self.squares += error * error
        self.signed += error

    @property
    def mae(self) -> float | None:
        """The mean absolute error."""
        return _mean(self.absolute, self.n)

    @property
    def rmse(self) -> float | None:
        """The root of the mean squared error."""
        mean = _mean(self.squares, self.n)
        return None if mean is None else sqrt(mean)

    @property
    def mean_error(self) -> float | None:
        """By how much scores are too high."""
        return _mean(self.signed, self.n)


def histogram(counts: Mapping[int, Sequence[int]], resolution: int = MILLION) -> Histogram:
    """Sort a table of score to [labels 0, labels 1]; scores in parts of 1 / ``resolution``."""
    table = np.array([(score, *counts[score]) for score in sorted(counts)], np.int64)
    scores, negatives, positives = table.reshape(-1, 3).T
    return Histogram(scores, negatives, positives, resolution)


def histogram_of(scores: NDArray[np.float64], labels: NDArray[np.float64]) -> Histogram:
    """Count scores of six decimals, and their labels 0 and 1; both of shape (n,)."""
    found, places = np.unique(np.rint(scores * MILLION).astype(np.int64), return_inverse=True)
    total = np.bincount(places, minlength=len(found))
    positives = np.bincount(places[labels == 1], minlength=len(found))
    return Histogram(found, total - positives, positives)


def rate(found: Histogram) -> float | None:
    """Return the share of labels that are 1."""
    return _share(found.n_positive, found.n)


def auc(found: Histogram) -> float | None:
    """Return the area under the ROC curve: how likely a 1 scores above a 0; ties count half.

    Exact in whole numbers up to 2**31 pairs.
    """
    n_negative = found.n - found.n_positive
    below_twice = 2 * np.cumsum(found.negatives) - found.negatives
    return _share(int((found.positives * below_twice).sum()), 2 * n_negative * found.n_positive)


def log_loss(found: Histogram) -> float | None:
    """Return the mean of -log of what was said about what came, clipped by CLIP."""
    scores = np.clip(found.scores / found.resolution, CLIP, 1 - CLIP)
    losses = -(found.positives * np.log(scores) + found.negatives * np.log(1 - scores))
    return _mean(float(losses.sum()), found.n)


def loss(score: float, *, came: bool) -> float:
    """Return one pair's part of the log loss."""
    said = score if came else 1 - score
    if said < CLIP:
        return _MOST_LOSS
    return -log(said) if said < 1 - CLIP else _LEAST_LOSS


def confusion(found: Histogram, threshold: float) -> Confusion:
    """Count what was predicted, and what came."""
    is_predicted = found.scores / found.resolution >= threshold
    true_positives = int(found.positives[is_predicted].sum())
    false_positives = int(found.negatives[is_predicted].sum())
    false_negatives = found.n_positive - true_positives
    rest = found.n - true_positives - false_positives - false_negatives
    return Confusion(true_positives, false_positives, false_negatives, rest)


def reliability(found: Histogram) -> list[Bin]:
    """Return what came of the scores of each of ten bins of equal width; empty ones are left out.

    A score at an edge is in the bin below it, as in scikit-learn's ``calibration_curve``.
    """
    places = np.maximum((found.scores * BINS - 1) // found.resolution, 0)
    bins = []
    for place in range(BINS):
        inside = places == place
        positives = int(found.positives[inside].sum())
        n = positives + int(found.negatives[inside].sum())
        if n:
            weights = found.positives[inside] + found.negatives[inside]
            score = int((found.scores[inside] * weights).sum()) / found.resolution / n
            bins.append(Bin(place / BINS, (place + 1) / BINS, n, score, positives / n))
    return bins


def calibration_error(bins: Iterable[Bin]) -> float | None:
    """Return the expected calibration error: how far rates are from scores, weighed by bins' n.

    Guo et al. (2017): On calibration of modern neural networks, equation 3.
    """
    known = list(bins)
    total = sum(each.n * abs(each.mean_score - each.rate) for each in known)
    return _mean(total, sum(each.n for each in known))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _mean(total: float, n: int) -> float | None:
    """Return a mean; None of nothing, and where the total is beyond all numbers."""
    return total / n if n and isfinite(total) else None
