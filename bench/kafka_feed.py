"""What the benchmarks put into topics, and the configs that read it."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

from bench.running import CONFIG
from broker.topics import Kafka
from connectors.kafka.clients import KafkaSettings, make_producer
from operators.times import EventTime, format_time

PARTITIONS = 4
_LONG_AGO = "2020-01-01T00:00:00Z"

_RULES = """
triggers:
  at_once: {on: Ping}
  later: {on: Ping, after: 2s}
"""


def live_config(  # noqa: PLR0913 (each is one thing that is varied)
    folder: Path,
    kafka: Kafka,
    topic: str,
    *,
    prefix: str,
    client: str,
    delivery: str,
    idle: str,
    disorder: str = "5s",
    rules: str | None = None,
) -> Path:
    """Write a config that reads a topic and writes topics: with the small config's rules."""
    text = CONFIG.read_text() if rules is None else f"name: latency\n{rules}"
    text += f"""
source:
  kafka:
    {{brokers: "{kafka.bootstrap}", topic: {topic}, client: {client}, live_from: "{_LONG_AGO}"}}
sinks:
  kafka: {{prefix: "{prefix}", create: true, delivery: {delivery}}}
time: {{idle: {idle}, disorder: {disorder}}}
"""
    path = folder / f"{prefix}yaml"
    path.write_text(text)
    return path


def fill(kafka: Kafka, topic: str, events: Path) -> None:
    """Write recorded events, keyed by customer."""
    producer = make_producer(
        KafkaSettings(kafka.bootstrap, "librdkafka"), transactional_id=None, timeout_s=60.0
    )
    with events.open("rb") as file:
        for line in file:
            event = json.loads(line)
            customer = (event.get("userId") or event["anonymousId"]).encode()
            partition = crc32(customer) % PARTITIONS
            producer.send(topic, customer, line.rstrip(b"\n"), (), partition)
    producer.flush()
    producer.close()


def ticking(kafka: Kafka, topic: str, *, rate: int, seconds: float) -> Iterator[tuple[str, float]]:
    """Write events at an even rate as they happen; every hundredth starts both triggers.

    Gives the messageId of each of those, and when it was written.
    """
    producer = make_producer(
        KafkaSettings(kafka.bootstrap, "librdkafka"), transactional_id=None, timeout_s=60.0
    )
    started = time.time()
    sent = 0
    pings: list[tuple[str, float]] = []
    while (now := time.time()) < started + seconds:
        due = int((now - started) * rate)
        for number in range(sent, due):
            is_ping = number % 100 == 0
            message_id = f"{started:.3f}-{number}"
            event = {
                "type": "track",
                "event": "Ping" if is_ping else "Product Viewed",
                "messageId": message_id,
                "userId": f"u{number % 10_000}",
                "timestamp": format_time(EventTime(int(now * 1000))),
                "properties": {"product_id": f"p{number % 1000}", "padding": "x" * 200},
            }
            customer = str(event["userId"]).encode()
            partition = crc32(customer) % PARTITIONS
            producer.send(topic, customer, json.dumps(event).encode(), (), partition)
            if is_ping:
                pings.append((message_id, now))
        sent = due
        time.sleep(0.002)
    producer.flush()
    producer.close()
    yield from pings


def latency_rules() -> str:
    """Return the rules that latency is measured with."""
    return _RULES
