"""An event lets its customer be forgotten, in the order of arrival, wherever ticks are cut."""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from model_simulation import WithModels
from moments_checks import shop as model_shop
from rate_learner import PairWatch

from engine_checks import (
    SIZES,
    STOPS,
    assert_changes,
    assert_records,
    few_timers,
    plans,
    with_stops,
)
from oracle import Rules, drawn_segments, drawn_triggers, forgetting
from oracle.shoppers import shoppers
from oracle.writing import NOW_MS, event_line
from simulation import Simulation, Snapshot
from state.rewriting import keys_of

WHO = ["u1", "u2"]


def forget_line(minute: float, customer: str, **more: Any) -> bytes:
    line = json.loads(event_line(minute, "x", f"f{minute}", customer=customer))
    about = {"type": "cartwheel.forget", **more}
    kept = ("messageId", "userId", "timestamp")
    return json.dumps({**about, **{name: line[name] for name in kept}}).encode()


@st.composite
def histories(draw: st.DrawFn) -> list[bytes]:
    """Shoppers, of whom some ask to be forgotten, now and then."""
    raw = draw(st.one_of(shoppers(), shoppers(12, backwards=True)))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(raw)))
        more = draw(st.sampled_from([{}, {}, {"suppress": False}, {"suppress": True}]))
        minute = draw(st.sampled_from([0, 1, 5, 30, 300]))
        raw.insert(place, forget_line(minute, draw(st.sampled_from(WHO)), **more))
    return raw


def simulation(raw: Sequence[bytes], rules: Rules, **options: Any) -> Simulation:
    """Make the engine ready, which listens to such events."""
    profile, decide = plans(rules)
    times = {"disorder_ms": rules.disorder_ms, "future_ms": rules.future_ms, "now_ms": NOW_MS}
    return Simulation(raw, replace(profile, forgets=True), decide, **times, **options)


CART = Rules(
    triggers={"cart": {"on": "Product Added", "after_ms": 300_000, "again": "never"}},
    disorder_ms=0,
)
ADDED = [
    event_line(0, "Product Added", "m1", customer="u1"),
    forget_line(1, "u1"),
    event_line(6, "Product Added", "m1", customer="u1"),
    event_line(30, "page", "m4", customer="u2"),
]


@settings(max_examples=80, deadline=None)
@given(
    raw=histories(),
    rules=st.one_of(drawn_triggers.rules(), drawn_segments.rules()),
    sizes=SIZES,
    stops=STOPS,
    shards=st.sampled_from([1, 3]),
    close=st.booleans(),
)
@example(raw=ADDED, rules=CART, sizes=[1], stops=[True], shards=1, close=False)
@example(raw=ADDED, rules=CART, sizes=[50], stops=[True], shards=3, close=True)
def test_each_life_of_a_customer_is_a_history_of_its_own(
    raw: list[bytes],
    rules: Rules,
    sizes: list[int],
    stops: list[bool],
    shards: int,
    close: bool,  # noqa: FBT001 (drawn)
) -> None:
    options: dict[str, Any] = {"shards": shards, "close": close, "cache": 4}
    with few_timers(4):
        never = simulation(raw, rules, **options)
        never.run(cycle(sizes))
        again = with_stops(simulation(raw, rules, **options), sizes, stops)
    assert again.outcome.lines == never.outcome.lines
    assert again.outcome.counts == never.outcome.counts
    assert again.snapshot() == never.snapshot()
    told = [json.loads(line) for line in never.outcome.lines.get("customers", [])]
    cuts = forgetting.cuts_of(raw)
    wanted = sorted((each.customer, each.suppress) for each in cuts)
    assert sorted((each["subject"], each["data"]["suppressed"]) for each in told) == wanted
    assert never.outcome.counts["forgotten"] == len(cuts)
    assert len(never.removals) == len(cuts)
    expected = forgetting.run(raw, rules, now_ms=NOW_MS, close=close)
    ids = [json.loads(line)["id"] for kind in KINDS for line in never.outcome.lines.get(kind, [])]
    assume(len(set(ids)) == len(ids))  # an event before and one after it may have one time
    assert_records(never.outcome, expected.sessions, expected.decisions, rules, expected)
    assert_changes(never.outcome, expected.changes)
    assert_kept_out_have_nothing(never, cuts)


KINDS = ("sessions", "segments", "triggers", "decisions")


def assert_kept_out_have_nothing(run: Simulation, cuts: Sequence[forgetting.Cut]) -> None:
    for cut in cuts:
        if cut.suppress:
            kind = keys_of(cut.customer)
            for entries in run.snapshot().shards:
                assert not [key for key in entries if kind(key) is not None]
                assert not [key for key in entries if cut.customer.encode() in key]


class Forgetful(WithModels):
    """The engine with models, which listens to such events."""

    def _start(self, start: Snapshot) -> None:
        profile, decide = self.plans
        self.plans = replace(profile, forgets=True), decide
        super()._start(start)


def learned(run: Forgetful) -> tuple[Any, ...]:
    run.snapshot()
    watch = run.models["m"]._watch
    assert isinstance(watch, PairWatch)
    return run.outcome.sets(), watch.pairs, run.at_rest["m"].entries


@settings(max_examples=60, deadline=None)
@given(
    raw=histories(),
    within=st.sampled_from(["session", "10m"]),
    step=st.sampled_from(["1m", "1h"]),
    sizes=SIZES,
    stops=STOPS,
    shards=st.sampled_from([1, 3]),
)
def test_what_models_learn_does_not_depend_on_how_ticks_are_cut(
    raw: list[bytes], within: str, step: str, sizes: list[int], stops: list[bool], shards: int
) -> None:
    rules = model_shop(within=within, step=step)
    one = Forgetful(raw, rules, shards=shards)
    one.run(cycle([1]))
    other = Forgetful(raw, rules, shards=shards)
    other = with_stops(other, sizes, stops)  # type: ignore[assignment]
    assert learned(other) == learned(one)
    gone = {cut.customer for cut in forgetting.cuts_of(raw) if cut.suppress}
    for key, value in one.at_rest["m"].entries.items():
        assert not any(keys_of(each)(key) for each in gone)
        assert not any(each.encode() in value for each in gone)


@pytest.mark.parametrize("size", [1, 50])
def test_a_model_lets_go_of_what_waits_and_the_receipt_counts_it(size: int) -> None:
    rules = model_shop(within="1h", step="1d")
    raw = [
        event_line(0, "Product Viewed", "a", customer="u1"),
        event_line(31, "Product Viewed", "b", customer="u1"),
        event_line(100, "Product Viewed", "c", customer="u1"),
        forget_line(101, "u1"),
        event_line(102, "Product Viewed", "d", customer="u2"),
    ]
    run = Forgetful(raw, rules)
    run.run(cycle([size]))
    [removal] = run.removals
    assert removal.removed["model_outcomes"] == 2
    assert removal.removed["model_scores"] == 1
    assert removal.removed["open_sessions"] == 1
    run.snapshot()
    assert not any(keys_of("u1")(key) for key in run.at_rest["m"].entries)
