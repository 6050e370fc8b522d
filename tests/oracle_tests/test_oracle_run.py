"""The oracle as a whole: one small day by hand, and what must hold for every stream."""

import random
from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from oracle import Decision, Expected, Rules, run, streams
from oracle.rules import Trigger
from oracle.streams import MINUTE_MS, NOW_MS, START_MS, stamp, write

SHOP = Rules(
    gap_ms=30 * MINUTE_MS,
    collect={"revenue": {"sum": "properties.price", "of": "Order Completed"}},
    triggers={
        "abandoned": {
            "on": "Product Added",
            "after_ms": 30 * MINUTE_MS,
            "cancel": ["Order Completed"],
            "again": "never",
        }
    },
    disorder_ms=5 * MINUTE_MS,
)


def line(customer: str, minute: int, event: str, message_id: str, price: object = None) -> bytes:
    return write(
        {
            "userId": customer,
            "type": "track",
            "event": event,
            "messageId": message_id,
            "timestamp": stamp(START_MS + minute * MINUTE_MS),
            "properties": {"price": price},
        }
    )


DAY = [
    line("u1", 0, "Product Added", "m1"),
    line("u2", 2, "Product Added", "m2"),
    line("u1", 20, "Order Completed", "m3", 19.99),
    line("u2", 16, "Product Viewed", "m4"),  # within the disorder
    line("u1", 14, "Order Completed", "m5", 5),  # late
    line("u1", 20, "Order Completed", "m3", 19.99),  # a duplicate
    line("u1", 21, "Order Completed", "m6", "5"),  # a dead letter
    b"",  # another one
    line("u3", 80, "Product Added", "m7"),
]


def test_a_small_day() -> None:
    expected = run(DAY, SHOP, now_ms=NOW_MS)
    found = [line.outcome for line in expected.classified.lines]
    assert found == [*["applied"] * 4, "late", "duplicate", "dead letter", "dead letter", "applied"]
    assert expected.counts == {
        "read": 9,
        "applied": 5,
        "duplicates": 1,
        "late": 1,
        "dead_letters": 2,
        "customers": 3,
        "sessions": 2,
    }
    assert [(s.customer, s.events, s.collected) for s in expected.sessions] == [
        ("u1", 2, {"revenue": 19.99}),
        ("u2", 2, {"revenue": 0}),
    ]
    assert [(d.customer, d.outcome, d.cancelled_by) for d in expected.decisions] == [
        ("u1", "cancelled", "m3"),
        ("u2", "sent", None),
    ]
    assert [d.customer for d in expected.sent] == ["u2"]


def test_closing_ends_what_is_open_and_pending() -> None:
    expected = run(DAY, SHOP, now_ms=NOW_MS, close=True)
    assert [session.customer for session in expected.sessions] == ["u1", "u2", "u3"]
    assert [decision.customer for decision in expected.sent] == ["u2", "u3"]


def test_rules_are_written_as_a_config() -> None:
    assert SHOP.as_config() == {
        "name": "shop",
        "time": {"disorder": "300000ms", "future": "3600000ms"},
        "session": {
            "gap": "1800000ms",
            "collect": {"revenue": {"sum": "properties.price", "of": "Order Completed"}},
        },
        "triggers": {
            "abandoned": {
                "on": "Product Added",
                "after": "1800000ms",
                "cancel": ["Order Completed"],
                "again": "never",
                "restart": True,
            }
        },
    }


@given(streams.lines(), streams.rules())
def test_every_line_has_one_fate_and_every_applied_event_one_session(
    lines: list[bytes], rules: Rules
) -> None:
    expected = run(lines, rules, now_ms=NOW_MS, close=True)
    counts = expected.counts
    fates = ("applied", "duplicates", "late", "dead_letters")
    assert sum(counts[fate] for fate in fates) == counts["read"] == len(lines)
    assert sum(session.events for session in expected.sessions) == counts["applied"]


@given(streams.lines(), streams.rules())
def test_closing_adds_to_what_was_decided_and_takes_nothing_back(
    lines: list[bytes], rules: Rules
) -> None:
    before, after = (run(lines, rules, now_ms=NOW_MS, close=close) for close in (False, True))
    assert {decision_id(one) for one in before.decisions} <= set(map(decision_id, after.decisions))
    assert all(one in after.decisions for one in before.decisions)
    assert all(one in after.sessions for one in before.sessions)


@given(streams.lines(most=20), streams.rules(), st.data())
def test_what_was_decided_stays_when_more_arrives(
    lines: list[bytes], rules: Rules, data: st.DataObject
) -> None:
    some = lines[: data.draw(st.integers(0, len(lines)))]
    before, after = run(some, rules, now_ms=NOW_MS), run(lines, rules, now_ms=NOW_MS)
    assert all(one in after.sessions for one in before.sessions)
    assert all(one in after.decisions for one in before.decisions)


@given(streams.lines(bursts=False), streams.rules(), st.randoms(use_true_random=False))
def test_within_the_disorder_arrival_order_does_not_matter_to_what_waits(
    lines: list[bytes], rules: Rules, chance: random.Random
) -> None:
    rules = replace(rules, disorder_ms=10**9, collect={}, triggers=waiting(rules))
    shuffled = list(dict.fromkeys(lines))
    first = run(shuffled, rules, now_ms=NOW_MS, close=True, within_ms=-1)
    chance.shuffle(shuffled)
    second = run(shuffled, rules, now_ms=NOW_MS, close=True, within_ms=-1)
    assert unordered(first) == unordered(second)


def waiting(rules: Rules) -> dict[str, Trigger]:
    return {
        name: trigger for name, trigger in rules.triggers.items() if trigger.get("after_ms", 0) > 0
    }


def unordered(expected: Expected) -> tuple[object, ...]:
    sessions = {(one.customer, one.start, one.end, one.events) for one in expected.sessions}
    decisions = {replace(one, cause=tuple(sorted(one.cause))) for one in expected.decisions}
    return sessions, decisions


def decision_id(decision: Decision) -> tuple[str, str, str, int]:
    return (decision.trigger, decision.customer, decision.key, decision.opened)


def test_the_streams_and_rules_reach_every_outcome() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=300, derandomize=True, database=None)
    @given(streams.lines(), streams.rules())
    def look(lines: list[bytes], rules: Rules) -> None:
        expected = run(lines, rules, now_ms=NOW_MS)
        seen.update(line.outcome for line in expected.classified.lines)
        seen.update((line.reason.split() or [""])[-1] for line in expected.classified.lines)
        seen.update(f"{one.outcome} {one.due > one.opened}" for one in expected.decisions)
        seen.update("session" for _ in expected.sessions)

    look()
    least = dict.fromkeys(["applied", "late", "session", "dead letter", "duplicate"], 100)
    least |= dict.fromkeys(["sent True", "cancelled True", "superseded True"], 20)
    least |= dict.fromkeys(["sent False", "suppressed True", "suppressed False"], 20)
    least |= dict.fromkeys(["cancelled False", "number", "key", "future"], 10)
    assert {what: seen[what] for what in least if seen[what] < least[what]} == {}
