"""What comes out does not depend on ticks, shards or memory, only its order within a tick does."""

import random
from functools import cache
from itertools import cycle
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.simulation import Shop, simulate
from engine_checks import SIZES, assert_instances_match, engine, few_timers, records, simulation
from oracle import Rules, streams
from oracle.writing import MINUTE_MS, event_line
from simulation import Outcome

BOUNDS = ("INSTANCES_MOST", "CANCELS_MOST", "MESSAGE_IDS_MOST")
RULES = Rules(
    collect={
        "views": {"count": "Product Viewed"},
        "products": {"distinct": "properties.product_id"},
        "spent": {"sum": "properties.price"},
        "first": {"first": "properties.product_id"},
        "last": {"last": "properties.product_id"},
    },
    triggers={
        "abandoned": {
            "on": "Product Added",
            "key": "properties.cart_id",
            "after_ms": 30 * MINUTE_MS,
            "cancel": ["Order Completed"],
            "again": 24 * 60 * MINUTE_MS,
        },
        "thanks": {"on": "Order Completed"},
    },
)


@settings(max_examples=80, deadline=None)
@given(
    raw=st.one_of(streams.busy(), streams.crowds()),
    rules=streams.rules(),
    sizes=SIZES,
    shards=st.sampled_from([1, 4, 12]),
    close=st.booleans(),
)
def test_the_set_of_outputs_is_the_same_for_all_ticks_and_shards(
    *, raw: list[bytes], rules: Rules, sizes: list[int], shards: int, close: bool
) -> None:
    by_one = engine(raw, rules, [1], shards=1, close=close)
    at_once = engine(raw, rules, [1000], shards=4, close=close)
    random_ticks = engine(raw, rules, sizes, shards=shards, close=close)
    assert at_once.sets() == by_one.sets()
    assert random_ticks.sets() == by_one.sets()
    assert +at_once.counts == +random_ticks.counts == +by_one.counts


@settings(max_examples=80, deadline=None)
@given(
    raw=st.one_of(streams.busy(), streams.crowds()),
    rules=streams.rules(),
    sizes=SIZES,
    shards=st.sampled_from([1, 2]),
    records=st.integers(1, 3),
    timers=st.integers(2, 4),
)
def test_lines_are_byte_identical_whatever_is_kept_in_memory(
    *, raw: list[bytes], rules: Rules, sizes: list[int], shards: int, records: int, timers: int
) -> None:
    roomy = engine(raw, rules, sizes, shards=shards)
    with few_timers(timers):
        tight = engine(raw, rules, sizes, shards=shards, cache=records)
    assert tight.lines == roomy.lines
    assert tight.counts == roomy.counts


@settings(max_examples=80, deadline=None)
@given(
    raw=st.one_of(streams.busy(), streams.lines()),
    rules=streams.rules(),
    sizes=SIZES,
    most=st.integers(1, 3),
)
@example(  # a decided instance that made room, and its time again
    raw=[event_line(minute, "Product Added", f"m{n}") for n, minute in enumerate([0, 1, 0])],
    rules=Rules(triggers={"first": {"on": "Product Added"}}, disorder_ms=MINUTE_MS),
    sizes=[1],
    most=1,
)
@example(  # a second event of the only instance that there is room for
    raw=[event_line(0, "Product Added", "m0"), event_line(0, "Product Added", "m1")],
    rules=Rules(triggers={"first": {"on": "Product Added"}}, disorder_ms=0),
    sizes=[1],
    most=1,
)
def test_at_the_bounds_of_a_case_there_is_still_one_decision_an_instance_for_all_ticks(
    *, raw: list[bytes], rules: Rules, sizes: list[int], most: int
) -> None:
    bounds: dict[str, Any] = dict.fromkeys(BOUNDS, most)
    with patch.multiple("operators.instances", **bounds):
        by_one = engine(raw, rules, [1], close=True)
        random_ticks = engine(raw, rules, sizes, close=True)
    assert random_ticks.sets() == by_one.sets()
    assert_instances_match(records(by_one, "triggers"), records(by_one, "decisions"))


@cache
def shop_lines() -> list[bytes]:
    """Events of a made-up shop, with disorder, late ones and duplicates."""
    shop = Shop(customers=300, events=4000, disorder=0.2, late=0.01, duplicates=0.02)
    return [line.encode() for block in simulate(shop) for line in block]


@cache
def shop_by_thousands() -> Outcome:
    outcome = engine(shop_lines(), RULES, [1000], shards=1)
    assert set(outcome.lines) == {"sessions", "decisions", "triggers", "late"}
    assert all(len(lines) > 20 for lines in outcome.lines.values())
    return outcome


@pytest.mark.parametrize("shards", [1, 4, 12])
@pytest.mark.parametrize("size", [1, 7, 1000, 100_000, "random"])
def test_a_shop_gives_the_same_set_for_all_ticks_and_shards(size: int | str, shards: int) -> None:
    generator = random.Random(7)
    drawn = [generator.randint(1, 300) for _ in range(100)]
    sizes = [size] if isinstance(size, int) else drawn
    outcome = engine(shop_lines(), RULES, sizes, shards=shards)
    assert outcome.sets() == shop_by_thousands().sets()
    assert outcome.counts == shop_by_thousands().counts


def test_a_shop_gives_the_same_bytes_whatever_is_kept_in_memory() -> None:
    with few_timers(8):
        tight = engine(shop_lines(), RULES, [1000], shards=1, cache=2)
    assert tight.lines == shop_by_thousands().lines


def test_a_tick_without_events_lets_nothing_happen() -> None:
    run = simulation(shop_lines()[:500], RULES)
    for _ in range(3):
        assert run.step(0)
    assert run.outcome.lines == {}
    assert run.run(cycle([0, 100])).sets() == engine(shop_lines()[:500], RULES, [100]).sets()
