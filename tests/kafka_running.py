"""Runs ``cartwheel run`` on a real broker in processes of its own, as an operator does.

It can be waited for, disturbed and killed; what it leaves in topics is read with nothing of ours.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import RetriableError

from oracle import Rules
from replaying import leftover

PROJECT = Path(__file__).parents[1]
DEADLINE_S = 240.0
LONG_AGO = "2020-01-01T00:00:00Z"
_LOOK_EVERY_S = 0.05


class Record(NamedTuple):
    """A record of a topic."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

    def header(self, name: str) -> str | None:
        """Return a header that occurs at most once."""
        values = [value for key, value in self.headers if key == name]
        assert len(values) <= 1, f"{name} occurs {len(values)} times"
        return values[0].decode() if values else None


@dataclass
class KafkaRun:
    """A run command on topics, and the folder that it works in.

    Attributes:
        folder: holds the config, ``state`` and what it says.
        bootstrap: the broker's address.
        topic: where events come from; there is one of that name.
        rules: of the config.
        prefix: of the topics of results.
        workers: how many processes.
        source: further settings of ``source.kafka``.
        sink: further settings of ``sinks.kafka``.
        time: further settings of ``time``.
        epoch: how often it commits.
        options: further words of the command.
        before: words before the command, such as a shell that sets a limit.
    """

    folder: Path
    bootstrap: str
    topic: str
    rules: Rules = field(default_factory=Rules)
    prefix: str = ""
    workers: int = 1
    source: dict[str, Any] = field(default_factory=dict)
    sink: dict[str, Any] = field(default_factory=dict)
    time: dict[str, Any] = field(default_factory=dict)
    epoch: str = "300ms"
    options: Sequence[str] = ()
    before: Sequence[str] = ()

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.prefix = self.prefix or f"{self.topic}."
        self.source = {"live_from": LONG_AGO, **self.source}

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def log(self) -> Path:
        return self.folder / "said.txt"

    def config(self) -> Path:
        """Write the config as it stands now."""
        config = self.rules.as_config()
        config["time"] |= {"idle": "off", **self.time}
        config["epoch"] = {"every": self.epoch}
        config["source"] = {
            "kafka": {"brokers": self.bootstrap, "topic": self.topic, **self.source}
        }
        config["sinks"] = {"kafka": {"prefix": self.prefix, "create": True, **self.sink}}
        path = self.folder / "run.yaml"
        path.write_text(json.dumps(config))
        return path

    def command(self) -> list[str]:
        words = [*self.before, sys.executable, "-m", "cartwheel", "run", str(self.config())]
        words += ["--state", str(self.state), "--workers", str(self.workers)]
        return [*words, *self.options]

    @contextmanager
    def started(self) -> Iterator["RunningLive"]:
        """Start it; at the end nothing of it is left, whatever happened."""
        running = self.start()
        try:
            yield running
        finally:
            running.process.kill()
            running.process.wait()
            for pid in leftover(self.state):
                os.kill(pid, signal.SIGKILL)

    def start(self) -> "RunningLive":
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                self.command(),
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return RunningLive(self, process)

    def ended(self) -> int:
        """Run it, which must end by itself; return the exit code."""
        with self.started() as running:
            return running.wait()

    def info(self) -> dict[str, Any]:
        """Return what ``state info`` says; the run has stopped."""
        command = [sys.executable, "-m", "cartwheel", "state", "info", str(self.state), "--json"]
        done = subprocess.run(command, check=True, cwd=PROJECT, capture_output=True, text=True)
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    @property
    def counts(self) -> dict[str, int]:
        """Return the committed counts; the run has stopped."""
        counts: dict[str, int] = self.info()["progress"]["counts"]
        return counts

    def last_error(self) -> str:
        """Return the last thing that it has said for its user."""
        lines = self.log.read_text().splitlines()
        return [line for line in lines if line.startswith("cartwheel: ")][-1]

    def results(self, kind: str, **settings: Any) -> list[Record]:
        """Read a topic of results as it is now."""
        return read_topic(self.bootstrap, self.prefix + kind, **settings)

    def group_offsets(self) -> dict[int, int]:
        """Return the offsets that the group's lag is told by."""
        with self.asking() as admin:
            return self.group_offsets_by(admin)

    def group_offsets_by(self, admin: KafkaAdminClient) -> dict[int, int]:
        """Return the same, asked through a client that is there."""
        group = self.source.get("group", f"cartwheel-{self.rules.as_config()['name']}")
        try:
            found = admin.list_group_offsets([group])[group]
        except RetriableError:  # the broker has only just started to keep groups
            return {}
        return {at.partition: note.offset for at, note in found.items() if at.topic == self.topic}

    @contextmanager
    def asking(self) -> Iterator[KafkaAdminClient]:
        """Give a client for questions."""
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            yield admin
        finally:
            admin.close()


class RunningLive:
    """A run that goes on."""

    def __init__(self, run: KafkaRun, process: "subprocess.Popen[bytes]") -> None:
        self.run = run
        self.process = process

    def wait(self, within_s: float = DEADLINE_S) -> int:
        """Wait for its end, after which nothing of it is left; return the exit code."""
        code = self.process.wait(within_s)
        assert not leftover(self.run.state)
        return code

    def stop(self) -> int:
        """Ask it to stop; return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait_until(self, condition: Callable[[], bool], within_s: float = DEADLINE_S) -> None:
        """Wait until something is so, while the run goes on."""
        deadline = time.monotonic() + within_s
        while not condition():
            said = self.run.log.read_text()[-3000:]
            assert self.process.poll() is None, f"it ended: {said}"
            assert time.monotonic() < deadline, f"it makes no progress: {said}"
            time.sleep(_LOOK_EVERY_S)

    def wait_for_all_read(self, within_s: float = DEADLINE_S) -> None:
        """Wait until the group's offsets say that everything in the topic was read."""
        self.wait_for_offsets(end_offsets(self.run.bootstrap, self.run.topic), within_s)

    def wait_for_offsets(self, offsets: dict[int, int], within_s: float = DEADLINE_S) -> None:
        """Wait until the group's offsets are these."""
        with self.run.asking() as admin:
            self.wait_until(lambda: self.run.group_offsets_by(admin) == offsets, within_s)

    def wait_for_results(self, kind: str = "decisions") -> None:
        """Wait until something more of a kind is sent."""
        topic = self.run.prefix + kind
        before = sum(end_offsets(self.run.bootstrap, topic).values())
        self.wait_until(lambda: sum(end_offsets(self.run.bootstrap, topic).values()) > before)

    def wait_for_workers(self) -> list[int]:
        """Wait until all workers are there; return their process ids."""
        self.wait_until(lambda: len(self.workers()) == self.run.workers)
        return self.workers()

    def workers(self) -> list[int]:
        """Return the process ids of the workers, in the order of their start."""
        pid = self.process.pid
        try:
            text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        except FileNotFoundError:
            return []
        return sorted(map(int, text.split()))

    def kill_supervisor(self) -> float:
        """Kill the command itself; return the seconds until its workers had gone as well."""
        killed = time.monotonic()
        self.process.kill()
        self.process.wait()
        while leftover(self.run.state):
            assert time.monotonic() < killed + 10, "a worker outlives its supervisor"
            time.sleep(_LOOK_EVERY_S)
        return time.monotonic() - killed


def read_topic(bootstrap: str, topic: str, **settings: Any) -> list[Record]:
    """Read what is committed in a topic as of now, partition by partition."""
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", **settings
    )
    try:
        names = [TopicPartition(topic, each) for each in consumer.partitions_for_topic(topic)]
        consumer.assign(names)
        ends = consumer.end_offsets(names)
        consumer.seek_to_beginning(*names)
        found: list[Record] = []
        deadline = time.monotonic() + DEADLINE_S
        while any(consumer.position(name) < end for name, end in ends.items()):
            assert time.monotonic() < deadline, f"{topic}: {len(found)} records, then nothing"
            for name, records in consumer.poll(timeout_ms=200).items():
                found += [_record(each) for each in records if each.offset < ends[name]]
        return sorted(found)
    finally:
        consumer.close()


def _record(record: Any) -> Record:
    return Record(
        record.partition,
        record.offset,
        record.timestamp,
        record.key,
        record.value,
        tuple(record.headers),
    )


def end_offsets(bootstrap: str, topic: str) -> dict[int, int]:
    """Return where each partition of a topic ends."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed")
    try:
        names = [TopicPartition(topic, each) for each in consumer.partitions_for_topic(topic)]
        return {name.partition: end for name, end in consumer.end_offsets(names).items()}
    finally:
        consumer.close()


def as_json(record: Record) -> Mapping[str, Any]:
    """Return a record's value as JSON."""
    assert record.value is not None
    told: Mapping[str, Any] = json.loads(record.value)
    return told


def produce(
    bootstrap: str,
    topic: str,
    *records: tuple[bytes | None, bytes | None],
    partition: int | None = None,
    headers: Sequence[tuple[str, bytes]] = (),
    timestamp_ms: int | None = None,
) -> None:
    """Write records, each a key and a value, and wait until all are confirmed."""
    producer = KafkaProducer(
        bootstrap_servers=bootstrap,
        max_request_size=4 << 20,
        compression_type="gzip",  # the broker's limit is for what it is sent
    )
    try:
        sent = [
            producer.send(topic, value, key, list(headers), partition, timestamp_ms)
            for key, value in records
        ]
        for each in sent:
            each.get(timeout=DEADLINE_S)
    finally:
        producer.close()
