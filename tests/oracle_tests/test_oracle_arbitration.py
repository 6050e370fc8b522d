"""The oracle by hand: what holds messages back, T5 to T7 and T10; most times are minutes."""

from datetime import datetime
from typing import Any

import pytest

from oracle import Rules, run
from oracle.quiet import counts, is_quiet, quiet_end
from oracle.rules import Trigger
from oracle.writing import HOUR_MS, MINUTE_MS, NOW_MS, START_MS, event_line, stamp, write

ADDED: Trigger = {"on": "Product Added"}
SMS: Trigger = {"on": "Product Added", "channel": "sms"}
TEN: Trigger = {"on": "Product Added", "after_ms": 10 * MINUTE_MS}
Told = tuple[str, float, str, str | None]


def ends(
    lines: list[bytes], triggers: dict[str, Any], then: tuple[int, Rules] | None = None, **more: Any
) -> list[Told]:
    """Give trigger, minute, outcome and reason of each decision, as they are made."""
    rules = Rules(triggers=triggers, **{"disorder_ms": HOUR_MS, **more})
    decisions = run(lines, rules, now_ms=NOW_MS, close=True, then=then).decisions
    return [(o.trigger, (o.time - START_MS) / MINUTE_MS, o.outcome, o.reason) for o in decisions]


def why(*args: Any, **more: Any) -> list[tuple[str, str | None]]:
    """Give only trigger and reason, None for what was sent."""
    return [(name, reason) for name, _, _, reason in ends(*args, **more)]


def added(*minutes: float, **properties: Any) -> list[bytes]:
    return [event_line(at, "Product Added", **properties) for at in minutes]


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def at(time: str, name: str = "Product Added", zone: str | None = None) -> bytes:
    """Write an event, by somebody who is in a zone."""
    return write(
        {
            "userId": "u1",
            "type": "track",
            "event": name,
            "timestamp": stamp(ms(time)),
            "context": {"timezone": zone},
        }
    )


def test_t5_the_higher_priority_is_asked_first_then_key_and_name() -> None:
    one = {"limits": [{"at_most": 1, "per": "1h"}]}
    low, high = {**TEN, "priority": 1}, {**TEN, "priority": 2}
    assert why(added(0), {"a": low, "b": high}, **one) == [("b", None), ("a", "limit")]
    assert why(added(0), {"b": TEN, "a": TEN}, **one) == [("a", None), ("b", "limit")]
    assert why(added(0), {"a": ADDED, "b": {**ADDED, "priority": 1}}, **one)[0] == ("b", None)
    keyed = {**TEN, "key": "properties.cart"}
    found = why(added(0, cart="c1"), {"a": keyed, "b": TEN}, **one)
    assert found == [("b", None), ("a", "limit")]


def test_t5_the_first_refusal_is_the_reason() -> None:
    given: dict[str, Any] = {
        "quiet_hours": {"from": "10:00", "to": "11:00", "then": "drop"},
        "limits": [{"at_most": 1, "per": "24h"}],
        "holdout": "50%",
    }
    sent_before = {"first": {**ADDED, "on": "page", "priority": 9}}
    lines = [event_line(-30, "page"), *added(-20, 0)]
    trigger = {**ADDED, "when": "views > 0", "again": "never", "enabled": False}
    features = {"views": {"count": "Product Viewed"}}
    reasons = []
    for change in [
        *[
            {},
            {"enabled": True},
            {"when": "views == 0"},
            {"quiet_hours": None},
            {"again": "always"},
        ],
        {"limits": []},
    ]:
        trigger |= {name: value for name, value in change.items() if name in trigger}
        given |= {name: value for name, value in change.items() if name in given}
        found = why(lines, {**sent_before, "wish": trigger}, features=features, **given)
        reasons.append(found[-1][1])
    assert reasons[:2] == ["paused", "when"]
    assert reasons[2:] == ["quiet_hours", "limit", "limit", is_held_out_at_half("u1")]


def is_held_out_at_half(customer: str) -> str | None:
    found = ends([event_line(0, "page", customer=customer)], {"a": {"on": "page"}}, holdout="50%")
    return found[0][3]


def test_the_holdout_is_a_share_of_the_customers_and_the_same_for_all_triggers() -> None:
    lines = [event_line(0, "page", customer=f"u{number}") for number in range(1000)]
    both: dict[str, Any] = {"a": {"on": "page"}, "b": {"on": "page"}}
    held = {}
    for salt in ("shop", "spring"):
        rules = Rules(triggers=both, holdout={"share": "12.5%", "salt": salt})
        decisions = run(lines, rules, now_ms=NOW_MS).decisions
        by_trigger = [
            {d.customer for d in decisions if d.trigger == name and d.reason == "holdout"}
            for name in both
        ]
        assert by_trigger[0] == by_trigger[1]
        assert 90 < len(by_trigger[0]) < 160
        held[salt] = by_trigger[0]
    assert held["shop"] != held["spring"]
    assert run(lines, Rules(triggers=both, holdout="12.5%"), now_ms=NOW_MS).sent


def test_a_held_out_message_uses_up_again_and_limits() -> None:
    customer = next(f"u{n}" for n in range(50) if is_held_out_at_half(f"u{n}") == "holdout")
    lines = [event_line(minute, "page", customer=customer) for minute in (0, 5, 10)]
    other: Trigger = {"on": "page", "again": 10 * MINUTE_MS}
    found = why(lines, {"a": other}, holdout="50%")
    assert found == [("a", "holdout"), ("a", "again"), ("a", "holdout")]
    found = why(lines, {"a": {"on": "page"}}, holdout="50%", limits=[{"at_most": 1, "per": "10m"}])
    assert found == [("a", "holdout"), ("a", "limit"), ("a", "holdout")]


def test_t6_a_rolling_window_lets_go_of_its_start() -> None:
    limits = [{"at_most": 2, "per": "10m"}]
    found = why(added(0, 5, 9.9, 10, 14.9, 15), {"a": ADDED}, limits=limits)
    reasons = [reason for _, reason in found]
    assert reasons == [None, None, "limit", None, "limit", None]


def test_t6_messages_already_sent_with_a_later_time_count() -> None:
    limits = [{"at_most": 1, "per": "1m"}]
    assert why(added(30, 5), {"a": ADDED}, limits=limits) == [("a", None), ("a", "limit")]
    both = {"now": ADDED, "later": TEN}
    assert ends(added(0, 30), both, limits=[{"at_most": 2, "per": "1m"}]) == [
        ("now", 0, "sent", None),
        ("now", 30, "sent", None),
        ("later", 10, "sent", None),
        ("later", 40, "sent", None),
    ]
    assert ends(added(0, 30), both, limits=limits)[2] == ("later", 10, "suppressed", "limit")


def test_limits_are_about_a_channel_a_trigger_or_a_tag_and_all_must_allow() -> None:
    triggers = {"a": {**SMS, "tags": ["x"]}, "b": {**SMS, "tags": ["x", "y"]}, "c": ADDED}
    everything = [(name, None) for name in "abc"]

    def refused(*limits: dict[str, Any]) -> str:
        given = [{"at_most": 1, "per": "1h", **limit} for limit in limits]
        found = why(added(0), triggers, limits=given)
        assert {name for name, _ in found} == {name for name, _ in everything}
        return "".join(name for name, reason in found if reason == "limit")

    assert refused({"channel": "sms"}) == "b"
    assert refused({"channel": "email"}) == ""
    assert refused({"trigger": "b"}) == ""
    assert refused({"tag": "x"}) == "b"
    assert refused({"tag": "y"}) == ""
    assert refused({}) == "bc"
    assert refused({"channel": "sms", "tag": "y"}) == ""
    assert refused({"channel": "sms"}, {"at_most": 2}) == "b"
    assert refused({"tag": "y"}, {"at_most": 2}) == "c"


@pytest.mark.parametrize(
    ("per", "zone", "sent", "time", "does"),
    [
        ("day", "UTC", "2026-01-01T23:59:59Z", "2026-01-02T00:00:00Z", False),
        ("day", "UTC", "2026-01-02T00:00:00Z", "2026-01-02T23:59:59Z", True),
        ("day", "America/New_York", "2026-01-01T23:59:59Z", "2026-01-02T00:00:00Z", True),
        ("day", "America/New_York", "2026-01-02T04:59:59Z", "2026-01-02T05:00:00Z", False),
        ("day", "UTC", "2026-01-03T00:00:00Z", "2026-01-02T00:00:00Z", True),
        ("week", "UTC", "2026-01-04T23:59:59Z", "2026-01-05T00:00:00Z", False),  # a Monday
        ("week", "UTC", "2026-01-05T00:00:00Z", "2026-01-11T23:59:59Z", True),
        ("day", "Europe/Berlin", "2025-03-29T23:00:00Z", "2025-03-30T21:59:59Z", True),
        ("day", "Europe/Berlin", "2025-03-29T23:00:00Z", "2025-03-30T22:00:00Z", False),
        ("10m", "", "2026-01-01T10:00:00Z", "2026-01-01T10:10:00Z", False),
        ("10m", "", "2026-01-01T10:00:01Z", "2026-01-01T10:10:00Z", True),
        ("10m", "", "2026-01-01T11:00:00Z", "2026-01-01T10:10:00Z", True),
    ],
)
def test_what_counts_for_a_limit(*, per: str, zone: str, sent: str, time: str, does: bool) -> None:
    assert counts({"per": per}, ms(sent), ms(time), zone) is does


def test_a_limit_by_day_goes_by_the_customers_zone_as_it_is_now() -> None:
    lines = [
        at("2026-01-02T23:00:00Z", zone="Europe/Berlin"),
        at("2026-01-03T01:00:00Z", zone="Europe/Berlin"),
        at("2026-01-03T02:00:00Z", zone="America/New_York"),
        at("2026-01-03T05:00:00Z", zone="Nowhere/None"),
        at("2026-01-04T00:00:00Z", zone=None),
    ]
    reasons = [r for _, r in why(lines, {"a": ADDED}, limits=[{"at_most": 1, "per": "day"}])]
    assert reasons == [None, "limit", "limit", None, None]


NIGHT = {"from": "21:00", "to": "08:00"}
EARLY = {"from": "01:00", "to": "02:30"}
BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"


@pytest.mark.parametrize(
    ("quiet", "zone", "time", "end"),
    [
        (NIGHT, "UTC", "2026-01-01T21:00:00Z", "2026-01-02T08:00:00Z"),
        (NIGHT, "UTC", "2026-01-02T07:59:59.999Z", "2026-01-02T08:00:00Z"),
        (NIGHT, "America/New_York", "2026-01-02T02:00:00Z", "2026-01-02T13:00:00Z"),
        (NIGHT, "Asia/Kolkata", "2026-01-01T16:00:00Z", "2026-01-02T02:30:00Z"),
        # two o'clock to three does not exist there: it ends when the clocks show three
        (EARLY, BERLIN, "2025-03-30T00:10Z", "2025-03-30T01:00Z"),
        # half past two is there twice: the first is the end, and then it is quiet again
        (EARLY, BERLIN, "2025-10-26T00:10Z", "2025-10-26T00:30Z"),
        (EARLY, BERLIN, "2025-10-26T01:10Z", "2025-10-26T01:30Z"),
        ({"from": "01:30", "to": "03:00"}, BERLIN, "2025-10-26T00:10Z", "2025-10-26T02:00Z"),
        ({"from": "01:30", "to": "01:45"}, NEW_YORK, "2025-11-02T06:30Z", "2025-11-02T06:45Z"),
        ({"from": "08:00", "to": "07:59"}, "UTC", "2026-01-01T08:00Z", "2026-01-02T07:59Z"),
    ],
)
def test_t7_quiet_hours_end_when_clocks_there_say_so(
    quiet: dict[str, str], zone: str, time: str, end: str
) -> None:
    assert is_quiet(quiet, zone, ms(time))
    assert quiet_end(quiet, zone, ms(time)) == ms(end)


@pytest.mark.parametrize(
    ("quiet", "zone", "time"),
    [
        (NIGHT, "UTC", "2026-01-01T20:59:59.999Z"),
        (NIGHT, "UTC", "2026-01-02T08:00:00Z"),
        ({"from": "02:00", "to": "03:00"}, "Europe/Berlin", "2025-03-30T01:00Z"),
        ({"from": "10:00", "to": "11:00"}, "UTC", "2026-01-01T09:59Z"),
    ],
)
def test_t7_it_is_not_quiet(quiet: dict[str, str], zone: str, time: str) -> None:
    assert not is_quiet(quiet, zone, ms(time))


def quiet(start: str, end: str, **more: str) -> dict[str, Any]:
    return {"quiet_hours": {"from": start, "to": end, "zone": "UTC", **more}}


def test_t7_a_message_is_held_until_the_end_or_dropped() -> None:
    hours = quiet("10:00", "11:00")
    assert ends(added(0), {"a": TEN}, **hours) == [("a", 60, "sent", None)]
    dropping = quiet("10:00", "11:00", then="drop")
    assert ends(added(0), {"a": TEN}, **dropping) == [("a", 10, "suppressed", "quiet_hours")]
    assert ends(added(-10, 50), {"a": TEN}, **dropping)[1] == ("a", 60, "sent", None)
    rules = Rules(triggers={"a": TEN}, **hours)
    [one] = run(added(0), rules, now_ms=NOW_MS, close=True).sent
    assert (one.due, one.time) == (START_MS + 10 * MINUTE_MS, START_MS + 60 * MINUTE_MS)


def test_t7_what_is_held_may_be_cancelled_or_superseded_until_it_is_sent() -> None:
    hours = quiet("10:00", "11:00")
    for minute, found in [(60, ("a", 60, "cancelled", None)), (61, ("a", 60, "sent", None))]:
        lines = [*added(0), event_line(minute, "page")]
        assert ends(lines, {"a": {**TEN, "cancel": ["page"]}}, **hours) == [found]
    assert ends(added(0, 60), {"a": TEN}, **hours) == [
        ("a", 60, "superseded", None),
        ("a", 70, "sent", None),
    ]
    once = {"a": {**TEN, "restart": False}}
    assert ends(added(0, 60), once, **hours) == [("a", 60, "sent", None)]


def test_t7_what_cannot_be_sent_before_it_expires_expires() -> None:
    hours = quiet("10:00", "11:00")
    for expires, found in [(50, ("sent", 60)), (49, ("expired", 59)), (0, ("expired", 10))]:
        trigger = {**TEN, "expires_ms": expires * MINUTE_MS, "cancel": ["page"]}
        [one] = ends(added(0), {"a": trigger}, **hours)
        assert (one[2], one[1]) == found
        [one] = ends([*added(0), event_line(found[1], "page")], {"a": trigger}, **hours)
        assert (one[2], one[1]) == ("cancelled", found[1])


def test_t7_everything_is_asked_again_at_the_end_of_quiet_hours() -> None:
    hours = quiet("10:00", "11:00")
    features = {"views": {"count": "page"}}
    trigger = {**TEN, "when": "views == 0", "payload": {"views": "views"}}
    lines = [*added(0), event_line(30, "page")]
    assert ends(lines, {"a": trigger}, features=features, **hours) == [
        ("a", 60, "suppressed", "when")
    ]
    lines = [*added(0), event_line(61, "page"), event_line(62, "page")]
    assert ends(lines, {"a": trigger}, features=features, **hours) == [("a", 60, "sent", None)]


def test_t7_who_has_moved_is_held_again() -> None:
    lines = [
        at("2026-01-01T20:30Z", zone="UTC"),
        at("2026-01-02T07:00Z", "page", zone="America/New_York"),
    ]
    rules = Rules(triggers={"a": {**TEN, "after_ms": HOUR_MS}}, quiet_hours=NIGHT)
    [one] = run(lines, rules, now_ms=NOW_MS, close=True).sent
    assert one.time == ms("2026-01-02T13:00Z")


def test_t7_without_a_wait_it_is_held_all_the_same() -> None:
    hours = quiet("10:00", "11:00")
    lines = [*added(0), event_line(0, "page")]
    assert ends(lines, {"a": ADDED}, **hours) == [("a", 60, "sent", None)]
    cancelled = {"a": {**ADDED, "cancel": ["page"]}}
    assert ends(lines, cancelled, **hours) == [("a", 0, "cancelled", None)]
    assert ends(lines, cancelled) == [("a", 0, "sent", None)]


@pytest.mark.parametrize("reason", ["quiet_hours", "limit", "holdout"])
def test_a_refusal_that_is_not_the_triggers_own_does_not_end_a_journey(reason: str) -> None:
    options: dict[str, Any] = {
        "quiet_hours": quiet("10:00", "11:00", then="drop"),
        "limit": {"limits": [{"at_most": 1, "per": "5m"}]},
        "holdout": {"holdout": {"share": "50%", "salt": salt_that_holds_out("u1")}},
    }[reason]
    first: Trigger = {"on": "Product Added", "after_ms": 6 * MINUTE_MS}
    step = {"after_ms": HOUR_MS}
    found = ends(added(0), {"a": first, "b": {**first, "then": [step]}}, **options)
    told = [(minute, why) for name, minute, _, why in found if name == "b"]
    assert told == [(6, reason), (66, "holdout" if reason == "holdout" else None)]


def salt_that_holds_out(customer: str) -> str:
    lines = [event_line(0, "page", customer=customer)]
    for number in range(100):
        holdout = {"share": "50%", "salt": f"salt {number}"}
        if why(lines, {"a": {"on": "page"}}, holdout=holdout) == [("a", "holdout")]:
            return holdout["salt"]
    raise AssertionError("half of all are held out")


def test_t6_again_looks_at_first_messages_alone() -> None:
    trigger = {**TEN, "again": HOUR_MS, "then": [{"after_ms": 30 * MINUTE_MS}]}
    found = ends(added(0, 41, 65), {"a": trigger})
    assert found == [
        ("a", 10, "sent", None),
        ("a", 40, "sent", None),
        ("a", 51, "suppressed", "again"),
        ("a", 75, "sent", None),
        ("a", 105, "sent", None),
    ]


def test_t10_what_is_pending_takes_the_new_definition_and_keeps_its_due() -> None:
    after = {"a": {**TEN, "after_ms": HOUR_MS, "enabled": False, "cancel": ["page"]}}
    lines = [*added(0), event_line(5, "Product Viewed"), *added(20)]
    given: dict[str, Any] = {"disorder_ms": HOUR_MS}
    found = ends(lines, {"a": TEN}, then=(1, Rules(triggers=after, **given)))
    assert found == [("a", 10, "suppressed", "paused"), ("a", 80, "suppressed", "paused")]
    lines = [*added(0), event_line(5, "page")]
    found = ends(lines, {"a": TEN}, then=(1, Rules(triggers=after, **given)))
    assert found == [("a", 5, "cancelled", None)]


def test_t10_what_is_left_of_a_removed_trigger_is_suppressed_when_it_is_due() -> None:
    gone = Rules(disorder_ms=HOUR_MS)
    trigger = {**TEN, "cancel": ["page"]}
    lines = [*added(0, 3), event_line(5, "page")]
    assert ends(lines, {"a": trigger}, then=(2, gone)) == [
        ("a", 10, "suppressed", "removed"),
        ("a", 13, "suppressed", "removed"),
    ]
    rules = Rules(triggers={"a": trigger}, disorder_ms=HOUR_MS)
    decisions = run(lines, rules, now_ms=NOW_MS, close=True, then=(2, gone)).decisions
    assert [one.rules.triggers for one in decisions] == [{}, {}]


def test_t6_what_was_sent_before_a_change_counts_after_it() -> None:
    before = {"a": {**ADDED, "again": HOUR_MS, "channel": "email"}}
    limits = [{"at_most": 1, "per": "1h", "channel": "email"}]
    after = Rules(triggers={"b": {**before["a"], "on": "page"}, **before}, limits=limits)
    lines = [*added(0), event_line(5, "page"), *added(10)]
    found = why(lines, before, then=(1, after), limits=limits, disorder_ms=0)
    assert found == [("a", None), ("b", "limit"), ("a", "again")]
