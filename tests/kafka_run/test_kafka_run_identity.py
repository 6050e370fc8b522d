"""Identity on topics: whoever is killed in between, each link is told once, as in a replay."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from broker.topics import Kafka
from kafka_running import KafkaRun, as_json, produce
from oracle import Rules
from oracle.writing import MISSING, START_MS, stamp, write
from replaying import Replay

MINUTE_MS = 60_000
VISITORS = 12


class Linking(Rules):
    """Rules with anonymous ids that are linked to customers."""

    def as_config(self) -> dict[str, Any]:
        return {**super().as_config(), "identity": {}}


RULES = Linking(
    triggers={
        "cart": {"on": "Product Added", "after_ms": 30 * MINUTE_MS, "cancel": ["Order Completed"]},
        "welcome": {"on": "identify", "again_ms": 86_400_000},
    },
    features={"adds": {"count": "Product Added"}},
    segments={"keen": "adds >= 2"},
    disorder_ms=0,
)


def event(minute: float, name: str, anonymous: str, user: object = MISSING) -> tuple[bytes, bytes]:
    """Write a record whose key is the anonymous id, as a browser's events often have it."""
    kind = {"type": name} if name in {"identify", "page"} else {"type": "track", "event": name}
    line = {
        **kind,
        "messageId": f"{anonymous} {minute}",
        "anonymousId": anonymous,
        "userId": user,
        "timestamp": stamp(START_MS + int(minute * MINUTE_MS)),
    }
    return anonymous.encode(), write(line)


BROWSING = [event(minute, "Product Added", f"a{n}") for minute in range(2) for n in range(VISITORS)]
LINKING = [event(3, "identify", f"a{n}", f"u{n // 2}") for n in range(VISITORS)]
AFTER = [
    *(event(4, "Product Added", f"a{n}") for n in range(VISITORS)),
    event(5, "Order Completed", "a0"),
    event(6, "identify", "a1", "u5"),
    event(7, "Product Added", "a1"),
    event(90, "page", "z"),
]


def test_links_are_told_and_hold_once_whatever_is_killed_in_between(
    kafka: Kafka, tmp_path: Path
) -> None:
    topic = kafka.topic("identity", 1)
    run = KafkaRun(
        tmp_path,
        kafka.bootstrap,
        topic,
        RULES,
        source={"readers": 1},
        workers=2,
        sink={"delivery": "exact"},
    )
    with run.started() as running:
        produce(run.bootstrap, topic, *BROWSING)
        running.wait_for_results("segments")
        running.kill_supervisor()
    produce(run.bootstrap, topic, *LINKING)
    with run.started() as running:
        running.wait_for_results("identity")
        running.kill_supervisor()
    produce(run.bootstrap, topic, *AFTER)
    with run.started() as running:
        running.wait_for_all_read()
        assert running.stop() == 0
    links = Counter(as_json(record)["anonymous"] for record in run.results("identity"))
    assert links == {f"a{n}": 1 for n in range(VISITORS)}
    assert run.counts["merged"] == VISITORS
    file, config = tmp_path / "events.jsonl", tmp_path / "replayed.yaml"
    file.write_bytes(b"\n".join(line for _, line in [*BROWSING, *LINKING, *AFTER]))
    config.write_text(json.dumps(RULES.as_config()))
    replay = Replay(tmp_path / "replay", [file], config=config)
    replay.done()
    for kind in ("identity", "sessions", "segments", "triggers", "decisions"):
        lines = (replay.out / f"{kind}.jsonl").read_bytes().splitlines()
        expected = {line["id"]: line["data"] for line in map(json.loads, lines)}
        assert expected, kind
        sent = run.results(kind)
        assert {record.header("ce_id"): as_json(record) for record in sent} == expected, kind
        assert len(sent) == len(expected)
