"""Customers are forgotten on topics: by events while a run goes on, and by the command."""

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from broker.topics import Kafka
from cartwheel.app import main
from kafka_running import KafkaRun, Record, as_json, end_offsets, produce
from oracle import Rules
from oracle.writing import event_line

RULES = Rules(
    triggers={
        "seen": {"on": "Product Viewed"},
        "cart": {"on": "Product Added", "after_ms": 3_600_000},
    },
    segments={"viewers": "views >= 1"},
    features={"views": {"count": "Product Viewed"}},
    disorder_ms=0,
)
ANNA = "anna-4711@example.org"
MARKER = "qxzzy"


class Forgetting(KafkaRun):
    """A run that listens to events that forget, and whose segments are compacted."""

    def config(self) -> Path:
        path = super().config()
        told = json.loads(path.read_text())
        more = {"privacy": {"forget_events": True}, "state": {"compression": "none"}}
        path.write_text(json.dumps({**told, **more}))
        return path


def forget_line(minute: float, customer: str = ANNA, **more: Any) -> bytes:
    event = json.loads(event_line(minute, "x", f"forget-{minute}", customer=customer))
    del event["event"]
    return json.dumps({**event, "type": "cartwheel.forget", **more}).encode()


def send(run: KafkaRun, *lines: bytes) -> None:
    produce(
        run.bootstrap, run.topic, *((json.loads(each)["userId"].encode(), each) for each in lines)
    )


def make_compacted(bootstrap: str, topic: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        config = {"cleanup.policy": "compact"}
        admin.create_topics([NewTopic(topic, 1, 1, topic_configs=config)])
    finally:
        admin.close()


def life(begin: float, name: str = "a") -> list[bytes]:
    return [
        event_line(begin, "Product Viewed", f"{MARKER}-{name}1", customer=ANNA),
        event_line(begin + 1, "Product Added", f"{MARKER}-{name}2", customer=ANNA),
        event_line(begin + 1, "Product Viewed", f"bert-{name}", customer="bert"),
    ]


def has_results(run: KafkaRun, kind: str) -> bool:
    return sum(end_offsets(run.bootstrap, run.prefix + kind).values()) > 0


def of_anna(records: Sequence[Record]) -> list[Record]:
    return [each for each in records if each.key == ANNA.encode()]


@pytest.mark.parametrize("delivery", ["exact", "fast"])
def test_an_event_tells_consumers_and_clears_compacted_topics(
    kafka: Kafka, tmp_path: Path, delivery: str
) -> None:
    topic = kafka.topic("forgotten", 1)
    sink = {"delivery": delivery, "partitions": 1}
    run = Forgetting(tmp_path, kafka.bootstrap, topic, RULES, workers=2, sink=sink)
    make_compacted(kafka.bootstrap, run.prefix + "segments")
    with run.started() as running:
        send(run, *life(0))
        running.wait_until(lambda: has_results(run, "triggers"))  # it may be there already
        running.wait_for_all_read()
        send(run, forget_line(2, suppress=True), *life(3, "b"))
        running.wait_until(lambda: has_results(run, "customers"))  # it may be there already
        running.wait_for_all_read()
        time.sleep(1)  # three epochs
        assert found_in(run.state) == {}
        assert running.stop() == 0
    [told] = run.results("customers")
    assert told.key == ANNA.encode()
    assert told.header("ce_type") == "cartwheel.customer.deleted"
    assert as_json(told) == {"suppressed": True}
    assert [each.value is None for each in of_anna(run.results("segments"))] == [False, True]
    assert all(each.value is not None for each in run.results("triggers"))
    assert len(of_anna(run.results("triggers"))) == 1
    assert len(run.results("triggers")) == 3
    assert of_anna(run.results("decisions"))[-1].value is not None
    assert run.counts["suppressed_customers"] == 2
    [entry] = [json.loads(each) for each in (run.state / "audit.jsonl").read_text().splitlines()]
    assert entry["action"] == "forget"
    assert entry["suppressed"] is True
    assert entry["removed"]["pending_instances"] == 1
    assert entry["removed"]["memberships"] == 1


def found_in(folder: Path) -> dict[str, bytes]:
    """Search all files but Bytewax's for what anna's events had; the state is not compressed."""
    found = {}
    for path in folder.rglob("*"):
        try:
            data = path.read_bytes() if path.is_file() else b""
        except FileNotFoundError:  # the run goes on
            continue
        for needle in (ANNA.encode(), MARKER.encode()):
            if needle in data:
                found[str(path.relative_to(folder))] = needle
    return found


def test_killed_at_any_time_each_is_told_of_once(kafka: Kafka, tmp_path: Path) -> None:
    topic = kafka.topic("forgotten", 1)
    run = Forgetting(tmp_path, kafka.bootstrap, topic, RULES, workers=2, sink={"partitions": 1})
    lives = 8
    with run.started() as running:
        running.wait_for_workers()
        for number in range(lives):
            begin = 10.0 * number
            send(run, *life(begin, f"n{number}-"), forget_line(begin + 2))
            time.sleep(0.15)
            for pid in running.workers()[: number % 3]:
                os.kill(pid, signal.SIGKILL)
        running.wait_for_all_read()
        assert running.stop() == 0
    told = run.results("customers")
    assert Counter(each.key for each in told) == {ANNA.encode(): lives}
    assert len({each.header("ce_id") for each in told}) == lives
    others = [each for each in run.results("triggers") if each.key == b"bert"]
    assert len(others) == lives
    sent = [each.header("ce_id") for each in of_anna(run.results("triggers"))]
    assert len(set(sent)) == len(sent) <= lives  # what was not sent yet has gone
    entries = (run.state / "audit.jsonl").read_text().splitlines()
    assert sum(json.loads(each)["action"] == "forget" for each in entries) == lives
    assert found_in(run.state) == {}


@pytest.mark.parametrize("delivery", ["exact", "fast"])
def test_the_next_start_tells_what_the_command_has_forgotten(
    kafka: Kafka, tmp_path: Path, delivery: str
) -> None:
    topic = kafka.topic("forgotten", 1)
    sink = {"delivery": delivery, "partitions": 1}
    run = KafkaRun(tmp_path, kafka.bootstrap, topic, RULES, sink=sink)
    make_compacted(kafka.bootstrap, run.prefix + "segments")
    with run.started() as running:
        send(run, *life(0))
        running.wait_for_all_read()
        assert running.stop() == 0
    for _ in range(2):
        assert main(["state", "forget", ANNA, "--state", str(run.state)]) == 0
    for _ in range(2):  # the second start has nothing left to tell
        with run.started() as running:
            send(run, event_line(5, "Product Viewed", customer="cleo"))
            running.wait_for_all_read()
            assert running.stop() == 0
    told = run.results("customers")
    assert [each.key for each in told] == [ANNA.encode()] * 2
    assert len({each.header("ce_id") for each in told}) == 2
    values = [each.value for each in of_anna(run.results("segments"))]
    assert [each is None for each in values] == [False, True]
    assert len(of_anna(run.results("triggers"))) == 1
    assert all(each.value is not None for each in run.results("triggers"))
    assert found_in(run.state) == {}
