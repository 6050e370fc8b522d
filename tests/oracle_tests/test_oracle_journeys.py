"""The oracle by hand: what starts triggers and ends their waits, step by step; in minutes."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings

from oracle import Decision, Expected, Rules, drawn_triggers, run
from oracle.rules import Trigger
from oracle.shoppers import shoppers
from oracle.writing import HOUR_MS, MINUTE_MS, NOW_MS, START_MS, event_line

VIEWS = {"views": {"count": "page"}}
Told = tuple[float, float, str, str | None]


def expected(
    lines: list[bytes], trigger: dict[str, Any], *, close: bool = True, **others: Any
) -> Expected:
    """Work out what one trigger does."""
    given: Trigger = {"on": "Product Added", **trigger}  # type: ignore[typeddict-item]
    rules = Rules(triggers={"wish": given}, **{"disorder_ms": HOUR_MS, **others})
    return run(lines, rules, now_ms=NOW_MS, close=close)


def minute(time: float) -> float:
    return (time - START_MS) / MINUTE_MS


def told(one: Decision) -> Told:
    return minute(one.opened), minute(one.time), one.outcome, one.reason or one.ended_by


def ends(lines: list[bytes], trigger: dict[str, Any], **others: Any) -> list[Told]:
    """Give opening, end, outcome, and reason or cause of each decision, as they are made."""
    return [told(one) for one in expected(lines, trigger, **others).decisions]


def added(at: float, message_id: str | None = None, **properties: Any) -> bytes:
    return event_line(at, "Product Added", message_id, **properties)


def page(at: float, message_id: str | None = None, **properties: Any) -> bytes:
    return event_line(at, "page", message_id, **properties)


def ordered(at: float, message_id: str | None = None, **properties: Any) -> bytes:
    return event_line(at, "Order Completed", message_id, **properties)


TEN = {"after_ms": 10 * MINUTE_MS}


def test_t1_an_event_whose_where_is_false_neither_opens_nor_supersedes() -> None:
    trigger = {**TEN, "where": "event.properties.price > 1 and views >= 1"}
    lines = [added(0, price=5), page(1), added(2, price=1), added(3, price=5), added(4, price=1)]
    assert ends(lines, trigger, features=VIEWS) == [(3, 13, "sent", None)]


def test_where_sees_the_customer_after_the_event_and_memberships_too() -> None:
    trigger = {**TEN, "on": "page", "where": "segment.reader"}
    others = {"features": VIEWS, "segments": {"reader": "views >= 2"}}
    assert ends([page(0), page(1, "m2")], trigger, **others) == [(1, 11, "sent", None)]


def test_any_event_starts_and_its_supersedings_are_only_counted() -> None:
    lines = [page(0), added(2, "m2"), ordered(5, "m3")]
    outcome = expected(lines, {**TEN, "on": "any"})
    assert [told(one) for one in outcome.decisions] == [(5, 15, "sent", None)]
    assert outcome.superseded == {"wish": 2}
    trigger = {**TEN, "on": "any", "cancel": ["Order Completed"]}
    assert ends(lines, trigger) == [(2, 5, "cancelled", "m3"), (5, 5, "cancelled", "m3")]


def test_entering_and_leaving_start_at_the_change_with_the_event_that_made_it() -> None:
    others = {"features": {"seen": {"time": "page"}}, "segments": {"fresh": "since(seen) < 5m"}}
    lines = [page(0, "m1"), page(20, "m2")]
    entered = expected(lines, {**TEN, "on": {"enter": "fresh"}}, **others).decisions
    assert [(told(one), one.cause) for one in entered] == [
        ((0, 10, "sent", None), ("m1",)),
        ((20, 30, "sent", None), ("m2",)),
    ]
    left = expected(lines, {**TEN, "on": {"leave": "fresh"}}, **others).decisions
    assert [(told(one), one.cause) for one in left] == [
        ((5, 15, "sent", None), ()),
        ((25, 35, "sent", None), ()),
    ]


def test_entering_cancels_at_the_change() -> None:
    trigger = {**TEN, "cancel": [{"enter": "buyer"}]}
    others = {
        "features": {"orders": {"count": "Order Completed"}},
        "segments": {"buyer": "orders > 0"},
    }
    lines = [added(0), ordered(5, "m2"), added(6), ordered(7, "m4")]
    assert ends(lines, trigger, **others) == [(0, 5, "cancelled", "m2"), (6, 16, "sent", None)]


def test_a_change_by_the_clock_cancels_without_a_cause() -> None:
    trigger = {**TEN, "cancel": [{"leave": "fresh"}]}
    others = {"features": {"seen": {"time": "page"}}, "segments": {"fresh": "since(seen) < 5m"}}
    assert ends([page(0), added(1)], trigger, **others) == [(1, 5, "cancelled", None)]


def test_a_reconciled_change_starts_nothing_and_being_forgotten_neither() -> None:
    entering: Trigger = {"on": {"enter": "reader"}}
    leaving: Trigger = {"on": {"leave": "reader"}}
    before = Rules(features=VIEWS, triggers={"e": entering, "l": leaving}, disorder_ms=0)
    before = Rules(**{**vars_of(before), "segments": {"reader": "views > 5"}})
    after = Rules(**{**vars_of(before), "segments": {"reader": "views > 0"}})
    lines = [page(0), event_line(5, "page", customer="u2"), page(7)]
    found = run(lines, before, now_ms=NOW_MS, then=(2, after))
    assert [one.origin for one in found.changes] == ["reconcile", "reconcile"]
    assert found.decisions == []
    forgetting = Rules(**{**vars_of(after), "retention_ms": HOUR_MS})
    lines = [page(0), event_line(200, "page", customer="u2")]
    found = run(lines, forgetting, now_ms=NOW_MS)
    told_of = [(one.customer, one.kind) for one in found.changes]
    assert told_of == [("u1", "entered"), ("u1", "left"), ("u2", "entered")]
    assert [(one.trigger, one.customer) for one in found.decisions] == [("e", "u1"), ("e", "u2")]


def vars_of(rules: Rules) -> dict[str, Any]:
    return {name: getattr(rules, name) for name in Rules.__dataclass_fields__}


def test_a_session_that_closes_starts_at_its_last_event_and_gap() -> None:
    trigger = {**TEN, "on": {"session": "closed"}, "where": "session.events >= 2"}
    lines = [page(0), page(20, "m2"), event_line(51, "page", customer="u2"), page(60, "m3")]
    outcome = expected(lines, trigger, disorder_ms=0)
    assert [(told(one), one.cause) for one in outcome.decisions] == [((50, 60, "sent", None), ())]


def test_a_session_that_closes_is_told_of_once_the_watermark_is_past_it() -> None:
    trigger = {"on": {"session": "closed"}, "where": "views == 1"}
    lines = [page(0), page(31), page(60.5)]
    others = {"features": VIEWS, "disorder_ms": 0}
    assert ends(lines, trigger, **others, close=False) == [(30, 30, "sent", None)]
    assert ends(lines[:1], trigger, **others, close=False) == []
    lines = [page(0), event_line(30.5, "page", customer="u2"), page(31)]
    assert ends(lines, trigger, **others, close=False) == [(30, 30, "sent", None)]


def test_t1_a_cancel_whose_where_is_false_does_nothing() -> None:
    trigger = {**TEN, "cancel": [{"on": "page", "where": "event.properties.price > 1"}]}
    lines = [added(0), page(3, "m2", price=1), page(4, "m3", price=2)]
    assert ends(lines, trigger) == [(0, 4, "cancelled", "m3")]


def test_a_step_waits_from_the_decision_before_and_keeps_the_opening_and_causes() -> None:
    trigger = {**TEN, "then": [{"after_ms": 30 * MINUTE_MS}]}
    outcome = expected([added(0, "m1")], trigger)
    assert [
        (one.step, minute(one.opened), minute(one.due), one.outcome, one.cause)
        for one in outcome.decisions
    ] == [(1, 0, 10, "sent", ("m1",)), (2, 0, 40, "sent", ("m1",))]


def test_a_cancel_at_the_decision_of_a_step_is_not_one_of_the_next() -> None:
    then = [{"after_ms": 30 * MINUTE_MS, "cancel": ["page"]}]
    trigger = {**TEN, "cancel": ["Order Completed"], "then": then}
    assert ends([added(0), ordered(10, "m2")], trigger) == [(0, 10, "cancelled", "m2")]
    first = (0, 10, "sent", None)
    assert ends([added(0), page(10, "m2")], trigger) == [first, (0, 40, "sent", None)]
    assert ends([added(0), page(11, "m2")], trigger) == [first, (0, 11, "cancelled", "m2")]
    assert ends([added(0), ordered(40, "m2")], trigger) == [first, (0, 40, "cancelled", "m2")]
    assert ends([added(0), page(5)], trigger) == [first, (0, 40, "sent", None)]


def test_a_further_start_during_a_step_begins_anew() -> None:
    trigger = {**TEN, "then": [{"after_ms": 30 * MINUTE_MS}]}
    assert ends([added(0), added(20, "m2")], trigger) == [
        (0, 10, "sent", None),
        (0, 20, "superseded", "m2"),
        (20, 30, "sent", None),
        (20, 60, "sent", None),
    ]


def test_without_restart_a_start_during_a_step_opens_nothing() -> None:
    trigger = {**TEN, "restart": False, "then": [{"after_ms": 30 * MINUTE_MS}]}
    first = [(0, 10, "sent", None), (0, 40, "sent", None)]
    assert ends([added(0), added(20), added(40)], trigger) == first
    assert ends([added(0), added(41)], trigger)[2:] == [
        (41, 51, "sent", None),
        (41, 81, "sent", None),
    ]


@pytest.mark.parametrize("reason", ["when", "again", "paused"])
def test_what_is_not_the_customers_luck_ends_the_journey(reason: str) -> None:
    options = {
        "when": {"when": "views > 0"},
        "again": {"again": "never"},
        "paused": {"enabled": False},
    }[reason]
    trigger = {**TEN, **options, "then": [{"after_ms": MINUTE_MS, "when": "views >= 0"}]}
    found = ends([added(0), added(100)], trigger, features=VIEWS)
    assert found[-1] == (100, 110, "suppressed", reason)
    assert len(found) == (3 if reason == "again" else 2)


def test_a_step_takes_when_channel_and_payload_of_the_trigger_unless_it_says() -> None:
    then = [{"after_ms": MINUTE_MS}, {"after_ms": MINUTE_MS, "channel": "sms", "payload": {}}]
    trigger = {"when": "views == 0", "channel": "email", "payload": {"n": "views"}, "then": then}
    outcome = expected([added(0)], trigger, features=VIEWS)
    assert [(one.channel, one.payload) for one in outcome.decisions] == [
        ("email", {"n": 0}),
        ("email", {"n": 0}),
        ("sms", {}),
    ]
    found = ends([added(0), page(0.5)], trigger, features=VIEWS)
    assert found == [(0, 0, "sent", None), (0, 1, "suppressed", "when")]


def test_t2_a_start_of_the_same_time_joins_a_journey_that_goes_on() -> None:
    trigger = {"then": [{"after_ms": MINUTE_MS}]}
    outcome = expected([added(0, "m1"), added(0, "m2")], trigger)
    assert [one.cause for one in outcome.decisions] == [("m1",), ("m1", "m2")]


def test_when_and_payload_are_of_what_was_known_when_it_was_due() -> None:
    trigger = {**TEN, "when": "views == 1", "payload": {"views": "views", "age": "since(seen)"}}
    features = {**VIEWS, "seen": {"time": "page"}}
    late_lines = [page(0), added(1), page(12), page(11)]
    for lines in (late_lines, [page(0), added(1), event_line(200, "page", customer="u2")]):
        [one] = expected(lines, trigger, features=features).decisions
        assert (one.outcome, one.payload) == ("sent", {"views": 1, "age": 11 * MINUTE_MS})
    [one] = expected([page(0), added(1), page(11)], trigger, features=features).decisions
    assert (one.outcome, one.reason) == ("suppressed", "when")  # what happens then is known then


def test_when_sees_what_has_happened_by_itself_up_to_the_due_time() -> None:
    features = {"seen": {"time": "page"}, "views": {"count": "page", "over": "1h", "pane": "1m"}}
    segments = {"away": "session.events is missing", "fresh": "since(seen) < 5m"}
    others = {"features": features, "segments": segments}
    for wait, condition in [
        (5, "not segment.fresh"),
        (30, "session.events == 1"),
        (31, "session.events is missing and segment.away"),
        (61, "views == 0"),
        (60, "views == 1"),
    ]:
        trigger = {"on": "page", "after_ms": wait * MINUTE_MS, "when": condition}
        assert ends([page(0)], trigger, **others) == [(0, wait, "sent", None)]


def test_the_event_of_a_message_is_the_latest_of_the_opening() -> None:
    payload = {
        "price": "event.properties.price * 2",
        "text": {"template": "{{ event.properties.kind }}, {{ views }} {{ trait.plan }}!"},
    }
    lines = [added(0, price=1, kind="hat"), added(0, price=2, kind="shoe"), added(5, kind=None)]
    trigger = {**TEN, "payload": payload}
    outcome = expected(lines[:2], trigger, features=VIEWS)
    assert [one.payload for one in outcome.decisions] == [{"price": 4, "text": "shoe, 0 !"}]
    outcome = expected(lines, trigger, features=VIEWS)
    assert [one.payload for one in outcome.sent] == [{"price": None, "text": ", 0 !"}]


def test_the_drawn_triggers_reach_every_start_outcome_and_reason() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=250, derandomize=True, database=None, deadline=None)
    @given(shoppers(), drawn_triggers.rules())
    def look(lines: list[bytes], rules: Rules) -> None:
        for one in run(lines, rules, now_ms=NOW_MS, close=True).decisions:
            on = rules.triggers[one.trigger]["on"]
            seen.update([one.outcome, f"step {one.step}", str(one.reason)])
            seen.update([f"on {on}"] if isinstance(on, str) else [*on])
            seen.update(["held"] if one.time > one.due and one.outcome == "sent" else [])

    look()
    outcomes = ["sent", "cancelled", "superseded", "suppressed", "expired", "held"]
    reasons = ["paused", "when", "quiet_hours", "again", "limit", "holdout"]
    starts = ["on Product Added", "on any", "enter", "leave", "session", "step 2", "step 3"]
    assert [what for what in [*outcomes, *reasons, *starts] if seen[what] < 3] == []
