"""Compares topics of results with what the naive oracle makes of the topic of events.

It knows nothing but the rules and the topics: every expected session, message, decision, late
event and dead letter must be there, and nothing else.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from config import Config, rule_version
from kafka_running import KafkaRun, Record, as_json, read_topic
from oracle import Expected, Rules, run
from oracle.records import (
    canonical,
    change_record,
    decision_record,
    message_record,
    session_record,
)

KINDS = ("sessions", "segments", "triggers", "decisions", "late", "dead-letters")
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
    versions = _versions(run_.rules)
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
    if kind in {"sessions", "segments", "triggers", "decisions"}:
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
        "sessions": [session_record(one) for one in expected.sessions],
        "segments": [change_record(one, versions) for one in expected.changes],
        "triggers": [message_record(one, versions) for one in expected.sent],
        "decisions": [decision_record(one, versions) for one in expected.decisions],
        "late": [_late(record) for line, record in lines if line.outcome == "late"],
        "dead-letters": [
            canonical([record.partition, record.offset, line.stage, str(record.value)])
            for line, record in lines
            if line.outcome == "dead letter"
        ],
    }


def _writer(kind: str) -> Callable[[Record], str]:
    writers = {"late": _late, "dead-letters": _dead_letter, "segments": _change}
    return writers.get(kind, _cloud_event)


def _late(record: Record) -> str:
    return canonical([str(record.key), str(record.value)])


def _dead_letter(record: Record) -> str:
    place = [record.header(ERRORS + name) for name in ("partition", "offset")]
    stage = (record.header(ERRORS + "stage") or "").replace("read", "route")
    return canonical([*map(int, filter(None, place)), stage, str(record.value)])


def _change(record: Record) -> str:
    """Write a change of a membership, with the number that its id ends with."""
    number = int((record.header("ce_id") or "").rpartition("-")[2])
    return canonical([*_parts(record), number])


def _cloud_event(record: Record) -> str:
    return canonical(_parts(record))


def _parts(record: Record) -> list[object]:
    """Return a result without what the oracle does not know."""
    assert record.header("ce_specversion") == "1.0"
    assert record.header("content-type") == "application/json"
    subject = record.header("ce_subject")
    assert record.key == (subject or "").encode()
    data = {k: v for k, v in as_json(record).items() if k not in {"session_id", "instance"}}
    return [record.header("ce_type"), subject, record.header("ce_time"), data]


def _whole(record: Record) -> str:
    return canonical([str(record.key), str(record.value), [map(str, h) for h in record.headers]])


def _versions(rules: Rules) -> dict[str, str]:
    config = Config.model_validate(rules.as_config())
    return {
        name: rule_version(rule)
        for name, rule in [*config.triggers.items(), *config.segments.items()]
    }
