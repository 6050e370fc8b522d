"""The engine gives what the naive oracle works out: sessions, decisions, messages, counts."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from config import Config, parse_duration
from engine_checks import (
    SIZES,
    assert_as_expected,
    assert_engine_is_the_oracle,
    engine,
    job_of,
)
from oracle import Rules, run, streams
from oracle.rules import Trigger
from oracle.writing import MINUTE_MS, NOW_MS, event_line

SHOP = Path(__file__).parents[2] / "examples" / "shop"


def shop_without_payloads() -> dict[str, Any]:
    """Read the example's config, but for what messages hold: the oracle renders no templates."""
    written: dict[str, Any] = YAML(typ="safe", pure=True).load((SHOP / "shop.yaml").read_text())
    for trigger in written["triggers"].values():
        for message in (trigger, *trigger.get("then", ())):
            message.pop("payload", None)
    return written


def shop_rules(written: dict[str, Any]) -> Rules:
    """Say the rules of a config as the oracle has them: with durations in milliseconds."""
    return Rules(
        gap_ms=parse_duration(written["session"]["gap"]),
        collect=written["session"]["collect"],
        triggers={name: in_ms(each) for name, each in written["triggers"].items()},
        features=written["features"],
        segments=written["segments"],
        limits=written["limits"],
        quiet_hours=written["quiet_hours"],
        holdout=written["holdout"],
        grace_ms=parse_duration(written["time"]["grace"]),
    )


def in_ms(trigger: dict[str, Any]) -> Trigger:
    """Write the durations of a trigger and of its steps in milliseconds."""
    found = dict(trigger)
    for name in ("after", "expires", "retract"):
        if name in found:
            found[f"{name}_ms"] = parse_duration(found.pop(name))
    if found.get("again", "always") not in {"always", "never"}:
        found["again"] = parse_duration(found["again"])
    if "then" in found:
        found["then"] = [in_ms(each) for each in found["then"]]
    if isinstance(found.get("cancel"), (str, dict)):
        found["cancel"] = [found["cancel"]]
    return cast("Trigger", found)


ABANDONED = Rules(
    triggers={
        "first": {"on": "Product Added", "after_ms": MINUTE_MS, "cancel": ["Order Completed"]}
    },
    disorder_ms=0,
)


@settings(max_examples=400, deadline=None)
@given(
    raw=st.one_of(streams.busy(), streams.lines(), streams.crowds()),
    rules=streams.rules(),
    sizes=SIZES,
    close=st.booleans(),
)
@example(  # a cancel without messageId at the same time as one with
    raw=[
        event_line(0, "Product Added", "m1"),
        event_line(0, "Order Completed", "m2"),
        event_line(0, "Order Completed", None),
        event_line(1, "page", "m3"),
    ],
    rules=ABANDONED,
    sizes=[1],
    close=False,
)
def test_sessions_decisions_messages_and_counts_are_the_oracles(
    *, raw: list[bytes], rules: Rules, sizes: list[int], close: bool
) -> None:
    assert_engine_is_the_oracle(raw, rules, sizes, close=close)


def test_i1_a_bad_line_moves_no_watermark_even_before_1970() -> None:
    minutes = -60 * 24 * 365 * 60
    raw = [event_line(minutes, "page", "m1"), b"{oops", event_line(minutes, "page", "m2")]
    outcome = engine(raw, Rules(), [1])
    assert outcome.counts["applied"] == 2
    assert_as_expected(outcome, run(raw, Rules(), now_ms=NOW_MS), Rules())


@pytest.mark.parametrize("others", [63, 64])
def test_i4_an_id_that_counts_again_is_the_newest_of_the_64(others: int) -> None:
    first = [event_line(0, "page", f"m{number}") for number in range(64)]
    again = [event_line(90, "page", "m0"), event_line(90, "page", "m0")]
    between = [event_line(90, "page", f"n{number}") for number in range(others)]
    raw = [*first, *again, *between, event_line(90, "page", "m0")]
    outcome = engine(raw, Rules(), [7])
    assert outcome.counts["duplicates"] == (2 if others < 64 else 1)
    assert_as_expected(outcome, run(raw, Rules(), now_ms=NOW_MS), Rules())


@pytest.mark.parametrize("past", [0, 1])
def test_what_ends_at_the_watermark_waits_until_it_is_past_it(past: int) -> None:
    end = event_line(1 + past / MINUTE_MS, "page", customer="u2")
    rules = replace(ABANDONED, gap_ms=MINUTE_MS)
    for more in ([], [event_line(0.5, "Order Completed", "m2"), end, end]):
        raw = [event_line(0, "Product Added", "m1"), *more, end]
        outcome = engine(raw, rules, [1])
        assert_as_expected(outcome, run(raw, rules, now_ms=NOW_MS), rules)
        assert len(outcome.lines.get("decisions", [])) == (1 if past or more else 0)
        assert len(outcome.lines.get("sessions", [])) == (1 if past and not more else 0)


def test_the_recorded_set_gives_the_oracles_results() -> None:
    written = shop_without_payloads()
    rules = shop_rules(written)
    job = job_of(Config.model_validate(written))
    mirrored = job_of(Config.model_validate(rules.as_config()))
    assert (mirrored.profile, mirrored.decide) == (job.profile, job.decide)
    raw = (SHOP / "events" / "otto.jsonl").read_bytes().splitlines()
    outcome = engine(raw, rules, [100])
    expected = run(raw, rules, now_ms=NOW_MS)
    assert_as_expected(outcome, expected, rules)
    assert len(expected.sent) > 10
    assert {one.outcome for one in expected.decisions} >= {"sent", "superseded", "cancelled"}
    assert {one.origin for one in expected.changes} == {"event", "timer"}
    assert len(expected.changes) > 100
