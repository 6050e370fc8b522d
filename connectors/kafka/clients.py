"""Makes consumers and producers by whichever library the settings name."""

from importlib import import_module
from typing import Protocol, cast

from connectors.errors import KafkaSettingsError
from connectors.kafka import kafka_python
from connectors.kafka.client_interface import (
    TIMEOUT_S,
    Consumer,
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
    "KafkaSecurity",
    "KafkaSettings",
    "Producer",
    "Records",
    "make_consumer",
    "make_producer",
]


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
