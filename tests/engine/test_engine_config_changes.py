"""A run that goes on with another config: what is kept, and what becomes of what is pending."""

import json
from dataclasses import replace
from itertools import cycle
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine_checks import SIZES, assert_instances_match, canonical, plans, records, simulation
from oracle import Rules, run
from oracle.rules import Trigger
from oracle.writing import MINUTE_MS, NOW_MS, START_MS, event_line, stamp
from simulation import Outcome, Simulation

SPECS: list[dict[str, str]] = [
    {"count": "Product Viewed"},
    {"count": "Product Added"},
    {"sum": "properties.price"},
    {"sum": "properties.price", "of": "Product Added"},
    {"min": "properties.price"},
    {"max": "properties.price"},
    {"first": "properties.category"},
    {"last": "properties.category"},
    {"distinct": "properties.category"},
]


def visits() -> list[bytes]:
    """Write the events of some customers, in order but for two minutes."""
    draw = Random(3)
    lines = []
    for number in range(80):
        minute = number * 2 + draw.choice([0, 0, 0, -2])
        event = draw.choice(["Product Viewed", "Product Added"])
        properties = {"price": draw.choice([1, 2.5, 7]), "category": draw.choice("abc")}
        customer = draw.choice(["u1", "u2", "u3", "u4", "u5"])
        lines.append(event_line(minute, event, f"m{number}", customer=customer, **properties))
    return lines


VISITS = visits()


def without_values(line: bytes) -> bytes:
    """Leave the event as it is for sessions, with nothing to collect."""
    event = json.loads(line) | {"event": "Other", "properties": None}
    return json.dumps(event).encode()


def collected(lines: list[bytes], rules: Rules) -> dict[tuple[str, int], dict[str, Any]]:
    expected = run(lines, rules, now_ms=NOW_MS, close=True)
    return {(one.customer, one.start): one.collected for one in expected.sessions}


COLLECTS = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.sampled_from(SPECS)),
    unique_by=lambda named: named[0],
    max_size=6,
).map(dict)


@settings(max_examples=100, deadline=None)
@given(
    before=COLLECTS,
    after=COLLECTS,
    kept=st.lists(st.sampled_from("abcdef"), unique=True),
    cut=st.integers(0, len(VISITS)),
    sizes=SIZES,
)
def test_collected_values_go_on_by_name_where_their_definition_is_the_same(
    *,
    before: dict[str, dict[str, str]],
    after: dict[str, dict[str, str]],
    kept: list[str],
    cut: int,
    sizes: list[int],
) -> None:
    after = {**after, **{name: before[name] for name in kept if name in before}}
    old = Rules(gap_ms=5 * MINUTE_MS, collect=before, disorder_ms=20 * MINUTE_MS)
    new = replace(old, collect=after)
    first = simulation(VISITS, old, shards=2, cache=2, close=True)
    first.step(cut)
    closed_before = len(records(first.outcome, "sessions"))
    outcome = first.restarted(*plans(new)).run(cycle(sizes))

    throughout = collected(VISITS, new)
    since = collected([*map(without_values, VISITS[:cut]), *VISITS[cut:]], new)
    whole = collected(VISITS, old)
    begins = {(customer, stamped(start)): (customer, start) for customer, start in whole}
    sessions = records(outcome, "sessions")
    assert len(sessions) == len(whole)
    for number, record in enumerate(sessions):
        found = {name: value for name, value in record["data"].items() if name in "abcdef"}
        begin = begins[record["subject"], record["data"]["start"]]
        values = {
            name: (throughout if before.get(name) == after[name] else since)[begin][name]
            for name in after
        }
        expected = whole[begin] if number < closed_before else values
        assert canonical(found) == canonical(expected)
        assert list(found) == list(before if number < closed_before else after)


def stamped(time: int) -> str:
    return stamp(time).removesuffix("Z") + ".000Z"


TEN: Trigger = {
    "on": "Product Added",
    "key": "properties.cart",
    "after_ms": 10 * MINUTE_MS,
    "cancel": ["Order Completed"],
}
LAG_MIN = 60
"""How far the watermark is behind, so that nothing is decided before the change."""


def rules_of(trigger: Trigger | None, **more: Trigger) -> Rules:
    triggers = more if trigger is None else {"abandoned": trigger, **more}
    return Rules(triggers=triggers, disorder_ms=LAG_MIN * MINUTE_MS)


def added(minute: int, message_id: str, cart: str = "c1") -> bytes:
    return event_line(minute, "Product Added", message_id, cart=cart)


def ordered(minute: int, message_id: str) -> bytes:
    return event_line(minute, "Order Completed", message_id)


def later(minute: int) -> bytes:
    """Write an event of somebody else, which moves the watermark to this minute."""
    return event_line(minute + LAG_MIN, "page", customer="u2")


def changed(
    before: Rules, after: Rules, lines: list[bytes], more: list[bytes], *, size: int = 1
) -> Simulation:
    """Let lines through under one config and more under another."""
    first = simulation([*lines, *more], before, cache=2)
    for _ in lines:
        first.step(1)
    second = first.restarted(*plans(after))
    second.run(cycle([size]))
    return second


def ends(outcome: Outcome) -> list[tuple[str, str, str, str | None]]:
    """Give key, outcome, minute and reason or cause of each decision, as they were written."""
    decided = records(outcome, "decisions")
    assert_instances_match(records(outcome, "triggers"), decided)
    return [
        (
            record["data"]["key"],
            record["data"]["outcome"],
            record["time"][11:16],
            record["data"]["reason"] or record["data"]["cause"],
        )
        for record in decided
    ]


def versions(outcome: Outcome) -> set[str | None]:
    return {record["data"]["version"] for record in records(outcome, "decisions")}


def version_of(rules: Rules) -> str:
    (trigger,) = plans(rules)[1].triggers
    return trigger.version


def test_t10_pending_instances_keep_their_due_and_take_the_new_definition() -> None:
    before, after = rules_of(TEN), rules_of({**TEN, "after_ms": 30 * MINUTE_MS, "cancel": ["page"]})
    lines, more = [added(0, "m1")], [ordered(5, "m2"), added(12, "m3", "c2"), later(600)]
    outcome = changed(before, after, lines, more).outcome
    assert ends(outcome) == [("c1", "sent", "10:10", None), ("c2", "sent", "10:42", None)]
    assert versions(outcome) == {version_of(after)} != {version_of(before)}


def test_t10_a_new_cancel_holds_for_what_was_pending() -> None:
    before, after = rules_of({**TEN, "cancel": []}), rules_of(TEN)
    outcome = changed(before, after, [added(0, "m1")], [ordered(5, "m2"), later(600)]).outcome
    assert ends(outcome) == [("c1", "cancelled", "10:05", "m2")]


def test_t10_a_wait_taken_away_lets_pending_instances_wait_for_their_due() -> None:
    before, after = rules_of(TEN), rules_of({**TEN, "after_ms": 0})
    lines, more = [added(0, "m1", "c1")], [added(3, "m2", "c2"), ordered(5, "m3"), later(600)]
    outcome = changed(before, after, lines, more).outcome
    assert ends(outcome) == [("c2", "sent", "10:03", None), ("c1", "cancelled", "10:05", "m3")]


def test_t10_a_wait_that_is_new_leaves_alone_what_was_decided_at_once() -> None:
    before, after = rules_of({**TEN, "after_ms": 0}), rules_of(TEN)
    lines, more = [added(0, "m1")], [added(0, "m2"), added(3, "m3"), later(600)]
    outcome = changed(before, after, lines, more).outcome
    assert ends(outcome) == [("c1", "sent", "10:00", None), ("c1", "sent", "10:13", None)]


def test_t6_what_was_sent_counts_for_again_after_a_change() -> None:
    before = rules_of({**TEN, "again": "never"})
    after = rules_of({**TEN, "again": "never", "after_ms": 5 * MINUTE_MS})
    lines, more = [added(0, "m1"), later(20)], [added(100, "m2"), later(600)]
    outcome = changed(before, after, lines, more).outcome
    assert ends(outcome) == [("c1", "sent", "10:10", None), ("c1", "suppressed", "11:45", "again")]


def test_t10_instances_of_a_removed_trigger_are_suppressed_at_their_due() -> None:
    before, after = rules_of(TEN), rules_of(None)
    run_on = changed(before, after, [added(0, "m1"), added(2, "m2", "c2")], [later(10)])
    assert ends(run_on.outcome) == []  # the watermark is not past it
    run_on = changed(before, after, [added(0, "m1"), added(2, "m2", "c2")], [later(600)])
    assert ends(run_on.outcome) == [
        ("c1", "suppressed", "10:10", "removed"),
        ("c2", "suppressed", "10:12", "removed"),
    ]
    assert versions(run_on.outcome) == {None}


def test_t10_every_pending_instance_of_a_removed_trigger_ends_in_one_decision() -> None:
    lines = [added(0, "m1"), added(5, "m2")]
    outcome = changed(rules_of(TEN), rules_of(None), lines, [later(600)]).outcome
    assert [(end, why) for _, end, _, why in ends(outcome)] == [("suppressed", "removed")] * 2


@pytest.mark.parametrize("size", [1, 10])
def test_t8_nothing_of_a_removed_trigger_is_decided_before_its_time(size: int) -> None:
    lines = [added(0, "m1"), ordered(5, "m2")]
    removed = changed(rules_of(TEN), rules_of(None), lines, [later(7)], size=size)
    assert ends(removed.outcome) == []


def test_t10_other_triggers_are_not_touched_by_a_removal() -> None:
    other: Trigger = {"on": "Product Added", "after_ms": 20 * MINUTE_MS}
    before, after = rules_of(TEN, other=other), rules_of(None, other=other)
    outcome = changed(before, after, [added(0, "m1")], [later(600)]).outcome
    assert ends(outcome) == [
        ("c1", "suppressed", "10:10", "removed"),
        ("", "sent", "10:20", None),
    ]


def test_a_trigger_that_is_new_starts_with_the_events_after_the_change() -> None:
    lines, more = [added(0, "m1")], [added(7, "m2"), later(600)]
    outcome = changed(rules_of(None), rules_of(TEN), lines, more).outcome
    assert ends(outcome) == [("c1", "sent", "10:17", None)]


def test_a_trigger_that_is_back_goes_on_with_what_is_still_pending() -> None:
    with_it, without = rules_of(TEN), rules_of(None)
    first = simulation([added(0, "m1"), later(5), ordered(6, "m2"), later(600)], with_it, cache=2)
    first.step(1)
    second = first.restarted(*plans(without))
    second.step(1)
    third = second.restarted(*plans(with_it))
    assert ends(third.run(cycle([1]))) == [("c1", "cancelled", "10:06", "m2")]


def test_a_shorter_gap_closes_open_sessions_as_it_says() -> None:
    before = Rules(gap_ms=30 * MINUTE_MS, disorder_ms=0)
    after = replace(before, gap_ms=5 * MINUTE_MS)
    outcome = changed(before, after, [added(0, "m1")], [later(10), added(100, "m2")]).outcome
    [record] = [r for r in records(outcome, "sessions") if r["subject"] == "u1"]
    assert record["time"] == stamped(START_MS + 5 * MINUTE_MS)


def test_t10_a_restart_that_is_new_supersedes_what_is_pending() -> None:
    before, after = rules_of({**TEN, "restart": False}), rules_of(TEN)
    lines = [added(0, "m1"), added(5, "m2"), ordered(7, "m3")]
    outcome = changed(before, after, lines, [later(8), ordered(9, "m4"), later(600)]).outcome
    assert ends(outcome) == [
        ("c1", "superseded", "10:05", "m2"),
        ("c1", "cancelled", "10:07", "m3"),
    ]


@pytest.mark.parametrize("at", [4, 5])
@pytest.mark.parametrize("is_more_first", [False, True])
def test_what_was_known_at_a_sessions_end_is_found_among_other_features(
    *, at: int, is_more_first: bool
) -> None:
    few = Rules(
        gap_ms=5 * MINUTE_MS,
        disorder_ms=LAG_MIN * MINUTE_MS,
        features={"carts": {"count": "Product Added"}, "pages": {"count": "page"}},
        triggers={
            "visited": {
                "on": {"session": "closed"},
                "where": "carts == 1 and pages == 2",
                "payload": {"carts": "carts", "pages": "pages"},
            }
        },
    )
    more = replace(
        few,
        features={"pages": {"count": "page"}, "all": {"count": "any"}, **few.features},
        segments={"lively": "all > 3"},
    )
    before, after = (more, few) if is_more_first else (few, more)
    lines = [added(0, "m1"), *(event_line(minute, "page") for minute in (1, 2, 30, 31))]
    lines.append(later(600))
    outcome = changed(before, after, lines[:at], lines[at:]).outcome
    [message] = records(outcome, "triggers")
    assert message["time"] == stamped(START_MS + 7 * MINUTE_MS)
    assert message["data"]["payload"] == {"carts": 1, "pages": 2}
