"""Writes records with librdkafka; see `Producer` for what each method does."""

import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import (  # type: ignore[import-untyped, import-not-found, unused-ignore]
    KafkaError,
    KafkaException,
)
from confluent_kafka import Producer as Client

from connectors.errors import (
    AmbiguousCommitError,
    FencedError,
    KafkaProblem,
    SendRefusedError,
    TopicMissingError,
)
from connectors.kafka.client_interface import BUFFER_BYTES, DELIVERY_S, REQUEST_BYTES
from connectors.kafka.client_librdkafka_connection import Connection, connection_config
from connectors.kafka.client_settings import KafkaSettings
from operators.lines import Headers

_LINGER_MS = 5
_FULL_WAIT_S = 0.1

_FENCING = (
    KafkaError._FENCED,  # noqa: SLF001 (its own errors are named like this)
    KafkaError.PRODUCER_FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
)
_TOPIC_GONE = (
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001
    KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001
)


class LibrdkafkaProducer:
    """Writes with librdkafka; see `Producer`."""

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
        self._failure: KafkaError | None = None
        self._connection = Connection(settings)
        config: dict[str, Any] = {
            **connection_config(settings),
            **self._connection.callbacks(),
            "acks": "all",
            "enable.idempotence": True,
            "compression.type": compression,
            "linger.ms": _LINGER_MS,
            "message.max.bytes": REQUEST_BYTES,
            "partitioner": "murmur2_random",  # as Java's and kafka-python's
            "queue.buffering.max.kbytes": BUFFER_BYTES // 1024,
            "delivery.timeout.ms": int(DELIVERY_S * 1000),
            "on_delivery": self._delivered,
        }
        if transactional_id is not None:
            config["transactional.id"] = transactional_id
            config["transaction.timeout.ms"] = 60_000
            config["delivery.timeout.ms"] = 60_000  # not above the transaction's, it says
        self._client = self._connection.make(Client, config)
        self._connection.await_answer(self._client, timeout_s)
        if transactional_id is not None:
            self._take_over()

    def begin(self) -> None:
        """Begin a transaction."""
        self._failure = None
        try:
            self._client.begin_transaction()
        except KafkaException as error:
            raise self._meaning(error.args[0]) from error

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
        partition: int | None = None,
    ) -> None:
        """Queue a record."""
        where = -1 if partition is None else partition
        listed = list(headers) if headers else None
        until = 0.0
        while True:
            try:
                self._client.produce(topic, value, key, where, headers=listed)
            except BufferError:
                now = time.monotonic()
                until = until or now + self._timeout_s
                if now > until:
                    raise self._connection.problem(self._client, "sending records", None) from None
                self._serve(self._client.poll, _FULL_WAIT_S)
            except KafkaException as error:
                raise self._meaning(error.args[0]) from error
            else:
                self._serve(self._client.poll, 0)
                return

    def commit(self) -> None:
        """Commit the transaction."""
        self._flush()
        try:
            self._client.commit_transaction(self._timeout_s)
        except KafkaException as failed:
            error = failed.args[0]
            if self._is_fencing(error):
                raise self._fenced() from failed
            if error.txn_requires_abort() and self._failure is not None:
                raise self._meaning(self._failure) from failed
            raise AmbiguousCommitError(
                f"transactional id {self._id}: the commit was sent to {self._settings.brokers},"
                f" but its outcome is unknown ({error.str()}); make a new producer and look for"
                " what was written"
            ) from failed

    def abort(self) -> None:
        """Abort the transaction."""
        self._failure = None
        try:
            self._client.abort_transaction(self._timeout_s)
        except KafkaException as failed:
            error = failed.args[0]
            if error.retriable():
                raise self._connection.problem(
                    self._client, f"aborting a transaction of {self._id}", failed
                ) from failed
            raise self._meaning(error) from failed

    def flush(self) -> None:
        """Wait for all confirmations."""
        self._flush()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise self._meaning(failure)

    def close(self) -> None:
        """Give up what is queued."""
        self._client.purge()
        self._serve(self._client.flush, 0)

    def _take_over(self) -> None:
        """Fence off whoever had this transactional id."""
        try:
            self._client.init_transactions(self._timeout_s)
        except KafkaException as failed:
            error = failed.args[0]
            if error.retriable():
                raise self._connection.problem(
                    self._client, f"taking over the transactional id {self._id}", failed
                ) from failed
            raise self._meaning(error) from failed

    def _flush(self) -> None:
        """Wait until nothing is on its way any more, confirmed or failed."""
        if self._serve(self._client.flush, self._timeout_s):
            raise self._connection.problem(self._client, "sending records", None)

    def _serve(self, wait: Callable[[float], int], timeout_s: float) -> int:
        """Let librdkafka call back, and tell how many records it still has.

        What breaks a producer for good is raised by whichever call hears of it first, as a
        SystemError if a callback ran on after it.
        """
        try:
            return wait(timeout_s)
        except (KafkaException, SystemError) as error:
            cause = error if isinstance(error, KafkaException) else error.__cause__
            if isinstance(cause, KafkaException):
                self._failure = cause.args[0]
            return wait(timeout_s)

    def _delivered(self, error: KafkaError | None, _: object) -> None:
        """Keep the first failure; called by librdkafka during a poll."""
        if error is not None and self._failure is None:
            self._failure = error

    def _is_fencing(self, error: KafkaError) -> bool:
        failure = self._failure
        return error.code() in _FENCING or (failure is not None and failure.code() in _FENCING)

    def _fenced(self) -> FencedError:
        return FencedError(
            f"transactional id {self._id}: another producer has taken it over, or the transaction"
            f" was open for too long ({self._settings.brokers}); nothing of it was committed"
        )

    def _meaning(self, error: KafkaError) -> KafkaProblem:
        """Return our error for one of librdkafka's."""
        if self._is_fencing(error):
            return self._fenced()
        if error.code() in _TOPIC_GONE:
            return TopicMissingError(f"{self._settings.brokers}: {error.str()}")
        return SendRefusedError(f"{self._settings.brokers}: {error.str()}")
