"""Watches how good a model's scores are, since it began and of late, beside its baseline.

Prequential: each pair is a score that was given at a moment, and what came of it later (M11). What
is kept is bounded, whatever the number of pairs.
"""

from array import array
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from operators.models import metrics
from operators.models.learner import LearnerError
from operators.models.metrics import MILLION, ErrorSums, Histogram
from operators.models.stamps import damaged, seal, unseal_as

ROLLING = 10_000
"""How many of the last pairs are looked at as those of late."""
MOST_SCORES = 20_000
"""Distinct scores that are told apart; when there are more they are cut to COARSE parts."""
COARSE = 10_000

_PAIR = 3
_PAIR_BYTES = 24


def pairs_of(dumped: bytes) -> int:
    """Tell how many pairs a watch had seen when it was dumped.

    Raises:
        LearnerError: it is damaged.
    """
    for is_sum in (False, True):
        watch = Watch(is_sum=is_sum)
        try:
            watch.load(dumped)
        except LearnerError:
            if is_sum:
                raise
        else:
            break
    return watch.pairs


class _Kept(msgspec.Struct, array_like=True):
    """What is known of all pairs.

    Attributes:
        n: how many pairs.
        resolution: how many parts of 1 / resolution a score has in the histogram.
        histogram: of 0/1 labels: by score how many labels were 0 and 1.
        loss: of 0/1 labels: the sum of the log losses.
        baseline_loss: likewise of the baseline.
        errors: of sums.
        baseline_errors: likewise of the baseline.
        rolling: the last pairs in a ring, each score, baseline's score, label; as of an array.
    """

    n: int = 0
    resolution: int = MILLION
    histogram: dict[int, list[int]] = msgspec.field(default_factory=dict)
    loss: float = 0.0
    baseline_loss: float = 0.0
    errors: ErrorSums = msgspec.field(default_factory=ErrorSums)
    baseline_errors: ErrorSums = msgspec.field(default_factory=ErrorSums)
    rolling: bytes = b""


class Watch:
    """Measures one model.

    Args:
        is_sum: whether labels are sums; else they are 0 or 1, and scores in [0, 1].
    """

    def __init__(self, *, is_sum: bool) -> None:
        self._is_sum = is_sum
        self._kept = _Kept()
        self._rolling = array("d")
        self._stamp = {"watch": "1", "labels": "sums" if is_sum else "0 or 1"}

    def note(self, score: float, baseline_score: float, label: float) -> None:
        """Take one pair: the scores as they were given, of six decimals, and what came."""
        kept, rolling = self._kept, self._rolling
        if self._is_sum:
            kept.errors.add(score, label)
            kept.baseline_errors.add(baseline_score, label)
        else:
            came = self._count(score, label)
            kept.loss += metrics.loss(score, came=came)
            kept.baseline_loss += metrics.loss(baseline_score, came=came)
        if len(rolling) < ROLLING * _PAIR:
            rolling.extend((score, baseline_score, label))
        else:
            place = kept.n % ROLLING * _PAIR
            rolling[place] = score
            rolling[place + 1] = baseline_score
            rolling[place + 2] = label
        kept.n += 1

    @property
    def pairs(self) -> int:
        """How many were taken."""
        return self._kept.n

    def report(self, threshold: float) -> dict[str, object]:
        """Say how good the scores are; all of it can be written as JSON.

        Args:
            threshold: ``score >= threshold`` predicts the event; of no use for sums.

        Returns:
            ``all_time`` and ``rolling`` (the last ``most`` pairs), with the same figures; None
            for what is not defined. Of ``baseline`` only what does not need an order of scores.
            ``resolution`` is to what scores are told apart in ``all_time``: with 0.0001 they were
            cut to four decimals, but for the log loss.
        """
        pairs = np.frombuffer(self._rolling, np.float64).reshape(-1, _PAIR).T
        if self._is_sum:
            kept = self._kept
            return {
                "labels": "sums",
                "all_time": _of_sums(kept.errors, kept.baseline_errors),
                "rolling": {"most": ROLLING, **_of_pairs(pairs)},
            }
        return {
            "labels": "0 or 1",
            "threshold": threshold,
            "resolution": 1 / self._kept.resolution,
            "all_time": self._of_all_time(threshold),
            "rolling": {"most": ROLLING, **_of_late(pairs, threshold)},
        }

    def dump(self) -> bytes:
        """Return all of it."""
        self._kept.rolling = self._rolling.tobytes()
        data = msgspec.msgpack.encode(self._kept)
        self._kept.rolling = b""
        return seal(self._stamp, data)

    def load(self, data: bytes) -> None:
        """Take what ``dump`` has returned.

        Raises:
            LearnerError: it is of other labels, or damaged.
        """
        kept = unseal_as(_Kept, self._stamp, data)
        if len(kept.rolling) != min(kept.n, ROLLING) * _PAIR_BYTES:
            raise damaged(ValueError(f"{len(kept.rolling)} bytes of the last of {kept.n} pairs"))
        self._rolling = array("d", kept.rolling)
        kept.rolling = b""
        self._kept = kept

    def _count(self, score: float, label: float) -> bool:
        """Count a pair in the histogram; say whether the event came."""
        assert 0 <= score <= 1, "the step refuses other scores"
        assert label in (0.0, 1.0), "whether the event came"
        kept = self._kept
        came = label == 1.0
        # Cut, not rounded: what was at or above a threshold of four decimals still is.
        key = round(score * MILLION) * kept.resolution // MILLION
        counts = kept.histogram.get(key)
        if counts is None:
            counts = kept.histogram[key] = [0, 0]
            if len(kept.histogram) > MOST_SCORES:
                counts[came] += 1
                self._cut()
                return came
        counts[came] += 1
        return came

    def _cut(self) -> None:
        """Put scores of the histogram together; there are at most COARSE + 1 afterwards."""
        cut: dict[int, list[int]] = {}
        for score, (negatives, positives) in self._kept.histogram.items():
            counts = cut.setdefault(score * COARSE // self._kept.resolution, [0, 0])
            counts[0] += negatives
            counts[1] += positives
        self._kept.histogram, self._kept.resolution = cut, COARSE

    def _of_all_time(self, threshold: float) -> dict[str, object]:
        kept = self._kept
        found = metrics.histogram(kept.histogram, kept.resolution)
        # By the sums: cut to four decimals, a score near 0 or 1 would cost more than it did.
        losses = [total / kept.n if kept.n else None for total in (kept.loss, kept.baseline_loss)]
        return _of_labels(found, threshold, losses)


def _of_late(pairs: NDArray[np.float64], threshold: float) -> dict[str, object]:
    scores, baseline, labels = pairs
    found = metrics.histogram_of(scores, labels)
    losses = [metrics.log_loss(found), metrics.log_loss(metrics.histogram_of(baseline, labels))]
    return _of_labels(found, threshold, losses)


def _of_labels(
    found: Histogram, threshold: float, losses: Sequence[float | None]
) -> dict[str, object]:
    confusion = metrics.confusion(found, threshold)
    bins = metrics.reliability(found)
    loss, baseline_loss = losses
    return {
        "n": found.n,
        "rate": metrics.rate(found),
        "auc": metrics.auc(found),
        "log_loss": loss,
        "precision": confusion.precision,
        "recall": confusion.recall,
        "f1": confusion.f1,
        **confusion._asdict(),
        "calibration_error": metrics.calibration_error(bins),
        "reliability": [each._asdict() for each in bins],
        "baseline": {"log_loss": baseline_loss},
    }


def _of_pairs(pairs: NDArray[np.float64]) -> dict[str, object]:
    errors, baseline_errors = ErrorSums(), ErrorSums()
    for score, baseline, label in pairs.T.tolist():
        errors.add(score, label)
        baseline_errors.add(baseline, label)
    return _of_sums(errors, baseline_errors)


def _of_sums(errors: ErrorSums, baseline_errors: ErrorSums) -> dict[str, object]:
    return {"n": errors.n, **_figures(errors), "baseline": _figures(baseline_errors)}


def _figures(errors: ErrorSums) -> dict[str, object]:
    return {"mae": errors.mae, "rmse": errors.rmse, "mean_error": errors.mean_error}
