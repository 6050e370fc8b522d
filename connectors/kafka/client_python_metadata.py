"""Keeps asking, by kafka-python, whether the broker answers and the topic is still there."""

import threading
import time
from typing import Any

from kafka import errors as kafka_errors  # type: ignore[import-untyped, unused-ignore]

from connectors.errors import KafkaSettingsError, TopicMissingError
from connectors.kafka.client_diagnosis import unreachable
from connectors.kafka.client_interface import REACHABLE_S
from connectors.kafka.client_settings import KafkaSettings

_ASK_EVERY_S = 1.0
_ASK_AGAIN_S = 0.2
_SURE_WITHIN_S = 2.0
"""Right after a topic was made, and while a broker starts, an answer may lack the topic."""


class Metadata:
    """What the broker says about a topic, asked again and again.

    Answers are noted by kafka-python's thread, in single assignments.
    """

    def __init__(self, client: Any, settings: KafkaSettings, topic: str) -> None:
        self._settings = settings
        self._topic = topic
        self._cluster = client._cluster  # noqa: SLF001 (its only way to ask without waiting)
        self._cluster.add_topic(topic)
        self._answered = self._asked = time.monotonic()
        self._asking: Any = None
        self._open_since: float | None = None
        self._missing_since: float | None = None

    def partitions(self, timeout_s: float) -> list[int]:
        """Ask for the partitions and wait for the answer."""
        start = time.monotonic()
        answered = False
        while (left := start + timeout_s - time.monotonic()) > 0:
            if not self._ask_and_wait(left):
                time.sleep(min(_ASK_AGAIN_S, left))
                continue
            answered = True
            found = self._cluster.partitions_for_topic(self._topic)
            if found:
                self._missing_since = None
                return sorted(found)
            if self._topic in self._cluster.unauthorized_topics:
                raise KafkaSettingsError(f"username: it may not read topic {self._topic}")
            if time.monotonic() - start > _SURE_WITHIN_S:
                break
            time.sleep(_ASK_AGAIN_S)
        if answered:
            raise self._missing()
        raise unreachable(self._settings, f"partitions of topic {self._topic}")

    def heard(self) -> None:
        """Note that records came."""
        self._answered = time.monotonic()
        self._open_since = None
        self._missing_since = None

    def watch(self) -> None:
        """Ask if it is time to, without waiting.

        Raises:
            TopicMissingError: the topic has been missing from the answers for a while.
        """
        now = time.monotonic()
        idle = self._asking is None or self._asking.is_done
        if idle and now - max(self._answered, self._asked) > _ASK_EVERY_S:
            self._asked = now
            if self._open_since is None:
                self._open_since = now
            self._asking = self._cluster.request_update()
            self._asking.add_callback(self._on_answer)
            self._asking.add_errback(self._on_failure)
        missing = self._missing_since
        if missing is not None and now - missing > _SURE_WITHIN_S:
            raise self._missing()

    def reachable(self) -> bool:
        """Tell whether the broker has answered, if it was asked."""
        try:
            self.watch()
        except TopicMissingError:
            return True  # that is an answer
        open_since = self._open_since
        return open_since is None or time.monotonic() - open_since < REACHABLE_S

    def _on_answer(self, _: object) -> None:
        self._answered = time.monotonic()
        self._open_since = None
        if self._cluster.partitions_for_topic(self._topic):
            self._missing_since = None
        elif self._missing_since is None:
            self._missing_since = self._answered

    def _on_failure(self, error: Exception) -> None:
        if isinstance(error, kafka_errors.BrokerResponseError):
            self._on_answer(None)

    def _ask_and_wait(self, timeout_s: float) -> bool:
        """Ask, and tell whether an answer came in time."""
        answer = threading.Event()
        asking = self._cluster.request_update()
        asking.add_both(lambda _: answer.set())
        answer.wait(timeout_s)
        failed = asking.exception
        return asking.is_done and (
            failed is None or isinstance(failed, kafka_errors.BrokerResponseError)
        )

    def _missing(self) -> TopicMissingError:
        return TopicMissingError(
            f"topic {self._topic} does not exist at {self._settings.brokers}; create it, or"
            " look whether its name is right and the user may see it"
        )
