"""Makes consumers and producers by whichever library the settings name."""

import time
from importlib import import_module
from typing import Protocol, cast

from connectors.errors import BrokerUnreachableError, KafkaSettingsError
from connectors.kafka import kafka_python
from connectors.kafka.client_interface import (
    TIMEOUT_S,
    Consumer,
    Headers,
    Producer,
    Records,
)
from connectors.kafka.client_settings import (
    ClientName,
    KafkaSecurity,
    KafkaSettings,
    check_settings,
)

__all__ = [
    "ClientName",
    "Consumer",
    "Headers",
    "KafkaSecurity",
    "KafkaSettings",
    "Producer",
    "Records",
    "make_consumer",
    "make_producer",
    "read_last",
]

_POLL_RECORDS = 5000
_POLL_EVERY_S = 0.005


class _Library(Protocol):
    """What the module of each library has."""

    def consumer(
        self, settings: KafkaSettings, topic: str, group: str, timeout_s: float
    ) -> Consumer: ...

    def producer(
        self,
        settings: KafkaSettings,
        transactional_id: str | None,
        compression: str,
        timeout_s: float,
    ) -> Producer: ...


def make_consumer(
    settings: KafkaSettings, topic: str, group: str, *, timeout_s: float = TIMEOUT_S
) -> Consumer:
    """Return a consumer of a topic, with no partition assigned yet.

    Args:
        settings: which brokers and which library.
        topic: to read.
        group: under which its offsets are noted for lag tools.
        timeout_s: how long it waits for a broker, here and later.

    Raises:
        BrokerUnreachableError: no broker answered.
        KafkaSettingsError: names the setting that is wrong.
    """
    return _library(settings).consumer(settings, topic, group, timeout_s)


def make_producer(
    settings: KafkaSettings,
    *,
    transactional_id: str | None,
    compression: str = "lz4",
    timeout_s: float = TIMEOUT_S,
) -> Producer:
    """Return a producer; with a transactional id, all earlier ones that have it are fenced off.

    Args:
        settings: which brokers and which library.
        transactional_id: None for a producer without transactions.
        compression: none, gzip, snappy, lz4 or zstd.
        timeout_s: how long it waits for a broker, here and later.

    Raises:
        BrokerUnreachableError: no broker answered.
        KafkaSettingsError: names the setting that is wrong.
    """
    return _library(settings).producer(settings, transactional_id, compression, timeout_s)


def read_last(
    settings: KafkaSettings, topic: str, partition: int = 0, *, timeout_s: float = TIMEOUT_S
) -> dict[bytes, bytes]:
    """Return the newest committed value of each key of a small compacted topic.

    It is read to where it ends at the call; keys whose newest value is a tombstone are left out,
    and so are records without a key.

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
    consumer = make_consumer(settings, topic, f"{topic}-reader", timeout_s=timeout_s)
    try:
        first, end = consumer.bounds([partition])[partition]
        last: dict[bytes, bytes] = {}
        consumer.assign({partition: first})
        until = time.monotonic() + timeout_s
        while (position := consumer.positions()[partition]) < end:
            fetched = consumer.poll(_POLL_RECORDS)
            for records in fetched:
                _keep_last(last, records, end)
            if fetched:
                until = time.monotonic() + timeout_s
            elif time.monotonic() > until:
                raise BrokerUnreachableError(
                    f"topic {topic}, partition {partition}: nothing came for {timeout_s:.0f} s at"
                    f" offset {position}, before its end at {end} ({settings.brokers})"
                )
            else:
                time.sleep(_POLL_EVERY_S)
        return last
    finally:
        consumer.close()


def _keep_last(last: dict[bytes, bytes], records: Records, end: int) -> None:
    """Let later values of a key replace earlier ones, tombstones remove them."""
    for offset, key, value in zip(records.offsets, records.keys, records.values, strict=True):
        if offset < end and key is not None:
            if value is None:
                last.pop(key, None)
            else:
                last[key] = value


def _library(settings: KafkaSettings) -> _Library:
    """Return the module of the library that the settings name."""
    check_settings(settings)
    if settings.client == "kafka-python":
        return kafka_python
    try:
        module = import_module("connectors.kafka.librdkafka")
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("confluent_kafka"):
            raise
        raise KafkaSettingsError(
            "client: librdkafka is not installed; do so with"
            " pip install 'cartwheel[librdkafka]', or use client: kafka-python"
        ) from error
    return cast("_Library", module)
