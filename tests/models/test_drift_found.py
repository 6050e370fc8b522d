"""Changes of a model's error and inputs are found soon, seldom where there are none, and again."""

import math
import random
from collections.abc import Iterator
from functools import lru_cache
from statistics import median

import pytest

from operators.models.drift import (
    FIRST,
    LATEST,
    Drift,
    DriftFound,
    drift_record,
)
from operators.models.learner import LearnerError
from operators.models.logistic import LogisticRegression
from operators.models.parts import LastTold, Value
from operators.models.plan import InputPlan, ModelPlan, TargetPlan
from operators.models.step import Drift as DriftProtocol
from operators.outputs import Record
from operators.times import EventTime

QUIET = 100_000
BEFORE = 5_000
Example = tuple[list[Value], float]


def plan_of(*inputs: InputPlan, value: tuple[str, ...] = ()) -> ModelPlan:
    target = TargetPlan("Order Completed", is_absence=False, within_ms=None, value=value)
    return ModelPlan("intent", "0123abcd", "baseline", target, inputs)


MIXED = plan_of(
    InputPlan("spent", "number"),
    InputPlan("views", "number"),
    InputPlan("level", "number"),
    InputPlan("age", "time"),
    InputPlan("member", "boolean"),
    InputPlan("device", "category"),
    InputPlan("context.hour", "number"),
    InputPlan("context.weekday", "number"),
)
SHIFTED = {"spent": 0, "views": 1, "level": 2, "age": 3}


def examples(count: int, seed: int, *, rate: float = 0.05, shift: str = "") -> Iterator[Example]:
    """Inputs of many shapes; a score of 0.05 whatever comes. ``shift`` is moved by 1 sigma."""
    chance = random.Random(seed)
    for n in range(count):
        row: list[Value] = [
            chance.lognormvariate(3, 1),
            float(chance.randrange(5)) if chance.random() < 0.3 else 0.0,
            chance.gauss(-1e7, 1e-3),
            chance.expovariate(1 / 3600),
            chance.random() < 0.2,
            chance.choice(["mobile", "desktop"]),
            float(n // 100 % 24),
            float(n // 2400 % 7),
        ]
        if shift:
            sigma = {"spent": 43.4, "views": 1.2, "level": 1e-3, "age": 3600.0}[shift]
            row[SHIFTED[shift]] += sigma  # type: ignore[operator]
        label = float(chance.random() < rate)
        yield [None if chance.random() < 0.05 else value for value in row], abs(label - 0.05)


def find(drift: Drift, pairs: Iterator[Example], start: int = 0) -> list[DriftFound]:
    """Return the changes; their times are the places of the examples."""
    found = []
    for place, (row, error) in enumerate(pairs, start):
        found += drift.find(EventTime(place), row, error)
    return found


@lru_cache(1)
def quiet_state(seed: int) -> bytes:
    drift = Drift("shop", MIXED)
    assert find(drift, examples(BEFORE, seed)) == []
    return drift.dump()


def test_where_nothing_changes_nothing_is_found() -> None:
    assert find(Drift("shop", MIXED), examples(QUIET, seed=1)) == []


def test_a_rate_that_doubles_is_found_within_2000_examples() -> None:
    """An error's mean goes from 0.095 to 0.14; found early, it is found by a run of high ones."""
    afters, delays = [], []
    for seed in range(10, 20):
        drift = Drift("shop", plan_of())
        assert find(drift, examples(BEFORE, seed)) == []
        first, *more = find(drift, examples(5_000, seed + 100, rate=0.1))
        assert (first.what, first.input) == ("error", None)
        assert first.before == pytest.approx(0.095, abs=0.02)
        assert len(more) <= 1
        delays.append(first.time)
        afters.append(first.after)
    assert max(delays) <= 2000
    assert median(delays) <= 800
    assert median(afters) == pytest.approx(0.14, abs=0.03)


def test_an_error_that_falls_is_no_change_but_a_rise_after_it_is() -> None:
    drift = Drift("shop", plan_of())
    rates = [0.4, 0.05, 0.4]
    pairs = [pair for seed, rate in enumerate(rates) for pair in examples(3000, seed, rate=rate)]
    (found,) = find(drift, iter(pairs))
    assert 6000 <= found.time < 6300
    assert found.before == pytest.approx(0.095, abs=0.02)  # not that of the beginning
    assert [(each.what, each.count) for each in drift.told()] == [("error", 1), ("label", 0)]


@pytest.mark.parametrize("what", SHIFTED)
def test_an_input_that_shifts_by_a_sigma_is_found_within_300_examples(what: str) -> None:
    drift = Drift("shop", MIXED)
    drift.load(quiet_state(21))
    found = find(drift, examples(10_000, 22, shift=what))
    assert [each.input for each in found] == [what]
    assert found[0].time <= 300


def test_the_means_are_those_before_and_after_the_change() -> None:
    drift = Drift("shop", plan_of(InputPlan("views", "number")))
    chance = random.Random(5)
    values = [chance.gauss(100, 10) for _ in range(3000)]
    values += [chance.gauss(150, 10) for _ in range(FIRST)]
    (found,) = find(drift, (([value], 0.05) for value in values))
    assert found.before == pytest.approx(100, abs=1)
    assert found.after == pytest.approx(150, abs=5)
    assert 3000 <= found.time < 3100


@pytest.mark.parametrize("rate", [0.03, 0.25])
def test_an_event_that_comes_less_or_more_is_told_by_the_label(rate: float) -> None:
    """Also where it hardly comes any more, so that the model is less far off than before."""
    chance = random.Random(8)
    drift, score = Drift("shop", plan_of()), 0.1
    found = []
    for place in range(9000):
        label = float(chance.random() < (0.1 if place < 6000 else rate))
        found += drift.find(EventTime(place), [], abs(label - score), label)
    first = next(each for each in found if each.what == "label")
    assert 6000 < first.time < 7000
    assert first.before == pytest.approx(0.1, abs=0.02)
    assert {each.what for each in found} == ({"label"} if rate < 0.1 else {"label", "error"})


def test_after_a_change_a_further_one_is_found_and_a_return_too() -> None:
    drift = Drift("shop", plan_of(InputPlan("views", "number")))
    chance = random.Random(6)
    levels = [0, 1000, 2000, 0]
    pairs = (([chance.gauss(level, 1)], 0.05) for level in levels for _ in range(2000))
    found = find(drift, pairs)
    assert [each.time // 2000 for each in found] == [1, 2, 3]
    assert [each.number for each in found] == [1, 2, 3]
    error, label, views = drift.told()
    assert (error.what, error.input, error.count, error.last) == ("error", None, 0, None)
    assert (label.what, label.input, label.count, label.last) == ("label", None, 0, None)
    assert (views.what, views.input, views.count) == ("input", "views", 3)
    assert views.last == LastTold(found[2].time, found[2].before, found[2].after)
    assert [round(each.before, -1) for each in found] == pytest.approx(levels[:3], abs=20)
    assert [round(each.after, -1) for each in found] == pytest.approx(levels[1:], abs=20)


def test_after_a_change_that_was_found_late_ranks_are_among_the_first_values_only() -> None:
    drift = Drift("shop", plan_of(InputPlan("views", "number")))
    chance = random.Random(12)
    values = [chance.gauss(0.15 * (n >= 5000), 1) for n in range(9000)]
    found = find(drift, (([value], 0.05) for value in values))
    assert found[0].time > 5000 + FIRST
    assert [each.after > each.before for each in found] == [True]
    assert len(drift._inputs[0][1]._first) == FIRST


def test_an_input_that_was_one_value_and_becomes_another_is_found() -> None:
    drift = Drift("shop", plan_of(InputPlan("views", "number"), InputPlan("member", "boolean")))
    rows: list[list[Value]] = [[0.0, False]] * 1000 + [[0.25, True]] * 100
    found = find(drift, ((row, 0.05) for row in rows))
    assert {(each.input, each.before, each.after) for each in found} == {
        ("views", 0.0, 0.25),
        ("member", 0.0, 1.0),
    }
    assert len(found) == 2


def test_a_sum_has_errors_of_any_size() -> None:
    model = plan_of(value=("properties", "revenue"))
    chance = random.Random(7)
    errors = [chance.expovariate(1 / 50) for _ in range(6000)]
    errors += [chance.expovariate(1 / 150) for _ in range(1000)]
    drift = Drift("shop", model)
    found = find(drift, (([], error) for error in [*errors[:3000], math.inf, *errors[3000:]]))
    assert [each.what for each in found] == ["error"]
    assert 6000 <= found[0].time < 6300


def test_what_is_missing_or_no_number_is_left_out() -> None:
    inputs = plan_of(InputPlan("views", "number"))
    odd: list[Value] = [None, "seven", math.nan, math.inf, -math.inf, 1e300]
    values: list[Value] = [random.Random(8).gauss(0, 1) for _ in range(1500)]
    with_odd = [each for value in values for each in (value, *odd)]
    plain, drift = Drift("shop", inputs), Drift("shop", inputs)
    find(plain, (([value], math.nan) for value in values))
    find(drift, (([value], math.nan) for value in with_odd))
    assert drift._inputs[0][1].dump() == plain._inputs[0][1].dump()
    assert drift._error.dump() == plain._error.dump()


def test_a_model_that_has_just_begun_to_learn_is_no_change() -> None:
    learner = LogisticRegression((InputPlan("views", "number"),), {})
    drift = Drift("shop", plan_of(InputPlan("views", "number")))
    chance = random.Random(9)
    found = []
    for place in range(20_000):
        views = chance.gauss(0, 1)
        label = float(chance.random() < 1 / (1 + math.exp(3 - views)))
        (score,) = learner.predict([[views]])
        found += drift.find(EventTime(place), [views], abs(label - round(score, 6)))
        learner.learn([views], label)
    assert found == []


def test_it_goes_on_where_it_stopped() -> None:
    """Stopped at many places, with changes between: the same changes, and the same state."""
    chance = random.Random(10)
    pairs = [*examples(3000, 31), *examples(3000, 32, rate=0.4), *examples(2000, 33, shift="age")]
    whole = Drift("shop", MIXED)
    expected = find(whole, iter(pairs))
    assert {each.input for each in expected} == {None, "age"}
    cuts = {0, 1, FIRST, *(each.time for each in expected)}
    cuts |= {each.time + 1 for each in expected} | set(chance.sample(range(len(pairs)), 40))
    drift, found = Drift("shop", MIXED), []
    for place, (row, error) in enumerate(pairs):
        if place in cuts:
            data = drift.dump()
            drift = Drift("shop", MIXED)
            drift.load(data)
            assert drift.dump() == data
        found += drift.find(EventTime(place), row, error)
    assert found == expected
    assert drift.told() == whole.told()
    assert sum(each.count for each in whole.told()) == len(expected)
    assert drift.dump() == whole.dump()


def test_what_is_kept_is_bounded() -> None:
    drift = Drift("shop", MIXED)
    sizes = []
    for seed in range(3):
        find(drift, examples(10_000, 40 + seed))
        sizes.append(len(drift.dump()))
    streams = 2 + len(drift._inputs)
    assert streams == 7  # neither the category nor the clock
    assert max(sizes) < streams * ((FIRST + LATEST) * 9 + 3500)


def test_a_change_is_a_record_of_the_model() -> None:
    drift: DriftProtocol = Drift("shop", plan_of(InputPlan("views", "number")))
    records: list[Record] = []
    for place in range(2000):
        records += drift.note(EventTime(place), [float(place >= 1500)], 0.05)
    (record,) = records
    assert (record.type, record.subject) == ("model.drift", "intent")
    assert 1500 <= record.time < 1600
    assert record.data == {
        "model": "intent",
        "version": "0123abcd",
        "what": "input",
        "input": "views",
        "before": 0,
        "after": 1,
    }
    assert record.id.endswith("-drift")


def test_each_change_has_an_id_of_its_own() -> None:
    model = plan_of()
    found = DriftFound("input", "views", EventTime(5), 1 / 3, 2.0, 1)
    others = [found._replace(number=2), found._replace(input="error")]
    others += [found._replace(what="error", input=None), found._replace(what="label", input=None)]
    records = [drift_record("shop", model, each) for each in [found, *others]]
    records.append(drift_record("other", model, found))
    assert len({each.id for each in records}) == 6
    assert drift_record("shop", model, found) == records[0]
    assert records[0].data["before"] == 0.333333


def test_what_is_of_other_inputs_or_damaged_is_refused() -> None:
    data = Drift("shop", MIXED).dump()
    with pytest.raises(LearnerError, match="inputs: spent number"):
        Drift("shop", plan_of()).load(data)
    for part in (b"", data[:-1], data.replace(b"ADWIN", b"NWADI")):
        with pytest.raises(LearnerError, match="damaged"):
            Drift("shop", MIXED).load(part)
