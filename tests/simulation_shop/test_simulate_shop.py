"""What the simulation promises about its lines: their form, number, order and size in memory."""

import tracemalloc
from collections import Counter
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.simulation import Shop, simulate
from operators.times import parse_time

DAY_MS = 86_400_000

Event = dict[str, Any]


class Device(msgspec.Struct, forbid_unknown_fields=True):
    type: str


class Context(msgspec.Struct, forbid_unknown_fields=True):
    device: Device
    locale: str
    timezone: str
    userAgent: str  # noqa: N815 (the spec's name)


class Common(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What every event of the spec has; ids are never empty."""

    messageId: str  # noqa: N815 (the spec's name)
    anonymousId: str  # noqa: N815 (the spec's name)
    userId: str | None = None  # noqa: N815 (the spec's name)
    timestamp: str
    context: Context


class Track(Common, tag_field="type", tag="track", forbid_unknown_fields=True, kw_only=True):
    event: str
    properties: dict[str, Any]


class Page(Common, tag_field="type", tag="page", forbid_unknown_fields=True, kw_only=True):
    name: str
    properties: dict[str, str]


class Identify(Common, tag_field="type", tag="identify", forbid_unknown_fields=True, kw_only=True):
    traits: dict[str, str | bool]


PRODUCT_FIELDS = {"product_id": str, "category": str, "brand": str, "price": float}
FIELDS = {
    "Product Viewed": PRODUCT_FIELDS,
    "Product Added": {"cart_id": str, "quantity": int} | PRODUCT_FIELDS,
    "Checkout Started": {"order_id": str, "value": float, "currency": str, "products": list},
    "Order Completed": {
        "order_id": str,
        "total": float,
        "revenue": float,
        "shipping": float,
        "currency": str,
        "products": list,
    },
    "Price Dropped": {"product_id": str, "old_price": float, "price": float},
}


def lines_of(shop: Shop) -> list[str]:
    return [line for lines in simulate(shop) for line in lines]


def events_of(shop: Shop) -> list[Event]:
    return [msgspec.json.decode(line) for line in lines_of(shop)]


def time_of(event: Event) -> int:
    return parse_time(event["timestamp"])


def test_every_line_is_a_valid_event_of_the_spec(lines: list[str]) -> None:
    decoder = msgspec.json.Decoder(Track | Page | Identify)
    for line in lines:
        event = decoder.decode(line)
        parse_time(event.timestamp)
        assert len(event.messageId) == len(event.anonymousId) == 36
        assert event.context.device.type in {"mobile", "desktop", "tablet"}
        if isinstance(event, Identify):
            assert event.userId, "identify says who it is"
            assert set(event.traits) == {"email", "firstName", "country", "newsletter"}
        if isinstance(event, Track):
            found = {name: type(value) for name, value in event.properties.items()}
            assert found == FIELDS[event.event], line


def test_lines_are_of_a_usual_length(lines: list[str]) -> None:
    mean = sum(map(len, lines)) / len(lines)
    assert 350 <= mean <= 450
    assert max(map(len, lines)) < 4_000


def test_numbers_are_written_with_two_decimals(lines: list[str]) -> None:
    order = next(line for line in lines if '"Order Completed"' in line)
    amount = order.split('"revenue":')[1].split(",")[0]
    assert len(amount.split(".")[1]) == 2


def test_message_ids_differ_except_for_duplicates(
    shop: Shop, lines: list[str], events: list[Event]
) -> None:
    copies = Counter(lines)
    assert len(copies) == len(events), "the same messageId means the same line"
    assert max(copies.values()) == 2
    assert len(lines) - len(copies) == int(shop.events * shop.duplicates)


def test_a_duplicate_comes_soon_after_its_original(lines: list[str]) -> None:
    first_at: dict[str, int] = {}
    behind = []
    for place, line in enumerate(lines):
        if first_at.setdefault(line, place) != place:
            behind.append(place - first_at[line])
    assert behind
    assert max(behind) < 100


def test_few_events_arrive_out_of_order_and_hardly_any_is_late(arrived: list[Event]) -> None:
    disordered = late = newest = 0
    seen = set()
    for event in arrived:
        if event["messageId"] not in seen:
            disordered += time_of(event) < newest
            late += time_of(event) < newest - 5_000
        seen.add(event["messageId"])
        newest = max(newest, time_of(event))
    assert 0.001 < disordered / len(arrived) < 0.03
    assert 0 < late / len(arrived) < 0.002


def test_disorder_alone_stays_below_the_default_bound() -> None:
    busy_hour = Shop(100, 20_000, span_ms=DAY_MS // 24, disorder=1, late=0, duplicates=0)
    newest = disordered = 0
    for event in events_of(busy_hour):
        disordered += time_of(event) < newest
        assert time_of(event) > newest - 5_000
        newest = max(newest, time_of(event))
    assert disordered > 5_000


def test_without_mess_the_events_are_in_time_order() -> None:
    tidy = events_of(Shop(customers=100, events=20_000, disorder=0, late=0, duplicates=0))
    assert all(time_of(a) <= time_of(b) for a, b in pairwise(tidy))
    assert len({event["messageId"] for event in tidy}) == 20_000


def test_nearly_every_customer_occurs_when_there_are_ten_events_for_each() -> None:
    few = {event.get("userId") for event in events_of(Shop(customers=4_000, events=40_000))}
    assert len(few - {None}) > 0.97 * 4_000


def test_even_spread_makes_customers_about_equally_active() -> None:
    shop = Shop(customers=400, events=40_000, even=True)
    visits = Counter(event["userId"] for event in events_of(shop) if "userId" in event)
    assert len(visits) == 400
    counts = sorted(visits.values())
    assert counts[-1] < 3 * counts[len(counts) // 2]
    assert counts[0] > counts[len(counts) // 2] / 3


def test_with_no_anonymous_visits_every_event_names_its_customer() -> None:
    assert all("userId" in event for event in events_of(Shop(100, 5_000, anonymous=0)))


def test_with_only_anonymous_visits_no_event_names_a_customer() -> None:
    assert not any("userId" in event for event in events_of(Shop(100, 5_000, anonymous=1)))


def test_visits_begin_within_the_days_asked_for() -> None:
    start = parse_time("2026-03-05T13:30:00Z")
    shop = Shop(customers=500, events=5_000, start=start, span_ms=2 * DAY_MS)
    times = sorted(map(time_of, events_of(shop)))
    assert start <= times[0] < start + DAY_MS // 24
    assert times[len(times) * 98 // 100] < start + 2 * DAY_MS
    assert times[-1] < start + 4 * DAY_MS


@settings(max_examples=25, deadline=None)
@given(
    customers=st.integers(1, 10**9),
    events=st.integers(1, 3_000),
    seed=st.integers(0, 2**64 - 1),
    span_ms=st.integers(1, 30 * DAY_MS),
    products=st.integers(1, 10**9),
    even=st.booleans(),
    anonymous=st.floats(0, 1),
    disorder=st.floats(0, 0.5),
    late=st.floats(0, 0.5),
    duplicates=st.floats(0, 0.4),
)
def test_any_shop_has_exactly_as_many_lines_as_asked_for(**options: Any) -> None:
    lines = lines_of(Shop(**options))
    assert len(lines) == options["events"]
    assert len(lines) - len(set(lines)) == int(options["events"] * options["duplicates"])
    for line in lines[:50]:
        msgspec.json.decode(line)


@pytest.mark.parametrize("events", [16_384, 16_385, 16_468, 50_000])
def test_the_count_is_exact_at_the_borders_of_blocks(events: int) -> None:
    assert len(lines_of(Shop(customers=50, events=events))) == events


def test_memory_does_not_grow_with_the_number_of_events() -> None:
    def peak(events: int) -> int:
        tracemalloc.start()
        try:
            count = sum(len(lines) for lines in simulate(Shop(customers=1_000, events=events)))
            assert count == events
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    small, large = peak(40_000), peak(200_000)
    assert large < 1.5 * small
    assert large < 80 * 1024 * 1024
