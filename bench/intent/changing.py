"""A stream whose customers change at a known moment, with the true chance of each order.

Each visit is of another customer: some views, one product put into the cart, perhaps an order.
The one moment of a visit is when the product is put into the cart.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from math import exp
from pathlib import Path
from typing import NamedTuple

import msgspec

from operators.times import EventTime, format_time

START = 1_767_225_600_000
EVERY_MS = 10_000
GAP_MS = 5 * 60_000
VIEWS = 6

CONFIG = """\
name: changing
time: {disorder: 0s}
session:
  gap: 5m
  collect: {views: {count: Product Viewed}}
features:
  price: {max: properties.price}
  device: {last: context.device.type}
models:
"""
"""What the config of a stream begins with; models follow."""
LINEAR, TREE, USUAL = "linear", "tree", "usual"
KINDS: Mapping[str, str] = {
    LINEAR: "logistic_regression",
    TREE: "tree.HoeffdingAdaptiveTreeClassifier",
    USUAL: "baseline",
}


def config_with(models: Iterable[str]) -> str:
    """Return a config with some of the models, by their names."""
    return CONFIG + "".join(_model(name) for name in models)


def _model(name: str) -> str:
    inputs = "" if name == USUAL else "    from: [session.views, price, device]\n"
    return f"""\
  {name}:
    kind: {KINDS[name]}
    predicts: Order Completed
    within: session
    at: [Product Added]
{inputs}"""


class Ways(NamedTuple):
    """How customers decide: the log-odds of an order are the sum.

    Attributes:
        usual: of everybody.
        phone: more for those with a phone, less for all others.
        view: for each view above the mean.
    """

    usual: float
    phone: float
    view: float


BEFORE = Ways(usual=-1.2, phone=0.8, view=0.5)
CHANGES: Mapping[str, Ways] = {
    "nothing": BEFORE,
    "what made an order likely makes it unlikely": Ways(-1.2, -0.8, -0.5),
    "hardly an order on phones any more": Ways(-2.6, -1.6, 0.5),
    "a third of the orders": Ways(-2.6, 0.8, 0.5),
    "twice the orders": Ways(0.0, 0.8, 0.5),
}


class Visit(NamedTuple):
    """A visit, and how likely an order was.

    Attributes:
        customer: who.
        known: when its outcome is, in ms.
        chance: of an order, in truth.
        label: whether one came.
    """

    customer: str
    known: EventTime
    chance: float
    label: bool


def write_visits(path: Path, count: int, changed: int, after: Ways, seed: int) -> list[Visit]:
    """Write the events of visits, in time order.

    Args:
        path: of the file.
        count: how many visits.
        changed: the number of the first, from 0, that goes by the other ways.
        after: those.
        seed: of all chances.
    """
    chance = random.Random(seed)  # noqa: S311 (no secret)
    visits, events = [], []
    for number in range(count):
        ways = BEFORE if number < changed else after
        views, has_phone = chance.randint(1, VIEWS), chance.choice([True, False])
        sigma = chance.gauss(0, 1)
        log_odds = ways.usual + (ways.phone if has_phone else -ways.phone)
        log_odds += ways.view * (views - (VIEWS + 1) / 2)
        likely = 1 / (1 + exp(-log_odds))
        comes = chance.random() < likely
        names = ["Product Viewed"] * views + ["Product Added"] + ["Order Completed"] * comes
        time = START + number * EVERY_MS
        context = {"device": {"type": "phone" if has_phone else "desktop"}}
        for name in names:
            time += 1_000
            properties = {"price": round(50 + 10 * sigma, 2)}
            events.append((time, f"c{number}", name, context, properties))
        visits.append(Visit(f"c{number}", EventTime(time + GAP_MS), likely, comes))
    path.write_bytes(b"".join(_line(*event) for event in sorted(events, key=_time)))
    return visits


def known_between(visits: Sequence[Visit], changed: int, time: EventTime) -> int:
    """Return of how many visits since the change the outcome was known by a time."""
    return sum(each.known <= time for each in visits[changed:])


def _time(event: tuple[int, str, str, object, object]) -> int:
    return event[0]


def _line(time: int, customer: str, name: str, context: object, properties: object) -> bytes:
    event = {
        "type": "track",
        "event": name,
        "userId": customer,
        "messageId": f"{customer}-{time}",
        "timestamp": format_time(EventTime(time)),
        "context": context,
        "properties": properties,
    }
    return msgspec.json.encode(event) + b"\n"
