"""A broker that goes away and comes back, reached with TLS and a password."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_kafka_run_source import events

from broker.broker import Broker
from broker.topics import Kafka
from kafka_arrivals import PARTITIONS, RULES, Arrivals
from kafka_running import KafkaRun, produce
from kafka_verifier import verify

SLOW_ROUNDS = 30


@pytest.fixture(scope="module")
def own(start_broker: Callable[..., Broker]) -> Broker:
    return start_broker(secure=True)


def secured(own: Broker) -> dict[str, Any]:
    """Say how the source and the sink reach the listener that asks for a password."""
    access = own.access
    return {
        "brokers": access.bootstrap,
        "security": {
            "protocol": "SASL_SSL",
            "mechanism": "SCRAM-SHA-512",
            "username": access.user,
            "password": access.password,
            "ca": str(access.certificate),
        },
    }


def away(own: Broker, seconds: float, run: KafkaRun) -> None:
    """Take the broker away for a while: nobody crashes, and it catches up; each result once."""
    with Arrivals(own.bootstrap, run.topic, seed=6) as arrivals, run.started() as running:
        workers = running.wait_for_workers()
        running.wait_for_results()
        own.kill()
        time.sleep(seconds)
        own.start()
        time.sleep(1)
        arrivals.finish()
        running.wait_for_all_read()
        assert running.workers() == workers, run.log.read_text()
        assert running.stop() == 0
    verdict = verify(run)
    assert all(verdict.expected.values()), verdict
    assert (verdict.lost + verdict.surplus + verdict.duplicated).total() == 0, verdict.examples


def test_a_broker_that_is_gone_for_a_while_is_waited_for(own: Broker, tmp_path: Path) -> None:
    topic = Kafka(own.bootstrap).topic("away", PARTITIONS)
    run = KafkaRun(tmp_path, own.bootstrap, topic, RULES, workers=2)
    run.source |= secured(own)
    run.sink |= secured(own)
    away(own, 20, run)


@pytest.mark.torture
@pytest.mark.parametrize("delivery", ["exact", "fast"])
def test_a_broker_that_is_gone_for_two_minutes_is_waited_for(
    own: Broker, tmp_path: Path, delivery: str
) -> None:
    topic = Kafka(own.bootstrap).topic("long-away", PARTITIONS)
    sink = {"delivery": delivery}
    run = KafkaRun(tmp_path, own.bootstrap, topic, RULES, workers=3, sink=sink)
    away(own, 120, run)


@pytest.mark.torture
@pytest.mark.parametrize("delivery", ["exact", "fast"])
def test_a_broker_that_stands_still_again_and_again_loses_nothing(
    own: Broker, tmp_path: Path, delivery: str
) -> None:
    topic = Kafka(own.bootstrap).topic("slow", PARTITIONS)
    sink = {"delivery": delivery}
    run = KafkaRun(tmp_path, own.bootstrap, topic, RULES, workers=3, sink=sink)
    with Arrivals(own.bootstrap, topic, seed=7) as arrivals, run.started() as running:
        workers = running.wait_for_workers()
        running.wait_for_results()
        for _ in range(SLOW_ROUNDS):
            own.pause()
            time.sleep(0.7)
            own.resume()
            time.sleep(0.3)
        arrivals.finish()
        running.wait_for_all_read()
        assert running.workers() == workers, run.log.read_text()
        assert running.stop() == 0
    verdict = verify(run)
    assert all(verdict.expected.values()), verdict
    assert (verdict.lost + verdict.surplus + verdict.duplicated).total() == 0, verdict.examples


def test_asked_to_stop_while_the_broker_is_away_it_ends_soon_and_the_next_start_sends(
    own: Broker, tmp_path: Path
) -> None:
    topic = Kafka(own.bootstrap).topic("stopped-away", PARTITIONS)
    run = KafkaRun(tmp_path, own.bootstrap, topic, RULES, workers=2, epoch="4s")
    with run.started() as running:
        running.wait_for_all_read()
        produce(own.bootstrap, topic, *events("a", "b", "c"))
        running.wait_until(lambda: any((run.state / "outbox").glob("*")))
        own.kill()
        time.sleep(5)  # by now it is committed, and there is nobody to send it to
        asked = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        assert running.wait() == 0
        assert time.monotonic() - asked < 25  # an epoch of 4 s, an attempt of 5 s, a busy machine
    assert any((run.state / "outbox").glob("*"))
    own.start()
    with run.started() as running:
        running.wait_until(lambda: not any((run.state / "outbox").glob("*")))
        running.wait_for_all_read()
        assert running.stop() == 0
    sent = [record.header("ce_subject") for record in run.results("triggers")]
    assert sorted(map(str, sent)) == ["a", "b", "c"]


def test_passwords_are_nowhere_in_the_state_nor_in_a_command_nor_in_what_is_said(
    own: Broker, tmp_path: Path
) -> None:
    topic = Kafka(own.bootstrap).topic("secret", PARTITIONS)
    run = KafkaRun(tmp_path, own.bootstrap, topic, RULES, workers=2)
    run.source |= secured(own)
    run.sink |= secured(own)
    produce(own.bootstrap, topic, *events("a"))
    with run.started() as running:
        running.wait_for_all_read()
        pids = [running.process.pid, *running.workers()]
        commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids]
        secret = own.access.password.encode()
        files = [file for file in run.state.rglob("*") if file.is_file()]
        running.wait_until(lambda: bool(run.results("triggers")))
        running.kill_supervisor()  # so that what is written meanwhile stays
    assert len(files) > 10
    files = [file for file in run.state.rglob("*") if file.is_file()]
    assert not [str(file) for file in [*files, run.log] if secret in file.read_bytes()]
    assert not [command for command in commands if secret in command]
