"""How good scores are, and how far that may be chance.

The chance is that of other customers: all pairs of one are drawn together (a bootstrap by
clusters), 1,000 times. So two models are compared on the same draws.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.intent.pairs import Pair
from operators.models.metrics import BINS, CLIP

DRAWS = 1_000
SEED = 1
TAIL = 2.5
"""Percent of the draws on either side of a range."""

Numbers = NDArray[np.float64]


class Range(NamedTuple):
    """A figure, and the range in which 95% of the draws have it."""

    figure: float
    low: float
    high: float

    def text(self, decimals: int, *, signed: bool = False) -> str:
        """Write it as ``0.771 (0.74 to 0.80)``, the range with one decimal less."""
        sign = "+" if signed else ""
        low, high = (f"{each:{sign}.{decimals - 1}f}" for each in (self.low, self.high))
        return f"{self.figure:{sign}.{decimals}f} ({low} to {high})"


class Judged(NamedTuple):
    """What one model's scores are worth.

    Attributes:
        auc: the area under the ROC curve.
        log_loss: the mean.
        behind: by how much the log loss is above that of another model.
    """

    auc: Range
    log_loss: Range
    behind: Range


def split(pairs: Sequence[Pair]) -> tuple[list[Pair], list[Pair]]:
    """Cut pairs, in the order in which they were known, in a first part and the rest.

    The first part is all that was known when half of the pairs were; the rest are the moments
    since then. A moment before it that was not known yet is in neither: whoever is trained on the
    first part could not have scored it in time.
    """
    cut = pairs[len(pairs) // 2].known
    first = [each for each in pairs if each.known < cut]
    return first, [each for each in pairs if each.time >= cut]


class Judge:
    """Judges scores of the same pairs.

    Args:
        pairs: at least one of each label.
    """

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self.labels = np.array([each.label for each in pairs])
        _, places = np.unique([each.at[0] for each in pairs], return_inverse=True)
        chance = np.random.default_rng(SEED)
        n = int(places.max()) + 1
        drawn = (np.bincount(chance.integers(0, n, n), minlength=n) for _ in range(DRAWS))
        self._weights = [np.ones(len(pairs)), *(each[places].astype(float) for each in drawn)]

    def judge(self, scores: Numbers, others: Numbers) -> Judged:
        """Judge scores, beside those of another model; both of shape (n,)."""
        own, area = losses(scores, self.labels), area_of(scores, self.labels)
        more = own - losses(others, self.labels)
        return Judged(
            self._range([area(each) for each in self._weights]),
            self._range([_mean(own, each) for each in self._weights]),
            self._range([_mean(more, each) for each in self._weights]),
        )

    def _range(self, figures: Sequence[float]) -> Range:
        drawn = [each for each in figures[1:] if not np.isnan(each)]
        low, high = np.percentile(drawn, (TAIL, 100 - TAIL)) if drawn else (np.nan, np.nan)
        return Range(figures[0], float(low), float(high))


def losses(scores: Numbers, labels: Numbers) -> Numbers:
    """Return each pair's part of the log loss, shape (n,)."""
    said = np.clip(np.where(labels == 1, scores, 1 - scores), CLIP, 1 - CLIP)
    return -np.log(said)


def weighted_auc(scores: Numbers, labels: Numbers, weights: Numbers) -> float:
    """Return how likely a 1 scores above a 0, ties count half; nan without one of each."""
    return area_of(scores, labels)(weights)


def area_of(scores: Numbers, labels: Numbers) -> Callable[[Numbers], float]:
    """Return ``weighted_auc`` of these scores, to be asked for many weights."""
    found, places = np.unique(scores, return_inverse=True)
    came, n = labels == 1, len(found)

    def area(weights: Numbers) -> float:
        positives = np.bincount(places, weights * came, minlength=n)
        negatives = np.bincount(places, weights * ~came, minlength=n)
        below = np.cumsum(negatives) - negatives / 2
        both = positives.sum() * negatives.sum()
        return float((positives * below).sum() / both) if both else float("nan")

    return area


def rolling(values: Numbers, size: int) -> Numbers:
    """Return the mean of each ``size`` values that follow each other, shape (n - size + 1,)."""
    sums = np.cumsum(np.concatenate([[0.0], values]))
    return (sums[size:] - sums[:-size]) / size


def rolling_auc(scores: Numbers, labels: Numbers, size: int, every: int) -> Numbers:
    """Return the AUC of each ``size`` pairs that follow each other, at each ``every``-th."""
    ones = np.ones(size)
    starts = range(0, len(scores) - size + 1, every)
    return np.array(
        [weighted_auc(scores[at : at + size], labels[at : at + size], ones) for at in starts]
    )


class Bin(NamedTuple):
    """Scores of about one size: their mean, how often the event came, how many there are."""

    score: float
    rate: float
    n: int


def reliability(scores: Numbers, labels: Numbers) -> list[Bin]:
    """Put scores into ten bins of as many pairs each, and say what came of them."""
    order = np.argsort(scores, kind="stable")
    parts = [part for part in np.array_split(order, BINS) if len(part)]
    return [Bin(float(scores[p].mean()), float(labels[p].mean()), len(p)) for p in parts]


def _mean(values: Numbers, weights: Numbers) -> float:
    return float((values * weights).sum() / weights.sum())
