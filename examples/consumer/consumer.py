# ruff: noqa: INP001, T201 (a script of its own, which prints)
"""Reads cartwheel's results from Kafka: a start for a service that acts on them.

    python consumer.py --brokers localhost:9092 --group mailer shop.triggers

Each message is handled at least once, in its customer's order; one that comes again is dropped as
long as its id is remembered. What "handled" means is up to ``handle``.
"""

import argparse
import json
import signal
import sys
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer
from kafka.errors import CommitFailedError, KafkaTimeoutError, RebalanceInProgressError

REMEMBERED = 100_000
"""How many ids are remembered; about 20 MB."""


@dataclass(frozen=True)
class Event:
    """A result of cartwheel, as a CloudEvent."""

    id: str
    type: str
    customer: str
    time: str
    data: dict[str, Any]


class MalformedError(Exception):
    """A record is no CloudEvent: it will be none the next time either."""


class Seen:
    """The last ids that were handled."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._ids: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, event_id: str) -> bool:
        return event_id in self._ids

    def add(self, event_id: str) -> None:
        """Remember an id; forget the oldest one when there are too many."""
        self._ids[event_id] = None
        if len(self._ids) > self._most:
            self._ids.popitem(last=False)


def decode(record: Any) -> Event:
    """Read a CloudEvent in binary mode: attributes in headers, data in the value."""
    try:
        headers = {name: value.decode() for name, value in record.headers}
        return Event(
            id=headers["ce_id"],
            type=headers["ce_type"],
            customer=headers["ce_subject"],
            time=headers["ce_time"],
            data=json.loads(record.value),
        )
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise MalformedError(repr(error)) from error


def handle(event: Event) -> None:
    """Do the work. Raise if it cannot be done: the message then comes again."""
    print(json.dumps({"id": event.id, "customer": event.customer, "data": event.data}), flush=True)


def consume(consumer: KafkaConsumer, seen: Seen, is_stopped: "list[bool]") -> None:
    """Handle what comes, and commit after the work."""
    while not is_stopped:
        for records in consumer.poll(timeout_ms=500, max_records=500).values():
            for record in records:
                try:
                    event = decode(record)
                except MalformedError as error:
                    # Waiting for it would hold up everything behind it, for good.
                    place = f"{record.topic}/{record.partition}/{record.offset}"
                    print(f"{place}: passed over: {error}", file=sys.stderr)
                    continue
                if event.id not in seen:
                    handle(event)
                    seen.add(event.id)
        # Uncommitted messages come again, here or at a consumer that has the partition now.
        with suppress(CommitFailedError, RebalanceInProgressError, KafkaTimeoutError):
            consumer.commit()


def main() -> None:
    """Consume until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("topics", nargs="+", metavar="TOPIC")
    parser.add_argument("--brokers", default="localhost:9092")
    parser.add_argument("--group", required=True)
    arguments = parser.parse_args()
    is_stopped: list[bool] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: is_stopped.append(True))
    consumer = KafkaConsumer(
        *arguments.topics,
        bootstrap_servers=arguments.brokers,
        group_id=arguments.group,
        isolation_level="read_committed",  # or messages come that were never to be
        enable_auto_commit=False,  # or messages are lost that were not yet handled
        auto_offset_reset="earliest",  # for a group that is new
    )
    try:
        consume(consumer, Seen(), is_stopped)
    finally:
        consumer.close()


if __name__ == "__main__":
    main()
