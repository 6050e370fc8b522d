"""How long it takes from an event in its topic to the trigger in its topic."""

import threading
import time
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple

import msgspec

from bench.kafka_feed import PARTITIONS, latency_rules, live_config, ticking
from bench.kafka_speed import WORKER_CPU
from bench.kafka_worker import Worker
from broker.topics import Kafka
from connectors.kafka.clients import KafkaSettings, make_consumer
from operators.times import parse_time

_DISORDER_MS = 100
_SETTLE_S = 4.0
_POLL_S = 0.001


class Latency(NamedTuple):
    """Milliseconds to a trigger.

    Attributes:
        at_once: p50 and p99 from producing the event, for a trigger without wait.
        later: p50 and p99 from the moment at which the watermark may pass the due time.
        triggers: how many of each were measured.
    """

    at_once: tuple[float, float]
    later: tuple[float, float]
    triggers: int


def latency(  # noqa: PLR0913 (each is one thing that is varied)
    kafka: Kafka, folder: Path, *, rate: int, seconds: float, client: str, delivery: str
) -> Latency:
    """Write events at a rate and time the triggers that come of them."""
    prefix = f"latency-{time.monotonic_ns()}."
    topic = kafka.topic("bench-latency", PARTITIONS)
    config = live_config(
        folder,
        kafka,
        topic,
        prefix=prefix,
        client=client,
        delivery=delivery,
        idle="30s",
        disorder=f"{_DISORDER_MS}ms",
        rules=latency_rules(),
    )
    state = folder / f"state-{time.monotonic_ns()}"
    with Worker(config, state, cpus=(WORKER_CPU,)) as worker:
        list(ticking(kafka, topic, rate=100, seconds=2.0))
        worker.wait_for(lambda read: read > 0)
        seen = _Triggers(kafka, f"{prefix}triggers")
        produced = dict(ticking(kafka, topic, rate=rate, seconds=seconds))
        list(ticking(kafka, topic, rate=100, seconds=_SETTLE_S))
        received = seen.stop()
    at_once, later = [], []
    for trigger, due, cause, at in received:
        written = produced.get(cause)
        if written is None:
            continue
        if trigger == "at_once":
            at_once.append((at - written) * 1000)
        else:
            later.append(at * 1000 - due - _DISORDER_MS)
    return Latency(_p50_p99(at_once), _p50_p99(later), len(at_once))


class _Triggers:
    """Reads a topic of triggers as they come, and notes when."""

    def __init__(self, kafka: Kafka, topic: str) -> None:
        self._consumer = make_consumer(KafkaSettings(kafka.bootstrap, "librdkafka"), topic, "bench")
        ends = self._consumer.bounds(self._consumer.partitions())
        self._consumer.assign({partition: end for partition, (_, end) in ends.items()})
        self._received: list[tuple[str, int, str, float]] = []
        self._stopping = False
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def stop(self) -> list[tuple[str, int, str, float]]:
        """Return trigger, due time in ms, messageId and time of arrival of each."""
        self._stopping = True
        self._thread.join()
        self._consumer.close()
        return self._received

    def _read(self) -> None:
        while not self._stopping:
            fetched = self._consumer.poll(1000)
            now = time.time()
            for records in fetched:
                for value in records.values:
                    data = msgspec.json.decode(value or b"{}")
                    due = parse_time(data["due"])
                    self._received.append((data["trigger"], due, data["cause"][0], now))
            if not fetched:
                time.sleep(_POLL_S)


def _p50_p99(values: list[float]) -> tuple[float, float]:
    cuts = quantiles(values, n=100)
    return cuts[49], cuts[98]
