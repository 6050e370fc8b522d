"""One contract for every kind of collected value: it is kept, bounded, merged, exact."""

import random
from collections.abc import Callable
from copy import deepcopy
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from operators.features.collected import KINDS, Collected
from operators.features.fixed_point import to_millionths
from operators.features.plan import FeaturePlan, WindowPlan
from operators.fields import FieldType
from operators.times import EventTime

AT_MOST = 3

Event = tuple[int, Any]
"""Time and value, in order of arrival."""

NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 0.1, 0.2, 5e-7, 1.5e-6, 1e15 + 0.3, 1.7e308, -1.7e308, 2.0**53]),
)
VALUES: dict[FieldType | None, st.SearchStrategy[Any]] = {
    None: st.none(),
    FieldType.NUMBER: NUMBERS,
    FieldType.SCALAR: st.one_of(
        st.sampled_from([0, 1, 1.0, True, False, "1", "", "true", -0.0, "x" * 1000, 2**63 - 1]),
        st.integers(-(2**63), 2**63 - 1),
        NUMBERS,
        st.text(max_size=40),
    ),
}


def kind_of(name: str, at_most: int = AT_MOST) -> Collected:
    bound = at_most if name == "distinct" else 0
    return Collected(FeaturePlan("x", name, WindowPlan("session"), None, bound, ""))


def events_of(name: str) -> st.SearchStrategy[list[Event]]:
    return st.lists(st.tuples(st.integers(-3, 3), VALUES[KINDS[name].field_type]), max_size=12)


def updated(kind: Collected, state: Any, events: list[Event]) -> Any:
    for time, value in events:
        state = kind.update(state, value, EventTime(time))
    return state


def plain(value: Any) -> Any:
    """Write a whole number without a fraction."""
    return int(value) if isinstance(value, float) and value == int(value) else value


def naive_sum(events: list[Event]) -> dict[str, Any]:
    context = Context(prec=1000, rounding=ROUND_HALF_EVEN)
    step = Decimal("0.000001")
    total = sum(
        (Fraction(context.quantize(Decimal(repr(v)), step)) for _, v in events),
        Fraction(0),
    )
    greatest = Fraction(1.7976931348623157e308)
    return {"x": plain(float(max(-greatest, min(greatest, total))))}


def naive_distinct(events: list[Event]) -> dict[str, Any]:
    seen = {(type(plain(value)), plain(value)) for _, value in events}
    return {"x": len(seen)} if len(seen) <= AT_MOST else {"x": AT_MOST, "x_exact": False}


def by_time(events: list[Event]) -> list[Event]:
    return sorted(events, key=lambda event: event[0])


NAIVE: dict[str, Callable[[list[Event]], dict[str, Any]]] = {
    "count": lambda events: {"x": len(events)},
    "sum": naive_sum,
    "min": lambda events: {"x": plain(min((v for _, v in events), default=None))},
    "max": lambda events: {"x": plain(max((v for _, v in events), default=None))},
    "first": lambda events: {"x": plain(by_time(events)[0][1]) if events else None},
    "last": lambda events: {"x": plain(by_time(events)[-1][1]) if events else None},
    "distinct": naive_distinct,
}

AS_FEATURES = {"mean", "recent", "time"}
"""Kinds that are tested as features alone; their records say the same."""

each_kind = pytest.mark.parametrize("name", sorted(KINDS.keys() - AS_FEATURES))


def same(one: Any, other: Any) -> bool:
    """Compare so that 1, 1.0 and True are three things."""
    return msgspec.json.encode(one) == msgspec.json.encode(other)


def test_every_kind_has_a_naive_definition_here() -> None:
    assert NAIVE.keys() | AS_FEATURES == KINDS.keys()


@each_kind
@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_a_kind_equals_its_naive_definition(name: str, data: st.DataObject) -> None:
    events = data.draw(events_of(name))
    kind = kind_of(name)
    assert same(kind.result(updated(kind, kind.start(), events)), NAIVE[name](events))


@each_kind
@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_merging_two_stretches_equals_updating_in_sequence(name: str, data: st.DataObject) -> None:
    earlier = data.draw(events_of(name))
    later = [(time + 10, value) for time, value in data.draw(events_of(name))]
    arrived = data.draw(st.permutations(range(len(earlier) + len(later))))
    kind = kind_of(name)
    one, other = (updated(kind, kind.start(), events) for events in (earlier, later))
    merged = kind.merge(one, other)
    assert same(kind.result(merged), NAIVE[name](earlier + later))
    together = [(earlier + later)[index] for index in arrived]
    in_order = [event for event in together if event[0] < 5] + [e for e in together if e[0] > 5]
    assert same(
        kind.result(updated(kind, kind.start(), together)),
        kind.result(updated(kind, kind.start(), in_order)),
    )
    more = [(20, value) for _, value in data.draw(events_of(name))]
    assert same(kind.result(updated(kind, merged, more)), NAIVE[name](earlier + later + more))


@each_kind
@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_a_state_survives_the_store(name: str, data: st.DataObject) -> None:
    events, more = data.draw(events_of(name)), data.draw(events_of(name))
    kind = kind_of(name)
    state = updated(kind, kind.start(), events)
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(state))
    assert same(stored, state)
    assert type(stored) is type(state)
    assert same(updated(kind, stored, more), updated(kind, state, more))
    assert same(kind.result(stored), kind.result(state))


@each_kind
@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_updates_and_merges_leave_their_inputs_alone(name: str, data: st.DataObject) -> None:
    kind = kind_of(name)
    one, other = (updated(kind, kind.start(), data.draw(events_of(name))) for _ in range(2))
    before = deepcopy((one, other))
    merged = kind.merge(one, other)
    assert same((one, other), before)
    updated(kind, merged, data.draw(events_of(name)))
    updated(kind, one, data.draw(events_of(name)))
    kind.result(one)
    assert same((one, other), before)


@each_kind
def test_a_new_state_shares_nothing_with_another(name: str) -> None:
    kind = kind_of(name)
    value = {None: None, FieldType.NUMBER: 1.5, FieldType.SCALAR: "v"}[kind.field_type]
    updated(kind, kind.start(), [(1, value)])
    assert same(kind.result(kind.start()), NAIVE[name]([]))


@each_kind
def test_a_state_stays_small_however_much_it_is_fed(name: str) -> None:
    rng = random.Random(3)
    kind = kind_of(name, at_most=64)
    values: dict[FieldType | None, Callable[[int], Any]] = {
        None: lambda _: None,
        FieldType.NUMBER: lambda _: rng.uniform(-1e307, 1e307),
        FieldType.SCALAR: lambda n: f"{n}-" + "x" * 990,
    }
    state = kind.start()
    for number in range(3000):
        state = kind.update(state, values[kind.field_type](number), EventTime(number))
        if number % 500 == 499:
            state = kind.merge(state, state)
    assert len(msgspec.msgpack.encode(state)) < 65 * 40


@settings(deadline=None, max_examples=300)
@given(st.lists(NUMBERS, max_size=10), st.randoms(use_true_random=False))
@example([1.7e308, 1.7e308], random.Random(0))
@example([1.7e308, -1.7e308, 0.1, 0.2], random.Random(0))
@example([1e16, 1.0, -1e16], random.Random(1))
def test_a_sum_is_exact_and_the_same_in_any_order(values: list[float], rng: random.Random) -> None:
    kind = kind_of("sum")
    shuffled = list(values)
    rng.shuffle(shuffled)
    cut = rng.randrange(len(values) + 1)
    parts = [[(0, value) for value in part] for part in (shuffled[:cut], shuffled[cut:])]
    one, other = (updated(kind, kind.start(), part) for part in parts)
    state = updated(kind, kind.start(), [(0, value) for value in values])
    assert same(kind.merge(one, other), state)
    assert same(kind.result(state), naive_sum([(0, value) for value in values]))


@settings(deadline=None, max_examples=500)
@given(
    st.one_of(
        NUMBERS,
        st.integers(-(10**13), 10**13).map(lambda n: n / 10**7),
        st.integers(-(10**7), 10**7).map(lambda n: (2 * n + 1) * 5 / 10**7),
    )
)
@example(0.0000005)
@example(2199023.2555515)
def test_a_number_is_rounded_by_its_shortest_text_half_to_even(value: float) -> None:
    exact = Decimal(repr(value)).scaleb(6, Context(prec=400))
    rounded = exact.to_integral_value(ROUND_HALF_EVEN, Context(prec=400))
    assert to_millionths(value) == int(rounded)


def test_ten_dimes_are_a_whole() -> None:
    kind = kind_of("sum")
    assert kind.result(updated(kind, kind.start(), [(0, 0.1)] * 10)) == {"x": 1}
    assert kind.result(updated(kind, kind.start(), [(0, 0.1), (0, 0.2)])) == {"x": 0.3}


def test_at_equal_times_first_and_last_go_by_arrival() -> None:
    events = [(5, "b"), (5, "c"), (4, "a"), (5, "d"), (4, "z")]
    for name, expected in (("first", "a"), ("last", "d")):
        kind = kind_of(name)
        assert kind.result(updated(kind, kind.start(), events)) == {"x": expected}


def test_distinct_tells_types_apart_but_not_how_a_number_was_written() -> None:
    kind = kind_of("distinct", at_most=10)
    values = [1, 1.0, "1", True, "True", "true", 0, -0.0, False, "", "a" * 50, "a" * 51]
    state = updated(kind, kind.start(), [(0, value) for value in values])
    assert kind.result(state) == {"x": 10}


def test_distinct_says_when_there_are_more_than_it_counts() -> None:
    kind = kind_of("distinct", at_most=2)
    state = updated(kind, kind.start(), [(0, "a"), (0, "b"), (0, "a")])
    assert kind.result(state) == {"x": 2}
    assert kind.result(updated(kind, state, [(0, "c")])) == {"x": 2, "x_exact": False}
    other = updated(kind, kind.start(), [(0, "c"), (0, "b")])
    assert kind.result(kind.merge(state, other)) == {"x": 2, "x_exact": False}
