"""Where anonymous ids are linked, events go to the shards of these ids and lose nothing."""

import json
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.dropping import IdentityDrops
from operators.heads import LineReader
from operators.identity_plan import CustomerPath, IdentityPlan, Naming
from operators.lines import Envelope, Lines, join
from operators.route import Route, RouteState, shard_of
from operators.suppression import Suppression
from operators.ticks import ShardTick
from oracle.input import Rejected
from oracle.naming import Whom, whom

PLAN = IdentityPlan((CustomerPath(("userId",)),), frozenset(), 200, 1)
KINDS = {Naming.CUSTOMER: "customer", Naming.ANONYMOUS: "anonymous", Naming.LINKING: "linking"}
IDS = st.sampled_from(["a", "b", "c", "é"])
EVENTS = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["track", "identify", "alias"])},
        optional={"userId": IDS, "anonymousId": IDS, "previousId": IDS},
    ),
    max_size=8,
)


class Seen(NamedTuple):
    """An event in a shard's share."""

    shard: int
    order: int
    line: bytes
    whom: Whom


def lines_of(events: list[dict[str, Any]]) -> Lines:
    timed = [{"timestamp": "2026-01-01T00:00:00Z", **event} for event in events]
    block = b"\n".join(json.dumps(event).encode() for event in timed)
    reader = LineReader(0, 1 << 50, PLAN)
    return reader.read(block, file=0, line=1, offset=0) if events else join([])


def split(lines: Lines, shards: int = 3) -> list[ShardTick]:
    return Route(0, shards=shards, disorder_ms=0, state=RouteState()).split(lines, ("file",))


def seen_in(ticks: list[ShardTick]) -> list[Seen]:
    seen = []
    for tick in ticks:
        if not tick.customers:
            continue
        assert tick.names is not None
        assert tick.order is not None
        assert len(tick.customers) == len(tick.names.anonymous) == len(tick.names.naming)
        assert sorted(tick.order.tolist()) == tick.order.tolist()
        for index, order in enumerate(tick.order.tolist()):
            kind = KINDS[Naming(tick.names.naming[index])]
            named = Whom(kind, tick.customers[index], tick.names.anonymous[index])  # type: ignore[arg-type]
            seen.append(Seen(tick.shard, order, tick.line(index), named))
    return seen


def named_by(event: dict[str, Any]) -> Whom | None:
    try:
        return whom(event, ["userId"], ())
    except Rejected:
        return None


@settings(deadline=None, max_examples=200)
@given(EVENTS, st.integers(1, 4))
def test_events_go_to_the_shards_of_their_anonymous_ids_and_links_are_told_to_the_customers(
    events: list[dict[str, Any]], shards: int
) -> None:
    lines = lines_of(events)
    ticks = split(lines, shards)
    named = [(order, each) for order, event in enumerate(events) if (each := named_by(event))]
    assert sorted(seen_in(ticks), key=lambda seen: seen.order) == [
        Seen(shard_of(each.anonymous or each.customer, shards), order, lines.raw[order], each)
        for order, each in named
    ]
    for tick in ticks:
        assert [(each.place, each.customer) for each in tick.linked] == [
            (order, each.customer)
            for order, each in named
            if each.kind == "linking" and shard_of(each.customer, shards) == tick.shard
        ]


@settings(deadline=None, max_examples=200)
@given(EVENTS, st.sets(IDS, max_size=2))
def test_what_is_kept_out_neither_passes_nor_links(
    events: list[dict[str, Any]], kept_out: set[str]
) -> None:
    drops = IdentityDrops(Suppression(kept_out, str))
    ticks = [drops.without(tick) for tick in split(lines_of(events))]
    expected = []
    for order, event in enumerate(events):
        named = named_by(event)
        if named is None or named.customer in kept_out:
            continue
        alone = named.kind == "linking" and named.anonymous in kept_out
        expected.append((order, Whom("customer", named.customer) if alone else named))
    seen = sorted(seen_in(ticks), key=lambda seen: seen.order)
    assert [(each.order, each.whom) for each in seen] == expected
    assert not {each.customer for tick in ticks for each in tick.linked} & kept_out
    linking = {order for order, each in expected if each.kind == "linking"}
    assert linking <= {each.place for tick in ticks for each in tick.linked}


def test_without_identity_nothing_is_said_of_names() -> None:
    reader = LineReader(0, 1 << 50)
    line = b'{"timestamp":"2026-01-01T00:00:00Z","type":"identify","userId":"u","anonymousId":"a"}'
    ticks = split(reader.read(line, file=0, line=1, offset=0))
    assert [(tick.order, tick.names, tick.linked) for tick in ticks] == [(None, None, [])] * 3
    assert [tick.shard for tick in ticks if tick.customers] == [shard_of("u", 3)]


@pytest.mark.parametrize("key", [b"a", b"other", None])
def test_an_event_that_becomes_somebody_elses_keeps_the_key_that_it_came_with(
    key: bytes | None,
) -> None:
    lines = lines_of([{"type": "track", "anonymousId": "a"}])
    if key != b"a":
        lines.envelopes[0] = Envelope(key)
    [tick] = split(lines, 1)
    tick.customers = ["u"]
    assert tick.original(0).key == key
