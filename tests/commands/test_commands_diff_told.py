"""What `cartwheel diff` tells of single differences, and how much of them it keeps in memory."""

import json
import tracemalloc
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cartwheel.diff_compare import Ran, compared_sessions, compared_triggers
from cartwheel.diff_outcomes import Kind, Outcomes
from cartwheel.diff_words import told, turn_told

Records = Mapping[str, Sequence[Any]]


def write(folder: Path, records: Records) -> Path:
    folder.mkdir()
    for kind, some in records.items():
        (folder / f"{kind}.jsonl").write_text("".join(json.dumps(each) + "\n" for each in some))
    return folder


def decision(customer: str, outcome: str, **more: Any) -> dict[str, Any]:
    data = {
        "trigger": "it",
        "version": "00000000",
        "instance": "i",
        "key": "",
        "started": "2026-01-01T10:00:00.000Z",
        "due": "2026-01-01T10:30:00.000Z",
        "outcome": outcome,
        "reason": None,
        "cause": None,
    }
    time = more.pop("time", "2026-01-01T10:30:00.000Z")
    return {
        "id": "i-decision",
        "type": "cartwheel.decision",
        "subject": customer,
        "time": time,
        "data": {**data, **more},
    }


def message(customer: str, **more: Any) -> dict[str, Any]:
    record = decision(customer, "sent", cause=["m1", "m2"], **more)
    return {**record, "id": "i-sent", "type": "cartwheel.trigger.sent"}


def compared(tmp_path: Path, old: Records, new: Records, **counts: int) -> Any:
    """Compare two folders with one trigger, `it`."""
    with Outcomes(tmp_path / "outcomes") as outcomes:
        outcomes.take(0, write(tmp_path / "old", old))
        outcomes.take(1, write(tmp_path / "new", new))
        both = Ran(["it"], [], {}), Ran(["it"], [], counts)
        return compared_triggers(outcomes, *both, 20)[0]["it"]


@pytest.mark.parametrize(
    ("before", "after", "sentence", "turn"),
    [
        (
            {"outcome": "sent", "time": "2026-01-01T10:40:00.000Z"},
            {"outcome": "cancelled", "time": "2026-01-01T10:55:00.000Z", "cause": "m42"},
            (
                "old sent at 2026-01-01T10:40:00.000Z,"
                " new cancelled at 2026-01-01T10:55:00.000Z by m42"
            ),
            "sent → cancelled",
        ),
        (
            {"outcome": "suppressed", "reason": "limit", "limit": "at most 1 per 2h"},
            {"outcome": "suppressed", "reason": "holdout"},
            (
                "old suppressed (limit: at most 1 per 2h) at 2026-01-01T10:30:00.000Z,"
                " new suppressed (holdout) at 2026-01-01T10:30:00.000Z"
            ),
            "suppressed, limit → suppressed, holdout",
        ),
        (
            {"outcome": "expired", "step": 2},
            {"outcome": "expired", "step": 2, "time": "2026-01-02T10:30:00.000Z"},
            "expired at 2026-01-01T10:30:00.000Z → 2026-01-02T10:30:00.000Z",
            "expired, at another time",
        ),
        (
            {"outcome": "cancelled", "cause": "m1", "key": "c1"},
            {"outcome": "cancelled", "cause": "m2", "key": "c1"},
            (
                "old cancelled at 2026-01-01T10:30:00.000Z by m1,"
                " new cancelled at 2026-01-01T10:30:00.000Z by m2"
            ),
            "cancelled, by another event",
        ),
    ],
)
def test_a_difference_is_told_with_its_reason(
    before: dict[str, Any], after: dict[str, Any], sentence: str, turn: str, tmp_path: Path
) -> None:
    old, new = ({"decisions": [decision("u17", **each)]} for each in (before, after))
    rule = compared(tmp_path, old, new)
    start = "started 2026-01-01T10:00:00.000Z"
    key, step = before.get("key"), before.get("step")
    start += (f", key {key}" if key else "") + (f", step {step}" if step else "")
    assert [told(each) for each in rule.examples[0].differences] == [f"{start}: {sentence}"]
    assert [turn_told(each) for each in rule.changes] == [turn]


def test_another_limit_alone_is_no_difference(tmp_path: Path) -> None:
    old, new = (
        {
            "decisions": [
                decision("u1", "suppressed", reason="limit", limit=f"at most {most} per 1d")
            ]
        }
        for most in (1, 2)
    )
    rule = compared(tmp_path, old, new)
    assert (rule.customers, rule.old["suppressed"], rule.new["suppressed"]) == (0, 1, 1)


def test_steps_and_keys_are_instances_of_their_own(tmp_path: Path) -> None:
    old = [decision("u1", "sent"), decision("u1", "sent", step=2), decision("u1", "sent", key="c")]
    new = [decision("u1", "sent"), decision("u1", "expired", step=2)]
    rule = compared(tmp_path, {"decisions": old}, {"decisions": new})
    assert (rule.old["sent"], rule.new["sent"], rule.new["expired"]) == (3, 1, 1)
    assert sorted((each.old, each.new) for each in rule.changes if each.old and each.new) == [
        ("sent", "expired")
    ]
    assert [(e.key, e.step) for e in rule.examples[0].differences] == [("c", 1), ("", 2)]
    assert told(rule.examples[0].differences[0]).endswith(
        "only under old: sent at 2026-01-01T10:30:00.000Z"
    )


def test_another_message_is_a_difference_that_names_its_parts(tmp_path: Path) -> None:
    old = message("u1", channel="email", payload={"value": 5, "text": "Hi", "same": [1]})
    new = message("u1", channel="sms", payload={"same": [1], "value": 6, "more": None})
    sent = [decision("u1", "sent")]
    rule = compared(
        tmp_path,
        {"decisions": sent, "triggers": [old]},
        {"decisions": sent, "triggers": [new]},
    )
    assert [turn_told(each) for each in rule.changes] == ["sent, with another message"]
    [difference] = rule.examples[0].differences
    assert difference.message == ["channel", "payload.value", "payload.text", "payload.more"]
    assert "another message (channel, payload.value" in told(difference)


def test_the_order_of_a_payloads_keys_is_no_difference(tmp_path: Path) -> None:
    sent = [decision("u1", "sent")]
    old, new = (message("u1", payload=each) for each in ({"a": 1, "b": 2}, {"b": 2, "a": 1}))
    rule = compared(
        tmp_path, {"decisions": sent, "triggers": [old]}, {"decisions": sent, "triggers": [new]}
    )
    assert (rule.customers, rule.changes) == (0, [])


def retraction(customer: str, cause: str | None = "m9", **more: Any) -> dict[str, Any]:
    record = decision(customer, "sent", cause=cause, **more)
    return {**record, "id": "i-retracted", "type": "cartwheel.trigger.retracted"}


BACK = "2026-01-01T10:29:00.000Z"


@pytest.mark.parametrize(
    ("old_back", "new_back", "sentence", "turn"),
    [
        (
            retraction("u1", time=BACK),
            None,
            (
                "old sent at 2026-01-01T10:30:00.000Z, retracted at 2026-01-01T10:29:00.000Z by m9,"
                " new sent at 2026-01-01T10:30:00.000Z"
            ),
            "sent, retracted → sent",
        ),
        (
            retraction("u1", time=BACK),
            retraction("u1", None, time=BACK),
            (
                "old sent at 2026-01-01T10:30:00.000Z, retracted at 2026-01-01T10:29:00.000Z by m9,"
                " new sent at 2026-01-01T10:30:00.000Z, retracted at 2026-01-01T10:29:00.000Z"
            ),
            "sent, retracted, retracted otherwise",
        ),
        (retraction("u1", time=BACK), retraction("u1", time=BACK), None, None),
    ],
)
def test_a_message_that_was_sent_and_taken_back_is_both(
    old_back: Any, new_back: Any, sentence: str | None, turn: str | None, tmp_path: Path
) -> None:
    both = [
        {
            "decisions": [decision("u1", "sent")],
            "triggers": [message("u1"), *([each] if each else [])],
        }
        for each in (old_back, new_back)
    ]
    rule = compared(tmp_path, *both)
    assert [(each["sent"], each["retracted"]) for each in (rule.old, rule.new)] == [
        (1, 1),
        (1, int(new_back is not None)),
    ]
    assert [turn_told(each) for each in rule.changes] == ([turn] if turn else [])
    told_here = [told(each) for example in rule.examples for each in example.differences]
    start = "started 2026-01-01T10:00:00.000Z"
    assert told_here == ([f"{start}: {sentence}"] if sentence else [])


def test_retractions_are_counted_only_where_there_are_any(tmp_path: Path) -> None:
    rule = compared(tmp_path, {"decisions": [decision("u1", "sent")]}, {})
    assert "retracted" not in rule.old | rule.new
    (difference,) = rule.examples[0].differences
    assert "retracted" not in json.loads(msgspec.json.encode(difference))["old"]


def session(session_id: str, revision: int, end: str = "", **more: Any) -> dict[str, Any]:
    data = {"session_id": session_id, "revision": revision, **more}
    times = {"start": "2026-01-01T10:00:00.000Z", "end": f"2026-01-01T{end}:00.000Z", "events": 2}
    kind = "closed" if end else "retracted"
    return {
        "id": f"{session_id}-{revision}",
        "type": f"cartwheel.session.{kind}",
        "subject": "u1",
        "time": "2026-01-01T11:00:00.000Z",
        "data": {**(times if end else {}), **data},
    }


def test_of_a_session_its_last_revision_counts_and_one_that_was_merged_is_none(
    tmp_path: Path,
) -> None:
    old = [session("a", 1, "10:10"), session("b", 1, "10:50", start="2026-01-01T10:40:00.000Z")]
    old += [session("b", 2, merged_into="a"), session("a", 2, "10:50", events=5)]
    new = [session("x", 1, "10:50", events=5)]
    with Outcomes(tmp_path / "outcomes") as outcomes:
        outcomes.take(0, write(tmp_path / "old", {"sessions": old}))
        outcomes.take(1, write(tmp_path / "new", {"sessions": new}))
        sessions = compared_sessions(outcomes)
    assert (sessions.old, sessions.new, sessions.customers) == (1, 1, 0)


def test_supersedings_that_are_only_counted_are_counted(tmp_path: Path) -> None:
    rule = compared(tmp_path, {}, {}, **{"superseded it": 7})
    assert (rule.old["superseded"], rule.new["superseded"]) == (0, 7)


def test_customers_with_another_outcome_are_shown_first(tmp_path: Path) -> None:
    late = {"time": "2026-01-01T11:00:00.000Z"}
    old = [decision(name, "sent") for name in ("a", "b", "c")]
    new = [decision("a", "sent", **late), decision("b", "sent", **late), decision("c", "expired")]
    rule = compared(tmp_path, {"decisions": old}, {"decisions": new})
    assert [each.customer for each in rule.examples] == ["c", "a", "b"]
    assert rule.customers == 3


def test_of_one_customer_a_few_differences_are_shown_and_the_rest_counted(tmp_path: Path) -> None:
    old = [decision("u1", "sent", key=f"c{n}") for n in range(10)]
    old.append(decision("\x00u\x1b", "sent"))
    rule = compared(tmp_path, {"decisions": old}, {"decisions": []})
    shown = [(each.customer, len(each.differences), each.more) for each in rule.examples]
    assert shown == [("\x00u\x1b", 1, 0), ("u1", 3, 7)]


def test_memory_does_not_grow_with_the_number_of_outcomes(tmp_path: Path) -> None:
    peaks = []
    for count in (2_000, 20_000):
        folder = tmp_path / str(count)
        folder.mkdir()
        old = [decision(f"u{n}", "sent", key="k" * 100) for n in range(count)]
        new = [decision(f"u{n}", "expired", key="k" * 100) for n in range(count)]
        places = [write(folder / str(n), {"decisions": each}) for n, each in enumerate((old, new))]
        del old, new
        with Outcomes(folder / "outcomes") as outcomes:
            tracemalloc.start()
            for side, place in enumerate(places):
                outcomes.take(side, place)
            both = Ran(["it"], [], {}), Ran(["it"], [], {})
            rule = compared_triggers(outcomes, *both, 5)[0]["it"]
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            assert rule.customers == count
            assert sum(1 for _ in outcomes.pairs(Kind.TRIGGER)) == count
    assert peaks[1] < peaks[0] + 200_000, peaks
