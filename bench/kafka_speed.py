"""How fast events go through Kafka: one worker on one core, the broker on the other."""

import os
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import NamedTuple

from bench.kafka_feed import PARTITIONS, fill, live_config
from bench.kafka_worker import Worker
from broker.topics import Kafka

WORKER_CPU, BROKER_CPU = 0, 1


class Throughput(NamedTuple):
    """What one run through Kafka cost.

    Attributes:
        rate: events a second, from the first tick to the last event's commit.
        cpu_us: processor time of all worker processes an event.
        peak_mb: of the worker.
    """

    rate: float
    cpu_us: float
    peak_mb: float


def throughput(  # noqa: PLR0913 (each is one thing that is varied)
    kafka: Kafka, folder: Path, topic: str, *, events: int, client: str, delivery: str
) -> Throughput:
    """Let a filled topic through the small config's rules, into topics."""
    prefix = f"{folder.name}-{client}-{delivery}-{time.monotonic_ns()}."
    config = live_config(
        folder, kafka, topic, prefix=prefix, client=client, delivery=delivery, idle="off"
    )
    before = getrusage(RUSAGE_CHILDREN)
    with Worker(config, folder / f"state-{time.monotonic_ns()}", cpus=(WORKER_CPU,)) as worker:
        first_s, first = worker.wait_for(lambda read: read > 0)
        last_s, last = worker.wait_for(lambda read: read >= events)
    after = getrusage(RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    rate = (last - first) / (last_s - first_s)
    return Throughput(rate, cpu_s / events * 1e6, after.ru_maxrss / 1024)


def filled_topic(kafka: Kafka, events: Path) -> str:
    """Write recorded events to a new topic."""
    topic = kafka.topic("bench-events", PARTITIONS)
    fill(kafka, topic, events)
    return topic


def pin_broker(pid: int) -> None:
    """Keep a broker off the worker's core."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {BROKER_CPU})
