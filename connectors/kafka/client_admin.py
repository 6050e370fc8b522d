"""Looks which topics there are, and makes new ones; by kafka-python whichever client is chosen."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from kafka import KafkaAdminClient  # type: ignore[import-untyped, unused-ignore]
from kafka import errors as kafka_errors
from kafka.admin import (  # type: ignore[import-untyped, unused-ignore]
    ConfigResource,
    ConfigResourceType,
    NewTopic,
)

from connectors.errors import KafkaSettingsError
from connectors.kafka.client_diagnosis import unreachable
from connectors.kafka.client_interface import TIMEOUT_S
from connectors.kafka.client_python_connection import connect, connection_config
from connectors.kafka.client_settings import KafkaSettings, check_settings

_BROKERS_DEFAULT = -1
_POLICY = "cleanup.policy"


def topics_of(settings: KafkaSettings, *, timeout_s: float = TIMEOUT_S) -> dict[str, int]:
    """Return the topics that the user may see, with their numbers of partitions.

    Raises:
        BrokerUnreachableError: no broker answered.
        KafkaSettingsError: names the setting that is wrong.
    """
    with _admin(settings, timeout_s) as admin:
        return {
            each["name"]: len(each["partitions"])
            for each in admin.describe_topics()
            if not each["error_code"]
        }


def create_topics(
    settings: KafkaSettings,
    topics: Mapping[str, tuple[int, Mapping[str, str]]],
    *,
    timeout_s: float = TIMEOUT_S,
) -> None:
    """Create topics, replicated as is the brokers' default; those that exist stay as they are.

    Args:
        settings: which brokers.
        topics: for each name, how many partitions, and its settings as Kafka names them.
        timeout_s: how long to wait for the brokers.

    Raises:
        BrokerUnreachableError: no broker answered.
        KafkaSettingsError: the user may not, or the brokers refuse a setting.
    """
    with _admin(settings, timeout_s) as admin:
        for name, (partitions, config) in topics.items():
            new = NewTopic(name, partitions, _BROKERS_DEFAULT, topic_configs=dict(config))
            try:
                admin.create_topics([new], timeout_ms=int(timeout_s * 1000))
                admin.wait_for_topics([name], timeout_ms=int(timeout_s * 1000))
            except kafka_errors.TopicAlreadyExistsError:
                continue
            except kafka_errors.BrokerResponseError as error:
                if error.retriable:
                    raise
                raise KafkaSettingsError(
                    f"create: {settings.brokers} refused to make topic {name} with {partitions}"
                    f" partitions and {dict(config)} ({error})"
                ) from error


def compacted_of(
    settings: KafkaSettings, topics: Sequence[str], *, timeout_s: float = TIMEOUT_S
) -> list[str]:
    """Return those of some topics that keep only the last record of each key.

    Raises:
        BrokerUnreachableError: no broker answered.
        KafkaSettingsError: the user may not ask.
    """
    if not topics:
        return []
    with _admin(settings, timeout_s) as admin:
        asked = [ConfigResource(ConfigResourceType.TOPIC, name, [_POLICY]) for name in topics]
        try:
            found = admin.describe_configs(asked)
        except kafka_errors.BrokerResponseError as error:
            if error.retriable:
                raise
            raise KafkaSettingsError(
                f"username: {settings.brokers} does not say which topics are compacted"
                f" (it takes DescribeConfigs on {', '.join(topics)}): {error}"
            ) from error
    policies = {name: told.get(_POLICY) for of in found.values() for name, told in of.items()}
    return [name for name in topics if "compact" in str(policies.get(name))]


@contextmanager
def _admin(settings: KafkaSettings, timeout_s: float) -> Iterator[Any]:
    """Give a connected client for such questions."""
    check_settings(settings)
    admin = connect(settings, lambda: KafkaAdminClient(**connection_config(settings, timeout_s)))
    try:
        yield admin
    except kafka_errors.KafkaError as error:
        raise unreachable(settings, "asking about topics") from error
    finally:
        admin.close()
