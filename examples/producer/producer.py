# ruff: noqa: INP001, T201 (a script of its own, which prints)
"""Writes events to Kafka as cartwheel likes them: a start for a service that has some.

    python producer.py --brokers localhost:9092 --topic events --create --rate 1000 events.jsonl

Each line is one event. All events of a customer go to one partition, in their order, for they have
the same key. What is no event is written as well, without a key: cartwheel says what is wrong.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import BinaryIO

from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

PARTITIONS = 4
"""Of a topic that is created; more cannot be added later without mixing up the customers' order."""

REACHED_WITHIN_MS = 5_000


def key_of(line: bytes) -> bytes | None:
    """Return whom an event is about: the customer who is known, else the visitor."""
    try:
        event = json.loads(line)
        key = event.get("userId") or event.get("anonymousId")
        return key.encode()
    except (ValueError, AttributeError):
        return None


def make_sure_of(topic: str, brokers: str, *, create: bool) -> None:
    """Create a topic that is missing, or end: without one a producer waits for it in silence."""
    admin = KafkaAdminClient(bootstrap_servers=brokers, bootstrap_timeout_ms=REACHED_WITHIN_MS)
    try:
        if topic in admin.list_topics():
            return
        if not create:
            sys.exit(f"there is no topic {topic} at {brokers}; --create makes it")
        admin.create_topics([NewTopic(topic, PARTITIONS, -1)], wait_for_metadata=True)
    except TopicAlreadyExistsError:
        pass  # somebody else was quicker
    finally:
        admin.close()


def paced(lines: Iterable[bytes], rate: float | None) -> Iterator[bytes]:
    """Give lines as they come, but at most so many a second."""
    start = time.monotonic()
    for number, line in enumerate(lines):
        if rate:
            time.sleep(max(0.0, start + number / rate - time.monotonic()))
        yield line.rstrip(b"\r\n")


def produce(producer: KafkaProducer, topic: str, lines: Iterable[bytes]) -> int:
    """Write lines and wait until all are confirmed; return how many. Stop at the first error."""
    errors: list[Exception] = []
    sent = count()
    try:
        for line in lines:
            producer.send(topic, line, key_of(line)).add_errback(errors.append)
            next(sent)
            if errors:
                break
    except KeyboardInterrupt:
        print("stopped; what was sent so far is confirmed", file=sys.stderr)
    producer.flush()
    if errors:
        raise errors[0]
    return next(sent)


def main() -> None:
    """Write a file, or standard input, to a topic."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, help="JSON lines (standard input)")
    parser.add_argument("--brokers", default="localhost:9092")
    parser.add_argument("--topic", required=True)
    parser.add_argument("--create", action="store_true", help="make the topic if it is missing")
    parser.add_argument("--rate", type=float, metavar="N", help="at most N events a second")
    arguments = parser.parse_args()
    source: BinaryIO = arguments.file.open("rb") if arguments.file else sys.stdin.buffer
    try:
        make_sure_of(arguments.topic, arguments.brokers, create=arguments.create)
        # It is idempotent by default: a record that is sent again is neither doubled nor overtaken.
        producer = KafkaProducer(
            bootstrap_servers=arguments.brokers, compression_type="lz4", linger_ms=5
        )
        try:
            number = produce(producer, arguments.topic, paced(source, arguments.rate))
        finally:
            producer.close()
    except KafkaError as error:
        sys.exit(f"{arguments.brokers}: {error}")
    print(f"{number} events to {arguments.topic}")


if __name__ == "__main__":
    main()
