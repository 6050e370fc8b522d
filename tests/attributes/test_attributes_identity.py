"""The table names customers: whoever was anonymous has what it says of them from the link on."""

import json
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from test_attributes_engine import BOTH, PLANS, SHARDS, START, changed, plans, prepare

from flows.attributes import take_attributes
from operators.identity_plan import CustomerPath, IdentityPlan
from operators.plans import DecidePlan, ProfilePlan
from operators.times import EventTime, format_time
from simulation import Outcome, Simulation
from state.folder import StateFolder
from state.keyvalue import MemoryKeyValue

IDENTITY = IdentityPlan((CustomerPath(("userId",)),), frozenset(), 200, 86_400_000)
SECOND_MS = 1000
Plans = tuple[ProfilePlan, DecidePlan]


def line(second: int, name: str, **ids: str) -> bytes:
    event = {
        "type": "track" if name != "identify" else name,
        "event": name,
        "messageId": f"m{second}",
        "timestamp": format_time(EventTime(START + second * SECOND_MS)),
        **ids,
    }
    return json.dumps(event).encode()


def play(
    folder: Path, lines: list[bytes], start: Plans, size: int, disorder_ms: int = 0
) -> Outcome:
    """Run the engine with identity, and a table that knows u1."""
    options: dict[str, Any] = {"shards": SHARDS, "disorder_ms": disorder_ms, "identity": IDENTITY}
    snapshot = Simulation(lines, *start, **options).snapshot()
    attributes = prepare(folder, {"u1": ("gold", 5)})
    for shard, entries in enumerate(snapshot.shards):
        keyvalue = MemoryKeyValue(entries)
        about = snapshot.abouts[shard]
        take_attributes(StateFolder(folder), shard, keyvalue, about, attributes)
        snapshot.shards[shard] = keyvalue.entries
    return Simulation(lines, *start, resume=snapshot, **options).run(cycle([size]))


@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize("size", [1, 100])
def test_segments_by_the_table_are_entered_when_it_is_known_who_it_is(
    tmp_path: Path, size: int, *, is_known: bool
) -> None:
    lines = [line(0, "Product Viewed", anonymousId="a"), line(1, "Product Viewed", anonymousId="a")]
    if is_known:
        lines.insert(0, line(-1, "page", userId="u1"))
    lines += [line(5, "identify", anonymousId="a", userId="u1")]
    outcome = play(tmp_path, lines, PLANS, size)
    found = [changed(json.loads(each)) for each in outcome.lines["segments"]]
    mine = [each[1:] for each in found if each[0] == "u1"]
    begun = START - SECOND_MS
    at = START + SECOND_MS
    first = [("scored", True, begun, "event")] if is_known else [("scored", True, at, "merge")]
    assert sorted(mine) == sorted([*first, ("gold", True, at, "merge"), ("top", True, at, "merge")])
    assert [each[1:] for each in found if each[0] == "a"] == [
        ("unknown", True, START, "event"),
        ("unknown", False, at, "merge"),
    ]


def test_a_message_that_is_due_by_then_is_the_customers_by_the_table(tmp_path: Path) -> None:
    """The row of the due time was kept while the customer was not known."""
    text = """
triggers:
  note: {on: Product Viewed, after: 5s, when: attribute.tier == "gold"}
"""
    lines = [line(0, "Product Viewed", anonymousId="a"), line(9, "page", anonymousId="a")]
    lines += [line(10, "identify", anonymousId="a", userId="u1"), line(99, "page", userId="u2")]
    outcome = play(tmp_path, lines, plans(BOTH + text), 1, disorder_ms=60 * SECOND_MS)
    assert [json.loads(each)["subject"] for each in outcome.lines.get("triggers", [])] == ["u1"]
