"""The engine's triggers are the oracle's: what starts and ends them, their steps and messages."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine_checks import (
    SIZES,
    STOPPED,
    STOPS,
    assert_as_expected,
    assert_changes,
    assert_engine_is_the_oracle,
    assert_records,
    assert_stops_change_nothing,
    engine,
    few_timers,
    plans,
    records,
    simulation,
    with_stops,
)
from operators.instances import ENDED_MOST
from oracle import Rules, run
from oracle.drawn_triggers import changes, rules
from oracle.rules import Trigger
from oracle.shoppers import shoppers
from oracle.writing import MINUTE_MS, NOW_MS, event_line

BUYING = Rules(
    features={"last_order": {"time": "Order Completed"}},
    segments={"buyer": "since(last_order) < 10m"},
    disorder_ms=0,
)


def with_triggers(**triggers: Trigger) -> Rules:
    return replace(BUYING, triggers=triggers)


STREAMS = st.one_of(shoppers(), shoppers(12, backwards=True))


@settings(max_examples=300, deadline=None)
@given(
    raw=STREAMS,
    rules=rules(arbitrated=False),
    sizes=SIZES,
    shards=st.sampled_from([1, 3]),
    close=st.booleans(),
)
@example(  # an event that starts and cancels at once
    raw=[event_line(0, "page", "m1")],
    rules=with_triggers(
        first={"on": "page", "cancel": [{"on": "page", "where": 'event.name == "page"'}]}
    ),
    sizes=[1],
    shards=1,
    close=False,
)
@example(  # ... and one that cancels what its change of a membership starts
    raw=[event_line(0, "Order Completed", "m1")],
    rules=with_triggers(first={"on": {"enter": "buyer"}, "cancel": ["Order Completed"]}),
    sizes=[1],
    shards=1,
    close=False,
)
@example(  # a start of the same time, after the first message
    raw=[event_line(0, "page", "m1"), event_line(0, "page", "m2")],
    rules=with_triggers(first={"on": "page", "then": [{"after_ms": MINUTE_MS}]}),
    sizes=[1],
    shards=1,
    close=True,
)
@example(  # a second step that is due before an event arrives, at which the first is decided
    raw=[event_line(0, "page", "m1"), event_line(5, "Order Completed", "m2")],
    rules=with_triggers(
        first={
            "on": "page",
            "after_ms": MINUTE_MS,
            "then": [{"after_ms": MINUTE_MS, "when": "last_order is missing"}],
        }
    ),
    sizes=[1],
    shards=1,
    close=True,
)
def test_what_triggers_decide_and_send_is_the_oracles(
    *, raw: list[bytes], rules: Rules, sizes: list[int], shards: int, close: bool
) -> None:
    outcome, expected = assert_engine_is_the_oracle(raw, rules, sizes, shards=shards, close=close)
    if close:  # before, the engine may have counted one that the watermark is not past
        for name, number in expected.superseded.items():
            assert outcome.counts[f"superseded {name}"] == number


@settings(max_examples=80, deadline=None)
@given(
    inputs=st.lists(STREAMS, min_size=1, max_size=2),
    rules=rules(arbitrated=False),
    **STOPPED,
)
def test_restarts_change_nothing_that_triggers_decide(**drawn: Any) -> None:
    assert_stops_change_nothing(**drawn)


@settings(max_examples=150, deadline=None)
@given(
    raw=shoppers().filter(bool),
    rules=changes(),
    cut=st.floats(0, 1, exclude_max=True),
    sizes=SIZES,
    stops=STOPS,
    close=st.booleans(),
)
def test_t10_after_a_change_of_triggers_decisions_are_the_oracles(
    *,
    raw: list[bytes],
    rules: tuple[Rules, Rules],
    cut: float,
    sizes: list[int],
    stops: list[bool],
    close: bool,
) -> None:
    before, after = rules
    at = int(cut * len(raw))
    with few_timers(4):
        first = simulation(raw, before, cache=2, close=close, shards=2)
        first.step(at)
        again = with_stops(first.restarted(*plans(after)), sizes, stops)
    expected = run(raw, before, now_ms=NOW_MS, close=close, then=(at, after))
    assert_changes(again.outcome, expected.changes)
    assert_records(again.outcome, expected.sessions, expected.decisions, after)


def test_what_quiet_hours_hold_at_once_is_not_asked_again_for_its_own_event() -> None:
    later = {"after_ms": 3_600_000, "cancel": ["Product Added"]}
    rules = Rules(
        triggers={"night": {"on": "Product Added", "after_ms": 0, "then": [later]}},
        quiet_hours={"from": "00:00", "to": "23:59"},
        disorder_ms=0,
    )
    raw = [event_line(0, "Product Added", "m1"), event_line(1, "page", "m2", customer="u2")]
    outcome = engine(raw, rules, [1])
    assert_as_expected(outcome, run(raw, rules, now_ms=NOW_MS), rules)
    assert "decisions" not in outcome.lines


def test_of_what_has_ended_only_some_is_kept_for_late_events() -> None:
    rules = Rules(
        triggers={"each": {"on": "Product Added", "after_ms": 0}},
        disorder_ms=0,
        grace_ms=86_400_000,
    )
    raw = [event_line(number / 60, "Product Added", f"m{number}") for number in range(500)]
    simulated = simulation(raw, rules)
    while simulated.step(1):
        pass
    kept = [
        len(case.instances)
        for step in simulated.decides
        for customer in step._customers.edit(["u1"]).values()
        for case in customer.cases.values()
    ]
    assert len(kept) == 1
    assert ENDED_MOST <= kept[0] <= 2 * ENDED_MOST


@pytest.mark.parametrize("after_ms", [0, 30 * MINUTE_MS])
@pytest.mark.parametrize("grace_ms", [0, 3_600_000])
def test_no_instance_is_opened_twice_however_many_have_ended_since(
    after_ms: int, grace_ms: int
) -> None:
    rules = Rules(
        triggers={"each": {"on": "Product Added", "after_ms": after_ms}},
        disorder_ms=3_600_000 - grace_ms,
        grace_ms=grace_ms,
    )
    many = 2 * ENDED_MOST + 2
    raw = [event_line(number / 60, "Product Added", f"m{number}") for number in range(many)]
    raw.append(event_line(0, "Product Added", "m0 once more"))
    outcome, _ = assert_engine_is_the_oracle(raw, rules, [1], close=True)
    assert len(records(outcome, "decisions")) == many


FOLLOWED_UP = {"on": {"session": "closed"}, "after_ms": 60 * MINUTE_MS, "payload": {"n": "n"}}


@pytest.mark.parametrize(
    "trigger",
    [
        FOLLOWED_UP,
        {**FOLLOWED_UP, "when": "n == 2"},
        {**FOLLOWED_UP, "after_ms": 0, "then": [{"after_ms": 60 * MINUTE_MS, "when": "n == 2"}]},
    ],
)
@pytest.mark.parametrize("between", [False, True])
def test_what_follows_a_session_knows_nothing_of_the_next_one(
    trigger: Trigger, *, between: bool
) -> None:
    rules = Rules(
        features={"n": {"count": "Product Viewed"}}, triggers={"t": trigger}, disorder_ms=0
    )
    raw = [event_line(minute, "Product Viewed", f"m{minute}") for minute in (0, 1)]
    if between:  # who else is there makes no difference
        raw.append(event_line(240, "page", "other", customer="u2"))
    raw += [event_line(300, "Product Viewed", "next"), event_line(301, "page", "p", customer="u2")]
    outcome, _ = assert_engine_is_the_oracle(raw, rules, [1], close=False)
    sent = [each["data"] for each in records(outcome, "triggers") if each["subject"] == "u1"]
    assert {each["payload"]["n"] for each in sent} == {2}
    assert sent[-1]["due"] == "2026-01-01T11:31:00.000Z"


def test_what_waits_for_nothing_is_decided_before_what_was_waiting_until_the_same_moment() -> None:
    rules = Rules(
        features={"last_added": {"time": "Product Added"}},
        segments={"warm": "since(last_added) <= 20m"},
        triggers={
            "waits": {"on": "Product Added", "after_ms": 20 * MINUTE_MS + 1, "priority": 80},
            "at_once": {"on": {"leave": "warm"}, "after_ms": 0},
            "visit_over": {"on": {"session": "closed"}, "after_ms": 86_400_000},
        },
        limits=[{"at_most": 1, "per": "1h"}],
        disorder_ms=0,
    )
    raw = [event_line(0, "Product Added", "m1"), event_line(600, "page", "m2", customer="u2")]
    outcome, _ = assert_engine_is_the_oracle(raw, rules, [1], close=False)
    sent = [each["data"]["trigger"] for each in records(outcome, "triggers")]
    assert sent == ["at_once"]


def test_where_is_asked_at_the_time_of_the_row_also_for_an_event_out_of_order() -> None:
    where = "since(last_order) > 10m"
    rules = Rules(
        features={"last_order": {"time": "Order Completed"}},
        triggers={"first": {"on": "Product Added", "after_ms": 0, "where": where}},
        disorder_ms=MINUTE_MS,
    )
    after = 10 + 1 / MINUTE_MS
    raw = [event_line(0, "Order Completed", "m0"), event_line(after, "Product Added", "m1")]
    raw.append(event_line(10, "Product Added", "m2"))
    outcome, _ = assert_engine_is_the_oracle(raw, rules, [1], close=False)
    assert len(records(outcome, "triggers")) == 2
