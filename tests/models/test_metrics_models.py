"""Metrics of a histogram of scores are those of scikit-learn on the pairs themselves."""

import math
import random
import warnings

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn import calibration
from sklearn import metrics as sk

from operators.models import metrics
from operators.models.metrics import CLIP, ErrorSums, Histogram

EDGES = [0, 1, 2, 100_000, 300_000, 300_001, 500_000, 600_000, 700_000, 999_999, 1_000_000]
SCORES = st.sampled_from(EDGES) | st.integers(0, 1_000_000)
PAIRS = st.lists(st.tuples(SCORES.map(lambda each: each / 1e6), st.booleans()), max_size=50)
THRESHOLDS = st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.7, 0.999999, 1.0]) | st.floats(0, 1)


def split(pairs: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray]:
    table = np.array(pairs, float).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def both_ways(pairs: list[tuple[float, bool]]) -> Histogram:
    """Count them in a table as the watch does, and by columns: it is the same."""
    table: dict[int, list[int]] = {}
    for score, came in pairs:
        table.setdefault(round(score * 1e6), [0, 0])[came] += 1
    found, other = metrics.histogram(table), metrics.histogram_of(*split(pairs))
    assert all(np.array_equal(a, b) for a, b in zip(found, other, strict=True))
    assert (found.n, found.n_positive) == (len(pairs), sum(came for _, came in pairs))
    return found


def close(value: float) -> object:
    return None if math.isnan(value) else pytest.approx(value, abs=1e-9, rel=1e-9)


@settings(max_examples=60)
@given(PAIRS)
@example([(0.3, True), (0.3, False), (0.0, False), (1.0, True), (1.0, False)])
def test_auc_and_log_loss_are_those_of_scikit_learn(pairs: list[tuple[float, bool]]) -> None:
    found = both_ways(pairs)
    scores, labels = split(pairs)
    if 0 < found.n_positive < found.n:
        assert metrics.auc(found) == close(sk.roc_auc_score(labels, scores))
    else:
        assert metrics.auc(found) is None
    if not pairs:
        assert metrics.log_loss(found) is None
        return
    clipped = np.clip(scores, CLIP, 1 - CLIP)
    expected = close(sk.log_loss(labels, clipped, labels=[0, 1]))
    assert metrics.log_loss(found) == expected
    assert sum(metrics.loss(score, came=came) for score, came in pairs) / len(pairs) == expected
    assert metrics.rate(found) == close(labels.mean())


@settings(max_examples=60)
@given(PAIRS, THRESHOLDS)
@example([(0.3, True), (0.300001, False)], 0.3)
@example([(0.3, True), (0.2, False)], 0.1 + 0.2)  # a little above 0.3
def test_what_a_threshold_predicts_is_that_of_scikit_learn(
    pairs: list[tuple[float, bool]], threshold: float
) -> None:
    found = metrics.confusion(both_ways(pairs), threshold)
    scores, labels = split(pairs)
    predicted = scores >= threshold
    if not pairs:
        assert (*found, found.precision, found.recall, found.f1) == (0, 0, 0, 0, None, None, None)
        return
    expected = sk.confusion_matrix(labels, predicted, labels=[0, 1])
    (negatives, false_positives), (false_negatives, positives) = expected.tolist()
    assert found == (positives, false_positives, false_negatives, negatives)
    assert found.precision == close(sk.precision_score(labels, predicted, zero_division=np.nan))
    assert found.recall == close(sk.recall_score(labels, predicted, zero_division=np.nan))
    assert found.f1 == close(sk.f1_score(labels, predicted, zero_division=np.nan))


@settings(max_examples=60)
@given(PAIRS)
@example([(edge / 1e6, True) for edge in EDGES])
@example([(tenth / 10, False) for tenth in range(11)])
def test_reliability_is_that_of_scikit_learn(pairs: list[tuple[float, bool]]) -> None:
    bins = metrics.reliability(both_ways(pairs))
    if not pairs:
        assert bins == []
        assert metrics.calibration_error(bins) is None
        return
    scores, labels = split(pairs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of labels that are all the same
        rates, means = calibration.calibration_curve(labels, scores, n_bins=10)
    assert [each.rate for each in bins] == pytest.approx(rates.tolist(), abs=1e-12)
    assert [each.mean_score for each in bins] == pytest.approx(means.tolist(), abs=1e-12)
    inside = [(scores > each.low) & (scores <= each.high) for each in bins]
    if bins[0].low == 0:
        inside[0] |= scores == 0
    assert [each.n for each in bins] == [int(each.sum()) for each in inside]
    weighed = sum(
        mask.sum() * abs(scores[mask].mean() - labels[mask].mean()) for mask in inside
    ) / len(pairs)
    assert metrics.calibration_error(bins) == close(weighed)


SUMS = st.floats(-1e9, 1e9).map(lambda value: round(value, 6))


@given(st.lists(st.tuples(SUMS, SUMS), min_size=1, max_size=50))
@settings(max_examples=50)
def test_errors_of_sums_are_those_of_scikit_learn(pairs: list[tuple[float, float]]) -> None:
    errors = ErrorSums()
    for score, label in pairs:
        errors.add(score, label)
    scores, labels = split(pairs)  # type: ignore[arg-type]
    assert errors.mae == close(sk.mean_absolute_error(labels, scores))
    assert errors.rmse == close(sk.root_mean_squared_error(labels, scores))
    assert errors.mean_error == pytest.approx((scores - labels).mean(), abs=1e-6)


def test_an_error_beyond_all_numbers_leaves_a_figure_without_a_value() -> None:
    errors = ErrorSums()
    assert (errors.mae, errors.rmse, errors.mean_error) == (None, None, None)
    errors.add(1e200, 0.0)
    assert (errors.mae, errors.rmse, errors.mean_error) == (1e200, None, 1e200)


def test_the_area_is_exact_for_many_pairs() -> None:
    chance = random.Random(3)
    table = {score: [chance.randrange(10**6), chance.randrange(10**5)] for score in range(2000)}
    below = twice = 0
    for score in sorted(table):
        negatives, positives = table[score]
        twice += positives * (2 * below + negatives)
        below += negatives
    total = sum(positives for _, positives in table.values())
    assert metrics.auc(metrics.histogram(table)) == twice / (2 * below * total)
