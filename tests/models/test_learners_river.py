"""Classes of River score and learn behind one protocol, and go on where they stopped."""

import math
import pickle
import random
from itertools import pairwise
from typing import Any

import pytest
from river import proba

from operators.models import pickles, river_kinds
from operators.models.learner import LearnerError
from operators.models.plan import InputPlan
from operators.models.river_kinds import MOST_ONE_HOT, RiverModel

INPUTS = (
    InputPlan("views", "number"),
    InputPlan("age", "time"),
    InputPlan("member", "boolean"),
    InputPlan("device", "category"),
)
CLASSIFIERS = {
    "tree.HoeffdingTreeClassifier": {"grace_period": 50},
    "tree.HoeffdingAdaptiveTreeClassifier": {"grace_period": 50},
    "tree.ExtremelyFastDecisionTreeClassifier": {"grace_period": 50},
    "forest.ARFClassifier": {"n_models": 3},
    "forest.AMFClassifier": {"n_estimators": 3},
    "naive_bayes.GaussianNB": {},
    "linear_model.LogisticRegression": {},
    "linear_model.PAClassifier": {},
    "facto.FMClassifier": {},
}
REGRESSORS = {
    "linear_model.LinearRegression": {},
    "tree.HoeffdingTreeRegressor": {"grace_period": 50},
    "tree.SGTRegressor": {},
    "forest.AMFRegressor": {"n_estimators": 3},
    "rules.AMRules": {},
}
KINDS = [*CLASSIFIERS.items(), *REGRESSORS.items()]


def examples(count: int, seed: int = 7) -> list[tuple[list[Any], float]]:
    """Orders come with views, and from the desktop; a tenth of the values is missing."""
    chance = random.Random(seed)
    found = []
    for _ in range(count):
        device = chance.choice(["mobile", "desktop", "tablet"])
        row: list[Any] = [chance.gauss(0, 1), chance.random() * 100, chance.random() < 0.5, device]
        label = float(row[0] + (device == "desktop") > 0.5)
        found.append(([None if chance.random() < 0.1 else value for value in row], label))
    return found


def learned(kind: str, parameters: dict[str, Any], pairs: list[Any]) -> RiverModel:
    model = RiverModel(kind, INPUTS, parameters)
    for row, label in pairs:
        model.learn(row, label)
    return model


@pytest.mark.parametrize(("kind", "parameters"), KINDS, ids=[kind for kind, _ in KINDS])
def test_every_row_has_a_score_that_stays_the_same_over_restarts(
    kind: str, parameters: dict[str, Any]
) -> None:
    pairs = examples(250)
    rows = [row for row, _ in pairs[:40]] + [[None] * 4, [1.0, 1.0, True, "never seen"]]
    start = RiverModel(kind, INPUTS, parameters)
    assert start.predict(rows) == [0.5 if kind in CLASSIFIERS else 0.0] * len(rows)
    whole = learned(kind, parameters, pairs)
    scores = whole.predict(rows)
    assert all(math.isfinite(score) for score in scores)
    assert len(set(scores)) > 1
    if kind in CLASSIFIERS:
        assert all(0 <= score <= 1 for score in scores)
    cuts = [0, 0, 3, 111, 250]
    model = start
    for begin, end in pairwise(cuts):
        after = RiverModel(kind, INPUTS, parameters)
        after.load(model.dump())
        after.predict(rows)  # scoring in between must not be learned from
        for row, label in pairs[begin:end]:
            after.learn(row, label)
        model = after
    assert model.predict(rows) == scores
    assert [model.predict([row])[0] for row in rows] == scores


@pytest.mark.parametrize("kind", ["tree.HoeffdingTreeClassifier", "naive_bayes.GaussianNB"])
def test_it_learns_from_texts(kind: str) -> None:
    model = RiverModel(kind, INPUTS[3:], {})
    chance = random.Random(5)
    for _ in range(1500):
        device = chance.choice(["mobile", "desktop", "tablet"])
        is_usual = chance.random() < 0.9
        model.learn([device], float((device == "desktop") == is_usual))
    mobile, desktop = model.predict([["mobile"], ["desktop"]])
    assert desktop > 0.8
    assert mobile < 0.2


def test_texts_beyond_the_bound_are_one_indicator() -> None:
    model = RiverModel("linear_model.LogisticRegression", INPUTS[3:], {})
    for number in range(MOST_ONE_HOT + 50):
        model.learn([f"device {number}"], 1.0)
    assert len(model._model.weights) == MOST_ONE_HOT + 1


@pytest.mark.parametrize("kind", ["linear_model.LinearRegression", "facto.FMRegressor"])
def test_the_unit_of_a_number_does_not_matter_to_linear_kinds(kind: str) -> None:
    """In milliseconds as in hours; River's own steps are too large for numbers above some ten."""
    said, chance = [], random.Random(4)
    rows = [[chance.random(), chance.randrange(5), None, None] for _ in range(1500)]
    for unit in (1.0, 3_600_000.0):
        scaled = [[hours * unit, views, *rest] for hours, views, *rest in rows]
        model = learned(kind, {}, [(row, 20 * row[0] / unit + row[1]) for row in scaled])
        said.append(model.predict(scaled[:20]))
    assert said[1] == pytest.approx(said[0], rel=1e-6)
    wanted = [20 * hours + views for hours, views, *_ in rows[:20]]
    assert said[0] == pytest.approx(wanted, abs=3)


def test_one_absurd_number_does_not_send_every_score_off() -> None:
    rows = [([float(n % 5), 1.0, None, None], float(n % 5)) for n in range(300)]
    model = learned("linear_model.LinearRegression", {}, [([1e99, 1.0, None, None], 5.0), *rows])
    assert all(0 <= score <= 10 for score in model.predict([row for row, _ in rows]))


class Fails:
    """Raises at one row, and says strange things of others."""

    def __init__(self, told: dict[float, Any]) -> None:
        self.told = told

    def predict_proba_one(self, row: dict[str, Any]) -> dict[bool, float]:
        return {True: self.told[row["views"]]}


def test_a_row_that_cannot_be_scored_costs_no_other_its_score() -> None:
    model = learned("naive_bayes.GaussianNB", {}, examples(20))
    model._model = Fails({1.0: 0.25, 3.0: math.nan, 4.0: math.inf, 5.0: 1.0000001, 6.0: None})
    scores = model.predict([[float(views), 0.0, True, "a"] for views in range(1, 7)])
    assert [None if math.isnan(score) else score for score in scores] == [
        *(0.25, None, None, None, 1.0, None)
    ]


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e300, None])
def test_what_is_no_number_is_left_out(bad: float | None) -> None:
    model = learned("tree.HoeffdingTreeClassifier", {}, examples(100))
    model.learn([bad, bad, None, None], 1.0)
    assert math.isfinite(model.predict([[bad, 1.0, True, "mobile"]])[0])
    assert model._named([bad, 1.0, True, None]) == {"age": 1.0, "member": 1.0}


def test_chance_has_a_seed_unless_one_is_given() -> None:
    pairs = examples(150)
    rows = [row for row, _ in pairs]
    one, same, other = (
        learned("forest.ARFClassifier", {"n_models": 3, **seed}, pairs).predict(rows)
        for seed in ({}, {"seed": 1}, {"seed": 2})
    )
    assert one == same
    assert one != other


def test_a_kind_that_scores_otherwise_after_a_restart_is_refused() -> None:
    with pytest.raises(ValueError, match="scores otherwise after each restart"):
        RiverModel("neighbors.KNNClassifier", INPUTS, {})


def test_other_libraries_are_refused_with_what_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = "naive_bayes.GaussianNB"
    data = learned(kind, {}, examples(5)).dump()
    monkeypatch.setattr(river_kinds, "version", lambda _name: "9.9.9")
    with pytest.raises(LearnerError, match=r"numpy: .*, now 9\.9\.9; river: .*, now 9\.9\.9"):
        RiverModel(kind, INPUTS, {}).load(data)


def test_a_dump_has_no_room_for_generators_that_nobody_asks() -> None:
    """With those of River's distributions a tree of many leaves was 30 times as large."""
    inputs = (*INPUTS[:3], InputPlan("city", "category"))
    model, chance = RiverModel("tree.HoeffdingTreeClassifier", inputs, {}), random.Random(3)
    for row, _ in examples(2000):
        city = chance.randrange(100)
        model.learn([*row[:3], f"city {city}"], float(city < 50))
    assert model._model.n_leaves >= 100
    data = model.dump()
    assert len(data) < 400 * model._model.n_leaves * len(inputs)
    again = RiverModel("tree.HoeffdingTreeClassifier", inputs, {})
    again.load(data)
    rows = [[*row[:3], "city 7"] for row, _ in examples(50)]
    assert again.predict(rows) == model.predict(rows)
    assert len(pickle.dumps(model._model)) > 10 * len(data)


def test_a_seeded_generator_goes_on_where_it_was() -> None:
    seeded, unseeded = proba.Gaussian(seed=5), proba.Gaussian()
    for each in (seeded, unseeded):
        each.update(1.0)
        each.update(3.0)
    seeded.sample()
    found, other = pickle.loads(pickles.dumps([seeded, unseeded]))  # noqa: S301 (its own)
    assert (found.mu, found.sigma, other.mu, other.sigma) == (2.0, 2**0.5, 2.0, 2**0.5)
    assert found.sample() == seeded.sample()
    assert math.isfinite(other.sample())


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9])
def test_what_is_damaged_is_refused(kept: float) -> None:
    model = learned("naive_bayes.GaussianNB", {}, examples(5))
    data = model.dump()
    with pytest.raises(LearnerError, match="damaged"):
        model.load(data[: int(len(data) * kept)])


def test_another_kind_is_refused() -> None:
    data = learned("naive_bayes.GaussianNB", {}, examples(5)).dump()
    with pytest.raises(LearnerError, match=r"kind: naive_bayes\.GaussianNB, now naive_bayes\.Bern"):
        RiverModel("naive_bayes.BernoulliNB", INPUTS, {}).load(data)
