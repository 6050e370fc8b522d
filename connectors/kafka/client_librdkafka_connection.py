"""How librdkafka connects, what its failures mean, and whether its brokers answer."""

import json
import logging
import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import (  # type: ignore[import-untyped, import-not-found, unused-ignore]
    KafkaError,
    KafkaException,
)

from connectors.errors import KafkaProblem, KafkaSettingsError, TopicMissingError
from connectors.kafka.client_diagnosis import unreachable
from connectors.kafka.client_interface import REACHABLE_S
from connectors.kafka.client_settings import KafkaSettings

_log = logging.getLogger(__name__)

_STATISTICS_MS = 1000
_ASK_AGAIN_S = 0.2
_ASK_WITHIN_S = 1.0
_SURE_WITHIN_S = 2.0
"""Right after a topic was made, and while a broker starts, an answer may lack the topic."""


def connection_config(settings: KafkaSettings) -> dict[str, Any]:
    """Return what every client of librdkafka is made with."""
    config: dict[str, Any] = {
        "bootstrap.servers": ",".join(settings.addresses),
        "reconnect.backoff.max.ms": 1000,
        "socket.timeout.ms": 8000,
        "allow.auto.create.topics": False,
        "logger": _log,
    }
    security = settings.security
    if security is not None:
        config["security.protocol"] = security.protocol
        if security.sasl:
            config["sasl.mechanism"] = security.mechanism
            config["sasl.username"] = security.username
            config["sasl.password"] = security.password
        files = {
            "ssl.ca.location": security.ca,
            "ssl.certificate.location": security.certificate,
            "ssl.key.location": security.key,
        }
        config |= {name: path for name, path in files.items() if path is not None}
    return config


class Connection:
    """What a client of librdkafka hears about its brokers, through callbacks during its polls."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._missing_since: dict[str, float] = {}  # topics of which a partition is gone
        self._refused: str | None = None
        self._answers = True
        self._quiet_since: float | None = None

    def callbacks(self) -> dict[str, Any]:
        """Return what a client's configuration needs for this."""
        return {
            "error_cb": self._on_error,
            "stats_cb": self._on_statistics,
            "statistics.interval.ms": _STATISTICS_MS,
        }

    def make(self, kind: Callable[[dict[str, Any]], Any], config: dict[str, Any]) -> Any:
        """Make a client, which does not connect yet."""
        try:
            return kind(config)
        except KafkaException as error:
            raise KafkaSettingsError(f"security: {error.args[0].str()}") from error

    def await_answer(self, client: Any, timeout_s: float) -> None:
        """Wait for a broker; say what is wrong where none answers."""
        until = time.monotonic() + timeout_s
        while (left := until - time.monotonic()) > 0:
            try:
                # Only asks which brokers there are.
                client.list_topics(topic="", timeout=min(left, _ASK_WITHIN_S))
            except KafkaException as error:
                client.poll(0)  # hears what errors there were
                if self._refused:
                    raise self.problem(client, "connecting", error) from error
            else:
                return
        raise self.problem(client, "connecting", None)

    def problem(self, client: Any, doing: str, error: Exception | None) -> KafkaProblem:
        """Return what a call that failed means."""
        del client, error
        if self._refused:
            user = self._settings.security.username if self._settings.security else None
            return KafkaSettingsError(
                f"username, password: {self._settings.brokers} refused them for user {user!r}"
            )
        return unreachable(self._settings, doing)

    def reachable(self) -> bool:
        """Tell whether a broker has answered lately, or has nothing to answer."""
        return self._quiet_since is None or time.monotonic() - self._quiet_since < REACHABLE_S

    def misses(self, topic: str) -> bool:
        """Tell whether brokers have said for a while that an assigned partition does not exist.

        librdkafka itself says nothing of a topic that is deleted while it is read.
        """
        since = self._missing_since.get(topic)
        return since is not None and time.monotonic() - since > _SURE_WITHIN_S

    def _on_error(self, error: KafkaError) -> None:
        if error.code() == KafkaError._AUTHENTICATION:  # noqa: SLF001
            self._refused = error.str()

    def _on_statistics(self, text: str) -> None:
        """Take in what is known of brokers and topics, once a second."""
        statistics = json.loads(text)
        now = time.monotonic()
        missing = {
            name
            for name, topic in statistics["topics"].items()
            if any(each["unknown"] and each["desired"] for each in topic["partitions"].values())
        }
        self._missing_since = {name: self._missing_since.get(name, now) for name in missing}
        self._judge_brokers(statistics["brokers"], now)

    def _judge_brokers(self, known: dict[str, Any], now: float) -> None:
        """Look whether some broker that was asked something has answered it lately."""
        # Not those in the settings: their connections stay open, but nobody asks them again.
        brokers = [each for each in known.values() if each["source"] == "learned"]
        quiet_s = min((_quiet_s(each) for each in brokers if each["state"] == "UP"), default=None)
        if quiet_s is not None and quiet_s <= _STATISTICS_MS / 1000:
            self._quiet_since = None
            self._refused = None
        elif quiet_s is not None:
            self._quiet_since = now - quiet_s
        elif self._quiet_since is None:
            self._quiet_since = now


def _quiet_s(broker: dict[str, Any]) -> float:
    """Return for how long a broker owes an answer."""
    return broker["rxidle"] / 1e6 if broker["waitresp_cnt"] else 0.0


def partitions_of(client: Any, connection: Connection, topic: str, timeout_s: float) -> list[int]:
    """Ask for the partitions of a topic, and wait for the answer."""
    start = time.monotonic()
    found: Any = None
    while (left := start + timeout_s - time.monotonic()) > 0:
        try:
            found = client.list_topics(topic=topic, timeout=min(left, _ASK_WITHIN_S))
        except KafkaException:
            continue
        described = found.topics[topic]
        if described.error is None:
            return sorted(described.partitions)
        if described.error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            raise KafkaSettingsError(f"username: it may not read topic {topic}")
        if time.monotonic() - start > _SURE_WITHIN_S:
            break
        time.sleep(_ASK_AGAIN_S)
    if found is None:
        raise connection.problem(client, f"partitions of topic {topic}", None)
    raise TopicMissingError(
        f"topic {topic} does not exist; create it, or look whether its name is right and the user"
        " may see it"
    )
