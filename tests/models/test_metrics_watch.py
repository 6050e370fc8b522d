"""A watch keeps what its figures need, of all pairs and of the last ones, and no more."""

import random
from typing import Any

import msgspec
import numpy as np
import pytest
from sklearn import metrics as sk

from operators.models.learner import LearnerError
from operators.models.metrics import CLIP
from operators.models.step import Watch as WatchProtocol
from operators.models.watch import COARSE, MOST_SCORES, ROLLING, Watch

Pairs = list[tuple[float, float, float]]


def pairs_of(count: int, seed: int = 3, decimals: int = 6) -> Pairs:
    """Scores that know something, of a rate of 10%, beside the rate so far."""
    chance = random.Random(seed)
    found: Pairs = []
    came = 0
    for n in range(count):
        label = float(chance.random() < 0.1)
        score = min(max(chance.gauss(0.1 + 0.2 * label, 0.1), 0.0), 1.0)
        found.append((round(score, decimals), round((came + 1) / (n + 2), 6), label))
        came += int(label)
    return found


def watched(pairs: Pairs, *, is_sum: bool = False) -> Watch:
    watch: WatchProtocol
    watch = found = Watch(is_sum=is_sum)
    for pair in pairs:
        watch.note(*pair)
    return found


def check(figures: Any, pairs: Pairs, threshold: float = 0.2) -> None:
    """Hold figures against those of scikit-learn on the pairs."""
    scores, baseline, labels = np.array(pairs).T
    predicted = scores >= threshold
    assert figures["n"] == len(pairs)
    assert figures["rate"] == pytest.approx(labels.mean(), abs=1e-12)
    assert figures["auc"] == pytest.approx(sk.roc_auc_score(labels, scores), abs=1e-12)
    for name, said in ((figures, scores), (figures["baseline"], baseline)):
        expected = sk.log_loss(labels, np.clip(said, CLIP, 1 - CLIP))
        assert name["log_loss"] == pytest.approx(expected, abs=1e-9)
    assert figures["precision"] == pytest.approx(sk.precision_score(labels, predicted))
    assert figures["recall"] == pytest.approx(sk.recall_score(labels, predicted))
    assert figures["f1"] == pytest.approx(sk.f1_score(labels, predicted))
    assert figures["true_positives"] == int((predicted & (labels == 1)).sum())
    assert sum(each["n"] for each in figures["reliability"]) == len(pairs)


def test_figures_of_all_time_and_of_late_are_those_of_their_pairs() -> None:
    calm, wild = pairs_of(6000, decimals=4), pairs_of(ROLLING + 1500, seed=4, decimals=3)
    pairs = calm + [(1 - score, baseline, label) for score, baseline, label in wild]
    pairs = [(round(score, 6), baseline, label) for score, baseline, label in pairs]
    report: Any = watched(pairs).report(0.2)
    assert report["resolution"] == 1e-6
    assert report["rolling"]["most"] == ROLLING
    check(report["all_time"], pairs)
    check(report["rolling"], pairs[-ROLLING:])
    assert report["all_time"]["auc"] != report["rolling"]["auc"]


def test_the_ring_turns_over_at_any_place() -> None:
    pairs = pairs_of(2 * ROLLING + 3, decimals=3)
    watch = Watch(is_sum=False)
    for n, pair in enumerate(pairs, start=1):
        watch.note(*pair)
        if n in {5, ROLLING - 1, ROLLING, ROLLING + 1, 2 * ROLLING, 2 * ROLLING + 3}:
            latest = pairs[max(n - ROLLING, 0) : n]
            rolling: Any = watch.report(0.5)["rolling"]
            assert rolling["n"] == len(latest)
            assert rolling["rate"] == sum(label for *_, label in latest) / len(latest)


def test_too_many_scores_are_cut_but_thresholds_of_four_decimals_stay_exact() -> None:
    pairs = pairs_of(2 * MOST_SCORES + 9000)
    assert len({score for score, *_ in pairs}) > MOST_SCORES
    watch = watched(pairs)
    assert len(watch._kept.histogram) <= COARSE + 1
    for threshold in (0.1, 0.1234, 0.2, 1.0):
        report: Any = watch.report(threshold)
        assert report["resolution"] == 1e-4
        exact = np.array([score >= threshold for score, *_ in pairs])
        labels = np.array([label for *_, label in pairs])
        assert report["all_time"]["true_positives"] == int((exact & (labels == 1)).sum())
        assert report["all_time"]["false_positives"] == int((exact & (labels == 0)).sum())
    scores, _, labels = np.array(pairs).T
    told = report["all_time"]
    loss = sk.log_loss(labels, np.clip(scores, CLIP, 1 - CLIP))
    assert told["log_loss"] == pytest.approx(loss, abs=1e-9)  # not cut
    assert told["auc"] == pytest.approx(sk.roc_auc_score(labels, scores), abs=1e-4)
    check(watch.report(0.2)["rolling"], pairs[-ROLLING:])  # these are never cut


@pytest.mark.parametrize("is_sum", [False, True])
def test_a_watch_goes_on_where_it_stopped(*, is_sum: bool) -> None:
    pairs = pairs_of(MOST_SCORES + 6000)
    whole = watched(pairs, is_sum=is_sum)
    watch = Watch(is_sum=is_sum)
    for n, pair in enumerate(pairs):
        if n in {0, 1, 700, ROLLING, ROLLING + 1, MOST_SCORES + 5000}:
            after = Watch(is_sum=is_sum)
            after.load(watch.dump())
            watch = after
        watch.note(*pair)
    assert watch.dump() == whole.dump()
    assert watch.report(0.3) == whole.report(0.3)
    assert len(watch.dump()) < 600_000


def test_sums_have_errors_beside_those_of_the_mean_so_far() -> None:
    chance = random.Random(5)
    pairs = [
        (round(chance.gauss(20, 5), 6), 21.5, round(chance.expovariate(0.05), 6))
        for _ in range(ROLLING + 2000)
    ]
    report: Any = watched(pairs, is_sum=True).report(0.5)
    assert report["labels"] == "sums"
    for figures, part in ((report["all_time"], pairs), (report["rolling"], pairs[-ROLLING:])):
        scores, baseline, labels = np.array(part).T
        assert figures["n"] == len(part)
        for found, said in ((figures, scores), (figures["baseline"], baseline)):
            assert found["mae"] == pytest.approx(sk.mean_absolute_error(labels, said))
            assert found["rmse"] == pytest.approx(sk.root_mean_squared_error(labels, said))
            assert found["mean_error"] == pytest.approx((said - labels).mean())


@pytest.mark.parametrize("is_sum", [False, True])
@pytest.mark.parametrize("pairs", [[], [(0.5, 0.5, 0.0)], [(1.0, 0.0, 1.0), (0.0, 1.0, 0.0)]])
def test_every_report_is_json_and_the_same_once_it_was_written(
    pairs: Pairs, *, is_sum: bool
) -> None:
    report = watched(pairs, is_sum=is_sum).report(0.5)
    assert msgspec.json.decode(msgspec.json.encode(report)) == report


def test_nothing_and_one_kind_of_label_leave_figures_without_a_value() -> None:
    nothing: Any = Watch(is_sum=False).report(0.5)
    for part in ("all_time", "rolling"):
        figures = nothing[part]
        assert figures["n"] == 0
        names = ("rate", "auc", "log_loss", "precision", "recall", "f1", "calibration_error")
        assert [figures[name] for name in names] == [None] * 7
        assert figures["baseline"] == {"log_loss": None}
    negative: Any = watched([(0.25, 0.5, 0.0)]).report(0.5)
    figures = negative["all_time"]
    assert (figures["auc"], figures["precision"], figures["recall"]) == (None, None, None)
    assert (figures["rate"], figures["calibration_error"]) == (0.0, 0.25)


def test_what_is_of_other_labels_or_damaged_is_refused() -> None:
    data = watched(pairs_of(20)).dump()
    with pytest.raises(LearnerError, match="labels: 0 or 1, now sums"):
        Watch(is_sum=True).load(data)
    for part in (b"", data[:-1], data[: len(data) // 2], b"\xc1" + data):
        with pytest.raises(LearnerError, match="damaged"):
            Watch(is_sum=False).load(part)
    watch = watched(pairs_of(20))
    watch._rolling.pop()
    with pytest.raises(LearnerError, match="472 bytes of the last of 20 pairs"):
        Watch(is_sum=False).load(watch.dump())
