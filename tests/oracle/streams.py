"""Hypothesis strategies: streams of raw Segment-spec lines; beside them the rules that fit.

Times lie on a coarse grid, so that ties, exact gaps and exact waits happen often; customers, carts
and event names are few. What is drawn is small and plain, so that failures shrink to a few lines.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any, NamedTuple, TypeVar

from hypothesis import strategies as st

from oracle.bad_lines import BAD_LINES
from oracle.drawn_rules import rules
from oracle.writing import (
    HOUR_MS,
    MINUTE_MS,
    MISSING,
    NOW_MS,
    START_MS,
    event_line,
    present,
    renamed,
    stamp,
    write,
)

__all__ = [
    "BAD_LINES",
    "HOUR_MS",
    "MINUTE_MS",
    "NOW_MS",
    "START_MS",
    "busy",
    "crowds",
    "lines",
    "rules",
    "stamp",
    "write",
]

T = TypeVar("T")


class Moment(NamedTuple):
    """When an event happened, from where the stream stands; only steps forward move the stream."""

    step_min: int
    jitter_ms: int

    def at(self, front_ms: int) -> int:
        """Give the time in milliseconds since 1970."""
        return front_ms + self.step_min * MINUTE_MS + self.jitter_ms


class Plain(NamedTuple):
    """An ordinary event, or (`many` > 1) many alike with a messageId each."""

    moment: Moment
    customer: dict[str, str]
    kind: dict[str, Any]
    properties: object
    id_letter: str | None
    """What the messageId begins with; None for no messageId, empty for an empty one."""
    offset: str
    received_ms: int | None
    many: int


class Repeat(NamedTuple):
    """An earlier event again, with the same messageId, at the same time or another."""

    back: int
    shift_ms: int
    customer: dict[str, str] | None


class Bad(NamedTuple):
    """A line that is a dead letter, some way ahead in time."""

    kind: str
    moment: Moment


Item = Plain | Repeat | Bad


def _mostly(usual: st.SearchStrategy[T], seldom: st.SearchStrategy[T]) -> st.SearchStrategy[T]:
    """Draw one in twenty from the second (`one_of` would draw from both alike)."""
    return st.sampled_from([*[usual] * 19, seldom]).flatmap(lambda strategy: strategy)


def _at(path: str) -> dict[str, Any]:
    return {"page": {"path": path}}


# What events are made of. What is listed twice comes twice as often.

_customers = st.sampled_from(
    [
        *[{"userId": "u1"}] * 4,
        {"userId": "u2"},
        {"anonymousId": "a1"},
        {"userId": "u1", "anonymousId": "a1"},
        {"userId": "", "anonymousId": "a1"},
        {"userId": 5, "anonymousId": "a1"},
    ]
)
_kinds = st.sampled_from(
    [
        *[{"type": "track", "event": "Product Viewed"}] * 2,
        {"type": "track", "event": "Product Viewed", "context": _at("/cart")},
        *[{"type": "track", "event": "Product Added"}] * 7,
        {"type": "track", "event": "Product Added", "context": _at("/cart")},
        {"type": "track", "event": "Product Added", "context": "none"},
        *[{"type": "track", "event": "Order Completed"}] * 6,
        {"type": "page"},
        {"type": "page", "context": _at("/")},
        {"type": "page", "context": {"page": None}},
        *[{"type": "identify", "event": "Product Added"}] * 3,
    ]
)
_NEAR = [*[0] * 12, *[1] * 4, 2, 2, 3, 5, 5, 6, -1, -1, -2, -3, -5, -10]
_steps = _mostly(st.sampled_from(_NEAR), st.sampled_from([30, 31, 60, -30, -60]))
_moments = st.builds(Moment, _steps, st.sampled_from([0, 0, 0, 0, 0, 1, -1]))
_offsets = st.sampled_from(["Z", "Z", "z", "+00:00", "+05:30", "-08:00"])
_received = st.sampled_from([None, None, None, None, 0, 1000, -HOUR_MS])

_PRICES = [0, 1, 5, 5.0, 19.99, 0.1, 0.2, 0.3, 5e-7, 15e-7, 25e-7, 1.0000005, 1e-9, -3, -0.5, -0.0]
_PRICES += [10**12, 1e15, 1e300, 1.7e308, 2**53 + 1, 10**30]
_prices = st.sampled_from([*_PRICES, None, MISSING, MISSING])
_CATEGORIES = ["shoes", "shoes", "hats", "été", "", "é" * 1000, 1, 1.0, "1", 0, 2.5, True, False]
_CATEGORIES += [2**63 - 1, -(2**63)]
_categories = st.sampled_from([*_CATEGORIES, None, MISSING])
_carts = st.sampled_from([*["c1"] * 6, *["c2"] * 3, 7, 7.0, "7", 2.5, None, MISSING, MISSING])
_wrong = st.sampled_from([True, "12", "x" * 1001, 2**63, [1], {"a": 1}, {}])
_properties = st.builds(
    lambda price, category, cart: {"price": price, "category": category, "cart_id": cart},
    _mostly(_prices, _wrong),
    _mostly(_categories, _wrong),
    _mostly(_carts, _wrong),
)
_plain = st.builds(
    Plain,
    moment=_moments,
    customer=_customers,
    kind=_kinds,
    properties=_mostly(_properties, st.sampled_from([MISSING, None, "none", [], {}])),
    id_letter=st.sampled_from([*["a", "b", "c", None] * 10, "", "m" * 1001]),
    offset=_offsets,
    received_ms=_mostly(_received, st.just(-HOUR_MS - 1)),
    many=st.just(1),
)
_burst = st.builds(
    lambda one, many: one._replace(many=many, id_letter="b"),
    _plain,
    st.sampled_from([3, 64, 65]),
)
_repeat = st.builds(
    Repeat,
    back=st.integers(1, 8),
    shift_ms=st.sampled_from([0, 0, 0, 1, MINUTE_MS, -MINUTE_MS, HOUR_MS, HOUR_MS + 1, -HOUR_MS]),
    customer=st.one_of(st.none(), st.none(), _customers),
)

_bad = st.builds(
    Bad,
    st.sampled_from(sorted(BAD_LINES)),
    st.builds(Moment, st.sampled_from([0, 1, 60]), st.just(0)),
)


def lines(most: int = 40, *, bursts: bool = True) -> st.SearchStrategy[list[bytes]]:
    """Streams of one reader with one partition, in arrival order.

    `bursts` are up to 65 events at once, which push a messageId out of the memory of 64.
    """
    kinds: list[st.SearchStrategy[Item]] = [*[_plain] * 40, *[_repeat] * 6, _bad]
    if bursts:
        kinds.append(_burst)
    items = st.sampled_from(kinds).flatmap(lambda kind: kind)
    return _up_to(most, items).map(written)


def busy(most: int = 40) -> st.SearchStrategy[list[bytes]]:
    """Streams of little but what opens and cancels: dense, and nothing in them is rejected."""
    steps = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 5, 5, 10, -1, -1, -2, -5, -10])
    names = st.sampled_from([*["Product Added"] * 5, *["Order Completed"] * 2, "page", "identify"])
    carts = st.sampled_from(["c1", "c1", "c2", None])
    customers = st.sampled_from(["u1", "u1", "u1", "u2"])
    return _up_to(most, st.tuples(steps, names, carts, customers)).map(_in_time)


def _up_to(most: int, items: st.SearchStrategy[T]) -> st.SearchStrategy[list[T]]:
    """Draw every length alike (`lists` would draw mostly short ones)."""
    size = st.integers(0, most)
    return size.flatmap(lambda n: st.lists(items, min_size=n, max_size=n))


def _in_time(drawn: Sequence[tuple[int, str, str | None, str]]) -> list[bytes]:
    stream, front = [], 0
    for number, (step, name, cart, customer) in enumerate(drawn):
        stream.append(event_line(front + step, name, f"m{number}", customer=customer, cart_id=cart))
        front += max(step, 0)
    return stream


def crowds(streams: int = 3, most: int = 15) -> st.SearchStrategy[list[bytes]]:
    """Streams with more customers: several streams side by side, each with its own."""
    return st.lists(lines(most), min_size=1, max_size=streams).map(_side_by_side)


def _side_by_side(streams: Sequence[Sequence[bytes]]) -> list[bytes]:
    own = [renamed(stream, f"{number}-") for number, stream in enumerate(streams)]
    return [line for row in zip_longest(*own) for line in row if line is not None]


def written(items: Sequence[Item]) -> list[bytes]:
    """Write what was drawn as lines, in that order."""
    front = START_MS
    events: list[dict[str, Any]] = []
    stream: list[bytes] = []
    for item in items:
        if isinstance(item, Bad):
            stream.append(BAD_LINES[item.kind](stamp(item.moment.at(front))))
            continue
        if isinstance(item, Repeat):
            new = [_again(item, events[-item.back])] if len(events) >= item.back else []
        else:
            time = item.moment.at(front)
            front = max(front, time)
            first = len(events)
            new = [_event(item, time, first + nth) for nth in range(item.many)]
        events += new
        stream += [write(event) for event in new]
    return stream


def _event(item: Plain, time: int, number: int) -> dict[str, Any]:
    properties = item.properties
    return {
        "messageId": _message_id(item.id_letter, number),
        **item.customer,
        **item.kind,
        "timestamp": stamp(time, item.offset),
        "receivedAt": MISSING if item.received_ms is None else stamp(time + item.received_ms),
        "properties": present(properties) if isinstance(properties, dict) else properties,
    }


def _message_id(letter: str | None, number: int) -> object:
    if letter is None:
        return MISSING
    return f"{letter}{number}" if letter else ""


def _again(item: Repeat, event: dict[str, Any]) -> dict[str, Any]:
    moment = datetime.fromisoformat(event["timestamp"].upper()) + timedelta(
        milliseconds=item.shift_ms
    )
    event = {**event, "timestamp": moment.isoformat(timespec="milliseconds"), "receivedAt": None}
    if item.customer is None:
        return event
    return {**event, "userId": MISSING, "anonymousId": MISSING, **item.customer}
