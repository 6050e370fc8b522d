"""Events that make many messages due together: on a grid of minutes, in many time zones.

The same seed gives the same lines. Each customer's own events are in order, those of different
customers are up to four seconds apart.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",  # clocks go forward at midnight
    "America/Santiago",  # and back at midnight
    "America/St_Johns",
    "Australia/Sydney",
    "Australia/Lord_Howe",  # by half an hour
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Pacific/Kiritimati",
    "Pacific/Honolulu",
    "Mars/Olympus",  # no zone: UTC
    None,
]

_NAMES = {
    "Product Viewed": 50,
    "Product Added": 22,
    "Price Dropped": 12,
    "Order Completed": 8,
    "page": 8,
}
_STEPS_MS = [0, 0, 1, 5 * MINUTE_MS, *[10 * MINUTE_MS] * 4, 10 * MINUTE_MS + 1, 20 * MINUTE_MS]
_STEPS_MS += [20 * MINUTE_MS - 1, 30 * MINUTE_MS, HOUR_MS]


class _Event(NamedTuple):
    arrives: int
    customer: int
    number: int
    time: int
    name: str
    zone: str | None
    about: int


def write_events(
    path: Path, *, events: int, customers: int, start: datetime, days: int, seed: int = 1
) -> Path:
    """Write a file of events that lie within some days of a start."""
    random = Random(seed)
    begin = (start - _EPOCH) // timedelta(milliseconds=1)
    weights = [1 / (place + customers / 20) for place in range(customers)]
    share = events / sum(weights)
    ends = [round(end * share) for end in accumulate(weights, initial=0.0)]
    made: list[_Event] = []
    for customer in range(customers):
        count = ends[customer + 1] - ends[customer]
        made += _of_customer(random, customer, count, begin, days * DAY_MS)
    made.sort()
    with path.open("w", encoding="ascii") as file:
        file.writelines(f"{json.dumps(_line(each))}\n" for each in made)
    return path


def _of_customer(
    random: Random, customer: int, count: int, begin: int, span: int
) -> Iterator[_Event]:
    """Give one customer's events, visit by visit."""
    zone, is_traveller = ZONES[customer % len(ZONES)], random.random() < 0.1
    delay = random.randrange(4_000)
    visits = sorted(random.randrange(span // MINUTE_MS) for _ in range(count // 4 + 1))
    number = time = 0
    for place, visit in enumerate(visits):
        time = max(time + 2 * HOUR_MS, begin + visit * MINUTE_MS)
        zone = random.choice(ZONES) if is_traveller else zone
        is_last = place == len(visits) - 1
        first, here = number, set[str]()
        while number < count and (is_last or number < first + random.randint(1, 8)):
            step = random.choice(_STEPS_MS) if number > first else 0
            here = here if step == 0 else set()
            name = _drawn(random, here)
            here.add(name)
            time += step
            shown = zone if random.random() < 0.8 or number == first else None
            about = random.randrange(3)
            yield _Event(time + delay, customer, number, time, name, shown, about)
            number += 1


def _drawn(random: Random, here: set[str]) -> str:
    """Draw an event's name; a view is the first of its moment, so that one knows what it made."""
    (name,) = random.choices(list(_NAMES), list(_NAMES.values()))
    return "Product Added" if here and name == "Product Viewed" else name


def _line(event: _Event) -> dict[str, Any]:
    is_page = event.name == "page"
    line: dict[str, Any] = {"type": "page" if is_page else "track"}
    if not is_page:
        line["event"] = event.name
    line["messageId"] = f"{event.customer}-{event.number}"
    line["userId"] = f"c{event.customer}"
    moment = _EPOCH + timedelta(milliseconds=event.time)
    line["timestamp"] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line["properties"] = {"product_id": f"p{event.about}"}
    if event.name == "Product Added" and event.about:
        line["properties"]["cart_id"] = f"cart{event.about}"
    if event.zone:
        line["context"] = {"timezone": event.zone}
    return line
