"""How customers and strangers behave in the simulated shop: one shop of 40,000 events."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from operators.times import parse_time

Event = dict[str, Any]
FUNNEL = ("Product Viewed", "Product Added", "Checkout Started", "Order Completed")


def time_of(event: Event) -> int:
    return parse_time(event["timestamp"])


def named(events: list[Event], name: str) -> list[Event]:
    return [event for event in events if event.get("event") == name]


@pytest.fixture(scope="module")
def visits_by_cart(events: list[Event]) -> dict[str, list[Event]]:
    """Additions, checkout and order that carry the same number."""
    visits = defaultdict(list)
    for event in events:
        properties = event.get("properties", {})
        number = properties.get("cart_id") or properties.get("order_id")
        if number:
            visits[number[1:]].append(event)
    return visits


def test_a_few_customers_are_busy_and_most_are_quiet(events: list[Event]) -> None:
    counts = sorted(Counter(e["userId"] for e in events if "userId" in e).values(), reverse=True)
    assert sum(counts[: len(counts) // 10]) > 0.3 * sum(counts)
    assert counts[0] > 20 * counts[len(counts) // 2] > 0
    assert counts[0] < 0.02 * sum(counts), "nobody is the whole shop"


def test_products_sell_by_zipfs_law(events: list[Event]) -> None:
    views = named(events, "Product Viewed")
    counts = [n for _, n in Counter(e["properties"]["product_id"] for e in views).most_common()]
    assert len(counts) > 900, "the long tail is seen as well"
    assert sum(counts[:100]) > 0.4 * sum(counts)
    assert counts[0] < 0.03 * sum(counts)


def test_a_product_is_always_the_same(events: list[Event]) -> None:
    seen: dict[str, tuple[str, ...]] = {}
    for event in named(events, "Product Viewed") + named(events, "Product Added"):
        product = event["properties"]
        facts = (product["category"], product["brand"], product["price"])
        assert seen.setdefault(product["product_id"], facts) == facts


def test_the_funnel_narrows_as_in_a_shop(events: list[Event]) -> None:
    views, adds, checkouts, orders = (len(named(events, name)) for name in FUNNEL)
    assert 0.06 < adds / views < 0.16
    assert 0.2 < checkouts / adds < 0.6
    assert 0.5 < orders / checkouts < 0.8
    assert 0.005 < orders / len(events) < 0.03


def test_an_order_is_what_was_put_into_the_cart(visits_by_cart: dict[str, list[Event]]) -> None:
    complete = [visit for visit in visits_by_cart.values() if named(visit, "Order Completed")]
    assert len(complete) > 300
    for visit in complete:
        adds = [event["properties"] for event in named(visit, "Product Added")]
        (checkout,) = named(visit, "Checkout Started")
        (order,) = named(visit, "Order Completed")
        assert time_of(checkout) < time_of(order)
        assert "cart_id" not in order["properties"]
        items = [{k: add[k] for k in ("product_id", "price", "quantity")} for add in adds]
        assert order["properties"]["products"] == items
        assert checkout["properties"]["products"] == items
        revenue = sum(add["price"] * add["quantity"] for add in adds)
        assert order["properties"]["revenue"] == pytest.approx(revenue)
        total = order["properties"]["revenue"] + order["properties"]["shipping"]
        assert order["properties"]["total"] == pytest.approx(total)


def test_what_is_added_was_looked_at_just_before(events: list[Event]) -> None:
    looked_at: dict[str, set[str]] = defaultdict(set)
    for event in events:
        if event.get("event") == "Product Viewed":
            looked_at[event["anonymousId"]].add(event["properties"]["product_id"])
        if event.get("event") == "Product Added":
            assert event["properties"]["product_id"] in looked_at[event["anonymousId"]]


def test_now_and_then_a_customer_hears_that_what_was_looked_at_costs_less(
    events: list[Event],
) -> None:
    looked_at: dict[tuple[str, str], tuple[int, float]] = {}
    prices: dict[str, float] = {}
    told = 0
    for event in events:
        product = event.get("properties", {}).get("product_id")
        if event.get("event") == "Product Viewed":
            found = (time_of(event), event["properties"]["price"])
            looked_at[event["anonymousId"], product] = found
        if event.get("event") == "Price Dropped":
            told += 1
            assert event["userId"]
            old_price, price = event["properties"]["old_price"], event["properties"]["price"]
            looked, listed = looked_at[event["anonymousId"], product]
            assert time_of(event) > looked
            assert old_price == listed
            assert 0.59 * old_price < price < 0.91 * old_price
            assert prices.setdefault(product, price) == price, "the same for everybody"
    assert 0.001 < told / len(events) < 0.01


def test_many_carts_are_left_and_some_are_bought_after_a_pause(
    visits_by_cart: dict[str, list[Event]],
) -> None:
    left = sum(not named(visit, "Order Completed") for visit in visits_by_cart.values())
    assert 0.5 < left / len(visits_by_cart) < 0.85
    waits = [
        time_of(named(visit, "Checkout Started")[0]) - time_of(named(visit, "Product Added")[-1])
        for visit in visits_by_cart.values()
        if named(visit, "Checkout Started")
    ]
    assert 0.03 < sum(wait > 30 * 60_000 for wait in waits) / len(waits) < 0.3


def test_visits_have_several_steps_and_minutes_of_thought(events: list[Event]) -> None:
    lengths, durations = [], []
    for visit in _sessions(events):
        lengths.append(len(visit))
        durations.append(time_of(visit[-1]) - time_of(visit[0]))
    assert 3 < sum(lengths) / len(lengths) < 6
    assert 0.15 < lengths.count(1) / len(lengths) < 0.5, "some leave at once"
    assert 60_000 < sum(durations) / len(durations) < 15 * 60_000


def _sessions(events: list[Event]) -> Iterator[list[Event]]:
    by_visitor = defaultdict(list)
    for event in events:
        by_visitor[event["anonymousId"]].append(event)
    for mine in by_visitor.values():
        session = mine[:1]
        for before, event in pairwise(mine):
            if time_of(event) - time_of(before) > 30 * 60_000:
                yield session
                session = []
            session.append(event)
        yield session


def test_device_and_anonymous_id_are_a_customers_for_good(events: list[Event]) -> None:
    seen: dict[str, tuple[str, str]] = {}
    owners: dict[str, str] = {}
    for event in events:
        if "userId" in event:
            mine = (event["anonymousId"], event["context"]["userAgent"])
            assert seen.setdefault(event["userId"], mine) == mine
            assert owners.setdefault(event["anonymousId"], event["userId"]) == event["userId"]


def test_strangers_stay_anonymous_and_some_customers_log_in_later(events: list[Event]) -> None:
    nameless = Counter(event["anonymousId"] for event in events if "userId" not in event)
    customers = {event["anonymousId"] for event in events if "userId" in event}
    assert 0.05 < sum(nameless.values()) / len(events) < 0.3
    assert len(set(nameless) - customers) > 500
    assert len(set(nameless) & customers) > 500


def test_evenings_are_busier_than_nights(events: list[Event]) -> None:
    hours = Counter(int(event["timestamp"][11:13]) for event in events)
    evening, night = (sum(hours[hour] for hour in span) for span in (range(19, 22), range(2, 5)))
    assert evening > 8 * night > 0
