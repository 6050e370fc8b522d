"""Writes records with kafka-python; see `Producer` for what each method does.

kafka-python's buffer has no bound and its transactions wait for ever; here both have one.
"""

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from kafka import KafkaProducer  # type: ignore[import-untyped, unused-ignore]
from kafka import errors as kafka_errors
from kafka.serializer import Serializer  # type: ignore[import-untyped, unused-ignore]

from connectors.errors import (
    AmbiguousCommitError,
    BrokerUnreachableError,
    FencedError,
    KafkaProblem,
    SendRefusedError,
    TopicMissingError,
)
from connectors.kafka.client_diagnosis import unreachable
from connectors.kafka.client_interface import BUFFER_BYTES, DELIVERY_S, REQUEST_BYTES
from connectors.kafka.client_python_connection import connect, connection_config
from connectors.kafka.client_settings import KafkaSettings
from operators.lines import Headers

_BATCH_BYTES = 128 * 1024
_LINGER_MS = 5
_MARK_BYTES = 256 * 1024
_RECORD_BYTES = 100  # what a queued record costs besides what is in it, about
_REQUEST_TIMEOUT_MS = 8000

_FENCING = (kafka_errors.ProducerFencedError, kafka_errors.InvalidProducerEpochError)

_NO_VALUE = object()
"""Stands for a tombstone, for kafka-python refuses one without a key."""


class _Values(Serializer):  # type: ignore[misc, unused-ignore]
    """Gives kafka-python the bytes that it is to send."""

    def serialize(self, _topic: str, _headers: object, value: object) -> object:
        return None if value is _NO_VALUE else value


class KafkaPythonProducer:
    """Writes with kafka-python; see `Producer`."""

    def __init__(
        self,
        settings: KafkaSettings,
        transactional_id: str | None,
        compression: str,
        timeout_s: float,
    ) -> None:
        self._settings = settings
        self._id = transactional_id
        self._timeout_s = timeout_s
        self._queued_bytes = 0
        self._marks: deque[Any] = deque()  # a confirmation to wait for per _MARK_BYTES
        self._failure: Exception | None = None
        self._client = connect(
            settings,
            lambda: KafkaProducer(
                **connection_config(settings, timeout_s),
                acks="all",
                enable_idempotence=True,
                transactional_id=transactional_id,
                compression_type=None if compression == "none" else compression,
                linger_ms=_LINGER_MS,
                batch_size=_BATCH_BYTES,
                max_request_size=REQUEST_BYTES,
                max_block_ms=timeout_s * 1000,
                request_timeout_ms=_REQUEST_TIMEOUT_MS,
                delivery_timeout_ms=DELIVERY_S * 1000,
                allow_auto_create_topics=False,
                metrics_enabled=False,
                value_serializer=_Values(),
            ),
        )
        if transactional_id is not None:
            self._take_over()

    def begin(self) -> None:
        """Begin a transaction."""
        self._failure = None
        try:
            self._client.begin_transaction()
        except kafka_errors.KafkaError as error:
            raise self._meaning(error) from error

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
        partition: int | None = None,
    ) -> None:
        """Queue a record."""
        try:
            sent = self._client.send(
                topic,
                _NO_VALUE if value is None else value,
                key,
                # Null is what kafka-python cannot send in a header.
                [(name, b"" if each is None else each) for name, each in headers],
                partition,
            )
        except (kafka_errors.KafkaError, ValueError) as error:
            raise self._send_problem(topic, error) from error
        sent.add_errback(self._failed)
        size = _RECORD_BYTES + len(value or b"") + len(key or b"")
        if headers:
            size += sum(len(name) + len(each or b"") for name, each in headers)
        self._queued_bytes += size
        if self._queued_bytes >= _MARK_BYTES:
            self._queued_bytes = 0
            self._marks.append(sent)
            self._await_space()

    def commit(self) -> None:
        """Commit the transaction."""
        self._flush()
        if self._failure is not None:
            raise self._meaning(self._failure) from self._failure
        ended = _within(self._timeout_s, self._client.commit_transaction)
        if ended is None or isinstance(ended, _FENCING) or self._is_fenced():
            if ended is not None:
                raise self._fenced() from ended
            return
        raise AmbiguousCommitError(
            f"transactional id {self._id}: the commit was sent to {self._settings.brokers}, but"
            f" its outcome is unknown ({ended}); make a new producer and look for what was written"
        ) from ended

    def abort(self) -> None:
        """Abort the transaction."""
        self._marks.clear()
        ended = _within(self._timeout_s, self._client.abort_transaction)
        self._failure = None
        if isinstance(ended, TimeoutError):
            raise unreachable(self._settings, f"aborting a transaction of {self._id}") from ended
        if ended is not None:
            raise self._meaning(ended) from ended

    def flush(self) -> None:
        """Wait for all confirmations."""
        self._flush()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise self._meaning(failure) from failure

    def close(self) -> None:
        """Close the client without waiting for what is queued."""
        with suppress(kafka_errors.KafkaTimeoutError):
            self._client.close(timeout=0)

    def _take_over(self) -> None:
        """Fence off whoever had this transactional id."""
        try:
            self._client.init_transactions()
        except kafka_errors.KafkaError as error:
            self.close()
            if isinstance(error, kafka_errors.KafkaTimeoutError):
                raise unreachable(
                    self._settings, f"taking over the transactional id {self._id}"
                ) from error
            raise self._meaning(error) from error

    def _flush(self) -> None:
        """Wait until nothing is on its way any more, confirmed or failed."""
        try:
            self._client.flush(timeout=self._timeout_s)
        except kafka_errors.KafkaTimeoutError as error:
            raise unreachable(self._settings, "sending records") from error
        self._marks.clear()
        self._queued_bytes = 0

    def _await_space(self) -> None:
        """Wait while too much is on its way."""
        while len(self._marks) * _MARK_BYTES > BUFFER_BYTES:
            oldest = self._marks[0]
            confirmed = threading.Event()
            oldest.add_both(lambda _, event=confirmed: event.set())
            if not confirmed.wait(self._timeout_s):
                raise unreachable(self._settings, "sending records")
            self._marks.popleft()

    def _failed(self, error: Exception) -> None:
        """Keep the first failure; called by kafka-python's thread."""
        if self._failure is None or isinstance(error, _FENCING):
            self._failure = error

    def _is_fenced(self) -> bool:
        """Tell whether kafka-python knows that it was fenced; its errors often do not say it."""
        state = self._client._transaction_manager  # noqa: SLF001 (there is no public way)
        return isinstance(state.last_error, _FENCING)

    def _fenced(self) -> FencedError:
        return FencedError(
            f"transactional id {self._id}: another producer has taken it over, or the transaction"
            f" was open for too long ({self._settings.brokers}); nothing of it was committed"
        )

    def _meaning(self, error: BaseException) -> KafkaProblem:
        """Return our error for one of kafka-python's."""
        if isinstance(error, _FENCING) or self._is_fenced():
            return self._fenced()
        return SendRefusedError(f"{self._settings.brokers}: {error}")

    def _send_problem(self, topic: str, error: Exception) -> KafkaProblem:
        """Return our error for a record that could not be queued."""
        if isinstance(error, kafka_errors.KafkaTimeoutError):
            problem = unreachable(self._settings, f"sending to topic {topic}")
            if isinstance(problem, BrokerUnreachableError) and self._client.bootstrap_connected():
                return TopicMissingError(f"topic {topic}: {self._settings.brokers} knows no such")
            return problem
        return self._meaning(error)


def _within(timeout_s: float, call: Callable[[], object]) -> BaseException | None:
    """Make a call that may wait for ever, but go on after a time; return how it failed.

    Its thread may stay behind; it ends with the process.
    """
    outcome: list[BaseException | None] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 (it is the caller's)
            outcome.append(error)
        else:
            outcome.append(None)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(timeout_s)
    return outcome[0] if outcome else TimeoutError(f"no answer within {timeout_s:.0f} s")
