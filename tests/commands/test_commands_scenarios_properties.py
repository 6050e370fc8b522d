"""A scenario that says what a real run has given is met; with any line changed it is not."""

import json
from copy import deepcopy
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config import Config, RuleNames, load, load_scenarios
from flows.job import plans_of
from flows.scenarios import run_scenario
from flows.trial import Rules, Trial
from operators.outputs import Record
from operators.times import EventTime, format_time, parse_time
from simulation import Simulation

CONFIG = """
name: shop
session: {gap: 10m, collect: {views: {count: Product Viewed}}}
features:
  views_1h: {count: Product Viewed, over: 1h}
  orders: {count: Order Completed}
  last_order: {time: Order Completed}
  cart: {sum: properties.price, of: Product Added, since: Order Completed}
segments:
  lookers: views_1h >= 2
  visiting: session.views > 0
  lapsed: orders > 0 and since(last_order) > 30m
  settled: {when: cart > 20, for: 7m, hold: 5m}
triggers:
  abandoned:
    {on: Product Added, key: properties.cart, after: 30m, cancel: Order Completed, again: 90m}
  thanks: {on: Order Completed}
  followed: {on: Product Viewed, after: 20m, restart: false}
"""
START = parse_time("2026-01-05T10:00:00Z")
MINUTE_MS = 60_000
LAST_MINUTE = 400

EVENTS = st.lists(
    st.tuples(
        st.integers(0, 300),
        st.sampled_from(["ann", "bob"]),
        st.sampled_from(["Product Added", "Product Viewed", "Order Completed", "tick"]),
        st.sampled_from(["c1", "c2"]),
        st.integers(0, 30),
    ),
    min_size=1,
    max_size=12,
).map(sorted)
Drawn = list[tuple[int, str, str, str, int]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scenarios")


@pytest.fixture(scope="module")
def config(folder: Path) -> Config:
    (folder / "shop.yaml").write_text(CONFIG)
    return load(folder / "shop.yaml")


def at(minute: float) -> str:
    return format_time(EventTime(START + int(minute * MINUTE_MS)))


def event(number: int, drawn: tuple[int, str, str, str, int]) -> dict[str, Any]:
    minute, customer, name, cart, price = drawn
    return {
        "at": at(minute),
        "customer": customer,
        "event": name,
        "messageId": f"m{number}",
        "properties": {"cart": cart, "price": price},
    }


def line(written: dict[str, Any]) -> bytes:
    rest = {key: value for key, value in written.items() if key not in {"at", "customer"}}
    told = {"type": "track", "userId": written["customer"], "timestamp": written["at"], **rest}
    return json.dumps(told).encode()


def simulated(config: Config, events: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Run the events as a replay does, and somebody else's event long after them."""
    tick = event(-1, (LAST_MINUTE + 1, "eve", "tick", "", 0))
    run = Simulation([*map(line, events), line(tick)], *plans_of(config)).run(repeat(3))
    last = at(LAST_MINUTE)
    return {
        kind: [each for each in map(json.loads, run.lines.get(kind, [])) if each["time"] <= last]
        for kind in ("decisions", "segments", "triggers")
    }


def expected(found: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Write every decision of a run, and who was in what after each change."""
    decisions = [
        {
            "at": each["time"],
            "customer": each["subject"],
            "trigger": each["data"]["trigger"],
            "outcome": each["data"]["outcome"],
            "key": each["data"]["key"],
        }
        | ({"reason": each["data"]["reason"]} if each["data"]["reason"] else {})
        for each in found["decisions"]
    ]
    for each in decisions:
        if not each["key"]:
            del each["key"]
    inside: dict[tuple[str, str, str], bool] = {}
    for each in found["segments"]:
        place = each["time"], each["subject"], each["data"]["segment"]
        inside[place] = each["type"].endswith("entered")  # in order: the last one counts
    members = [
        {"at": time, "customer": customer, "segment": segment, "in": value}
        for (time, customer, segment), value in inside.items()
    ]
    return [*decisions, *members]


def differences(
    config: Config, folder: Path, events: list[dict[str, Any]], expect: list[dict[str, Any]]
) -> list[str]:
    file = folder / "s.yaml"
    told = {"name": "it", "events": events, "expect": expect, "until": at(LAST_MINUTE)}
    file.write_text(json.dumps({"scenarios": [told]}))
    profile, decide = plans_of(config)
    names = RuleNames(
        list(config.triggers), list(config.segments), [each.name for each in decide.slots]
    )
    (scenario,) = load_scenarios(file, names).scenarios
    rules = Rules(profile, decide, config.time.disorder_ms)
    return [each.what for each in run_scenario(scenario, rules)]


@settings(max_examples=60, deadline=None)
@given(drawn=EVENTS, data=st.data())
def test_a_scenario_of_a_real_run_is_met_and_fails_with_a_line_changed(
    drawn: Drawn, data: st.DataObject, config: Config, folder: Path
) -> None:
    events = [event(number, each) for number, each in enumerate(drawn)]
    expect = expected(simulated(config, events))
    shuffled = data.draw(st.permutations(expect))
    assert differences(config, folder, events, shuffled) == []
    if not expect:
        return
    changed = deepcopy(shuffled)
    chosen = changed[data.draw(st.integers(0, len(changed) - 1))]
    if "segment" in chosen:
        chosen["in"] = not chosen["in"]
    else:
        ways = ["at", "outcome", "left out" if chosen["outcome"] == "sent" else "twice"]
        way = data.draw(st.sampled_from(ways))
        if way == "at":
            chosen["at"] = format_time(EventTime(parse_time(chosen["at"]) + 1))
        elif way == "outcome":
            chosen["outcome"] = "expired"
            chosen.pop("reason", None)
        elif way == "left out":
            changed.remove(chosen)
        else:
            changed.append(chosen)
    assert differences(config, folder, events, changed)


@settings(max_examples=60, deadline=None)
@given(drawn=EVENTS, moves=st.sets(st.integers(0, LAST_MINUTE), max_size=5))
def test_moving_the_clock_in_between_changes_nothing_that_comes_out(
    drawn: Drawn, moves: set[int], config: Config
) -> None:
    events = [event(number, each) for number, each in enumerate(drawn)]
    trial = Trial(Rules(*plans_of(config), config.time.disorder_ms))
    outputs = []
    todo = sorted(moves)
    for (minute, *_), each in zip(drawn, events, strict=True):
        while todo and todo[0] < minute:
            time = EventTime(START + todo.pop(0) * MINUTE_MS)
            outputs.append(trial.move_past(time))
        outputs.append(trial.feed(line(each)))
    outputs.append(trial.move_past(EventTime(START + LAST_MINUTE * MINUTE_MS)))
    found = simulated(config, events)
    for kind, records in found.items():
        ids = [
            record.id
            for some in outputs
            for record in some.kinds.get(kind, ())
            if isinstance(record, Record)
        ]
        assert sorted(ids) == sorted(record["id"] for record in records), kind


def test_a_customer_is_seen_as_of_the_time_that_the_clock_was_moved_past(config: Config) -> None:
    trial = Trial(Rules(*plans_of(config), 0))
    trial.feed(line(event(0, (0, "ann", "Product Viewed", "c1", 5))))
    trial.feed(line(event(1, (0, "ann", "Product Viewed", "c1", 5))))
    assert trial.look("ann").features["views_1h"] == 2
    assert trial.look("ann").segments["lookers"]
    assert trial.look("ann").features["session.views"] == 2
    trial.move_past(EventTime(START + 10 * MINUTE_MS))
    assert trial.look("ann").features["session.views"] == 2
    trial.move_past(EventTime(START + 10 * MINUTE_MS + 1))
    assert trial.look("ann").features["session.views"] is None
    trial.close()
    assert trial.look("ann").features["views_1h"] == 0
    assert not trial.look("ann").segments["lookers"]
    assert trial.look("nobody").features["views_1h"] == 0
    assert trial.look("nobody").features["last_order"] is None
    assert not any(trial.look("nobody").segments.values())
