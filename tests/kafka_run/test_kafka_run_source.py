"""Where a run begins to read a topic, what it does about gaps and new partitions, what it notes."""

import time
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, TopicPartition

from broker.topics import Kafka
from kafka_arrivals import START_MS
from kafka_running import KafkaRun, as_json, end_offsets, produce
from oracle import Rules
from oracle.writing import MINUTE_MS, stamp, write

RULES = Rules(triggers={"welcome": {"on": "Signed Up", "after_ms": 0}}, disorder_ms=60 * MINUTE_MS)


def events(*names: str, time_ms: int = START_MS) -> list[tuple[bytes, bytes]]:
    """Write one event for each customer."""
    return [
        (
            name.encode(),
            write(
                {
                    "userId": name,
                    "type": "track",
                    "event": "Signed Up",
                    "messageId": f"m-{name}-{time_ms}",
                    "timestamp": stamp(time_ms),
                }
            ),
        )
        for name in names
    ]


def customers(run: KafkaRun) -> list[str | None]:
    """Name who was sent a message, each as often as one was."""
    return sorted(record.header("ce_subject") for record in run.results("triggers"))


def read_all_and_stop(run: KafkaRun) -> None:
    with run.started() as running:
        running.wait_for_all_read()
        assert running.stop() == 0


def test_partitions_that_are_added_are_read_from_their_beginning(
    kafka: Kafka, tmp_path: Path
) -> None:
    topic = kafka.topic("growing", 2)
    run = KafkaRun(tmp_path, kafka.bootstrap, topic, RULES, source={"readers": 2})
    produce(kafka.bootstrap, topic, *events("a"), partition=0)
    with run.started() as running:
        running.wait_for_all_read()
        admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
        admin.create_partitions({topic: 4})
        admin.close()
        running.wait_until(lambda: len(end_offsets(kafka.bootstrap, topic)) == 4)
        for partition, name in enumerate("bcde"):
            produce(kafka.bootstrap, topic, *events(name), partition=partition)
        running.wait_for_all_read()
        assert running.stop() == 0
    assert customers(run) == ["a", "b", "c", "d", "e"]


def test_partitions_added_between_runs_are_read_from_their_beginning_also_with_start_latest(
    kafka: Kafka, tmp_path: Path
) -> None:
    topic = kafka.topic("grown", 1)
    source = {"readers": 2, "start": "latest"}
    run = KafkaRun(tmp_path, kafka.bootstrap, topic, RULES, source=source)
    produce(kafka.bootstrap, topic, *events("before"))
    with run.started() as running:
        running.wait_for_offsets({0: 1})
        produce(kafka.bootstrap, topic, *events("a"))
        running.wait_for_all_read()
        assert running.stop() == 0
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.create_partitions({topic: 3})
    admin.close()
    for partition, name in enumerate("bcd"):
        produce(kafka.bootstrap, topic, *events(name), partition=partition)
    read_all_and_stop(run)
    assert customers(run) == ["a", "b", "c", "d"]


def test_start_at_a_time_begins_with_the_first_record_from_then_on(
    kafka: Kafka, tmp_path: Path
) -> None:
    topic = kafka.topic("timed", 2)
    now = int(time.time() * 1000)
    for name, partition, ago in [("old", 0, 3), ("older", 1, 4), ("new", 0, 1), ("at", 1, 2)]:
        sent = now - ago * MINUTE_MS
        produce(kafka.bootstrap, topic, *events(name), partition=partition, timestamp_ms=sent)
    source = {"start": stamp(now - 2 * MINUTE_MS).replace("999Z", "Z"), "readers": 2}
    run = KafkaRun(tmp_path, kafka.bootstrap, topic, RULES, source=source)
    read_all_and_stop(run)
    assert customers(run) == ["at", "new"]


def test_what_was_due_before_live_from_is_decided_and_not_sent(
    kafka: Kafka, tmp_path: Path
) -> None:
    topic = kafka.topic("first-start", 1)
    produce(kafka.bootstrap, topic, *events("old-1", "old-2"))
    source = {"live_from": "now", "readers": 1}
    run = KafkaRun(tmp_path, kafka.bootstrap, topic, RULES, source=source)
    with run.started() as running:
        running.wait_for_all_read()
        now_ms = int(time.time() * 1000)
        produce(kafka.bootstrap, topic, *events("new-1", time_ms=now_ms))
        running.wait_for_all_read()
        assert running.stop() == 0
    now_ms = int(time.time() * 1000)
    old = START_MS + MINUTE_MS
    produce(kafka.bootstrap, topic, *events("new-2", time_ms=now_ms), *events("late", time_ms=old))
    read_all_and_stop(run)  # the moment of the first start is kept
    decided = {
        record.header("ce_subject"): (as_json(record)["outcome"], as_json(record)["reason"])
        for record in run.results("decisions")
    }
    not_live, sent = ("suppressed", "not_live"), ("sent", None)
    assert decided == {"old-1": not_live, "old-2": not_live, "new-1": sent, "new-2": sent}
    assert customers(run) == ["new-1", "new-2"]
    assert run.counts["late"] == 1


def test_an_offset_that_is_gone_is_refused_with_the_numbers_or_accepted(
    kafka: Kafka, tmp_path: Path
) -> None:
    topic = kafka.topic("gap", 2)
    run = KafkaRun(tmp_path, kafka.bootstrap, topic, RULES, source={"readers": 1})
    produce(kafka.bootstrap, topic, *events("a", "b"), partition=1)
    read_all_and_stop(run)
    produce(kafka.bootstrap, topic, *events("c", "d", "e"), partition=1)
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.delete_records({TopicPartition(topic, 1): 4})
    admin.close()
    assert run.ended() == 1
    said = run.last_error()
    assert f"topic {topic}, partition 1: offset 2 is to be read next" in said
    assert "the broker has 4 to 5" in said
    assert "on_gap: accept" in said
    run.source["on_gap"] = "accept"
    read_all_and_stop(run)
    assert customers(run) == ["a", "b", "e"]


def test_the_groups_offsets_reach_the_end_within_two_epochs_also_when_idle(
    kafka: Kafka, tmp_path: Path
) -> None:
    topic = kafka.topic("lag", 4)
    run = KafkaRun(tmp_path, kafka.bootstrap, topic, RULES, epoch="1s")
    run.source["group"] = f"first-{topic}"
    with run.started() as running:
        running.wait_for_offsets(dict.fromkeys(range(4), 0))
        produce(kafka.bootstrap, topic, *events(*(f"u{number}" for number in range(50))))
        ends = end_offsets(kafka.bootstrap, topic)
        begun = time.monotonic()
        running.wait_for_offsets(ends)
        assert time.monotonic() - begun < 2 + 1  # one second to ask about it
        assert running.stop() == 0
    run.source["group"] = f"second-{topic}"  # nothing comes any more, and still they are noted
    with run.started() as running:
        running.wait_for_offsets(ends)
        assert running.stop() == 0


@pytest.mark.parametrize("kind", ["sessions", "commits"])
def test_a_topic_of_results_that_is_not_there_is_named_at_the_start(
    kafka: Kafka, tmp_path: Path, kind: str
) -> None:
    topic = kafka.topic("no-results", 1)
    run = KafkaRun(tmp_path, kafka.bootstrap, topic, RULES, sink={"create": False})
    assert run.ended() == 1
    assert f"{run.prefix}{kind}" in run.last_error()
    assert "sinks.kafka.create: true" in run.last_error()
