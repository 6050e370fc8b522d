"""The baseline says the rate so far; calibration brings scores to the rate at which events came."""

import math
import random
from collections.abc import Sequence
from typing import Any

import pytest

from operators.models.baseline import Baseline
from operators.models.calibration import EXAMPLES_BEFORE, Calibrated
from operators.models.kinds import make_learner
from operators.models.learner import Learner, LearnerError
from operators.models.logistic import LogisticRegression, probability
from operators.models.parts import Value
from operators.models.plan import InputPlan, ModelPlan, TargetPlan
from operators.models.river_kinds import RiverModel

INPUTS = (InputPlan("views", "number"), InputPlan("device", "category"))


def plan(kind: str, *, of_sum: bool = False, **options: Any) -> ModelPlan:
    value = ("properties", "revenue") if of_sum else ()
    target = TargetPlan("Order Completed", is_absence=False, within_ms=None, value=value)
    return ModelPlan("intent", "11111111", kind, target, INPUTS, **options)


def pairs(count: int, rate: float = 0.1) -> list[tuple[list[Value], float]]:
    chance = random.Random(11)
    found: list[tuple[list[Value], float]] = []
    for _ in range(count):
        views = chance.gauss(0, 1)
        came = chance.random() < probability(math.log(rate / (1 - rate)) + views)
        found.append(([views, chance.choice(["mobile", "desktop"])], float(came)))
    return found


def test_the_baseline_of_events_is_their_rate_from_a_half_on() -> None:
    learner = make_learner(plan("baseline"))
    said = []
    for label in (1.0, 1.0, 0.0):
        said += learner.predict([["anything"]])
        learner.learn([None], label)
    assert [*said, *learner.predict([[1.0], [None]])] == [1 / 2, 2 / 3, 3 / 4, 3 / 5, 3 / 5]


def test_the_baseline_of_sums_is_their_mean_from_0_on() -> None:
    learner = make_learner(plan("baseline", of_sum=True))
    assert learner.predict([[None]]) == [0.0]
    for label in (10.0, 0.0, 5.0):
        learner.learn([None], label)
    again = make_learner(plan("baseline", of_sum=True))
    again.load(learner.dump())
    assert again.predict([[None]]) == [5.0]
    with pytest.raises(LearnerError, match="labels: sums, now 0 or 1"):
        Baseline(is_sum=False).load(again.dump())


def test_each_kind_has_its_learner() -> None:
    assert isinstance(make_learner(plan("baseline")), Baseline)
    assert isinstance(make_learner(plan("logistic_regression")), LogisticRegression)
    assert isinstance(make_learner(plan("naive_bayes.GaussianNB")), RiverModel)
    assert isinstance(make_learner(plan("naive_bayes.GaussianNB", calibrate=True)), Calibrated)


def error_of(learner: Learner, learned: Sequence[Any], asked: Sequence[Any]) -> float:
    """Return how far, on average, groups of like scores are from the rate of their events."""
    for row, label in learned:
        learner.learn(row, label)
    scored = sorted(
        zip(learner.predict([row for row, _ in asked]), [each for _, each in asked], strict=True)
    )
    size = len(scored) // 10
    groups = [scored[start : start + size] for start in range(0, size * 10, size)]
    return sum(abs(sum(s - y for s, y in group)) / size for group in groups) / 10


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("logistic_regression", {"class_weight": {"positive": 9.0}}),
        ("linear_model.PAClassifier", {}),
    ],
)
def test_scores_that_are_far_off_are_put_right(kind: str, parameters: dict[str, Any]) -> None:
    data = pairs(12_000)
    learned, asked = data[:9_000], data[9_000:]
    as_they_are = error_of(make_learner(plan(kind, parameters=parameters)), learned, asked)
    calibrated = make_learner(plan(kind, parameters=parameters, calibrate=True))
    put_right = error_of(calibrated, learned, asked)
    assert as_they_are > 0.08
    assert put_right < as_they_are / 3


def test_scores_are_left_as_they_are_until_enough_is_learned() -> None:
    plain, calibrated = LogisticRegression(INPUTS, {}), Calibrated(LogisticRegression(INPUTS, {}))
    data = pairs(EXAMPLES_BEFORE)
    rows = [row for row, _ in data]
    for row, label in data:
        assert calibrated.predict(rows[:5]) == plain.predict(rows[:5])
        plain.learn(row, label)
        calibrated.learn(row, label)
    assert calibrated.predict(rows) != plain.predict(rows)


@pytest.mark.parametrize("cut", [0, 50, 99, 100, 101, 250])
def test_a_restart_in_the_middle_changes_nothing(cut: int) -> None:
    data = pairs(300)
    rows = [row for row, _ in data]
    whole, first, second = (
        make_learner(plan("logistic_regression", calibrate=True)) for _ in "123"
    )
    for row, label in data:
        whole.learn(row, label)
    for row, label in data[:cut]:
        first.learn(row, label)
    second.load(first.dump())
    for row, label in data[cut:]:
        second.learn(row, label)
    assert second.predict(rows) == whole.predict(rows)
    assert second.dump() == whole.dump()


def test_contributions_are_those_to_the_calibrated_log_odds() -> None:
    learner = Calibrated(LogisticRegression(INPUTS, {"class_weight": {"positive": 9.0}}))
    for row, label in pairs(2_000):
        learner.learn(row, label)
    more, less = [1.5, "mobile"], [-0.5, "desktop"]
    high, low = (math.log(p / (1 - p)) for p in learner.predict([more, less]))
    of_more, of_less = learner.contributions(more), learner.contributions(less)
    assert of_more is not None
    assert of_less is not None
    difference = sum(of_more.values()) - sum(of_less.values())
    assert difference == pytest.approx(high - low, abs=1e-9)


class Fails:
    """Cannot score."""

    def __init__(self) -> None:
        self.learned = 0

    def predict(self, rows: Sequence[Sequence[Value]]) -> list[float]:
        return [math.nan for _ in rows]

    def learn(self, _row: Sequence[Value], _label: float) -> None:
        self.learned += 1

    def contributions(self, _row: Sequence[Value]) -> dict[str, float] | None:
        return None

    def importance(self) -> dict[str, float]:
        return {}

    def dump(self) -> bytes:
        return b""

    def load(self, data: bytes) -> None:
        pass


def test_a_score_that_is_none_is_not_calibrated_nor_learned_from() -> None:
    inner = Fails()
    learner = Calibrated(inner)
    for row, label in pairs(150):
        learner.learn(row, label)
    assert inner.learned == 150
    assert all(math.isnan(score) for score in learner.predict([[1.0, None]]))
    assert learner._learned.examples == 0


@pytest.mark.parametrize("kept", [0.0, 0.4, 0.95])
def test_what_is_damaged_is_refused(kept: float) -> None:
    for kind, calibrate in (("logistic_regression", True), ("baseline", False)):
        learner = make_learner(plan(kind, calibrate=calibrate))
        data = learner.dump()
        with pytest.raises(LearnerError, match="damaged"):
            learner.load(data[: int(len(data) * kept)])
