"""Several readers: what holds whatever their relative speed.

Whether an event is late is a matter of its own reader alone. What waits for the watermark waits
for every reader that has not ended; so it comes later, never another way.
"""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import cycle
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine_checks import (
    SIZES,
    assert_changes,
    assert_records,
    records,
    simulation,
    turns,
)
from oracle import Decision, Rules, Session, drawn_segments, run, streams
from oracle.visits import visits
from oracle.writing import HOUR_MS, MINUTE_MS, NOW_MS, START_MS, event_line, renamed
from simulation import Outcome, Simulation

ORDERS = st.lists(st.integers(0, 2), max_size=8)
"""Whose turn it is; the longer the list the farther readers may drift apart."""

INPUTS = st.lists(
    st.one_of(st.just([]), streams.lines(5), streams.busy(), streams.lines()),
    min_size=2,
    max_size=3,
)
"""Lines of each reader: some with nothing, some with little."""


def with_own_customers(inputs: Sequence[list[bytes]]) -> list[list[bytes]]:
    return [renamed(lines, f"{reader}-") for reader, lines in enumerate(inputs)]


def expected_of(
    inputs: Sequence[list[bytes]], rules: Rules, *, watermark: float
) -> tuple[list[Session], list[Decision]]:
    """Let the oracle work on each reader alone; give what a watermark is past."""
    alone = [run(lines, rules, now_ms=NOW_MS, close=True) for lines in inputs]
    sessions = [one for each in alone for one in each.sessions if one.time < watermark]
    decisions = [
        one
        for each in alone
        for one in each.decisions
        if one.time < watermark or rules.triggers[one.trigger].get("after_ms", 0) == 0
    ]
    return sessions, decisions


def run_readers(
    inputs: Sequence[list[bytes]],
    rules: Rules,
    sizes: Sequence[int],
    order: Sequence[int],
    *,
    close: bool = False,
) -> Simulation:
    first, *others = inputs
    engine = simulation(first, rules, more=others, close=close)
    order = [reader % len(inputs) for reader in order]
    engine.run(cycle(sizes), turns(engine, order))
    return engine


@settings(max_examples=120, deadline=None)
@given(
    inputs=INPUTS.map(with_own_customers),
    rules=streams.rules(retention=False),
    sizes=SIZES,
    order=ORDERS,
    close=st.booleans(),
)
def test_readers_with_their_own_customers_give_what_each_gives_alone(
    *,
    inputs: list[list[bytes]],
    rules: Rules,
    sizes: list[int],
    order: list[int],
    close: bool,
) -> None:
    done = run_readers(inputs, rules, sizes, order, close=close)
    alone = [run(lines, rules, now_ms=NOW_MS).classified for lines in inputs]
    watermark = math.inf if close else max(each.watermark for each in alone)
    sessions, decisions = expected_of(inputs, rules, watermark=watermark)
    assert_records(done.outcome, sessions, decisions, rules)
    fates = Counter(str(line.outcome) for each in alone for line in each.lines)
    names = ("applied", "applied"), ("late", "late"), ("duplicate", "duplicates")
    for outcome, name in (*names, ("dead letter", "dead_letters")):
        assert done.outcome.counts[name] == fates[outcome]


@settings(max_examples=60, deadline=None)
@given(
    inputs=st.lists(st.one_of(visits(10), visits(10, backwards=True)), min_size=2, max_size=3).map(
        with_own_customers
    ),
    rules=drawn_segments.rules(retention=False),
    sizes=SIZES,
    order=ORDERS,
    close=st.booleans(),
)
def test_readers_with_their_own_customers_let_them_enter_and_leave_as_each_does_alone(
    *,
    inputs: list[list[bytes]],
    rules: Rules,
    sizes: list[int],
    order: list[int],
    close: bool,
) -> None:
    done = run_readers(inputs, rules, sizes, order, close=close)
    alone = [run(lines, rules, now_ms=NOW_MS).classified for lines in inputs]
    until = math.inf if close else max(each.watermark for each in alone)
    expected = [run(lines, rules, now_ms=NOW_MS, until=until) for lines in inputs]
    assert_changes(done.outcome, [change for each in expected for change in each.changes])


def shared_out(lines: Sequence[bytes], readers: int) -> list[list[bytes]]:
    """Give each reader some of a stream's lines; those with one messageId go to one reader."""
    inputs: list[list[bytes]] = [[] for _ in range(readers)]
    for line in lines:
        key = line.split(b",", 1)[0] if line.startswith(b'{"messageId":') else line
        inputs[crc32(key) % readers].append(line)
    return inputs


WITHOUT_ARRIVAL = streams.rules(retention=False).map(
    lambda rules: Rules(
        gap_ms=rules.gap_ms,
        collect={n: s for n, s in rules.collect.items() if not {"first", "last"} & set(s)},
        triggers={n: t for n, t in rules.triggers.items() if t.get("after_ms", 0) > 0},
        disorder_ms=10_000 * HOUR_MS,
    )
)
"""Rules that do not ask what arrived first, and with which nothing is late."""


@settings(max_examples=120, deadline=None)
@given(
    raw=st.one_of(streams.busy(), streams.lines(bursts=False)),
    readers=st.integers(2, 3),
    rules=WITHOUT_ARRIVAL,
    sizes=SIZES,
    order=ORDERS,
)
def test_readers_that_share_customers_give_the_sorted_history_if_nothing_is_late(
    *, raw: list[bytes], readers: int, rules: Rules, sizes: list[int], order: list[int]
) -> None:
    inputs = shared_out(raw, readers)
    done = run_readers(inputs, rules, sizes, order, close=True)
    expected = run([line for lines in inputs for line in lines], rules, now_ms=NOW_MS, close=True)
    assert_records(done.outcome, expected.sessions, expected.decisions, rules)
    counts = {name: done.outcome.counts[name] for name in expected.counts}
    assert counts == expected.counts


RULES = Rules(
    gap_ms=30 * MINUTE_MS,
    triggers={"abandoned": {"on": "Product Added", "after_ms": 30 * MINUTE_MS}},
    disorder_ms=0,
)


def day(customer: str, *minutes: int) -> list[bytes]:
    return [event_line(minute, "Product Added", customer=customer) for minute in minutes]


def sent_to(outcome: Outcome) -> list[str]:
    return sorted(record["subject"] for record in records(outcome, "triggers"))


def test_a_reader_that_was_not_heard_of_holds_everything_back() -> None:
    engine = simulation(day("u1", 0, 500), RULES, more=[day("u2", 0, 500)])
    engine.step(10, reader=0)
    assert engine.outcome.lines == {}
    engine.step(10, reader=1)
    assert sent_to(engine.outcome) == ["u1", "u2"]


def test_a_slow_reader_holds_back_the_fast_one_to_its_own_watermark() -> None:
    engine = simulation(day("u1", 0, 500), RULES, more=[day("u2", 0, 30, 31, 500)])
    engine.step(10, reader=0)
    engine.step(2, reader=1)
    assert engine.outcome.lines == {}  # at minute 30, which is not past it
    engine.step(1, reader=1)
    assert sent_to(engine.outcome) == ["u1"]


def test_a_reader_that_has_ended_holds_nothing_back_any_more() -> None:
    engine = simulation(day("u1", 0), RULES, more=[day("u2", 0, 500, 600)])
    engine.step(10, reader=0)
    engine.step(1, reader=1)
    assert sent_to(engine.outcome) == []
    engine.step(1, reader=1)
    assert sent_to(engine.outcome) == ["u1", "u2"]


def test_a_reader_with_nothing_to_read_holds_nothing_back_once_it_has_said_so() -> None:
    engine = simulation(day("u1", 0, 500, 600), RULES, more=[[]])
    engine.step(2, reader=0)
    assert engine.outcome.lines == {}
    engine.step(10, reader=1)
    assert sent_to(engine.outcome) == ["u1"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_when_all_have_ended_the_watermark_is_the_farthest_whoever_was_last(
    order: tuple[int, int],
) -> None:
    engine = simulation(day("u1", 0, 500), RULES, more=[day("u2", 0, 20)])
    engine.run(cycle([10]), cycle(order))
    assert engine.watermark == START_MS + 500 * MINUTE_MS
    assert sent_to(engine.outcome) == ["u1", "u2"]


def test_readers_that_have_ended_are_remembered_over_a_restart() -> None:
    first = simulation(day("u1", 0), RULES, more=[day("u2", 0, 500, 600)])
    first.step(10, reader=0)
    engine = first.restarted()
    engine.step(2, reader=1)
    assert sent_to(engine.outcome) == ["u1", "u2"]


def test_closing_waits_for_the_last_reader() -> None:
    engine = simulation(day("u1", 0), RULES, more=[day("u2", 0, 1)], close=True)
    engine.step(10, reader=0)
    assert engine.outcome.lines == {}
    engine.step(10, reader=1)
    assert sent_to(engine.outcome) == ["u1", "u2"]
