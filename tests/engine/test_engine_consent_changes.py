"""A config that asks otherwise than the one before it: what was said holds on, and nothing more."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import cycle
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from engine_checks import SIZES, few_timers, plans, records, simulation
from oracle import Rules
from oracle.consent_verifier import Verifier
from oracle.drawn_consent import ALL_GRANTED, PURPOSES, REGIONS, spoken, with_contexts
from oracle.drawn_triggers import rules
from oracle.shoppers import shoppers
from oracle.writing import HOUR_MS, MINUTE_MS, event_line
from simulation import Outcome, Simulation

NEVER_LATE_MS = 48 * HOUR_MS
TEN = {"on": "Product Added", "after_ms": 10 * MINUTE_MS, "channel": "email"}
PROFILED: dict[str, Any] = {"profiling": "Analytics"}
MAILED: dict[str, Any] = {"channels": {"email": "Advertising"}}


def shop(default: str | None, purposes: Mapping[str, Any] | None = None, **more: Any) -> Rules:
    consent = {"consent": {"default": default}, "purposes": purposes or {}} if default else {}
    return Rules(**{"disorder_ms": 0, "triggers": {"cart": TEN}, **consent, **more})


def said(minute: int, name: str = "page", **preferences: bool) -> bytes:
    return with_contexts(
        [event_line(minute, name, f"m{minute}")],
        [{"consent": {"categoryPreferences": preferences}}],
    )[0]


def added(minute: int) -> bytes:
    return event_line(minute, "Product Added", f"a{minute}")


def later(minute: int) -> bytes:
    """Write an event of somebody else, which moves the watermark."""
    return event_line(minute, "page", f"m{minute}", customer="u2")


def under(parts: Sequence[tuple[Rules, Sequence[bytes]]]) -> Outcome:
    """Let lines through under one config after the other."""
    run: Simulation | None = None
    every = [line for _, lines in parts for line in lines]
    for config, lines in parts:
        run = run.restarted(*plans(config)) if run else simulation(every, config, cache=2, shards=1)
        for _ in lines:
            run.step(1)
    assert run
    return run.outcome


def ends(outcome: Outcome) -> list[tuple[str, str | None, str]]:
    """Give outcome, reason and time of the first customer's decisions."""
    return [
        (each["data"]["outcome"], each["data"]["reason"], each["time"][11:16])
        for each in records(outcome, "decisions")
        if each["subject"] == "u1"
    ]


def sessions_of(outcome: Outcome, customer: str = "u1") -> list[int]:
    """Give how many events each closed session of a customer had."""
    closed = records(outcome, "sessions")
    return [each["data"]["events"] for each in closed if each["subject"] == customer]


SENT, REFUSED = ("sent", None), ("suppressed", "consent")


def test_a_trigger_that_is_new_knows_what_was_refused_before() -> None:
    """Also where nothing asked for messages when it was said."""
    old, new = shop("allow", {**PROFILED, **MAILED}, triggers={}), shop("allow", MAILED)
    outcome = under([(old, [said(0, Advertising=False)]), (new, [added(1), later(60)])])
    assert ends(outcome) == [(*REFUSED, "10:11")]


def test_a_trigger_that_is_new_knows_what_was_permitted_before() -> None:
    old, new = shop("deny", {**PROFILED, **MAILED}, triggers={}), shop("deny", MAILED)
    first = [said(0, Analytics=True, Advertising=True)]
    assert ends(under([(old, first), (new, [added(1), later(60)])])) == [(*SENT, "10:11")]


@pytest.mark.parametrize(("default", "end"), [("allow", SENT), ("deny", REFUSED)])
def test_of_a_purpose_under_another_name_nothing_was_said(default: str, end: Any) -> None:
    old, new = shop(default, MAILED), shop(default, {"channels": {"email": "Marketing"}})
    for says in (True, False):
        first = [said(0, Advertising=says), added(1)]
        outcome = under([(old, first), (new, [later(60)])])
        assert ends(outcome) == [(*end, "10:11")]


@pytest.mark.parametrize("default", ["allow", "deny"])
@pytest.mark.parametrize(
    "between", [shop("allow", PROFILED), shop(None)], ids=["not named", "no consent"]
)
def test_a_permission_from_before_a_purpose_was_away_counts_no_more(
    default: str, between: Rules
) -> None:
    """What was said meanwhile was not read: it may have been a refusal."""
    asks = shop(default, MAILED)
    first = [said(0, Advertising=True), added(0)]
    parts = [
        (asks, first),
        (between, [said(20, Advertising=False)]),
        (asks, [added(21), later(60)]),
    ]
    assert ends(under(parts)) == [(*SENT, "10:10"), (*REFUSED, "10:31")]
    again = [said(22, Advertising=True), later(60)]
    parts[2:] = [(asks, [added(21), *again])]
    assert ends(under(parts)) == [(*SENT, "10:10"), (*SENT, "10:31")]


@pytest.mark.parametrize("between", [shop("allow", PROFILED), shop(None)])
def test_who_was_not_heard_of_while_a_purpose_was_away_goes_on_as_before(between: Rules) -> None:
    asks = shop("deny", MAILED)
    first = [said(0, Advertising=True), added(1)]
    parts = [(asks, first), (between, [later(5)]), (asks, [later(60)])]
    assert ends(under(parts)) == [(*SENT, "10:11")]


def test_what_waits_when_consent_is_new_is_not_sent() -> None:
    old = shop(None)
    for purposes in (PROFILED, MAILED, {"triggers": {"cart": "Reminders"}}):
        new = shop("deny", purposes)
        outcome = under([(old, [added(0)]), (new, [later(60)])])
        assert ends(outcome) == [(*REFUSED, "10:10")]
    outcome = under([(old, [added(0)]), (new, [said(5, Reminders=True), later(60)])])
    assert ends(outcome) == [(*SENT, "10:10")]


def test_what_waits_when_its_trigger_gets_a_purpose_is_asked_by_it() -> None:
    old, new = shop("allow", MAILED), shop("allow", {**MAILED, "triggers": {"cart": "Advertising"}})
    for says, end in ((True, SENT), (False, REFUSED)):
        outcome = under([(old, [said(0, Advertising=says), added(1)]), (new, [later(60)])])
        assert ends(outcome) == [(*end, "10:11")]


def test_who_permits_no_profiling_by_new_rules_is_forgotten_with_the_next_event() -> None:
    kept = {"features": {"adds": {"count": "Product Added"}}, "segments": {"some": "adds >= 1"}}
    old, new = shop(None, **kept), shop("deny", PROFILED, **kept)
    outcome = under([(old, [added(0), added(1)]), (new, [added(2), later(60), later(120)])])
    assert ends(outcome)[1:] == [(*REFUSED, "10:02")]
    moves = [(each["type"][-4:], each["time"][11:16]) for each in records(outcome, "segments")]
    assert moves == [("ered", "10:00"), ("left", "10:02")]
    assert sessions_of(outcome) == []
    assert outcome.counts["no_consent"] == 3  # of the other one, too


def test_who_permits_no_profiling_by_new_rules_is_forgotten_when_the_session_ends() -> None:
    model = {"kind": "logistic_regression", "predicts": "Order Completed", "from": ["adds"]}
    kept = {
        "features": {"adds": {"count": "Product Added"}},
        "segments": {"some": "adds >= 1"},
        "models": {"m": {**model, "within": "session"}},
    }
    old, new = shop(None, **kept), shop("deny", PROFILED, **kept)
    outcome = under([(old, [added(0)]), (new, [later(20), later(31), later(90)])])
    assert ends(outcome) == [(*REFUSED, "10:10")]
    assert sessions_of(outcome) == []
    [_, left] = records(outcome, "segments")
    assert (left["type"], left["time"]) == ("cartwheel.segment.left", "2026-01-01T10:30:00.001Z")
    assert outcome.counts["sessions"] == 0


@pytest.mark.parametrize(
    ("old", "new", "end"), [("allow", "deny", REFUSED), ("deny", "allow", SENT)]
)
def test_another_default_holds_for_who_has_said_nothing(old: str, new: str, end: Any) -> None:
    parts = [(shop(old, MAILED), [added(0)]), (shop(new, MAILED), [later(60)])]
    assert ends(under(parts)) == [(*end, "10:10")]
    for says, said_end in ((True, SENT), (False, REFUSED)):
        parts[0] = (shop(old, MAILED), [said(0, Advertising=says), added(1)])
        assert ends(under(parts)) == [(*said_end, "10:11")]


def placed(default: str, regions: dict[str, str]) -> Rules:
    found = shop(default, MAILED)
    return replace(
        found, consent={"default": default, "regions": regions, "region": "context.region"}
    )


def test_other_regions_hold_for_where_the_customer_was_seen() -> None:
    in_de = [*with_contexts([event_line(0, "page", "m0")], [{"region": "DE"}]), added(1)]
    denies = placed("allow", {"DE": "deny"})
    assert ends(under([(placed("allow", {"US": "deny"}), in_de), (denies, [later(60)])])) == [
        (*REFUSED, "10:11")
    ]
    assert ends(under([(denies, in_de), (shop("allow", MAILED), [later(60)])])) == [
        (*SENT, "10:11")  # nobody asks where anybody is
    ]


def test_a_signal_counts_from_when_the_config_looks_for_it() -> None:
    old = shop("allow", MAILED)
    looks = {"default": "allow", "gpc": {"path": "context.gpc", "refuses": ["Advertising"]}}
    new = replace(old, consent=looks)
    signal = with_contexts([added(0), event_line(5, "page", "m5")], [{"gpc": True}] * 2)
    assert ends(under([(old, signal[:1]), (new, [later(60)])])) == [(*SENT, "10:10")]
    assert ends(under([(old, signal[:1]), (new, [signal[1], later(60)])])) == [(*REFUSED, "10:05")]
    assert ends(under([(new, signal[1:]), (old, [added(6), later(60)])])) == [(*REFUSED, "10:16")]


def test_what_a_late_event_permits_counts_from_its_time() -> None:
    """The event itself is not applied."""
    grants = with_contexts([event_line(0, "Product Added", "m0")], [ALL_GRANTED])
    lines = [later(1), *grants, added(2), later(60)]
    assert ends(under([(shop("deny", PROFILED), lines)])) == [(*SENT, "10:12")]


@st.composite
def asking_of_all(draw: st.DrawFn, consent: Mapping[str, Any]) -> dict[str, Any]:
    """Draw a consent block and purposes that name all there are, for what is or is not there."""
    one = st.sampled_from(PURPOSES)
    purposes: dict[str, Any] = {"triggers": {f"no-{each}": each for each in PURPOSES}}
    if draw(st.booleans()):
        purposes["profiling"] = draw(one)
    if draw(st.booleans()):
        purposes["channels"] = {"email": draw(one)}
    if draw(st.booleans()):
        purposes["triggers"]["first"] = draw(one)
    drawn = {"default": draw(st.sampled_from(["allow", "deny"])), **consent}
    drawn["regions"] = draw(st.sampled_from([REGIONS, {"DE": "allow", "US": "deny"}]))
    return {"consent": drawn, "purposes": purposes}


ASKS_WHERE = {"region": "context.region", "gpc": {"path": "context.gpc", "refuses": ["Reminders"]}}


@settings(max_examples=60, deadline=None)
@given(
    raw=spoken(shoppers(backwards=True)),
    drawn=rules(),
    old=st.one_of(st.none(), asking_of_all(ASKS_WHERE)),
    new=asking_of_all(ASKS_WHERE),
    cut=st.integers(0, 18),
    sizes=SIZES,
    shards=st.sampled_from([1, 3]),
)
@example(
    raw=[said(0, Advertising=True), added(1), said(2, Advertising=False), added(3), later(90)],
    drawn=Rules(triggers={"first": TEN}),
    old=None,
    new={"consent": {"default": "allow"}, "purposes": MAILED},
    cut=2,
    sizes=[1],
    shards=1,
)
def test_after_a_change_nothing_is_sent_that_the_new_rules_do_not_permit(
    *,
    raw: list[bytes],
    drawn: Rules,
    old: dict[str, Any] | None,
    new: dict[str, Any],
    cut: int,
    sizes: list[int],
    shards: int,
) -> None:
    """And neither ticks nor stops after it change anything."""
    assume(cut < len(raw))
    before = replace(drawn, disorder_ms=NEVER_LATE_MS, **(old or {}))
    after = replace(drawn, disorder_ms=NEVER_LATE_MS, **new)
    with few_timers(4):
        outcomes = []
        for stops in (False, True):
            run = simulation(raw, before, shards=shards, cache=2, close=True)
            run.step(cut)
            run = run.restarted(*plans(after))
            run.outcome = Outcome()
            size = cycle(sizes if stops else [1000])
            while run.step(next(size)):
                run = run.restarted() if stops else run
            outcomes.append(run.outcome)
    one, other = outcomes
    assert one.sets() == other.sets()
    assert one.counts == other.counts
    heard = raw if old else [_silent(line) for line in raw[:cut]] + raw[cut:]
    verifier = Verifier(heard, after)
    assert not [*verifier.messages(records(one, "triggers"))]


def _silent(line: bytes) -> bytes:
    """Take out of an event what it says of consent: nobody asked."""
    event = json.loads(line)
    for name in ("consent", "consentManagement", "gpc", "region"):
        (event.get("context") or {}).pop(name, None)
    return json.dumps(event).encode()
