"""The step of a model with its real watch and drift: what they say, also over restarts."""

import random
from collections import Counter
from typing import Any

import pytest
from sklearn import metrics as sk

from operators.models.drift import Drift
from operators.models.logistic import LogisticRegression
from operators.models.parts import ModelMoment, ModelOutcome
from operators.models.plan import InputPlan, ModelPlan, TargetPlan
from operators.models.step import ModelStep
from operators.models.store import ModelStateError, ModelStore
from operators.models.watch import Watch
from operators.outputs import Record
from operators.ticks import ModelTick, TickName
from operators.times import EventTime
from state.keyvalue import MemoryKeyValue

MINUTE_MS = 60_000
TICKS = 120
MOMENTS = 40  # of each tick
CHANGED = 80  # from this tick on
TARGET = TargetPlan("Order Completed", is_absence=False, within_ms=None)
PLAN = ModelPlan(
    "intent", "0123abcd", "logistic_regression", TARGET, (InputPlan("views", "number"),)
)


def ticks() -> list[ModelTick]:
    """A tick a minute; each tells the outcomes of its own moments; views go up by 3 sigma."""
    chance = random.Random(4)
    found = []
    for n in range(1, TICKS + 1):
        time = EventTime(n * MINUTE_MS)
        tick = ModelTick(TickName(0, n), 0, "intent", EventTime(time + MINUTE_MS // 2))
        for place in range(MOMENTS):
            views = chance.gauss(3.0 if n >= CHANGED else 0.0, 1)
            label = float(chance.random() < (0.5 if views > 0.5 else 0.1))
            customer = f"customer {place}"
            tick.moments.append(ModelMoment(customer, time, time, n, [views], is_candidate=True))
            known = EventTime(time + 1)
            tick.outcomes.append(ModelOutcome(customer, n, known, [views], label, time))
        found.append(tick)
    return found


class Run:
    """The step on one shard; it can be stopped after any tick."""

    def __init__(self, entries: dict[bytes, bytes], done: int) -> None:
        self.keyvalue = MemoryKeyValue(entries)
        self.watch = Watch(is_sum=False)
        store = ModelStore(self.keyvalue, PLAN, 1000)
        learner = LogisticRegression(PLAN.inputs, {})
        self.drift = Drift("shop", PLAN)
        about = PLAN, learner, self.watch, store
        self.step = ModelStep(*about, shards=1, ticks=[done], drift=self.drift)


def run(stops: set[int]) -> tuple[Run, list[float], list[Record]]:
    current, scores, records, counts = Run({}, 0), [], [], Counter[str]()
    for done, tick in enumerate(ticks(), start=1):
        (said,) = current.step.on_part(tick)
        scores += [score for score in said.scores if score is not None]
        records += said.records
        assert sum(said.counts.values()) == len(said.records), "nothing fails"
        counts.update(said.counts)
        if done in stops:
            current = Run(current.keyvalue.entries, *current.step.snapshot())
    current.step.snapshot()
    told = [each for each in current.drift.told() if each.count]
    names = {("error", None): "error", ("label", None): "label", ("input", "views"): "input views"}
    assert counts == {
        f"model drift intent {names[each.what, each.input]}": each.count for each in told
    }
    return current, scores, records


def test_figures_are_of_the_scores_that_were_given_and_drift_is_told() -> None:
    whole, scores, records = run(set())
    learned = MOMENTS * (TICKS - 1)  # the last tick's stretch is not over
    labels = [outcome.label for tick in ticks() for outcome in tick.outcomes][:learned]
    report: Any = whole.watch.report(0.5)
    assert report["all_time"]["n"] == learned
    area = sk.roc_auc_score(labels, scores[:learned])
    assert report["all_time"]["auc"] == pytest.approx(area, abs=1e-12)
    assert "views" in {record.data.get("input") for record in records}
    first = next(record for record in records if record.data.get("input") == "views")
    assert 0 <= first.time - CHANGED * MINUTE_MS <= 5 * MINUTE_MS
    assert first.data["before"] == pytest.approx(0, abs=0.1)
    assert first.data["after"] == pytest.approx(3, abs=0.5)


@pytest.mark.parametrize("stops", [{1, 2, 50, 79, 80, 81, 82, 83, 119}, set(range(1, TICKS, 7))])
def test_restarts_change_neither_figures_nor_drift_nor_state(stops: set[int]) -> None:
    whole, *expected = run(set())
    stopped, *found = run(stops)
    assert found == expected
    assert stopped.watch.report(0.5) == whole.watch.report(0.5)
    assert stopped.keyvalue.entries == whole.keyvalue.entries


def test_drift_of_another_river_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, *_ = run(set())
    monkeypatch.setattr("operators.models.drift.version", lambda _name: "9.9")
    with pytest.raises(ModelStateError, match=r"the drift of model intent .*river: .*, now 9\.9"):
        Run(whole.keyvalue.entries, TICKS)
