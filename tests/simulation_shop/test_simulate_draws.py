"""The building blocks of the simulation, each for itself."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.simulation import texts
from connectors.simulation.catalog import Catalog, money
from connectors.simulation.customers import Customers
from connectors.simulation.draws import Durations, Zipf, generator, pick, scramble
from connectors.simulation.rhythm import Rhythm
from operators.times import EventTime, format_time, parse_time

DAY_MS = 86_400_000
draws = st.floats(0, 1, exclude_max=True)


@given(st.lists(st.integers(-(10**13), 2 * 10**14), min_size=1, max_size=20))
def test_many_times_are_written_like_one(milliseconds: list[int]) -> None:
    expected = "".join(format_time(EventTime(time)) for time in milliseconds)
    assert texts.times(np.array(milliseconds, np.int64)) == expected


def test_uuids_are_of_version_4_and_differ() -> None:
    words = scramble(np.arange(10_000), 1)
    text = texts.uuids(words, scramble(words, 2))
    ids = re.findall(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", text)
    assert "".join(ids) == text
    assert len(set(ids)) == 10_000


def test_scrambled_numbers_differ_between_salts_and_numbers() -> None:
    numbers = np.arange(1_000)
    assert len({*scramble(numbers, 1).tolist(), *scramble(numbers, 2**60).tolist()}) == 2_000


@given(st.lists(draws, min_size=1), st.integers(1, 10**9))
def test_ranks_lie_within_their_set(values: list[float], size: int) -> None:
    ranks = Zipf([size]).ranks(np.array(values))
    assert ranks.min() >= 0
    assert ranks.max() < size


def test_each_rank_comes_as_often_as_zipfs_law_says() -> None:
    ranks = Zipf([100]).ranks((np.arange(1_000_000) + 0.5) / 1_000_000)
    shares = np.bincount(ranks, minlength=100) / 1_000_000
    weights = (np.arange(100) + 2.5) ** -0.8
    assert shares == pytest.approx(weights / weights.sum(), rel=0.02)


@given(st.lists(draws, min_size=1))
def test_durations_keep_their_bounds_and_their_order(values: list[float]) -> None:
    durations = Durations(median_ms=20_000, sigma=1.0, shortest_ms=500, longest_ms=100_000)
    found = durations.of(np.array(sorted(values)))
    assert found.min() >= 500
    assert found.max() <= 100_000
    assert (np.diff(found) >= 0).all()


def test_half_of_the_durations_are_below_the_median() -> None:
    durations = Durations(median_ms=20_000, sigma=1.0, shortest_ms=0, longest_ms=10**9)
    assert durations.of(np.array([0.5]))[0] == pytest.approx(20_000, rel=0.01)


def test_picks_follow_their_weights() -> None:
    counts = np.bincount(pick(scramble(np.arange(60_000), 5), np.array([1, 0, 2])))
    assert counts[1] == 0
    assert counts[2] == pytest.approx(2 * counts[0], rel=0.05)


@given(
    st.integers(0, 10**13),
    st.integers(1, 40 * DAY_MS),
    st.lists(draws, min_size=2, max_size=20),
)
def test_visits_begin_in_order_and_in_time(start: int, span_ms: int, values: list[float]) -> None:
    rhythm = Rhythm(EventTime(start), span_ms)
    times = rhythm.times((np.array(sorted(values)) * rhythm.mass).astype(np.int64))
    assert (np.diff(times) >= 0).all()
    assert times[0] >= start
    assert times[-1] < start + span_ms
    assert rhythm.times(np.array([0]))[0] == start


def test_weekends_are_busier_than_other_days() -> None:
    masses = [
        Rhythm(parse_time(f"2026-01-{day:02d}T00:00:00Z"), DAY_MS).mass for day in range(1, 8)
    ]
    monday, saturday, sunday = masses[4], masses[2], masses[3]
    assert saturday == sunday > monday == masses[0]


@given(st.integers(1, 500), st.integers(1, 5))
def test_even_customers_all_come_once_in_each_round(count: int, rounds: int) -> None:
    customers = Customers(count, visits=count, salts=[1, 2], even=True)
    uniform = generator(1, 1)
    seen: list[int] = []
    for _ in range(rounds):
        who, how = uniform.random(count), uniform.random(count)
        seen += customers.next(who, how, np.zeros(count, bool)).customers.tolist()
    assert sorted(seen) == sorted(list(range(1, count + 1)) * rounds)


@given(st.integers(1, 2_000))
def test_each_product_has_one_id(products: int) -> None:
    ids = Catalog(products, salt=1).ids(np.arange(products))
    assert sorted(ids.tolist()) == list(range(1, products + 1))


@given(st.integers(1, 10**9), st.lists(draws, min_size=1), st.integers(0, 2**63))
def test_products_are_of_the_category_asked_for(size: int, values: list[float], word: int) -> None:
    catalog = Catalog(size, salt=1)
    categories = catalog.categories(scramble(np.arange(len(values)), word))
    products = catalog.products(np.array(values), categories)
    assert products.max() < size
    assert (products % min(size, 12) == categories).all()
    assert (catalog.cents(catalog.kinds(products)) > 0).all()


def test_money_has_two_decimals() -> None:
    assert [money(cents) for cents in (0, 5, 1990, 123_456)] == ["0.00", "0.05", "19.90", "1234.56"]
