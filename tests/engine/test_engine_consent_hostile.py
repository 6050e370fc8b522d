"""Consent said by who means harm or has a broken sender: bounded, and never more than permitted."""

import json
from itertools import cycle
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine_checks import engine, plans, records, simulation
from operators.consent import CHANGES_MOST
from operators.fields import Body
from operators.preferences import PreferenceReader
from operators.profile_store import Profile
from oracle import Rules
from oracle.consent import statement_of
from oracle.drawn_consent import with_contexts
from oracle.input import Event
from oracle.writing import MINUTE_MS, NOW_MS, START_MS, event_line
from state.prefixes import Prefix

ASKS = Rules(
    disorder_ms=0,
    consent={"default": "deny", "gpc": {"path": "context.gpc", "refuses": ["Advertising"]}},
    purposes={"profiling": "Analytics", "channels": {"email": "Advertising"}},
    triggers={"cart": {"on": "Product Added", "after_ms": 10 * MINUTE_MS, "channel": "email"}},
)
GRANTED = {"Analytics": True, "Advertising": True}


def says(minute: float, preferences: Any, name: str = "page", **more: Any) -> bytes:
    line = event_line(minute, name, more.pop("message_id", f"m{minute}"), **more)
    return with_contexts([line], [{"consent": {"categoryPreferences": preferences}}])[0]


def decided(lines: list[bytes], rules: Rules = ASKS) -> list[str]:
    outcome = engine(lines, rules, [1], shards=1)
    return [each["data"]["outcome"] for each in records(outcome, "decisions")]


@pytest.mark.parametrize(("ahead", "end"), [(60, "suppressed"), (60.001, "sent")])
def test_what_is_said_too_far_in_the_future_changes_nothing(ahead: float, end: str) -> None:
    """More than an hour after the clock is a dead letter."""
    now = (NOW_MS - START_MS) / MINUTE_MS
    lines = [says(now + 55, GRANTED, "Product Added"), says(now + ahead, {"Advertising": False})]
    outcome = engine(lines, ASKS, [1], close=True)
    [decision] = records(outcome, "decisions")
    assert decision["data"]["outcome"] == end
    assert outcome.counts["dead_letters"] == (end == "sent")


@pytest.mark.parametrize("late_first", [False, True])
def test_what_was_refused_long_ago_holds_from_then(*, late_first: bool) -> None:
    """Though the event that says so is late: a later permission stands, an earlier one does not."""
    added, later = event_line(0, "Product Added", "a"), event_line(60, "page", "z", customer="u2")
    permits = says(-1, GRANTED)
    long_ago, just_now = says(-9000, {"Advertising": False}), says(-0.5, {"Advertising": False})
    moves = [event_line(0, "page", "y", customer="u2")] if late_first else []
    assert decided([permits, *moves, long_ago, added, later]) == ["sent"]
    assert decided([permits, *moves, just_now, added, later]) == ["suppressed"]


@pytest.mark.parametrize("order", [1, -1])
def test_of_a_grant_and_a_refusal_at_one_millisecond_the_refusal_holds(order: int) -> None:
    first = says(-5, {"Analytics": True})
    both = [
        says(0, {"Advertising": True}, message_id="yes"),
        says(0, {"Advertising": False}, message_id="no"),
    ]
    rest = [event_line(1, "Product Added", "a"), event_line(60, "page", "z", customer="u2")]
    assert decided([first, *both[::order], *rest]) == ["suppressed"]


def test_a_thousand_changes_of_mind_keep_a_bounded_record() -> None:
    def flaps(count: int) -> tuple[int, Profile]:
        lines = [
            says(n / 100, {"Analytics": True, "Advertising": n % 2 == 0}) for n in range(count)
        ]
        run = simulation(lines, ASKS, shards=1)
        run.run(cycle([50]))
        [entries] = run.snapshot().shards
        [data] = [each for key, each in entries.items() if key[0] == Prefix.PROFILE]
        return len(data), msgspec.msgpack.decode(data, type=Profile)

    (few, _), (many, profile) = flaps(300), flaps(1000)
    assert profile.consent
    assert len(profile.consent.purposes["Advertising"]) == CHANGES_MOST
    assert many <= few + 100  # as many digits more


def read(context: object) -> Any:
    body = Body("track", context=msgspec.Raw(json.dumps(context).encode()))
    plan = plans(ASKS)[0].consent
    assert plan
    return PreferenceReader(plan).read(body)


def test_a_hundred_thousand_categories_are_passed_over() -> None:
    many: dict[str, Any] = {f"category number {n}": "no boolean" for n in range(100_000)}
    said = read({"consent": {"categoryPreferences": many | GRANTED}})
    assert (said.purposes, said.is_readable) == (GRANTED, True)
    said = read({"consentManagement": {"deniedConsentIds": [*many, "Advertising"]}})
    assert said.purposes == {"Advertising": False}
    assert not read({"consent": {"categoryPreferences": many | {"Analytics": 1}}}).is_readable


ODD = st.recursive(
    st.sampled_from([None, True, False, 0, 1, 0.5, "", "Analytics", "true"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["Analytics", "Advertising", "categoryPreferences", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
LISTS = st.fixed_dictionaries(
    {}, optional={"allowedConsentIds": ODD, "deniedConsentIds": ODD, "provider": ODD}
)
CONTEXTS = st.fixed_dictionaries(
    {},
    optional={
        "consent": ODD | st.fixed_dictionaries({"categoryPreferences": ODD}),
        "consentManagement": ODD | LISTS,
    },
)


@given(CONTEXTS)
@example({"consent": {"categoryPreferences": {"Analytics": True}}, "consentManagement": 0})
@example({"consent": {"categoryPreferences": {"x": 0}}, "consentManagement": {}})
def test_whatever_stands_there_is_read_as_the_oracle_does(context: dict[str, Any]) -> None:
    said = read(context)
    event = Event("u1", 0, "page", None, 0, {"context": context})
    one = statement_of(event, ASKS.consent or {}, ASKS.purposes)
    assert said.purposes == (one.purposes if one else {})
    assert said.region is None


def test_ids_that_look_alike_are_two_customers() -> None:
    """What is said by one is not said by the other: nothing is normalized."""
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    lines = [says(0, GRANTED, customer=composed), says(0, {}, customer=decomposed)]
    lines += [event_line(1, "Product Added", "a", customer=each) for each in (composed, decomposed)]
    outcome = engine([*lines, event_line(60, "page", "z")], ASKS, [1])
    assert [each["subject"] for each in records(outcome, "triggers")] == [composed]
    assert outcome.counts["customers"] == 1


@pytest.mark.parametrize("length", [1000, 1001, 1_000_000])
def test_an_id_has_a_bound(length: int) -> None:
    line = event_line(0, "page", "m", customer="é" * length)
    outcome = engine([line], Rules(), [1])
    if length <= 1000:
        assert outcome.counts["applied"] == 1
        return
    [letter] = map(json.loads, outcome.lines["dead-letters"])
    assert letter["field"] == ("userId" if length < 500_000 else None)
    assert "longer than" in letter["reason"]


def test_time_stands_where_it_is_when_nobody_may_be_profiled() -> None:
    lines = [says(n, {"Analytics": False}, message_id=f"{n}") for n in range(50)]
    run = simulation(lines, ASKS, shards=1)
    outcome = run.run(cycle([7]))
    assert outcome.counts["no_consent"] == 50
    assert run.watermark == START_MS + 49 * MINUTE_MS
