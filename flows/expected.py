"""Compares what a scenario expects with what came: which decision stands for which expectation.

A decision stands for at most one expectation. Which for which is chosen so that as many as
possible are met: an expectation that leaves much open takes nothing from one that is precise.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from config import ExpectedDecision
from operators.decisions import RETRACTED
from operators.outputs import Outputs, Record
from operators.times import EventTime, format_time, parse_time


@dataclass(frozen=True)
class ActualDecision:
    """The end of an instance, with its message where one was sent; or that this was taken back.

    Attributes:
        time_ms: of the decision; of the late event where a message was taken back.
        customer: whose.
        trigger: of which.
        outcome: how it ended, or ``retracted``.
        reason: why it was suppressed.
        key: of the instance, empty where it has none.
        step: which message of the trigger, from 1.
        payload: of the message, empty where none was sent.
        limit: which one was reached, where that is the reason.
    """

    time_ms: int
    customer: str
    trigger: str
    outcome: str
    reason: str | None
    key: str
    step: int
    payload: Mapping[str, Any] = field(default_factory=dict)
    limit: str | None = None

    def __str__(self) -> str:
        return f"{self.trigger} for {self.customer}: {self.end}"

    @property
    def end(self) -> str:
        """Say how and when it ended."""
        why = f", {self.reason}" if self.reason else ""
        why += f" ({self.limit})" if self.limit else ""
        key = f", key {self.key}" if self.key else ""
        step = f", step {self.step}" if self.step > 1 else ""
        return f"{self.outcome} at {short_time(self.time_ms)}{why}{key}{step}"


def told(expected: ExpectedDecision) -> str:
    """Say what is expected, in the same words."""
    key = "" if expected.key is None else f", key {expected.key}"
    step = "" if expected.step is None else f", step {expected.step}"
    why = f", {expected.reason}" if expected.reason else ""
    end = f"{expected.outcome} at {short_time(expected.time_ms)}{why}{key}{step}"
    return f"{expected.trigger} for {expected.customer}: {end}"


def decisions_of(outputs: Sequence[Outputs]) -> list[ActualDecision]:
    """Put decisions together with their messages, and with what was taken back, by time."""
    messages = {
        (record.data["instance"], record.data.get("step", 1)): record.data.get("payload")
        for record in _records(outputs, "triggers")
        if record.type == "trigger.sent"
    }
    found = [
        ActualDecision(
            time_ms=record.time,
            customer=record.subject,
            trigger=str(record.data["trigger"]),
            outcome=str(record.data.get("outcome", RETRACTED)),
            reason=_text(record.data.get("reason")),
            key=str(record.data["key"]),
            step=_step(record),
            payload=_payload(messages, record),
            limit=_text(record.data.get("limit")),
        )
        for record in (*_records(outputs, "decisions"), *_records(outputs, "triggers"))
        if record.type != "trigger.sent"
    ]
    return sorted(found, key=lambda each: (each.time_ms, each.trigger, each.customer, each.key))


def matched(
    expected: Sequence[ExpectedDecision], decisions: Sequence[ActualDecision]
) -> dict[int, int]:
    """Find a decision for each expectation, for as many as possible.

    Returns:
        The index of the decision, by the index of its expectation; those without one are left out.
    """
    fitting = [
        [number for number, each in enumerate(decisions) if not apart(wanted, each)]
        for wanted in expected
    ]
    taken: dict[int, int] = {}  # the expectation that has a decision, by the decision

    def find(wanted: int, tried: set[int]) -> bool:
        for number in fitting[wanted]:
            if number in tried:
                continue
            tried.add(number)
            if number not in taken or find(taken[number], tried):
                taken[number] = wanted
                return True
        return False

    for wanted in range(len(expected)):
        find(wanted, set())
    return {wanted: number for number, wanted in taken.items()}


def paired(
    expected: Sequence[ExpectedDecision], decisions: Sequence[ActualDecision]
) -> dict[int, int]:
    """Find for expectations that were not met what probably came in place of each.

    That is a decision of the same trigger and customer; the nearest ones go together first, and
    each stands for one expectation at most.

    Args:
        expected: those that no decision fits.
        decisions: those that fit no expectation; of equally near ones the first is taken.

    Returns:
        The index of the decision, by the index of its expectation; those without one are left out.
    """
    alike: dict[tuple[str, str], list[int]] = {}
    for number, decided in enumerate(decisions):
        alike.setdefault((decided.trigger, decided.customer), []).append(number)
    by_distance = sorted(
        (len(apart(each, other)), abs(other.time_ms - each.time_ms), number, wanted)
        for wanted, each in enumerate(expected)
        for number in alike.get((each.trigger, each.customer), ())
        for other in (decisions[number],)
    )
    found: dict[int, int] = {}
    taken: set[int] = set()
    for _, _, number, wanted in by_distance:
        if wanted not in found and number not in taken:
            found[wanted] = number
            taken.add(number)
    return found


def apart(expected: ExpectedDecision, decided: ActualDecision) -> list[str]:
    """Name in what a decision differs from what is expected; nothing where it fits."""
    pairs = {
        "customer": (expected.customer, decided.customer),
        "trigger": (expected.trigger, decided.trigger),
        "at": (expected.time_ms, decided.time_ms),
        "outcome": (expected.outcome, decided.outcome),
        "reason": (expected.reason, decided.reason),
        "key": (expected.key, decided.key),
        "step": (expected.step, decided.step),
    }
    names = [name for name, (wanted, got) in pairs.items() if wanted is not None and wanted != got]
    wrong = [
        f"payload.{name}"
        for name, value in expected.payload.items()
        if name not in decided.payload or not same(value, decided.payload[name])
    ]
    return [*names, *wrong]


def same(expected: Any, found: Any) -> bool:
    """Tell whether two JSON values are the same, numbers to a millionth, and times in any form."""
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(expected, int | float) and isinstance(found, int | float):
        return math.isclose(expected, found, rel_tol=1e-6, abs_tol=1e-6)
    if isinstance(expected, list | tuple) and isinstance(found, list | tuple):
        pairs = zip(expected, found, strict=False)
        return len(expected) == len(found) and all(same(one, other) for one, other in pairs)
    if isinstance(expected, dict) and isinstance(found, dict):
        keys = expected.keys()
        return keys == found.keys() and all(same(expected[key], found[key]) for key in keys)
    if isinstance(expected, str) and isinstance(found, str):
        return expected == found or _same_time(expected, found)
    return bool(expected == found)


def short_time(time_ms: int) -> str:
    """Write a time without what is zero: ``2026-01-05T10:30:00Z``."""
    return format_time(EventTime(time_ms)).replace(".000Z", "Z")


def _same_time(one: str, other: str) -> bool:
    try:
        return parse_time(one) == parse_time(other)
    except ValueError:
        return False


def _records(outputs: Sequence[Outputs], kind: str) -> list[Record]:
    return [
        each for some in outputs for each in some.kinds.get(kind, ()) if isinstance(each, Record)
    ]


def _payload(messages: Mapping[Any, Any], record: Record) -> Mapping[str, Any]:
    if record.data.get("outcome") != "sent":
        return {}
    found = messages.get((record.data["instance"], record.data.get("step", 1)))
    return found if isinstance(found, dict) else {}


def _step(record: Record) -> int:
    step = record.data.get("step", 1)
    assert isinstance(step, int), step
    return step


def _text(value: object) -> str | None:
    return None if value is None else str(value)
