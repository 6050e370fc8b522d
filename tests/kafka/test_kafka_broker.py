"""The broker that other tests rely on: that it is a real one, and that it leaves nothing behind."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient
from ruamel.yaml import YAML

from broker.broker import Broker
from broker.distribution import cache_folder, class_path, kafka_version
from broker.errors import BrokerError
from broker.ports import answers
from broker.process_mark import mark_process
from broker.settings import SINGLE_NODE
from broker.topics import Kafka

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def own(start_broker: Callable[..., Broker]) -> Broker:
    return start_broker(secure=True)


@pytest.mark.parametrize("codec", [None, "gzip", "snappy", "lz4", "zstd"])
def test_what_is_produced_is_consumed_in_order_with_every_codec(
    kafka: Kafka, codec: str | None
) -> None:
    topic = kafka.topic("round-trip")
    values = [b"event %d" % number for number in range(1000)]
    kafka.produce(topic, *values, compression_type=codec)
    assert kafka.read_all(topic) == values


def test_each_topic_is_new_and_has_the_partitions_asked_for(kafka: Kafka) -> None:
    first, second = kafka.topic("same-name", 3), kafka.topic("same-name", 1)
    consumer = KafkaConsumer(bootstrap_servers=kafka.bootstrap)
    try:
        assert consumer.partitions_for_topic(first) == {0, 1, 2}
        assert consumer.partitions_for_topic(second) == {0}
    finally:
        consumer.close()


def test_a_topic_is_not_made_by_writing_to_it(kafka: Kafka) -> None:
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap, max_block_ms=1000)
    try:
        with pytest.raises(KafkaError):
            producer.send("no-such-topic", b"lost").get(timeout=5)
    finally:
        producer.close()
    consumer = KafkaConsumer(bootstrap_servers=kafka.bootstrap)
    try:
        assert "no-such-topic" not in consumer.topics()
    finally:
        consumer.close()


def test_read_committed_sees_what_was_committed_and_not_what_was_aborted(kafka: Kafka) -> None:
    topic = kafka.topic("transactions")
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap, transactional_id=f"id-of-{topic}")
    try:
        producer.init_transactions()
        for value, end in [
            (b"committed", producer.commit_transaction),
            (b"aborted", producer.abort_transaction),
            (b"committed later", producer.commit_transaction),
        ]:
            producer.begin_transaction()
            producer.send(topic, value, partition=0)
            producer.flush()
            end()
    finally:
        producer.close()
    committed = kafka.read_all(topic, isolation_level="read_committed")
    assert committed == [b"committed", b"committed later"]
    everything = kafka.read_all(topic, isolation_level="read_uncommitted")
    assert everything == [b"committed", b"aborted", b"committed later"]


def login(broker: Broker, **changed: object) -> dict[str, object]:
    """What a client of the secure listener needs."""
    return {
        "security_protocol": "SASL_SSL",
        "ssl_cafile": str(broker.access.certificate),
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": broker.access.user,
        "sasl_plain_password": broker.access.password,
        **changed,
    }


def test_the_secure_listener_takes_the_right_password(own: Broker) -> None:
    secure, topic = Kafka(own.access.bootstrap), Kafka(own.bootstrap).topic("secret")
    secure.produce(topic, b"through TLS", **login(own))
    assert secure.read_all(topic, **login(own)) == [b"through TLS"]
    assert Kafka(own.bootstrap).read_all(topic) == [b"through TLS"]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        # a broker that is busy sometimes hangs up before its refusal has come
        ({"sasl_plain_password": "wrong"}, "invalid credentials|socket disconnected"),
        ({"ssl_cafile": None}, "self-signed certificate"),
        ({"security_protocol": "SASL_PLAINTEXT"}, "socket disconnected"),
    ],
    ids=["a wrong password", "who does not trust it", "who comes without TLS"],
)
def test_the_secure_listener_turns_away(
    own: Broker, wrong: dict[str, object], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"bootstrap_servers": own.access.bootstrap, **login(own, **wrong)}
    clients: list[Any] = []

    def client(**config: Any) -> Any:
        clients.append(KafkaNetClient(**config))
        return clients[-1]

    try:
        with pytest.raises(KafkaError):
            KafkaConsumer(bootstrap_timeout_ms=1000, kafka_client=client, **settings)
    finally:
        for each in clients:  # a consumer that was never made leaves its thread
            each.close()
    assert re.search(reason, caplog.text)


def test_a_restart_keeps_address_and_data(own: Broker) -> None:
    topic, address, before = Kafka(own.bootstrap).topic("kept"), own.bootstrap, own.mark
    Kafka(own.bootstrap).produce(topic, b"before")
    own.restart()
    assert own.bootstrap == address
    assert not before.runs()
    Kafka(own.bootstrap).produce(topic, b"after")
    assert Kafka(own.bootstrap).read_all(topic) == [b"before", b"after"]


def test_a_killed_broker_comes_back_with_what_it_had_confirmed(own: Broker) -> None:
    topic = Kafka(own.bootstrap).topic("killed")
    Kafka(own.bootstrap).produce(topic, b"before")
    own.kill()
    assert not answers(int(own.bootstrap.split(":")[1]))
    own.start()
    assert Kafka(own.bootstrap).read_all(topic) == [b"before"]


def test_a_paused_broker_answers_once_it_goes_on(own: Broker) -> None:
    topic = Kafka(own.bootstrap).topic("paused")
    producer = KafkaProducer(bootstrap_servers=own.bootstrap)
    try:
        producer.send(topic, b"first").get(timeout=20)
        own.pause()
        sent = producer.send(topic, b"second")
        with pytest.raises(KafkaError):
            sent.get(timeout=0.5)
        own.resume()
        assert sent.get(timeout=20).offset == 1
    finally:
        own.resume()
        producer.close()


def ended(runs: Callable[[], bool], within_s: float = 10) -> bool:
    """Tell whether something ends in time."""
    until = time.monotonic() + within_s
    while runs() and time.monotonic() < until:
        time.sleep(0.05)
    return not runs()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of our own, with what has been fetched already."""
    fetched = list(cache_folder().glob(f"kafka-{kafka_version()}*"))
    ours = tmp_path / "cache" / "cartwheel"
    ours.mkdir(parents=True)
    for path in fetched:
        (ours / path.name).symlink_to(path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(ours.parent))
    return ours


def command(word: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "broker", word], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def other_process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_the_development_broker_is_started_once_and_stop_ends_only_it(
    kafka: Kafka, cache: Path, other_process: subprocess.Popen[bytes]
) -> None:
    address = command("start")
    note = cache / "kafka-broker" / "process.json"
    try:
        assert command("start") == address
        assert answers(int(address.split(":")[1]))
        pid, started, _ = json.loads(note.read_text())
    finally:
        said = command("stop")
    assert said == "stopped"
    assert mark_process(pid) is None
    assert command("stop") == "no broker was running"
    consumer = KafkaConsumer(bootstrap_servers=kafka.bootstrap)
    try:
        assert consumer.topics() is not None
    finally:
        consumer.close()

    # The number of a broker that is gone may have been given to another process.
    note.write_text(json.dumps([other_process.pid, started, address]))
    assert command("stop") == "no broker was running"
    assert mark_process(other_process.pid) is not None


@pytest.mark.usefixtures("kafka")
def test_the_broker_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "broker", "keep", str(tmp_path), str(os.getpid())]
    note = tmp_path / "kafka.json"
    with subprocess.Popen(words, cwd=ROOT) as keeper:
        try:
            assert ended(lambda: not note.exists(), within_s=60)
            address, reason = json.loads(note.read_text())
            assert reason == ""
            port = int(address.split(":")[1])
            assert answers(port)
        finally:
            keeper.kill()
    assert ended(lambda: answers(port))


FAKE_MAVEN = """#!/bin/sh
echo called >> {log}
sleep 0.5
{then}
"""


def fake_maven(folder: Path, monkeypatch: pytest.MonkeyPatch, then: str) -> Path:
    """Put a Maven on PATH that fetches nothing; return where it writes its calls."""
    log, program = folder / "calls", folder / "bin" / "mvn"
    program.parent.mkdir()
    program.write_text(FAKE_MAVEN.format(log=log, then=then))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    return log


def test_processes_that_start_together_fetch_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    makes = 'for word; do case $word in -DoutputDirectory=*) mkdir "${word#*=}";; esac; done'
    log = fake_maven(tmp_path, monkeypatch, makes)
    words = [sys.executable, "-c", "from broker.distribution import class_path; class_path()"]
    together = [subprocess.Popen(words, cwd=ROOT) for _ in range(3)]
    assert [process.wait(30) for process in together] == [0, 0, 0]
    assert log.read_text() == "called\n"
    assert class_path() == f"{tmp_path}/cache/cartwheel/kafka-{kafka_version()}/*"


def test_a_fetch_that_fails_says_why_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_maven(tmp_path, monkeypatch, "echo no network; exit 1")
    with pytest.raises(BrokerError, match="mvn failed: no network"):
        class_path()
    left = [path.name for path in (tmp_path / "cache" / "cartwheel").iterdir()]
    assert all(name.endswith(".lock") for name in left)


def run_tests(*words: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run pytest as a user would, not as a worker of this run."""
    ours = ("PYTEST_", "REQUIRE_KAFKA", "JAVA_HOME")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words],
        cwd=cwd,
        env={**environment, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def run_without_java(tmp_path: Path, *words: str, **environ: str) -> tuple[int, str]:
    (tmp_path / "empty").mkdir()
    base = f"--basetemp={tmp_path / 'base'}"
    tests = ["tests/kafka/test_kafka_broker.py", "-k", "with_every_codec or restart"]
    done = run_tests(base, *tests, *words, cwd=ROOT, PATH=str(tmp_path / "empty"), **environ)
    return done.returncode, done.stdout


def test_without_java_the_tests_are_skipped_and_the_run_says_so(tmp_path: Path) -> None:
    code, said = run_without_java(tmp_path)
    assert code == 0
    assert re.search(r"!!! 6 Kafka tests SKIPPED !!!+\nno Kafka: java was not found", said)
    assert "6 skipped" in said


def test_without_java_a_run_with_workers_says_so_too(tmp_path: Path) -> None:
    code, said = run_without_java(tmp_path, "-n", "1")
    assert code == 0
    assert re.search(r"!!! 6 Kafka tests SKIPPED !!!+\nno Kafka: java was not found", said)


def test_without_java_the_tests_fail_where_kafka_is_required(tmp_path: Path) -> None:
    code, said = run_without_java(tmp_path, REQUIRE_KAFKA="1")
    assert code == 1
    assert "REQUIRE_KAFKA is set, but there is no Kafka: java was not found" in said
    assert "6 errors" in said
    assert "skipped" not in said


USES_KAFKA = """
from pathlib import Path
import pytest

@pytest.mark.parametrize("number", range(2))
def test_uses_kafka(kafka, number, worker_id):
    kafka.topic("any")
    Path(worker_id).write_text(kafka.bootstrap)
"""


def test_the_workers_of_a_run_share_a_broker_and_it_ends_with_the_run(
    kafka: Kafka, tmp_path: Path
) -> None:
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_uses_kafka.py").write_text(USES_KAFKA)
    base = f"--basetemp={tmp_path / 'base'}"
    done = run_tests("-n", "2", base, cwd=tmp_path, PYTHONPATH=str(ROOT))
    assert "2 passed" in done.stdout, done.stdout
    addresses = {(tmp_path / worker).read_text() for worker in ("gw0", "gw1")}
    assert len(addresses) == 1
    assert kafka.bootstrap not in addresses
    port = int(addresses.pop().split(":")[1])
    assert ended(lambda: answers(port))


def test_docker_compose_has_the_same_version_and_settings() -> None:
    service = YAML(typ="safe").load(ROOT / "docker-compose.yml")["services"]["kafka"]
    assert service["image"] == f"apache/kafka:{kafka_version()}"
    environment = {f"KAFKA_{name.upper().replace('.', '_')}": name for name in SINGLE_NODE}
    told = {environment.get(name): value for name, value in service["environment"].items()}
    assert {name: told.get(name) for name in SINGLE_NODE} == dict(SINGLE_NODE)
