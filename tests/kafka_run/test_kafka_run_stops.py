"""How a run on topics ends: nothing stays unsent, nothing of it stays behind."""

import time
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from broker.topics import Kafka
from kafka_arrivals import PARTITIONS, RULES, Arrivals
from kafka_running import KafkaRun
from kafka_verifier import verify


@pytest.mark.parametrize("delivery", ["exact", "fast"])
def test_sigterm_in_the_midst_of_events_leaves_nothing_unsent(
    kafka: Kafka, tmp_path: Path, delivery: str
) -> None:
    topic = kafka.topic("stopped", PARTITIONS)
    run = KafkaRun(tmp_path, kafka.bootstrap, topic, RULES, sink={"delivery": delivery})
    with Arrivals(kafka.bootstrap, topic, seed=3, rate=500), run.started() as running:
        running.wait_for_workers()
        running.wait_for_results("triggers")
        assert running.stop() == 0
    counts = run.counts
    sent = {kind: len(run.results(kind)) for kind in ("sessions", "triggers", "late")}
    messages = counts.get("sent cart_abandoned", 0) + counts["sent welcome"]
    assert sent == {
        "sessions": counts.get("sessions", 0),
        "triggers": messages,
        "late": counts.get("late", 0),
    }
    assert list((run.state / "outbox").glob("*")) == []


def test_a_second_run_on_the_same_state_is_refused_with_one_message(
    kafka: Kafka, tmp_path: Path
) -> None:
    topic = kafka.topic("taken", 1)
    run = KafkaRun(tmp_path, kafka.bootstrap, topic, RULES)
    with run.started() as running:
        running.wait_for_all_read()
        workers = running.workers()
        before = run.log.read_text()
        second = run.start()
        assert second.process.wait(30) == 1
        (said,) = [
            line
            for line in run.log.read_text().removeprefix(before).splitlines()
            if line.startswith("cartwheel: ")
        ]
        assert "in use" in said
        assert running.workers() == workers
        assert running.stop() == 0


def test_a_topic_that_is_deleted_while_it_is_read_ends_the_run_with_a_message(
    kafka: Kafka, tmp_path: Path
) -> None:
    """Three workers: those that read other partitions do not go on without it."""
    topic = kafka.topic("deleted", PARTITIONS)
    run = KafkaRun(tmp_path, kafka.bootstrap, topic, RULES, workers=3)
    with run.started() as running:
        running.wait_for_all_read()
        admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
        admin.delete_topics([topic])
        admin.close()
        assert running.wait() == 1
    assert f"topic {topic} does not exist" in run.last_error()
    assert "tried 5 times; the state is unharmed" in run.last_error()


def test_a_full_disk_says_so_and_nothing_is_lost_when_there_is_room(
    kafka: Kafka, tmp_path: Path
) -> None:
    """A limit on the size of each file stands for it."""
    topic = kafka.topic("full", PARTITIONS)
    with Arrivals(kafka.bootstrap, topic, seed=4, rate=4000) as arrivals:
        time.sleep(2)
        arrivals.finish()
    run = KafkaRun(tmp_path, kafka.bootstrap, topic, RULES, epoch="1s")
    run.before = ("sh", "-c", 'ulimit -f 400; exec "$@"', "sh")
    assert run.ended() == 1
    assert "cannot be " in run.last_error()
    run.before = ()
    with run.started() as running:
        running.wait_for_all_read()
        assert running.stop() == 0
    verdict = verify(run)
    assert (verdict.lost + verdict.surplus + verdict.duplicated).total() == 0, verdict.examples


def test_another_delivery_at_the_next_start_neither_loses_nor_repeats_anything(
    kafka: Kafka, tmp_path: Path
) -> None:
    topic = kafka.topic("changed", PARTITIONS)
    run = KafkaRun(tmp_path, kafka.bootstrap, topic, RULES)
    with Arrivals(kafka.bootstrap, topic, seed=5, rate=1000) as arrivals:
        for delivery in ("exact", "fast", "exact"):
            run.sink["delivery"] = delivery
            with run.started() as running:
                running.wait_for_workers()
                running.wait_for_results()
                if delivery == "exact":
                    running.kill_supervisor()  # with results in the outbox
                else:
                    assert running.stop() == 0
        arrivals.finish()
    with run.started() as running:
        running.wait_for_all_read()
        assert running.stop() == 0
    verdict = verify(run)
    assert (verdict.lost + verdict.surplus + verdict.duplicated).total() == 0, verdict.examples
