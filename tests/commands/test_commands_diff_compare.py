"""What `cartwheel diff` finds in two replays' files, against a comparison by hand."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from cartwheel.diff_compare import Ran, compared_segments, compared_sessions, compared_triggers
from cartwheel.diff_outcomes import Outcomes
from cartwheel.diff_result import CHANGES
from config.models import Config
from flows.job import plans_of
from operators.decisions import OUTCOMES, RETRACTED
from oracle.writing import event_line
from simulation import Simulation

Records = Mapping[str, Sequence[Any]]

EVENTS = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 1, 2, 5, 10, 31, -2, -12]),
        st.sampled_from(["Product Added", "Product Added", "Product Viewed", "Order Completed"]),
        st.sampled_from(["u1", "u1", "u2", "<b>"]),
        st.sampled_from(["c1", "c2", None]),
    ),
    max_size=25,
)
TRIGGERS = st.dictionaries(
    st.sampled_from(["first", "second"]),
    st.fixed_dictionaries(
        {
            "on": st.sampled_from(["Product Added", "Product Viewed"]),
            "after": st.sampled_from(["0s", "2m", "5m", "30m"]),
            "cancel": st.sampled_from([[], ["Order Completed"]]),
            "again": st.sampled_from(["always", "never", "10m"]),
            "restart": st.booleans(),
            "retract": st.sampled_from(["0s", "1h"]),
        },
        optional={"key": st.just("properties.cart_id")},
    ),
)
SEGMENTS = st.dictionaries(
    st.sampled_from(["busy", "buyers"]),
    st.sampled_from(["events_10m >= 1", "events_10m >= 2", "orders > 0 and events_10m < 2"]),
)
CONFIGS = st.builds(
    lambda triggers, segments, gap: {
        "name": "shop",
        "session": {"gap": gap},
        "time": {"disorder": "0s", "grace": "1h"},
        "features": {
            "events_10m": {"count": "any", "over": "1h"},
            "orders": {"count": "Order Completed"},
        },
        "triggers": triggers,
        "segments": segments,
    },
    TRIGGERS,
    SEGMENTS,
    st.sampled_from(["2m", "10m"]),
)


def run(config: Mapping[str, Any], events: Iterable[tuple[int, str, str, str | None]]) -> Records:
    """Run the engine without its processes; give the records of each kind."""
    minute, lines = 20, []
    for number, (step, name, customer, cart) in enumerate(events):
        minute = max(0, minute + step)
        lines.append(event_line(minute, name, f"m{number}", customer=customer, cart_id=cart))
    simulation = Simulation(lines, *plans_of(Config.model_validate(config)), shards=2)
    found = simulation.run(iter(lambda: 3, None)).lines
    return {kind: [json.loads(line) for line in some] for kind, some in found.items()}


def write(folder: Path, records: Records) -> Path:
    folder.mkdir()
    for kind, some in records.items():
        (folder / f"{kind}.jsonl").write_text("".join(json.dumps(each) + "\n" for each in some))
    return folder


def by_match(records: Records) -> dict[tuple[str, ...], list[tuple[Any, ...]]]:
    """Give what happened, by rule, customer and which instance or change; sessions too."""
    found: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
    back = {
        each["data"]["instance"]: (each["time"], each["data"]["cause"])
        for each in records.get("triggers", [])
        if each["type"] == "cartwheel.trigger.retracted"
    }
    for each in records.get("decisions", []):
        data = each["data"]
        match = ("trigger", data["trigger"], each["subject"], data["started"], data["key"])
        retracted = back.get(data["instance"])
        ending = (data["outcome"], data["reason"], each["time"], data["cause"], retracted)
        found.setdefault(match, []).append(ending)
    nth: Counter[tuple[str, str]] = Counter()
    for each in records.get("segments", []):
        name = each["data"]["segment"]
        nth[name, each["subject"]] += 1
        match = ("segment", name, each["subject"], str(nth[name, each["subject"]]))
        found[match] = [(each["type"].rpartition(".")[2], each["time"])]
    for customer, data in sessions_of(records):
        match = ("session", "", customer, data["start"])
        found.setdefault(match, []).append((data["end"], data["events"]))
    return found


def sessions_of(records: Records) -> list[tuple[str, dict[str, Any]]]:
    """Give the sessions as they are at the end, each with its customer."""
    last: dict[str, Any] = {}
    for each in sorted(records.get("sessions", []), key=lambda each: each["data"]["revision"]):
        last[each["data"]["session_id"]] = each
    return [
        (each["subject"], each["data"])
        for each in last.values()
        if each["type"] == "cartwheel.session.closed"
    ]


def differing(old: Records, new: Records) -> dict[tuple[str, str], set[str]]:
    """Give the customers that differ, by kind and rule."""
    one, other = by_match(old), by_match(new)
    customers: dict[tuple[str, str], set[str]] = {}
    for match in one.keys() | other.keys():
        pairs = zip_longest(one.get(match, []), other.get(match, []))
        if any(before != after for before, after in pairs):
            customers.setdefault((match[0], match[1]), set()).add(match[2])
    return customers


def counted(records: Records, kind: str, name: str) -> dict[str, int]:
    if kind == "trigger":
        found = [each["data"] for each in records.get("decisions", [])]
        return {
            outcome: sum(d["trigger"] == name and d["outcome"] == outcome for d in found)
            for outcome in OUTCOMES
        }
    changes = records.get("segments", [])
    return {
        change: sum(
            each["data"]["segment"] == name and each["type"].endswith(change) for each in changes
        )
        for change in CHANGES
    }


def taken_back_in(records: Records) -> Counter[str]:
    return Counter(
        each["data"]["trigger"]
        for each in records.get("triggers", [])
        if each["type"] == "cartwheel.trigger.retracted"
    )


def ran(config: Mapping[str, Any]) -> Ran:
    return Ran(list(config.get("triggers", {})), list(config.get("segments", {})), {})


SMALL = {"on": "Product Added", "after": "5m", "cancel": [], "again": "always", "restart": True}
ONE = {"name": "shop", "session": {"gap": "2m"}, "triggers": {"first": SMALL}}
LATER = {**ONE, "triggers": {"first": {**SMALL, "after": "30m"}}}
NOW_AND_THEN: Any = {
    "name": "shop",
    "session": {"gap": "10m"},
    "time": {"disorder": "0s", "grace": "1h"},
    "triggers": {"first": {**SMALL, "cancel": ["Order Completed"], "retract": "1h"}},
}
LATE_ORDER = [
    (0, "Product Added", "u1", None),
    (31, "Product Viewed", "u1", None),
    (-29, "Order Completed", "u1", None),
]
"""The message of 10:25 is wrong, as turns out after it."""
JOINED = [
    (0, "Product Viewed", "u1", None),
    (15, "Product Viewed", "u1", None),
    (31, "Product Viewed", "u2", None),
    (-39, "Product Viewed", "u1", None),
]
"""Two sessions that are over become one."""
FEW = [(0, "Product Added", "u1", None), (31, "Product Viewed", "u2", None)]


@settings(max_examples=150, deadline=None)
@given(old=CONFIGS, new=CONFIGS, events=EVENTS)
@example(old=ONE, new=LATER, events=FEW)
@example(old=ONE, new=ONE, events=FEW)
@example(old=ONE, new={"name": "shop"}, events=FEW)
@example(old=ONE, new=LATER, events=[])
@example(old=NOW_AND_THEN, new=ONE, events=LATE_ORDER)
@example(old=NOW_AND_THEN, new=ONE, events=JOINED)
def test_the_comparison_is_that_of_the_two_replays_by_hand(
    old: dict[str, Any], new: dict[str, Any], events: list[tuple[int, str, str, str | None]]
) -> None:
    before, after = run(old, events), run(new, events)
    with TemporaryDirectory() as name, Outcomes(Path(name) / "outcomes") as outcomes:
        for side, records in enumerate((before, after)):
            outcomes.take(side, write(Path(name) / str(side), records))
        triggers, _ = compared_triggers(outcomes, ran(old), ran(new), 1)
        segments = compared_segments(outcomes, ran(old), ran(new), 1)
        sessions = compared_sessions(outcomes)
    customers = differing(before, after)
    old_back, new_back = taken_back_in(before), taken_back_in(after)
    for kind, told_rules in (("triggers", triggers), ("segments", segments)):
        assert set(told_rules) == {*old.get(kind, {}), *new.get(kind, {})}
        for name, rule in told_rules.items():
            taken_back = [rule.old.pop(RETRACTED, None), rule.new.pop(RETRACTED, None)]
            if kind == "triggers" and (old_back or new_back):
                assert taken_back == [old_back[name], new_back[name]]
            else:
                assert taken_back == [None, None]
            assert rule.old == counted(before, kind[:-1], name)
            assert rule.new == counted(after, kind[:-1], name)
            differ = customers.get((kind[:-1], name), set())
            assert rule.customers == len(differ)
            assert len(rule.examples) == min(1, len(differ))
            assert all(each.customer in differ for each in rule.examples)
            in_old, in_new = name in old.get(kind, {}), name in new.get(kind, {})
            assert rule.only == (None if in_old and in_new else "old" if in_old else "new")
            assert bool(rule.changes) == bool(differ)
    one, other = by_match(before), by_match(after)
    for name, segment in segments.items():
        for each in (d for shown in segment.examples for d in shown.differences):
            match = ("segment", name, segment.examples[0].customer, str(each.number))
            for moved, found in ((each.old, one), (each.new, other)):
                assert found.get(match, []) == ([(moved.change, moved.time)] if moved else [])
    for trigger in triggers.values():
        assert sum(old for old, _ in trigger.sent) == trigger.old["sent"]
        assert sum(new for _, new in trigger.sent) == trigger.new["sent"]
    assert sessions.old == len(sessions_of(before))
    assert sessions.new == len(sessions_of(after))
    assert sessions.customers == len(customers.get(("session", ""), set()))
