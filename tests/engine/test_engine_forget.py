"""Forgetting one customer between two ticks: as if their events before it had been somebody else's.

So everybody else's results and records stay what they are, and the one who was forgotten starts
from nothing.
"""

import json
from collections.abc import Sequence
from copy import copy
from itertools import cycle
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine_checks import SIZES, few_timers, simulation
from oracle import Rules, drawn_segments, drawn_triggers
from oracle.shoppers import shoppers
from oracle.writing import event_line
from simulation import Simulation
from state.prefixes import Prefix
from state.records import record_key
from state.rewriting import keys_of

ANOTHER = "somebody else"


def of_another(line: bytes, customer: str) -> bytes:
    """Give a customer's event to another one."""
    try:
        event = json.loads(line)
    except ValueError:
        return line
    if not isinstance(event, dict) or (event.get("userId") or event.get("anonymousId")) != customer:
        return line
    return json.dumps(event | {"userId": ANOTHER}).encode()


def forgotten(run: Simulation, customer: str) -> Simulation:
    """Stop a run, take a customer out of what it leaves, and return a run that goes on from it."""
    left, kind = run.snapshot(), keys_of(customer)
    for entries in left.shards:
        for key in [key for key in entries if kind(key) is not None]:
            del entries[key]
    other = copy(run)
    other._start(left)
    return other


def lines_of(run: Simulation, *names: str, wanted: bool) -> dict[str, list[bytes]]:
    """Return what came out that names one of these customers, or none of them."""
    quoted = [text for name in names for text in (f'"{name}"', f'\\"{name}\\"')]
    found = {
        kind: [line for line in lines if any(q.encode() in line for q in quoted) is wanted]
        for kind, lines in run.outcome.lines.items()
    }
    return {kind: lines for kind, lines in found.items() if lines}


def finished(run: Simulation, sizes: Sequence[int], ticks: int) -> Simulation:
    """Let the rest of the lines through."""
    size = cycle(sizes)
    for _ in range(ticks):
        next(size)
    while not run.ended:
        run.step(next(size))
    return run


def begun(run: Simulation, sizes: Sequence[int], ticks: int) -> Simulation:
    """Let some ticks through, but not the last."""
    size = cycle(sizes)
    for _ in range(ticks):
        run.step(next(size))
    return run


CART = Rules(
    triggers={"first": {"on": "Product Added", "after": "5m", "again": "never"}},
    disorder_ms=0,
)


@settings(max_examples=60, deadline=None)
@given(
    raw=st.one_of(shoppers(), shoppers(12, backwards=True)),
    rules=st.one_of(drawn_triggers.rules(), drawn_segments.rules()),
    customer=st.sampled_from(["u1", "u2"]),
    sizes=SIZES,
    ticks=st.integers(0, 12),
    shards=st.sampled_from([1, 3]),
    close=st.booleans(),
)
@example(  # an instance waits, and one was sent
    raw=[
        event_line(0, "Product Added", "m1", customer="u1"),
        event_line(6, "Product Added", "m2", customer="u1"),
        event_line(7, "Product Added", "m1", customer="u1"),
        event_line(30, "page", "m4", customer="u2"),
    ],
    rules=CART,
    customer="u1",
    sizes=[1],
    ticks=2,
    shards=1,
    close=True,
)
def test_others_stay_as_they_are_and_the_one_starts_from_nothing(
    raw: list[bytes],
    rules: Rules,
    customer: str,
    sizes: list[int],
    ticks: int,
    shards: int,
    close: bool,  # noqa: FBT001 (drawn)
) -> None:
    options: dict[str, Any] = {"shards": shards, "close": close, "cache": 4}
    with few_timers(4):
        one = begun(simulation(raw, rules, **options), sizes, ticks)
        lines = one.readers[0].position
        before = {kind: len(some) for kind, some in one.outcome.lines.items()}
        one = finished(forgotten(one, customer), sizes, ticks)
        never = [of_another(line, customer) for line in raw[:lines]] + raw[lines:]
        other = finished(begun(simulation(never, rules, **options), sizes, ticks), sizes, ticks)
    names = customer, ANOTHER
    assert lines_of(one, *names, wanted=False) == lines_of(other, *names, wanted=False)
    for kind, some in one.outcome.lines.items():
        del some[: before.get(kind, 0)]
    assert lines_of(one, customer, wanted=True) == lines_of(other, customer, wanted=True)
    assert records_without(one, ANOTHER) == records_without(other, ANOTHER)


def records_without(run: Simulation, customer: str) -> list[dict[bytes, bytes]]:
    kind = keys_of(customer)
    return [
        {key: value for key, value in entries.items() if kind(key) is None}
        for entries in run.snapshot().shards
    ]


def test_every_kind_of_key_that_there_is_was_thought_of() -> None:
    """A new kind of key must be told apart by its customer, or hold nothing of any."""
    of_nobody = {Prefix.ABOUT, Prefix.MODEL, Prefix.SUPPRESSED}
    kind = keys_of("u1")
    for prefix in set(Prefix) - of_nobody:
        keys = [key for key in (_record(prefix), _timer(prefix)) if kind(key) is prefix]
        assert keys, prefix
    for prefix in of_nobody:
        assert kind(prefix.key) is None
        assert kind(prefix.key + b"learner") is None


def _record(prefix: Prefix) -> bytes:
    return record_key(prefix, "u1")


def _timer(prefix: Prefix) -> bytes:
    return prefix.key + bytes(8) + b"u1"
