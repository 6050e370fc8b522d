"""Compares topics of results with what the naive oracle makes of the topic of events.

It knows nothing but the rules and the topics: every expected session, message, decision, late
event and dead letter must be there, and nothing else.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from config import Config, rule_version
from kafka_running import KafkaRun, Record, as_json, read_topic
from operators.times import EventTime, format_time
from oracle import Decision, Expected, Session, run

KINDS = ("sessions", "triggers", "decisions", "late", "dead-letters")
ERRORS = "__connect.errors."


@dataclass
class Verdict:
    """What a comparison has found: what is lost, doubled or not to be there, by kind."""

    expected: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    duplicated: Counter[str] = field(default_factory=Counter)
    surplus: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        parts = [f"expected {dict(self.expected)}"]
        parts += [
            f"{name} {sum(counter.values())}"
            for name, counter in [
                ("lost", self.lost),
                ("duplicated", self.duplicated),
                ("surplus", self.surplus),
            ]
        ]
        return ", ".join(parts)


def verify(run_: KafkaRun) -> Verdict:
    """Compare the topics of a run that has stopped; each partition must have its own reader."""
    partitions: dict[int, list[Record]] = {}
    for record in read_topic(run_.bootstrap, run_.topic):
        partitions.setdefault(record.partition, []).append(record)
    verdict = Verdict()
    wanted: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    versions = _versions(run_)
    for records in partitions.values():
        expected = run(
            [record.value or b"" for record in records],
            run_.rules,
            now_ms=int(time.time() * 1000),
        )
        verdict.counts.update(expected.counts)
        for kind, texts in _wanted(expected, records, versions).items():
            wanted[kind].update(texts)
    for kind in KINDS:
        records = run_.results(kind)
        verdict.expected[kind] = sum(wanted[kind].values())
        _compare(verdict, kind, wanted[kind], records)
    return verdict


def _compare(verdict: Verdict, kind: str, wanted: Counter[str], records: list[Record]) -> None:
    write = _writer(kind)
    found = Counter(write(record) for record in records)
    if kind in {"sessions", "triggers", "decisions"}:
        by_id: dict[str | None, set[str]] = {}
        for record in records:
            by_id.setdefault(record.header("ce_id"), set()).add(_whole(record))
        # A repeat has the same id and the same content, and an id stands for one thing.
        assert all(len(each) == 1 for each in by_id.values()), "an id has two meanings"
        assert None not in by_id
        assert len(by_id) == len(found), "a thing has two ids"
    verdict.lost[kind] = (wanted - found).total()
    verdict.surplus[kind] = len(found.keys() - wanted.keys())
    doubles = {text: count - wanted[text] for text, count in found.items() if text in wanted}
    verdict.duplicated[kind] = sum(count for count in doubles.values() if count > 0)
    for name, texts in (("lost", wanted - found), ("surplus", found.keys() - wanted.keys())):
        verdict.examples += [f"{name} {kind}: {text[:300]}" for text in sorted(texts)[:2]]


def _wanted(
    expected: Expected, records: list[Record], versions: Mapping[str, str]
) -> dict[str, list[str]]:
    lines = list(zip(expected.classified.lines, records, strict=True))
    return {
        "sessions": [_session(one) for one in expected.sessions],
        "triggers": [_message(one, versions) for one in expected.sent],
        "decisions": [_decision(one, versions) for one in expected.decisions],
        "late": [_late(record) for line, record in lines if line.outcome == "late"],
        "dead-letters": [
            canonical([record.partition, record.offset, line.stage, str(record.value)])
            for line, record in lines
            if line.outcome == "dead letter"
        ],
    }


def _writer(kind: str) -> Callable[[Record], str]:
    return {"late": _late, "dead-letters": _dead_letter}.get(kind, _cloud_event)


def _late(record: Record) -> str:
    return canonical([str(record.key), str(record.value)])


def _dead_letter(record: Record) -> str:
    place = [record.header(ERRORS + name) for name in ("partition", "offset")]
    stage = (record.header(ERRORS + "stage") or "").replace("read", "route")
    return canonical([*map(int, filter(None, place)), stage, str(record.value)])


def _cloud_event(record: Record) -> str:
    """Write a result without what the oracle does not know."""
    assert record.header("ce_specversion") == "1.0"
    assert record.header("content-type") == "application/json"
    subject = record.header("ce_subject")
    assert record.key == (subject or "").encode()
    data = {k: v for k, v in as_json(record).items() if k not in {"session_id", "instance"}}
    return canonical([record.header("ce_type"), subject, record.header("ce_time"), data])


def _whole(record: Record) -> str:
    return canonical([str(record.key), str(record.value), [map(str, h) for h in record.headers]])


def _session(session: Session) -> str:
    data = {
        "start": _text(session.start),
        "end": _text(session.end),
        "duration_s": (session.end - session.start) / 1000,
        "events": session.events,
        "revision": 1,
        **session.collected,
    }
    return canonical(["cartwheel.session.closed", session.customer, _text(session.time), data])


def _decision(one: Decision, versions: Mapping[str, str]) -> str:
    data = _about(one, versions)
    data |= {"outcome": one.outcome, "reason": one.reason, "cause": one.ended_by}
    return canonical(["cartwheel.decision", one.customer, _text(one.time), data])


def _message(one: Decision, versions: Mapping[str, str]) -> str:
    data = _about(one, versions) | {"cause": sorted(one.cause), "payload": {}}
    return canonical(["cartwheel.trigger.sent", one.customer, _text(one.due), data])


def _about(one: Decision, versions: Mapping[str, str]) -> dict[str, Any]:
    return {
        "trigger": one.trigger,
        "version": versions[one.trigger],
        "key": one.key,
        "started": _text(one.opened),
        "due": _text(one.due),
    }


def _versions(run_: KafkaRun) -> dict[str, str]:
    triggers = Config.model_validate(run_.rules.as_config()).triggers
    return {name: rule_version(trigger) for name, trigger in triggers.items()}


def _text(moment: int) -> str:
    return format_time(EventTime(moment))


def canonical(value: Any) -> str:
    """Write a value so that what is equal in JSON is equal as text."""
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_plain(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
