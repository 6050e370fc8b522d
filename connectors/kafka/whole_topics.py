"""Reads topics from their beginning to where they end at the call."""

import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from connectors.errors import BrokerUnreachableError
from connectors.kafka.client_interface import TIMEOUT_S, Consumer, Records
from connectors.kafka.client_settings import KafkaSettings
from connectors.kafka.clients import make_consumer

_POLL_RECORDS = 1000
_POLL_EVERY_S = 0.005


def read_whole(
    settings: KafkaSettings,
    topic: str,
    *,
    partitions: Sequence[int] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Iterator[Records]:
    """Read all that is committed in a topic up to where it ends at the call.

    The records of one partition come in their order.

    Args:
        settings: which brokers and which library.
        topic: to read.
        partitions: of it, None for all.
        timeout_s: how long the broker may go without sending anything.

    Raises:
        BrokerUnreachableError: no broker answered.
        TopicMissingError: there is no such topic.
        KafkaSettingsError: names the setting that is wrong.
    """
    consumer = make_consumer(settings, topic, f"{topic}-reader", timeout_s=timeout_s)
    try:
        bounds = consumer.bounds(consumer.partitions() if partitions is None else partitions)
        consumer.assign({number: first for number, (first, _) in bounds.items()})
        ends = {number: end for number, (_, end) in bounds.items()}
        until = time.monotonic() + timeout_s
        while behind := _behind(consumer, ends):
            fetched = consumer.poll(_POLL_RECORDS)
            for records in fetched:
                yield _before(records, ends[records.partition])
            if fetched:
                until = time.monotonic() + timeout_s
            elif time.monotonic() > until:
                number, position = next(iter(behind.items()))
                raise BrokerUnreachableError(
                    f"topic {topic}, partition {number}: nothing came for {timeout_s:.0f} s at"
                    f" offset {position}, before its end at {ends[number]} ({settings.brokers})"
                )
            else:
                time.sleep(_POLL_EVERY_S)
    finally:
        consumer.close()


def read_last(
    settings: KafkaSettings, topic: str, partition: int = 0, *, timeout_s: float = TIMEOUT_S
) -> dict[bytes, bytes]:
    """Return the newest committed value of each key of a small compacted topic.

    Keys whose newest value is a tombstone are left out, and so are records without a key.

    Args:
        settings: which brokers and which library.
        topic: to read.
        partition: of it.
        timeout_s: how long the broker may go without sending anything.

    Raises:
        BrokerUnreachableError: no broker answered.
        TopicMissingError: there is no such topic.
        KafkaSettingsError: names the setting that is wrong.
    """
    last: dict[bytes, bytes] = {}
    for records in read_whole(settings, topic, partitions=[partition], timeout_s=timeout_s):
        for key, value in zip(records.keys, records.values, strict=True):
            if key is not None and value is not None:
                last[key] = value
            elif key is not None:
                last.pop(key, None)
    return last


def _behind(consumer: Consumer, ends: dict[int, int]) -> dict[int, int]:
    """Return the positions of the partitions that were not read to their ends."""
    positions = consumer.positions()
    return {number: positions[number] for number, end in ends.items() if positions[number] < end}


def _before(records: Records, end: int) -> Records:
    """Return the records before an offset."""
    count = bisect_left(records.offsets, end)
    return Records(
        records.partition,
        records.offsets[:count],
        records.timestamps[:count],
        records.keys[:count],
        records.values[:count],
        records.headers[:count],
    )
