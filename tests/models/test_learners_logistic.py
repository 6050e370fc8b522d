"""Logistic regression learns as a plain loop over River's own parts does, and scores alike."""

import math
import os
import random
import subprocess
import sys
from typing import Any
from zlib import crc32

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from river import linear_model, optim, preprocessing

from operators.models.learner import LearnerError
from operators.models.logistic import LogisticRegression, probability
from operators.models.plan import InputPlan

INPUTS = (
    InputPlan("views", "number"),
    InputPlan("age", "time"),
    InputPlan("member", "boolean"),
    InputPlan("device", "category"),
    InputPlan("cart", "number"),
)
NUMBERS = st.none() | st.floats(-1e6, 1e6) | st.sampled_from([0.0, -0.0, 3.0, 3.0000001])
ROWS = st.tuples(
    NUMBERS,
    NUMBERS,
    st.none() | st.booleans(),
    st.none() | st.sampled_from(["mobile", "desktop", "tablet", "", "Ü"]),
    NUMBERS,
)
PAIRS = st.lists(st.tuples(ROWS, st.sampled_from([0.0, 1.0])), max_size=60)
PARAMETERS = st.fixed_dictionaries(
    {"learning_rate": st.sampled_from([0.01, 0.3])},
    optional={
        "class_weight": st.just({"positive": 7.0}),
        "at_most": st.sampled_from([2, 1000]),
        "categories": st.sampled_from(["one_hot", "hashed"]),
    },
).flatmap(
    lambda rest: st.sampled_from([{}, {"l1": 0.01}, {"l2": 0.01}, {"l2": 3.0}]).map(
        lambda penalty: rest | penalty
    )
)


class FasterAtFirst(optim.base.Scheduler):
    """The intercept's rate: four by the number of examples, while that is more than the usual."""

    def __init__(self, rate: float, heaviest: float) -> None:
        self.rate, self.heaviest = rate, heaviest

    def get(self, t: int) -> float:
        return max(self.rate, 4 / self.heaviest / (t + 1))


class PlainLoop:
    """River's scaler and model by hand, for the inputs above."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        rate = parameters["learning_rate"]
        positive = parameters.get("class_weight", {}).get("positive", 1.0)
        self.scaler = preprocessing.StandardScaler()
        self.model = linear_model.LogisticRegression(
            optimizer=optim.SGD(rate),
            loss=optim.losses.Log(weight_pos=positive),
            l1=parameters.get("l1", 0.0),
            l2=parameters.get("l2", 0.0),
            intercept_lr=FasterAtFirst(rate, max(positive, 1.0)),
        )
        self.most = parameters.get("at_most", 1000)
        self.hashed = parameters.get("categories") == "hashed"
        self.seen: list[str] = []

    def split(self, row: tuple[Any, ...], *, learns: bool) -> tuple[dict, dict]:
        views, age, member, device, cart = row
        numbers = {"views": views, "age": age, "cart": cart}
        rest = {f"{name} is missing": 1 for name, value in numbers.items() if value is None}
        rest |= {"member is missing": 1} if member is None else {"member": int(member)}
        if device is None:
            rest["device is missing"] = 1
        elif self.hashed:
            rest[f"device#{crc32(device.encode()) % self.most}"] = 1
        else:
            if learns and device not in self.seen and len(self.seen) < self.most:
                self.seen.append(device)
            rest[f"device={device if device in self.seen else '(other)'}"] = 1
        roots = {
            name: math.copysign(math.sqrt(math.sqrt(abs(value))), value)
            for name, value in numbers.items()
            if value is not None
        }
        return roots, rest

    def learn(self, row: tuple[Any, ...], label: float) -> None:
        numbers, rest = self.split(row, learns=True)
        self.scaler.learn_one(numbers)
        self.model.learn_one(self.scaler.transform_one(numbers) | rest, label == 1)

    def score(self, row: tuple[Any, ...]) -> float:
        numbers, rest = self.split(row, learns=False)
        return self.model.predict_proba_one(self.scaler.transform_one(numbers) | rest)[True]


def learned(pairs: list[Any], parameters: dict[str, Any]) -> LogisticRegression:
    learner = LogisticRegression(INPUTS, parameters)
    for row, label in pairs:
        learner.learn(row, label)
    return learner


@settings(max_examples=150, deadline=None)
@given(PAIRS, PARAMETERS, st.lists(ROWS, max_size=5))
def test_it_scores_what_a_plain_loop_over_river_scores(
    pairs: list[Any], parameters: dict[str, Any], asked: list[Any]
) -> None:
    learner = LogisticRegression(INPUTS, parameters)
    plain = PlainLoop(parameters)
    for row, label in pairs:
        assert learner.predict([row]) == pytest.approx([plain.score(row)], abs=1e-9, rel=0)
        learner.learn(row, label)
        plain.learn(row, label)
    scores = [plain.score(row) for row in asked]
    assert learner.predict(asked) == pytest.approx(scores, abs=1e-9, rel=0)
    weights = learner.importance()
    assert weights == pytest.approx(plain.model.weights, abs=1e-9, rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(PAIRS, PARAMETERS, st.lists(ROWS, min_size=1, max_size=40), st.data())
def test_in_whatever_batches_rows_are_scored_no_bit_changes(
    pairs: list[Any], parameters: dict[str, Any], asked: list[Any], data: st.DataObject
) -> None:
    learner = learned(pairs, parameters)
    whole = learner.predict(asked)
    assert whole == [learner.predict([row])[0] for row in asked]
    cut = data.draw(st.integers(0, len(asked)))
    assert whole == learner.predict(asked[:cut]) + learner.predict(asked[cut:])


@pytest.mark.parametrize("inputs", [1, 2, 7, 8, 9, 16, 33, 100])
def test_batches_change_no_bit_with_many_inputs(inputs: int) -> None:
    """Sums of eight and more numbers are where numpy adds in another order."""
    plans = [InputPlan(f"n{place}", "number") for place in range(inputs)]
    learner = LogisticRegression(plans, {"learning_rate": 0.2})
    rows = [
        [math.sin(row * 1.7 + place) * 10 ** (place % 7 - 3) for place in range(inputs)]
        for row in range(130)
    ]
    for number, row in enumerate(rows):
        learner.learn(row, float(number % 3 == 0))
    whole = learner.predict(rows)
    assert len(set(whole)) > 100
    for size in (1, 2, 3, 8, 64, 129):
        parts = [learner.predict(rows[start : start + size]) for start in range(0, 130, size)]
        assert whole == [score for part in parts for score in part], size


@settings(max_examples=60, deadline=None)
@given(PAIRS, PARAMETERS, st.data())
@example([((1.0, None, True, "a", 2.0), 1.0)] * 3, {"learning_rate": 0.01, "l1": 0.01}, None)
def test_a_restart_in_the_middle_changes_nothing(
    pairs: list[Any], parameters: dict[str, Any], data: st.DataObject | None
) -> None:
    cut = data.draw(st.integers(0, len(pairs))) if data else 2
    whole, first = learned(pairs, parameters), learned(pairs[:cut], parameters)
    second = LogisticRegression(INPUTS, parameters)
    second.load(first.dump())
    assert second.dump() == first.dump()
    for row, label in pairs[cut:]:
        second.learn(row, label)
    rows = [row for row, _ in pairs]
    assert second.predict(rows) == whole.predict(rows)
    assert second.dump() == whole.dump()


def test_before_learning_all_rows_score_a_half() -> None:
    learner = LogisticRegression(INPUTS, {})
    rows = [(1.0, 2.0, True, "mobile", 3.0), (None, None, None, None, None)]
    assert learner.predict(rows) == [0.5, 0.5]
    again = LogisticRegression(INPUTS, {})
    again.load(learner.dump())
    assert again.predict(rows) == [0.5, 0.5]
    assert learner.predict([]) == []


BAD = st.sampled_from([math.nan, math.inf, -math.inf, 1e308, -1e308, 1e100, 5e-324, 1e-170, None])


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(BAD, BAD, st.booleans(), st.none() | st.text(max_size=3), BAD), min_size=1)
)
def test_no_value_makes_a_weight_or_a_score_that_is_no_number(rows: list[Any]) -> None:
    learner = LogisticRegression(INPUTS, {"learning_rate": 1.0, "class_weight": {"positive": 1e3}})
    for number, row in enumerate(rows):
        learner.learn(row, float(number % 2))
        weights = learner.importance()
        assert all(math.isfinite(weight) for weight in weights.values())
        assert all(0 <= score <= 1 for score in learner.predict([*rows, (1.0,) * 3 + ("", 1.0)]))
    same = LogisticRegression(INPUTS, {})
    same.load(learner.dump())
    assert same.predict(rows) == learner.predict(rows)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e101])
def test_what_is_no_number_counts_as_missing(bad: float) -> None:
    pairs = [((float(n), 1.0, n % 2 == 0, "a", n % 5.0), float(n % 3 == 0)) for n in range(50)]
    with_none, with_bad = learned(pairs, {}), learned(pairs, {})
    rest = (4.0, False, "b", 1.0)
    assert with_none.predict([(None, *rest)]) == with_bad.predict([(bad, *rest)])
    with_none.learn((None, *rest), 1.0)
    with_bad.learn((bad, *rest), 1.0)
    assert with_none.dump() == with_bad.dump()
    assert with_bad.importance()["views is missing"] > 0


@settings(max_examples=60, deadline=None)
@given(PAIRS, PARAMETERS, ROWS)
@example(  # log-odds of 34 million, whose last bit is 7e-9
    [((None,) * 5, 0.0), ((None,) * 4 + (3.0,), 0.0), ((None,) * 3 + ("mobile", 3.0000001), 0.0)],
    {},
    (None,) * 4 + (24.0,),
)
def test_contributions_add_up_to_the_log_odds(
    pairs: list[Any], parameters: dict[str, Any], row: tuple[Any, ...]
) -> None:
    learner = learned(pairs, parameters)
    found = learner.contributions(row)
    assert found is not None
    assert list(found) == [each.name for each in INPUTS]
    linear = learner._fold()
    total = pytest.approx(sum(found.values()) + linear.intercept, rel=1e-12, abs=1e-9)
    assert linear.log_odds([row])[0] == total


def test_after_a_few_examples_it_scores_the_usual_rate() -> None:
    """With a constant rate of 0.01 it would still say 0.35 after a hundred."""
    pairs = [((1.0, 1.0, True, "a", 1.0), float(n % 20 == 7)) for n in range(100)]
    learner = learned(pairs, {})
    assert learner.predict([pairs[0][0]])[0] == pytest.approx(0.05, abs=0.03)
    heavy = learned(pairs, {"class_weight": {"positive": 1000.0}})
    assert 0.9 < heavy.predict([pairs[0][0]])[0] < 1


def test_a_few_values_far_above_all_others_do_not_drown_the_rest() -> None:
    """A fiftieth are 1,000, the others 0 or 1: as plain numbers these would be as good as equal."""
    chance = random.Random(5)
    learner = LogisticRegression([InputPlan("spent", "number")], {})
    for n in range(3000):
        spent = 1000.0 if n % 50 == 49 else float(chance.random() < 0.5)
        learner.learn([spent], float(spent > 0))
    nothing, little, much = learner.predict([[0.0], [1.0], [1000.0]])
    assert nothing < 0.3
    assert 0.5 < little < much


def test_texts_beyond_the_bound_share_one_weight() -> None:
    learner = LogisticRegression([InputPlan("device", "category")], {"at_most": 3})
    for number in range(500):
        learner.learn([f"device {number}"], 1.0)
    assert set(learner.importance()) == {
        *(f"device=device {n}" for n in range(3)),
        "device=(other)",
    }
    assert learner.predict([["device 400"]]) == learner.predict([["never seen"]])
    assert learner.predict([["device 400"]]) > learner.predict([["device 0"]])


def test_hashed_texts_have_at_most_so_many_weights() -> None:
    parameters = {"categories": "hashed", "at_most": 16}
    learner = LogisticRegression([InputPlan("device", "category")], parameters)
    for number in range(500):
        learner.learn([f"device {number}"], 1.0)
    assert len(learner.importance()) == 16


def test_positives_that_weigh_more_raise_the_scores() -> None:
    pairs = [((1.0, 1.0, True, "a", 1.0), float(n % 10 == 0)) for n in range(300)]
    asked = [pairs[0][0]]
    heavy = learned(pairs, {"class_weight": {"positive": 9.0}})
    assert heavy.predict(asked)[0] > learned(pairs, {}).predict(asked)[0] + 0.2


def test_the_greatest_weight_stands_first() -> None:
    pairs = [((float(n % 2), None, True, "xy"[n % 3 == 0], 0.0), float(n % 2)) for n in range(200)]
    weights = learned(pairs, {}).importance()
    assert next(iter(weights)) == "views"
    sizes = [abs(weight) for weight in weights.values()]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("log_odds", [-1e300, -800.0, -30.5, 0.0, 30.5, 800.0, 1e300])
def test_a_probability_is_one_at_any_log_odds(log_odds: float) -> None:
    assert probability(log_odds) + probability(-log_odds) == pytest.approx(1)
    assert 0 <= probability(log_odds) <= 1


def test_other_inputs_are_refused_with_what_differs() -> None:
    data = learned([], {}).dump()
    other = LogisticRegression(INPUTS[:-1], {})
    with pytest.raises(LearnerError, match=r"inputs: views number.*cart number, now .*category\)"):
        other.load(data)
    with pytest.raises(LearnerError, match="damaged"):
        other.load(data[:-3])
    with pytest.raises(LearnerError, match="damaged"):
        other.load(b"")


def test_penalties_that_grow_weights_without_end_are_refused() -> None:
    with pytest.raises(ValueError, match=r"learning_rate \* l2 is 2"):
        LogisticRegression(INPUTS, {"learning_rate": 0.5, "l2": 4.0})


_LEARN = """
import hashlib, math
from operators.models.logistic import LogisticRegression
from operators.models.plan import InputPlan
learner = LogisticRegression(
    [*(InputPlan(name, "number") for name in "abcdefghij"), InputPlan("k", "category")],
    {"l2": 0.01},
)
for n in range(500):
    learner.learn([math.sin(n * (p + 1)) for p in range(10)] + [f"k{n % 40}"], float(n % 3 == 0))
print(hashlib.sha256(learner.dump()).hexdigest())
"""


def test_processes_with_other_hashes_of_texts_learn_the_same() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", _LEARN],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
    assert found != {""}
