"""RFM: tiers are those of all customers' values, each counted once, in whatever order they came."""

import math
from collections import Counter
from collections.abc import Sequence
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from operators.models.learner import LearnerError
from operators.models.parts import ModelOutcome, Value
from operators.models.quantiles import HOUR_MS, HOURS, MOST_BUCKETS, NUMBERS, Counted, Sketch
from operators.models.rfm import Rfm, Values
from operators.times import EventTime
from oracle.rfm import CLEAR, EXACT, Known, score_of
from state.keyvalue import MemoryKeyValue
from state.prefixes import Prefix
from state.records import Records

CUSTOMERS = [f"c{number}" for number in range(12)]
NOW_MS = 1_767_261_600_000
BROAD = st.one_of(
    st.floats(-1e18, 1e18, allow_nan=False),
    st.floats(-200, 200, allow_nan=False),
    st.sampled_from([0.0, -0.0, 1e-9, 2.0**-20, 99.2, 99.9, 100.0, 100.7, -100.0, 1e300]),
)
WHOLE = st.integers(-256, 256).map(float)
TIMES = st.integers(NOW_MS - 800 * 24 * HOUR_MS, NOW_MS).map(float)


def rows(numbers: st.SearchStrategy[float]) -> st.SearchStrategy[list[Value]]:
    """Draw what is known of a customer, all of which may be missing."""
    maybe = st.one_of(numbers, numbers, numbers, st.none())
    return st.tuples(st.one_of(TIMES, TIMES, st.none()), maybe, maybe).map(list)


def told(numbers: st.SearchStrategy[float]) -> st.SearchStrategy[list[tuple[str, list[Value]]]]:
    """Draw what is learned of whom, one after the other."""
    return st.lists(st.tuples(st.sampled_from(CUSTOMERS), rows(numbers)), max_size=40)


def records(keyvalue: MemoryKeyValue | None = None) -> Records[Values]:
    """Make room for what was learned of each customer, with next to nothing in memory."""
    return Records(
        keyvalue or MemoryKeyValue(),
        Prefix.COUNTED_VALUES,
        encode=msgspec.msgpack.encode,
        decode=msgspec.msgpack.Decoder(Values).decode,
        capacity=2,
    )


def outcomes(pairs: Sequence[tuple[str, list[Value]]]) -> list[ModelOutcome]:
    return [
        ModelOutcome(customer, number, EventTime(number), values, 0.0, EventTime(number))
        for number, (customer, values) in enumerate(pairs)
    ]


def learned(pairs: Sequence[tuple[str, list[Value]]], at_once: int = 3) -> Rfm:
    """Let a model learn, some outcomes at a time."""
    rfm, known = Rfm(), records()
    for start in range(0, len(pairs), at_once):
        rfm.learn_all(outcomes(pairs[start : start + at_once]), known)
    return rfm


def naive(pairs: Sequence[tuple[str, list[Value]]]) -> Known:
    known = Known()
    for customer, values in pairs:
        known.learn(customer, values)
    return known


@settings(max_examples=60, deadline=None)
@given(pairs=told(BROAD), asked=st.lists(rows(BROAD), min_size=1, max_size=5))
@example(  # both in one bucket: they count as equal
    pairs=[("c0", [0.0, 100.0, 1.0])], asked=[[0.0, 100.3, 1.0]]
)
def test_tiers_are_those_of_exact_ranks_but_for_values_that_are_hardly_apart(
    pairs: list[tuple[str, list[Value]]], asked: list[list[Value]]
) -> None:
    rfm, known = learned(pairs), naive(pairs)
    assert rfm.customers == len(known.values)
    for row in [*asked, *(values for _, values in pairs)]:
        limited = [each if each is None else _limited(float(each)) for each in row[1:]]
        within = Known()
        for customer, values in known.values.items():
            rest = [each if each is None else _limited(float(each)) for each in values[1:]]
            within.learn(customer, [values[0], *rest])
        most = within.tiers([row[0], *limited], EXACT)
        least = within.tiers([row[0], *limited], CLEAR)
        for low, found, high in zip(least, rfm.tiers(row), most, strict=True):
            assert (low is None) is (found is None) is (high is None)
            assert low is None or low <= found <= high


def _limited(number: float) -> float:
    """Return a number as far as numbers are told apart at all."""
    if abs(number) < 2.0**-20:
        return 0.0
    return math.copysign(min(abs(number), 2.0**50), number)


@settings(max_examples=60, deadline=None)
@given(pairs=told(WHOLE), asked=st.lists(rows(WHOLE), min_size=1, max_size=5))
def test_tiers_of_whole_numbers_and_of_hours_are_exact(
    pairs: list[tuple[str, list[Value]]], asked: list[list[Value]]
) -> None:
    rfm, known = learned(pairs), naive(pairs)
    for row in asked:
        assert rfm.tiers(row) == known.tiers(row, EXACT)
        [score] = rfm.predict([row])
        assert round(score, 6) == score_of(known.tiers(row, EXACT))


@settings(max_examples=40, deadline=None)
@given(pairs=told(BROAD), data=st.data())
def test_what_it_knows_is_who_is_known_and_not_what_came_before_or_in_which_order(
    pairs: list[tuple[str, list[Value]]], data: st.DataObject
) -> None:
    last = data.draw(st.permutations(list(dict(pairs).items())))
    assert learned(pairs).limits() == learned(last, at_once=40).limits()


def test_ten_customers_by_hand() -> None:
    pairs: list[tuple[str, list[Value]]] = [
        (f"c{number}", [NOW_MS + number * HOUR_MS, 1.0 if number < 8 else 2.0, number * 10.0])
        for number in range(10)
    ]
    rfm = learned([(who, [float(each) for each in row if each is not None]) for who, row in pairs])
    assert rfm.tiers([NOW_MS + 9.0 * HOUR_MS, 2.0, 90.0]) == (5, 5, 5)
    assert rfm.tiers([float(NOW_MS), 1.0, 0.0]) == (1, 1, 1)
    assert rfm.tiers([NOW_MS + 4.0 * HOUR_MS, 1.0, 75.0]) == (3, 1, 5)
    assert rfm.tiers([NOW_MS + 99.0 * HOUR_MS, 3.0, -5.0]) == (5, 5, 1)


def test_before_anything_was_learned_the_score_is_a_constant_and_tiers_are_missing() -> None:
    rfm = Rfm()
    asked: list[list[Value]] = [[None, 0.0, 0.0], [float(NOW_MS), 5.0, 99.0]]
    assert rfm.predict(asked) == [0.0, 0.0]
    assert {rfm.tiers(row) for row in asked} == {(None, None, None)}
    assert all(tiers == [] for tiers in rfm.limits().values())


def test_who_never_ordered_has_no_tiers_and_is_held_against_nobody() -> None:
    buyers: list[tuple[str, list[Value]]] = [("c0", [0.0, 1.0, 5.0]), ("c1", [0.0, 2.0, 5.0])]
    visitors: list[tuple[str, list[Value]]] = [(f"v{n}", [None, 0.0, 0.0]) for n in range(50)]
    rfm = learned([*buyers, *visitors])
    assert rfm.customers == 2
    assert rfm.tiers([None, 0.0, 0.0]) == (None, None, None)
    assert rfm.tiers([0.0, 2.0, 5.0]) == (1, 3, 1)
    assert learned(buyers).dump() == rfm.dump()


def test_a_part_that_is_missing_is_missing_in_that_part_alone() -> None:
    rfm = learned([("c0", [0.0, None, 5.0]), ("c1", [0.0, 2.0, None]), ("c2", [0.0, 3.0, 1.0])])
    assert rfm.tiers([float(HOUR_MS), 9.0, None]) == (5, 5, None)
    assert [round(each, 6) for each in rfm.predict([[float(HOUR_MS), 9.0, None]])] == [0.666667]
    assert {
        part: sum(tier.customers for tier in tiers) for part, tiers in rfm.limits().items()
    } == {
        "recency": 3,
        "frequency": 2,
        "monetary": 2,
    }


def test_a_customer_who_is_no_more_is_taken_out() -> None:
    pairs: list[tuple[str, list[Value]]] = [("c0", [0.0, 1.0, 5.0]), ("c1", [7.0, 2.0, 6.0])]
    keyvalue = MemoryKeyValue()
    rfm, known = Rfm(), records(keyvalue)
    rfm.learn_all(outcomes([*pairs, ("c1", [None, None, None])]), known)
    known.flush()
    assert rfm.limits() == learned(pairs[:1]).limits()
    assert rfm.customers == len(keyvalue.entries) == 1


def test_a_customer_who_was_gone_and_is_back_is_counted_once() -> None:
    pairs: list[tuple[str, list[Value]]] = [("c0", [0.0, 1.0, 5.0])]
    back: list[tuple[str, list[Value]]] = [*pairs, ("c0", [None, None, None]), *pairs, *pairs]
    assert learned(back, at_once=10).dump() == learned(pairs).dump()


def test_buckets_are_bounded_whatever_the_values() -> None:
    numbers, hours = Sketch(NUMBERS), Sketch(HOURS)
    for exponent in range(-1074, 1024):
        for number in (math.ldexp(1.0, exponent), -math.ldexp(1.3, exponent - 1)):
            numbers.add(number)
    for hour in range(0, 60_000, 2):
        hours.add(float(hour * HOUR_MS))
    for number in (1e308, -1e308, 0.0):
        numbers.add(number)
    assert NUMBERS.bucket(1e308) - NUMBERS.bucket(-1e308) < MOST_BUCKETS
    assert len(numbers.dump().buckets) <= 2 * 71 + 1
    assert len(hours.dump().buckets) == MOST_BUCKETS / 2 + 1, "the oldest hours are one"
    assert len(hours) == 30_000
    assert hours.tier(0.0) == 1
    assert hours.tier(60_000.0 * HOUR_MS) == 5


def test_what_was_merged_can_be_taken_out() -> None:
    times = [float(hour * HOUR_MS) for hour in (0, 5, 7, 30_000, 30_001)]
    hours = Sketch(HOURS)
    for time in times:
        hours.add(time)
    assert [each.customers for each in hours.tiers()] == [3, 0, 0, 1, 1]
    for time in times[:3]:
        hours.remove(time)
    assert [each.customers for each in hours.tiers()] == [1, 0, 1, 0, 0]


@settings(max_examples=60, deadline=None)
@given(
    added=st.lists(st.integers(-3000, 3000), min_size=1, max_size=30),
    gone=st.lists(st.integers(0, 29), max_size=20),
    most=st.sampled_from([1, 5, 300, 2000]),
)
@example(added=[0, 1, 2, 10, 500], gone=[0], most=5)
def test_the_oldest_are_merged_as_if_they_had_all_been_as_old_as_that(
    added: list[int], gone: list[int], most: int
) -> None:
    sketch, left = Sketch(HOURS), list(added)
    with patch("operators.models.quantiles.MOST_BUCKETS", most):
        for number, hour in enumerate(added):
            sketch.add(float(hour * HOUR_MS))
            if number in gone and len(left) > 1:
                left.remove(hour)
                sketch.remove(float(hour * HOUR_MS))
        oldest = max(added) - most + 1
        merged = Counter(max(hour, oldest) for hour in left)
        assert sketch.dump() == Counted(dict(sorted(merged.items())), oldest)
        for hour in {*added, oldest - 1, max(added) + 1}:
            below = sum(max(each, oldest) < max(hour, oldest) for each in left)
            tier = min(5, 1 + below * 5 // len(left))
            assert sketch.tier(float(hour * HOUR_MS)) == tier


@settings(deadline=None)
@given(number=st.floats(2.0**-20, 2.0**49))
def test_values_of_one_bucket_differ_by_less_than_the_128th_part(number: float) -> None:
    bucket = NUMBERS.bucket(number)
    low, next_low = NUMBERS.value(bucket), NUMBERS.value(bucket + 1)
    assert low <= number < next_low
    assert next_low - low <= low / 128
    assert NUMBERS.bucket(-number) == -bucket


def test_tiers_say_how_many_are_in_them_and_from_where_to_where() -> None:
    sketch = Sketch(NUMBERS)
    for number in [1.0] * 6 + [2.0, 3.0, 3.0, 9.0]:
        sketch.add(number)
    assert [tuple(each) for each in sketch.tiers()] == [
        (1, 6, 1.0, 1.0),
        (2, 0, None, None),
        (3, 0, None, None),
        (4, 3, 2.0, 3.0),
        (5, 1, 9.0, 9.0),
    ]


@settings(max_examples=30, deadline=None)
@given(pairs=told(BROAD))
def test_what_was_written_is_read_again(pairs: list[tuple[str, list[Value]]]) -> None:
    rfm, other = learned(pairs), Rfm()
    other.load(rfm.dump())
    assert other.dump() == rfm.dump()
    assert other.limits() == rfm.limits()
    assert other.customers == rfm.customers


@pytest.mark.parametrize("data", [b"", b"damaged", b"\x92\x81\xa1a\xa1b\xc4\x00"])
def test_what_is_damaged_or_of_another_kind_is_refused(data: bytes) -> None:
    with pytest.raises(LearnerError):
        Rfm().load(data)
