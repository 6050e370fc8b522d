"""One contract for every window over every kind: kept, bounded, emptied at the deadline."""

import pickle
import random
from copy import deepcopy
from typing import Any

import msgspec
import pytest

from operators.features.feature import Feature
from operators.features.kinds import KINDS
from operators.features.moment import Moment
from operators.features.plan import FeaturePlan, WindowPlan
from operators.features.windows import WINDOWS
from operators.fields import FieldType
from operators.times import AFTER_ALL, EventTime

HOUR = 3_600_000
DAY = 24 * HOUR
START = 1_735_689_600_000  # 2025-01-01T00:00Z
PLANS = {
    "all": WindowPlan("all"),
    "session": WindowPlan("session"),
    "sliding": WindowPlan("sliding", DAY, DAY // 60),
    "tumbling": WindowPlan("tumbling", period="day"),
    "since": WindowPlan("since", event="Order Completed"),
    "decay": WindowPlan("decay", DAY),
}
PANES = 61
ONE = {None: None, FieldType.NUMBER: 2.5, FieldType.SCALAR: "v"}
each_pair = pytest.mark.parametrize(
    ("kind", "window"),
    [(kind, window) for kind in sorted(KINDS) for window in sorted(WINDOWS)],
)


def feature_of(kind: str, window: str) -> Feature:
    if window not in KINDS[kind].windows:
        with pytest.raises(AssertionError):
            Feature(FeaturePlan("x", kind, PLANS[window], None, 0, ""))
        kind = "count"
    return Feature(FeaturePlan("x", kind, PLANS[window], None, 0, ""))


def add(feature: Feature, state: Any, time: int, clock: int | None = None) -> Any:
    moment = Moment(EventTime(time if clock is None else clock))
    return feature.add(state, ONE[feature.kind.field_type], EventTime(time), moment)


def value(feature: Feature, state: Any, time: int) -> Any:
    return feature.value(state, Moment(EventTime(time)))


def test_every_window_has_a_plan_here() -> None:
    assert PLANS.keys() == WINDOWS.keys()


@each_pair
def test_of_nothing_the_value_is_the_empty_one_and_nothing_leaves(kind: str, window: str) -> None:
    feature = pickle.loads(pickle.dumps(feature_of(kind, window)))  # noqa: S301 (our own)
    state = feature.start()
    assert value(feature, state, START) == feature.empty
    assert feature.deadline(state) == AFTER_ALL
    assert feature.passed(state, EventTime(START)) == feature.start()
    assert value(feature, feature.reset(state, EventTime(START)), START) == feature.empty


@each_pair
def test_passing_the_deadline_twice_is_passing_it_once(kind: str, window: str) -> None:
    feature = feature_of(kind, window)
    state = feature.start()
    for time in (START, START + HOUR, START + 5 * HOUR):
        state = add(feature, state, time)
    passed = 0
    while (deadline := feature.deadline(state)) != AFTER_ALL:
        before = value(feature, state, deadline - 1)
        early = feature.passed(deepcopy(state), EventTime(deadline - 1))
        assert early == state
        assert value(feature, early, deadline - 1) == before
        state = feature.passed(state, deadline)
        assert feature.passed(state, deadline) == state
        assert feature.deadline(state) > deadline
        passed += 1
    panes = 1 if kind in {"last", "time"} else 3  # of these the latest alone matters
    assert passed == {"sliding": panes, "tumbling": 1}.get(window, 0)
    if passed:
        assert state == feature.start()


@each_pair
def test_a_customers_state_shares_nothing_with_anothers(kind: str, window: str) -> None:
    feature = feature_of(kind, window)
    one, other = add(feature, feature.start(), START), feature.start()
    add(feature, one, START + 1)
    assert other == feature.start()
    assert value(feature, feature.start(), START + 1) == feature.empty


@each_pair
def test_a_state_stays_small_however_much_it_is_fed(kind: str, window: str) -> None:
    rng = random.Random(5)
    feature = feature_of(kind, window)
    state, time, greatest = feature.start(), START, 0
    for number in range(10_000):
        time += rng.choice([0, 60_000, DAY // 70])
        late = EventTime(time - rng.choice([0, 0, DAY // 50, 2 * DAY]))
        amount = {None: None, FieldType.NUMBER: number * 0.37, FieldType.SCALAR: f"page {number}"}
        moment = Moment(EventTime(time))
        state = feature.add(state, amount[feature.kind.field_type], late, moment)
        assert feature.deadline(state) > time
        if number % 100 == 99:
            greatest = max(greatest, len(msgspec.msgpack.encode(state)))
    of_kind = {"distinct": 800, "recent": 10 * 30}.get(kind, 30)
    assert greatest <= of_kind * (PANES + 1 if window == "sliding" else 1) + 30


def test_a_value_leaves_a_sliding_window_by_the_pane_and_never_early() -> None:
    feature = Feature(FeaturePlan("x", "count", WindowPlan("sliding", 20, 10), None, 0, ""))
    state = add(feature, feature.start(), 14)
    assert feature.deadline(state) == 40
    assert value(feature, feature.passed(state, EventTime(39)), 39) == 1
    assert value(feature, feature.passed(state, EventTime(40)), 40) == 0


def test_a_value_older_than_the_window_does_not_count() -> None:
    feature = Feature(FeaturePlan("x", "count", WindowPlan("sliding", 20, 10), None, 0, ""))
    state = add(feature, add(feature, feature.start(), 100), 79, clock=100)
    assert value(feature, state, 100) == 1
    assert value(feature, add(feature, state, 80, clock=100), 100) == 2


def test_an_event_at_the_deadline_finds_the_window_emptied() -> None:
    feature = Feature(FeaturePlan("x", "count", WindowPlan("sliding", 20, 10), None, 0, ""))
    state = add(feature, add(feature, feature.start(), 14), 40)
    assert value(feature, state, 40) == 1


def test_decayed_sums_stay_numbers_whatever_is_added() -> None:
    feature = Feature(FeaturePlan("x", "sum", WindowPlan("decay", 10), None, 0, ""))
    state = feature.start()
    for amount in (1.7e308, 1.7e308, 1.7e308, -1.7e308):
        state = feature.add(state, amount, EventTime(0), Moment(EventTime(0)))
        assert abs(value(feature, state, 0)) <= 1.7976931348623157e308
    assert value(feature, state, 10**12) == 0


def test_a_plan_travels_as_json() -> None:
    plan = FeaturePlan(
        "x", "sum", PLANS["sliding"], "Order Completed", 0, "v1", None, None, ("a", "b[]")
    )
    assert msgspec.json.decode(msgspec.json.encode(plan), type=FeaturePlan) == plan


def test_a_reset_empties_when_it_arrives_and_the_latest_one_bounds_what_counts() -> None:
    feature = Feature(FeaturePlan("x", "count", PLANS["since"], None, 0, ""))
    state = feature.reset(feature.start(), EventTime(100))
    state = add(feature, state, 120)
    state = feature.reset(state, EventTime(50))  # late: it empties, but 100 still bounds
    assert value(feature, state, 120) == 0
    for time, expected in ((80, 0), (100, 0), (101, 1)):
        state = add(feature, state, time, clock=120)
        assert value(feature, state, 120) == expected
