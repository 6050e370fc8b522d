"""Who is kept out by an event: known to their shard alone, from that event on."""

import json
from functools import partial

import pytest

from operators.dropping import SUPPRESSED, ProfileDrops
from operators.heads import LineReader
from operators.route import Route, RouteState, shard_of
from operators.suppression import Suppression
from operators.ticks import ShardTick
from oracle.writing import NOW_MS, event_line
from state.errors import StateError
from state.keyed_hash import keyed_hash
from state.keyvalue import MemoryKeyValue

SHARDS = 3
digest = partial(keyed_hash, bytes(32))


def forget(customer: str, *, escaped: bool = False) -> bytes:
    event = json.loads(event_line(0, "x", customer=customer)) | {"suppress": True}
    line = json.dumps({**event, "type": "cartwheel.forget"}).encode()
    return line.replace(b"cartwheel.f", b"cartwheel\\u002ef") if escaped else line


def ticks(*lines: bytes) -> list[ShardTick]:
    read = LineReader(3_600_000, NOW_MS).read(b"\n".join(lines), file=0, line=1, offset=0)
    state = RouteState()
    route = Route(0, shards=SHARDS, disorder_ms=0, state=state)
    return route.split(read, ("events",))


def out(keyvalue: MemoryKeyValue) -> ProfileDrops:
    return ProfileDrops(Suppression((), digest, keyvalue, listens=True))


@pytest.mark.parametrize("escaped", [False, True])
def test_in_one_tick_what_came_before_the_event_stays(escaped: bool) -> None:  # noqa: FBT001
    broken = b'{"anonymousId":"a7","userId":"u1","timestamp":"soon"}'
    page = event_line(0, "page", customer="u1")
    mine = shard_of("u1", SHARDS)
    some = ticks(broken, page, forget("u1", escaped=escaped), page, broken, broken)
    assert len(some[mine].outputs.kinds["dead-letters"]) == 3
    keyvalue = MemoryKeyValue()
    left = out(keyvalue).without(some[mine])
    assert left.customers == ["u1", "u1"]
    assert b"forget" in left.line(1)
    assert len(left.outputs.kinds["dead-letters"]) == 1
    assert left.counts[SUPPRESSED] == 3
    assert left.counts["dead_letters"] - (mine == 0) * 3 == -2
    assert b"u1" not in b"".join([*keyvalue.entries, *keyvalue.entries.values()])
    later = out(keyvalue).without(ticks(page, broken)[mine])  # started anew
    assert later.customers == []
    assert later.outputs.kinds["dead-letters"] == []


def test_another_key_is_refused_once_somebody_is_kept_out() -> None:
    keyvalue = MemoryKeyValue()
    Suppression((), str, keyvalue)
    out(keyvalue).without(ticks(forget("u1"))[shard_of("u1", SHARDS)])
    with pytest.raises(StateError, match=r"privacy\.key"):
        Suppression((), partial(keyed_hash, b"another"), keyvalue, listens=True)
