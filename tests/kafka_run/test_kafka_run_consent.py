"""Consent on topics: what is revoked while a run goes on ends there, once, as in a replay."""

import json
from pathlib import Path
from typing import Any

from broker.topics import Kafka
from kafka_running import KafkaRun, as_json, produce
from oracle import Rules
from oracle.writing import event_line
from replaying import Replay

RULES = Rules(
    triggers={
        "seen": {"on": "Product Viewed", "channel": "email"},
        "cart": {"on": "Product Added", "after_ms": 1_800_000, "channel": "email"},
    },
    features={"views": {"count": "Product Viewed"}},
    segments={"viewers": "views >= 1"},
    consent={"default": "deny"},
    purposes={"profiling": "Functional", "channels": {"email": "Advertising"}},
    disorder_ms=0,
)


def says(line: bytes, **preferences: bool) -> bytes:
    event: dict[str, Any] = json.loads(line)
    return json.dumps(
        {**event, "context": {"consent": {"categoryPreferences": preferences}}}
    ).encode()


def view(minute: float, name: str, customer: str = "ann") -> bytes:
    return event_line(minute, "Product Viewed", name, customer=customer)


GRANTED = [
    view(0, "a0"),  # nothing is permitted yet
    says(view(1, "a1"), Functional=True, Advertising=True),
    event_line(2, "Product Added", "a2", customer="ann"),
    says(event_line(3, "Product Added", "b1", customer="bob"), Functional=True, Advertising=True),
    view(4, "e1", "eve"),
]
REVOKED = [
    says(view(5, "a3"), Functional=False),
    view(6, "a4"),
    says(view(7, "b2", "bob"), Advertising=False),
    view(60, "b3", "bob"),
]


def test_what_is_revoked_while_a_run_goes_on_is_neither_kept_nor_sent(
    kafka: Kafka, tmp_path: Path
) -> None:
    topic = kafka.topic("consent", 1)
    run = KafkaRun(tmp_path, kafka.bootstrap, topic, RULES, source={"readers": 1}, workers=2)
    with run.started() as running:
        produce(run.bootstrap, topic, *((None, line) for line in GRANTED))
        running.wait_for_results("triggers")
        running.kill_supervisor()
    produce(run.bootstrap, topic, *((None, line) for line in REVOKED))
    with run.started() as running:
        running.wait_for_all_read()
        assert running.stop() == 0
    decided = [
        (str(record.header("ce_subject")), data["trigger"], data["outcome"], data["cause"])
        for record in run.results("decisions")
        for data in [as_json(record)]
    ]
    assert sorted(decided, key=str) == [
        ("ann", "cart", "suppressed", "a3"),
        ("ann", "seen", "sent", None),
        ("bob", "cart", "suppressed", "b2"),
        ("bob", "seen", "suppressed", "b2"),
        ("bob", "seen", "suppressed", None),
    ]
    assert run.counts["no_consent"] == 4
    file, config = tmp_path / "events.jsonl", tmp_path / "replayed.yaml"
    file.write_bytes(b"\n".join([*GRANTED, *REVOKED]))
    config.write_text(json.dumps(RULES.as_config()))
    replay = Replay(tmp_path / "replay", [file], config=config)
    replay.done()
    for kind in ("sessions", "segments", "triggers", "decisions"):
        lines = (replay.out / f"{kind}.jsonl").read_bytes().splitlines()
        expected = {line["id"]: line["data"] for line in map(json.loads, lines)}
        sent = run.results(kind)
        assert {record.header("ce_id"): as_json(record) for record in sent} == expected, kind
        assert len(sent) == len(expected)
