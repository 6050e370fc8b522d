"""What stands for what: decisions with their messages, and when two values are the same."""

from typing import Any

import pytest

from config import ExpectedDecision, Place
from flows.expected import ActualDecision, apart, decisions_of, matched, paired, same
from operators.outputs import Outputs, Record
from operators.times import EventTime


def wanted(**more: Any) -> ExpectedDecision:
    fields: dict[str, Any] = {
        "place": Place(1, 1),
        "time_ms": 5,
        "customer": "ann",
        "trigger": "cart",
        "outcome": "sent",
        "reason": None,
        "key": None,
        "step": None,
        "payload": {},
    }
    return ExpectedDecision(**fields | more)


def decided(**more: Any) -> ActualDecision:
    fields: dict[str, Any] = {
        "time_ms": 5,
        "customer": "ann",
        "trigger": "cart",
        "outcome": "sent",
        "reason": None,
        "key": "",
        "step": 1,
    }
    return ActualDecision(**fields | more)


def record(kind: str, **data: Any) -> Record:
    return Record(kind, "id", "ann", EventTime(5), {"trigger": "cart", "key": "", **data})


@pytest.mark.parametrize(
    ("expectation", "decision", "names"),
    [
        ({}, {}, []),
        ({}, {"key": "c1", "step": 2, "payload": {"a": 1}}, []),
        ({}, {"time_ms": 6, "customer": "bob", "trigger": "x"}, ["customer", "trigger", "at"]),
        ({"outcome": "expired"}, {}, ["outcome"]),
        ({"outcome": "suppressed"}, {"outcome": "suppressed", "reason": "limit"}, []),
        (
            {"outcome": "suppressed", "reason": "again"},
            {"outcome": "suppressed", "reason": "limit"},
            ["reason"],
        ),
        ({"key": "c1"}, {"key": "c2"}, ["key"]),
        ({"step": 2}, {}, ["step"]),
        ({"step": 1}, {}, []),
        ({"payload": {"a": 1, "b": None}}, {"payload": {"a": 1, "b": None, "c": 3}}, []),
        ({"payload": {"a": 1}}, {"payload": {"a": 2}}, ["payload.a"]),
        ({"payload": {"a": None}}, {}, ["payload.a"]),
    ],
)
def test_what_is_given_must_be_so(
    expectation: dict[str, Any], decision: dict[str, Any], names: list[str]
) -> None:
    assert apart(wanted(**expectation), decided(**decision)) == names


def test_a_decision_has_the_payload_of_its_own_step() -> None:
    outputs = Outputs()
    for step in (2, 1):
        of_step = {"instance": "i", "step": step}
        outputs.add("triggers", record("trigger.sent", **of_step, payload={"n": step}))
        outputs.add("decisions", record("decision", **of_step, outcome="sent", reason=None))
    outputs.add("triggers", record("trigger.retracted", instance="i", step=1))
    limit = {"instance": "j", "outcome": "suppressed", "reason": "limit"}
    limit["limit"] = "at most 1 per 1h"
    found = decisions_of([outputs, Outputs()])
    assert sorted((each.outcome, each.step, each.payload.get("n")) for each in found) == [
        ("retracted", 1, None),
        ("sent", 1, 1),
        ("sent", 2, 2),
    ]
    outputs.add("decisions", record("decision", **limit))
    (refused,) = [each for each in decisions_of([outputs]) if each.outcome == "suppressed"]
    assert (refused.step, refused.reason, refused.payload) == (1, "limit", {})
    assert str(refused).endswith("suppressed at 1970-01-01T00:00:00.005Z, limit (at most 1 per 1h)")


def test_a_message_that_was_taken_back_stands_beside_the_decision_to_send_it() -> None:
    outputs = Outputs()
    outputs.add("decisions", record("decision", instance="i", step=2, outcome="sent", reason=None))
    outputs.add("triggers", record("trigger.sent", instance="i", step=2, payload={"n": 1}))
    outputs.add("triggers", record("trigger.retracted", instance="i", step=2))
    sent, retracted = decisions_of([outputs])
    assert sent == decided(step=2, payload={"n": 1})
    assert retracted == decided(step=2, outcome="retracted")


def test_as_many_expectations_as_possible_are_met() -> None:
    decisions = [decided(key="a"), decided(key="b"), decided(key="c")]
    expected = [wanted(), wanted(key="a"), wanted(), wanted(key="d")]
    found = matched(expected, decisions)
    assert (sorted(found), found[1], sorted(found.values())) == ([0, 1, 2], 0, [0, 1, 2])
    many = 500
    full = matched([wanted()] * many, [decided()] * (many - 1))
    assert len(full) == len(set(full.values())) == many - 1


def test_what_was_not_met_goes_with_the_nearest_that_came_each_once() -> None:
    expected = [wanted(time_ms=30), wanted(time_ms=10, key="a"), wanted(time_ms=90, step=2)]
    decisions = [decided(time_ms=12, key="a"), decided(time_ms=31), decided(customer="bob")]
    assert paired(expected, decisions) == {0: 1, 1: 0}
    assert paired(expected[:1], [decided(time_ms=29), decided(time_ms=31)]) == {0: 0}
    assert paired([], decisions) == paired(expected, []) == {}


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (1, 1.0, True),
        (1, 1.0000001, True),
        (1, 1.001, False),
        (True, 1, False),
        (0, False, False),
        (None, 0, False),
        (None, None, True),
        ("a", "a", True),
        ("1", 1, False),
        ("2026-01-05T10:00:00Z", "2026-01-05T11:00:00.000+01:00", True),
        ("2026-01-05T10:00:00Z", "2026-01-05T10:00:00.001Z", False),
        ([1, "a"], [1.0, "a"], True),
        ([1, 2], [2, 1], False),
        ([1], [1, 2], False),
        ({"a": [1]}, {"a": [1.0]}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        (float("inf"), 1, False),
    ],
)
def test_values_are_the_same_as_json(one: Any, other: Any, is_same: object) -> None:
    assert same(one, other) is same(other, one) is is_same
