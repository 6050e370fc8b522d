"""One contract for every kind of feature: kept, bounded, merged, nothing changed in place."""

import pickle
import random
from copy import deepcopy
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.features.kind import Kind
from operators.features.kinds import KINDS
from operators.features.moment import Moment
from operators.features.sketch import sketch_estimate, sketch_of, sketch_union
from operators.features.windows import WINDOWS
from operators.fields import FieldType
from operators.times import EventTime

NOW = Moment(EventTime(10**6))
BYTES_AT_MOST = {"recent": 3 + 100 * (9 + 1003), "distinct": 1000 * 9 + 3}
"""Of a state at the greatest bound; any other kind has at most one text of 1,000 characters."""

Events = list[tuple[int, Any]]

NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-4, 4).map(float),
    st.sampled_from([-0.0, 0.1, 0.2, 1.7e308, -1.7e308, 2.0**63]),
)
VALUES: dict[FieldType | None, st.SearchStrategy[Any]] = {
    None: st.none(),
    FieldType.NUMBER: NUMBERS,
    FieldType.SCALAR: st.one_of(NUMBERS, st.booleans(), st.text(max_size=3), st.integers(-2, 2)),
}
each_kind = pytest.mark.parametrize("name", sorted(KINDS))


def kind_of(name: str, at_most: int = 3) -> Kind:
    return KINDS[name](at_most if KINDS[name].at_most_limit else 0)


def events_of(name: str) -> st.SearchStrategy[Events]:
    return st.lists(st.tuples(st.integers(0, 9), VALUES[KINDS[name].field_type]), max_size=8)


def stretches_of(name: str) -> st.SearchStrategy[list[Events]]:
    """Draw stretches of events that follow one another."""
    return st.lists(events_of(name), min_size=1, max_size=5).map(
        lambda stretches: [
            [(10 * number + time, value) for time, value in events]
            for number, events in enumerate(stretches)
        ]
    )


def updated(kind: Kind, state: Any, events: Events) -> Any:
    for time, value in events:
        state = kind.update(state, value, EventTime(time))
    return state


def same(one: Any, other: Any) -> bool:
    """Compare so that 1, 1.0 and True are three things."""
    return msgspec.msgpack.encode(one) == msgspec.msgpack.encode(other)


@each_kind
def test_a_kind_says_what_it_needs(name: str) -> None:
    kind = kind_of(name)
    assert kind.windows
    assert kind.windows <= WINDOWS.keys()
    assert kind.at_most_usual <= kind.at_most_limit
    assert bool(kind.at_most_usual) == bool(kind.at_most_limit)
    assert KINDS[name]().at_most == kind.at_most_usual
    assert same(kind.value(kind.start(), NOW), kind.empty)


@each_kind
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_merging_stretches_equals_updating_in_sequence(name: str, data: st.DataObject) -> None:
    kind = kind_of(name)
    stretches = data.draw(stretches_of(name))
    states = [updated(kind, kind.start(), events) for events in stretches]
    together = updated(kind, kind.start(), [event for events in stretches for event in events])
    assert same(kind.value(reduce(kind.merge, states), NOW), kind.value(together, NOW))
    assert same(kind.value(kind.merge_all(states), NOW), kind.value(together, NOW))
    more = data.draw(events_of(name))
    later = [(time + 100, value) for time, value in more]
    merged = updated(kind, kind.merge_all(states), later)
    assert same(kind.value(merged, NOW), kind.value(updated(kind, together, later), NOW))


@each_kind
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_without_its_earliest_stretch_a_state_is_that_of_the_others(
    name: str, data: st.DataObject
) -> None:
    kind = kind_of(name)
    states = [updated(kind, kind.start(), events) for events in data.draw(stretches_of(name))]
    rest = kind.merge_all(states[1:] or [kind.start()])
    without = kind.without(kind.merge_all(states), states[0])
    assert without is NotImplemented or same(kind.value(without, NOW), kind.value(rest, NOW))


@each_kind
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_the_order_of_arrival_tells_at_equal_times_only(name: str, data: st.DataObject) -> None:
    kind = kind_of(name)
    drawn = data.draw(st.lists(VALUES[kind.field_type], max_size=8))
    events = list(enumerate(drawn))
    shuffled = data.draw(st.permutations(events))
    one, other = (updated(kind, kind.start(), each) for each in (events, shuffled))
    assert same(kind.value(one, NOW), kind.value(other, NOW))


@each_kind
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_no_method_changes_what_it_is_given(name: str, data: st.DataObject) -> None:
    kind = kind_of(name)
    one, other = (updated(kind, kind.start(), data.draw(events_of(name))) for _ in range(2))
    before = deepcopy((one, other))
    merged = [kind.merge(one, other), kind.merge_all([one, other])]
    for state in [*merged, one, other]:
        updated(kind, state, data.draw(events_of(name)))
        if isinstance(value := kind.value(state, NOW), list):
            value.append("what is done to a row")
    kind.without(one, other)
    assert same((one, other), before)


@each_kind
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_a_state_survives_the_store(name: str, data: st.DataObject) -> None:
    kind = pickle.loads(pickle.dumps(kind_of(name)))  # noqa: S301 (our own)
    state = updated(kind, kind.start(), data.draw(events_of(name)))
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(state))
    assert type(stored) is type(state)
    assert same(stored, state)
    more = data.draw(events_of(name))
    assert same(updated(kind, stored, more), updated(kind, state, more))


@each_kind
def test_a_state_stays_small_however_much_it_is_fed(name: str) -> None:
    rng = random.Random(3)
    kind = kind_of(name, KINDS[name].at_most_limit)
    of_type: dict[FieldType | None, list[Any]] = {
        None: [None],
        FieldType.NUMBER: [rng.uniform(-1e307, 1e307) for _ in range(100)],
        FieldType.SCALAR: [f"{n}-".ljust(1000, "x") for n in range(3000)],
    }
    values = of_type[kind.field_type]
    greatest, state = 0, kind.start()
    for number in range(10_000):
        state = kind.update(
            state, values[number % len(values)], EventTime(1_800_000_000_000 + number)
        )
        if number % 250 == 0:
            greatest = max(greatest, len(msgspec.msgpack.encode(state)))
    merged = kind.merge(state, state)
    for each in (state, merged):
        greatest = max(greatest, len(msgspec.msgpack.encode(each)))
    assert greatest <= BYTES_AT_MOST.get(name, 1030)


def test_above_its_bound_distinct_is_nearly_right() -> None:
    kind = KINDS["distinct"](64)
    state = kind.start()
    counted = []
    for number in range(5000):
        state = kind.update(state, f"page {number}", EventTime(number))
        counted.append(kind.value(state, NOW))
    assert counted[:64] == list(range(1, 65))
    assert all(counted[64 + n] >= 65 for n in range(100))
    off = [abs(value - number) / number for number, value in enumerate(counted, 1)]
    assert max(off) < 0.09, "four standard errors"
    assert all(one <= other for one, other in pairwise(counted[64:])), "more never look like fewer"


def test_distinct_tells_types_apart_but_not_how_a_number_was_written() -> None:
    kind = KINDS["distinct"](20)
    values = [1, 1.0, "1", True, "True", "true", 0, -0.0, False, "", "a" * 50, "a" * 51, 0.5, 1e300]
    state = updated(kind, kind.start(), [(0, value) for value in values])
    assert kind.value(state, NOW) == 12


def test_recent_keeps_the_newest_by_time_and_at_equal_times_by_arrival() -> None:
    kind = KINDS["recent"](3)
    state = updated(
        kind, kind.start(), [(5, "b"), (5, "c"), (4, "a"), (7, "e"), (6, "d"), (4, "z")]
    )
    assert kind.value(state, NOW) == ["c", "d", "e"]


def test_a_rate_is_by_the_day_and_at_least_a_day_long() -> None:
    kind = KINDS["rate"]()
    state = updated(kind, kind.start(), [(0, None)] * 3)
    day = 86_400_000
    values = [kind.value(state, Moment(EventTime(n * day // 2))) for n in (0, 1, 2, 4, 12)]
    assert values == [3, 3, 3, 1.5, 0.5]


def test_a_mean_is_of_the_exact_sum() -> None:
    kind = KINDS["mean"]()
    state = updated(kind, kind.start(), [(0, 0.1)] * 10)
    assert kind.value(state, NOW) == 0.1
    state = updated(kind, kind.start(), [(0, 1.7e308), (0, 1.7e308), (0, -1e300)])
    assert kind.value(state, NOW) == float((2 * Fraction(1.7e308) - Fraction(1e300)) / 3)


def test_a_sketch_is_the_same_however_its_values_came() -> None:
    rng = random.Random(7)
    values = [rng.getrandbits(63) for _ in range(3000)]
    sketch = sketch_of(values)
    for _ in range(3):
        rng.shuffle(values)
        assert sketch_of(values) == sketch
        parts = [sketch_of(values[cut : cut + 700]) for cut in range(0, 3000, 700)]
        assert sketch_union(*parts) == reduce(sketch_union, parts) == sketch
    assert abs(sketch_estimate(sketch) - 3000) < 0.09 * 3000
