"""A stream of visitors of a shop who log in now and then, drawn by a seed."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ["Product Viewed", "Product Viewed", "Product Viewed", "Product Added", "Order Completed"]


def visitors(path: Path, *, events: int, people: int, seed: int = 5, apart_s: float = 3.0) -> Path:
    """Write events of so many people; two share a customer, some devices are shared.

    Every 25th event is an ``identify`` or an ``alias``, a few of which must be refused, and a
    third of the events that follow one name the customer as well. Some go back in time.
    """
    random = Random(seed)
    linked: dict[str, str] = {}
    now = 0.0
    with path.open("w", encoding="utf-8") as file:
        for number in range(events):
            now += random.expovariate(1 / apart_s)
            person = random.randrange(people)
            event: dict[str, Any] = {
                "messageId": f"m{number}",
                "timestamp": _time(now - random.choice([0, 0, 0, 1, 4])),
                "anonymousId": f"visitor-{person}",
            }
            event |= _what(random, event["anonymousId"], person, people, linked)
            file.write(json.dumps(event, separators=(",", ":")) + "\n")
    return path


def _what(
    random: Random, anonymous: str, person: int, people: int, linked: dict[str, str]
) -> dict[str, Any]:
    if random.random() < 0.04:
        other = random.random() < 0.1
        customer = f"customer-{random.randrange(people) if other else person // 2}"
        if random.random() < 0.2:
            known = f"customer-{random.randrange(people // 2)}"
            previous = known if random.random() < 0.5 else anonymous
            return {"type": "alias", "previousId": previous, "userId": f"customer-{person // 2}"}
        linked[anonymous] = customer
        return {"type": "identify", "userId": customer, "traits": {"plan": "gold"}}
    name = random.choice(NAMES)
    price = random.randrange(100)
    what: dict[str, Any] = {
        "type": "track",
        "event": name,
        "properties": {"price": price, "quantity": 1, "revenue": price},
    }
    if anonymous in linked and random.random() < 0.3:
        what["userId"] = linked[anonymous]
    return what


def _time(seconds: float) -> str:
    moment = BEGIN + timedelta(seconds=round(seconds, 3))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
