"""An event lets a customer be forgotten with all anonymous ids that were linked to them."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine_checks import SIZES, STOPS, few_timers, plans, with_stops
from operators.identity_plan import CustomerPath, IdentityPlan
from oracle import Rules
from oracle.writing import MINUTE_MS, NOW_MS, stamp, write
from simulation import Simulation
from state.prefixes import Prefix

DAY_MS = 24 * 60 * MINUTE_MS
IDENTITY = IdentityPlan((CustomerPath(("userId",)),), frozenset(), 5, DAY_MS)
BY_EMAIL = IdentityPlan(
    (CustomerPath(("traits", "email")), CustomerPath(("userId",))), frozenset(), 5, DAY_MS
)
RULES = Rules(
    gap_ms=30 * MINUTE_MS,
    disorder_ms=0,
    features={"adds": {"count": "Product Added"}},
    segments={"keen": "adds >= 2"},
    triggers={"cart": {"on": "Product Added", "after_ms": 20 * MINUTE_MS}},
)
U, ANOTHER = "user-u-4711", "user-w-4711"
IDS = ["anonymous-a-4711", "anonymous-b-4711", "anonymous-c-4711"]
A, B, C = IDS


def event(minute: float, number: int, kind: str, **more: Any) -> bytes:
    """Write an event; the number makes its messageId."""
    is_track = kind[0].isupper()
    about = {"type": "track", "event": kind} if is_track else {"type": kind}
    at = {"messageId": f"m{number}", "timestamp": stamp(int(minute * MINUTE_MS))}
    return write({**at, **about, **more})


def stream(*steps: tuple[Any, ...]) -> list[bytes]:
    """Write events a minute apart: of each its type and its fields."""
    return [event(minute, minute, kind, **more) for minute, (kind, more) in enumerate(steps)]


def add(**who: str) -> tuple[str, dict[str, Any]]:
    return "Product Added", who


def link(anonymous: str, customer: str) -> tuple[str, dict[str, Any]]:
    return "identify", {"anonymousId": anonymous, "userId": customer}


def forget(**more: Any) -> tuple[str, dict[str, Any]]:
    return "cartwheel.forget", more


def simulation(
    raw: Sequence[bytes], rules: Rules = RULES, plan: IdentityPlan = IDENTITY, **options: Any
) -> Simulation:
    """Make the engine ready, which links ids and listens to such events."""
    profile, decide = plans(rules)
    times = {"disorder_ms": rules.disorder_ms, "now_ms": NOW_MS}
    profile = replace(profile, forgets=True)
    return Simulation(raw, profile, decide, identity=plan, **times, **options)


def done(raw: Sequence[bytes], size: int = 1, **options: Any) -> Simulation:
    run = simulation(raw, **options)
    run.run(cycle([size]))
    return run


def told(run: Simulation, kind: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run.outcome.lines.get(kind, [])]


def subjects(run: Simulation, kind: str) -> list[str]:
    return [each["subject"] for each in told(run, kind)]


def holds(run: Simulation, *texts: str) -> bool:
    """Tell whether any byte of any shard has one of these texts."""
    entries = [each for shard in run.snapshot().shards for each in (*shard, *shard.values())]
    return any(text.encode() in each for text in texts for each in entries)


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize("shards", [1, 3])
def test_a_customer_is_forgotten_with_all_ids_that_were_linked(size: int, shards: int) -> None:
    before = [add(anonymousId=A), link(A, U), add(anonymousId=B), link(B, U), add(anonymousId=A)]
    known = done(stream(*before), size, shards=shards)
    assert all(holds(known, each) for each in (U, A, B))
    gone = done(stream(*before, forget(userId=U)), size, shards=shards)
    assert not holds(gone, U, A, B)
    assert sorted(subjects(gone, "customers")) == [A, B, U]
    assert gone.outcome.counts["forgotten"] == 1
    later = stream(*before, forget(userId=U), add(anonymousId=A), link(A, ANOTHER))
    run = done([*later, event(300, 300, "page", userId="v")], size, shards=shards)
    merged = [each["data"] for each in told(run, "identity")]
    assert merged[-1] == {"anonymous": A, "customer": ANOTHER, "events": 1}  # it is new
    assert subjects(run, "triggers") == [ANOTHER]


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize("suppress", [False, True])
def test_a_linked_id_that_turned_out_to_be_a_customer_is_not_forgotten_with_another(
    size: int,
    suppress: bool,  # noqa: FBT001 (a case)
) -> None:
    steps = [
        add(anonymousId=A),
        ("alias", {"previousId": A, "userId": U}),
        add(userId=A),
        forget(userId=U, suppress=suppress),
    ]
    gone = done(stream(*steps), size, shards=3)
    assert subjects(gone, "customers") == [U]
    assert holds(gone, A)
    assert not holds(gone, U)
    later = stream(*steps, add(userId=A), add(anonymousId=A))
    run = done([*later, event(300, 300, "page", userId="v")], size, shards=3)
    sessions = [each for each in told(run, "sessions") if each["subject"] == A]
    assert [each["data"]["events"] for each in sessions] == [3]
    assert "suppressed_customers" not in run.outcome.counts


@pytest.mark.parametrize("size", [1, 2, 100])
def test_an_event_that_names_an_anonymous_id_leaves_the_customer(size: int) -> None:
    steps = [add(anonymousId=A), link(A, U), add(anonymousId=A), forget(anonymousId=A)]
    run = done(stream(*steps, add(anonymousId=A)), size)
    assert subjects(run, "customers") == [A]
    assert holds(run, U)
    late = [event(300, 300, "page", userId="v")]
    run = done([*stream(*steps, add(anonymousId=A)), *late], size)
    assert {(each["subject"], each["data"]["events"]) for each in told(run, "sessions")} == {
        (U, 3),
        (A, 1),
    }
    alone = done(stream(add(anonymousId=A), forget(anonymousId=A)), size)
    assert not holds(alone, A)


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize("shards", [1, 3, 7])
def test_who_is_kept_out_leaves_no_trace_in_any_shard(size: int, shards: int) -> None:
    steps = [
        add(anonymousId=A),
        link(A, U),
        add(userId=U),
        forget(userId=U, suppress=True),
        add(userId=U),
        add(anonymousId=A),
        link(B, U),
        ("alias", {"previousId": C, "userId": U}),
        link(A, ANOTHER),  # of which the customer alone is seen
        add(userId=U, anonymousId=B),
        forget(userId=U),
    ]
    run = done(stream(*steps), size, shards=shards)
    assert not holds(run, U, A, B, C)
    assert subjects(run, "customers") == [A, U]
    assert [each["subject"] for each in told(run, "identity")] == [U]
    assert run.outcome.counts["suppressed_customers"] == 6
    assert holds(run, ANOTHER)


def test_an_id_that_was_linked_is_dropped_as_a_customer_too() -> None:
    steps = [add(anonymousId=A), link(A, U), forget(userId=U, suppress=True)]
    for shards in (1, 3, 7):
        raw = stream(*steps, add(userId=A), add(anonymousId=B), link(B, A), add(anonymousId=B))
        run = done([*raw, event(300, 300, "page", userId="v")], shards=shards)
        assert A not in subjects(run, "sessions")
        assert A not in subjects(run, "triggers")
        assert run.outcome.counts["suppressed_customers"] == 3


def test_a_customer_is_found_by_another_path() -> None:
    email = {"traits": {"email": U}}
    steps = [add(anonymousId=A), ("identify", {"anonymousId": A, **email}), forget(**email)]
    run = done(stream(*steps), plan=BY_EMAIL)
    assert sorted(subjects(run, "customers")) == [A, U]
    assert not holds(run, U, A)


def test_what_is_no_such_event_forgets_nobody() -> None:
    steps = [add(anonymousId=A), link(A, U), forget(userId=U, suppress="yes")]
    run = done(stream(*steps, forget(anonymousId=A, messageId=7)))
    assert [each["field"] for each in told(run, "dead-letters")] == ["suppress", "messageId"]
    assert not told(run, "customers")
    assert holds(run, U)
    assert holds(run, A)


def test_a_link_that_has_lapsed_forgets_nothing_more() -> None:
    """Which is gone with the next tick, however that is cut."""
    raw = [
        *stream(add(anonymousId=A), link(A, U)),
        event(500 * 24 * 60, 3, "page", userId=U),
        event(500 * 24 * 60, 4, "cartwheel.forget", userId=U, suppress=True),
        event(500 * 24 * 60, 5, "page", anonymousId=A),
    ]
    for size in (1, 2, 100):
        run = done(raw, size)
        assert subjects(run, "customers") == [U]
        assert run.outcome.counts["suppressed_customers"] == 0


def broken(minute: int, number: int, **who: str) -> bytes:
    line = json.loads(event(minute, number, "page", **who))
    return json.dumps({**line, "timestamp": "soon"}).encode()


@pytest.mark.parametrize("size", [1, 2, 100])
def test_what_was_rejected_before_stays_and_after_goes(size: int) -> None:
    raw = stream(add(anonymousId=A), link(A, U))
    raw += [broken(2, 2, anonymousId=A), broken(2, 3, userId=U)]
    raw += [event(3, 4, "cartwheel.forget", userId=U, suppress=True)]
    raw += [broken(4, 5, anonymousId=A), broken(4, 6, userId=U), broken(4, 7, userId="v")]
    run = done(raw, size)
    assert len(told(run, "dead-letters")) == 3
    assert run.outcome.counts["dead_letters"] == 3


PEOPLE = [{"userId": U}, {"userId": ANOTHER}, {"anonymousId": A}, {"anonymousId": B}]


@st.composite
def histories(draw: st.DrawFn) -> list[bytes]:
    """People who look around, log in on each other's devices, and are forgotten."""
    raw, minute = [], 0
    for number in range(draw(st.integers(4, 24))):
        minute += draw(st.sampled_from([0, 1, 5, 40]))
        kind = draw(st.sampled_from(["Product Added", "Product Added", "identify", "alias", "x"]))
        if kind == "identify":
            more = {"anonymousId": draw(st.sampled_from(IDS))}
            more["userId"] = draw(st.sampled_from([U, ANOTHER, A]))
        elif kind == "alias":
            more = {"previousId": draw(st.sampled_from([*IDS, U])), "userId": U}
        elif kind == "x":
            kind, more = "cartwheel.forget", dict(draw(st.sampled_from(PEOPLE)))
            more |= draw(st.sampled_from([{}, {"suppress": True}]))
        else:
            more = draw(st.sampled_from(PEOPLE))
        raw.append(event(minute, number, kind, **more))
        if draw(st.integers(0, 9)) == 0:
            raw.append(broken(minute, number, **draw(st.sampled_from(PEOPLE))))
    raw.append(event(minute + 300, 999, "page", userId="v"))
    return raw


def all_of(run: Simulation) -> tuple[dict[str, Counter[bytes]], Counter[str]]:
    return run.outcome.sets(), run.outcome.counts


@settings(max_examples=30, deadline=None)
@given(
    raw=histories(), sizes=SIZES, stops=STOPS, shards=st.sampled_from([1, 3, 7]), end=st.booleans()
)
@example(  # of whom some line was rejected
    raw=[
        *stream(forget(userId=U, suppress=True)),
        broken(1, 2, userId=U),
        event(1, 3, "cartwheel.forget", userId=U, suppress=True),
        broken(1, 4, userId=U),
    ],
    sizes=[2],
    stops=[True],
    shards=1,
    end=False,
)
@example(
    raw=stream(link(A, U), link(B, A), forget(userId=U, suppress=True), add(anonymousId=B)),
    sizes=[50],
    stops=[True],
    shards=7,
    end=True,
)
def test_ticks_shards_and_restarts_change_nothing(
    raw: list[bytes],
    sizes: list[int],
    stops: list[bool],
    shards: int,
    end: bool,  # noqa: FBT001 (drawn)
) -> None:
    options: dict[str, Any] = {"close": end, "cache": 4}
    with few_timers(4):
        one = done(raw, 1, shards=1, **options)
        never = simulation(raw, shards=shards, **options)
        never.run(cycle(sizes))
        again = with_stops(simulation(raw, shards=shards, **options), sizes, stops)
    assert again.outcome.lines == never.outcome.lines
    assert again.snapshot() == never.snapshot()
    assert all_of(again) == all_of(never) == all_of(one)
    for line in raw:
        said = json.loads(line)
        if said.get("type") == "cartwheel.forget" and said.get("suppress"):
            assert not names_or_links(never, str(said.get("userId") or said.get("anonymousId")))


def names_or_links(run: Simulation, name: str) -> list[bytes]:
    """Return what the identity steps keep that has the name of one who is kept out."""
    return [
        each
        for shard in run.snapshot().shards
        for key, value in shard.items()
        if key[0] in {Prefix.NAME, Prefix.NAME_TIMER}
        for each in (key, value)
        if name.encode() in each
    ]
