"""One simulated shop of 40,000 events, for the tests that look at what is in it."""

from typing import Any

import msgspec
import pytest

from connectors.simulation import Shop, simulate
from operators.times import parse_time

Event = dict[str, Any]


@pytest.fixture(scope="session")
def shop() -> Shop:
    return Shop(customers=2_000, events=40_000, seed=7)


@pytest.fixture(scope="session")
def lines(shop: Shop) -> list[str]:
    return [line for lines in simulate(shop) for line in lines]


@pytest.fixture(scope="session")
def arrived(lines: list[str]) -> list[Event]:
    """The lines' events."""
    return [msgspec.json.decode(line) for line in lines]


@pytest.fixture(scope="session")
def events(arrived: list[Event]) -> list[Event]:
    """Without duplicates, in time order."""
    distinct = {event["messageId"]: event for event in arrived}.values()
    return sorted(distinct, key=lambda event: parse_time(event["timestamp"]))
