"""kafka-python behind the interface of this package: the consumer, and how to make both.

It reads with a consumer that has no group, for with one each poll first waits for the group's
coordinator; offsets are committed through a second one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from kafka import (  # type: ignore[import-untyped, unused-ignore]
    KafkaConsumer,
    TopicPartition,
)
from kafka import errors as kafka_errors
from kafka.structs import OffsetAndMetadata  # type: ignore[import-untyped, unused-ignore]

from connectors.errors import (
    BrokerUnreachableError,
    KafkaSettingsError,
    OffsetGoneError,
    RecordUnreadableError,
    TopicMissingError,
)
from connectors.kafka.client_diagnosis import unreachable
from connectors.kafka.client_interface import BUFFER_BYTES, Records
from connectors.kafka.client_python_batches import read_batches_quickly
from connectors.kafka.client_python_connection import connect, connection_config
from connectors.kafka.client_python_metadata import Metadata
from connectors.kafka.client_python_producer import KafkaPythonProducer
from connectors.kafka.client_settings import KafkaSettings

_CLOSE_WITHIN_MS = 1000
_REQUEST_TIMEOUT_MS = 8000
"""Long enough for a slow broker; one that hangs is given up for a new connection after this."""


def producer(
    settings: KafkaSettings, transactional_id: str | None, compression: str, timeout_s: float
) -> KafkaPythonProducer:
    """Return a producer; see `clients.make_producer`."""
    return KafkaPythonProducer(settings, transactional_id, compression, timeout_s)


def consumer(
    settings: KafkaSettings, topic: str, group: str, timeout_s: float
) -> "KafkaPythonConsumer":
    """Return a consumer; see `clients.make_consumer`."""
    return KafkaPythonConsumer(settings, topic, group, timeout_s)


class KafkaPythonConsumer:
    """Reads one topic with kafka-python; see `Consumer` for what each method does."""

    def __init__(self, settings: KafkaSettings, topic: str, group: str, timeout_s: float) -> None:
        self._settings = settings
        self._topic = topic
        self._timeout_s = timeout_s
        self._client = _client(settings, timeout_s)
        try:
            self._committer = _client(settings, timeout_s, group_id=group)
        except BaseException:
            self._client.close(autocommit=False, timeout_ms=0)
            raise
        read_batches_quickly(self._client)
        self._metadata = Metadata(self._client, settings, topic)
        self._assigned: dict[int, Any] = {}  # the partitions as kafka-python names them
        self._gone: dict[int, int] = {}
        self._last_commit: dict[Any, Any] = {}
        self.failed_commits = 0

    def partitions(self) -> list[int]:
        """Ask for the topic's partitions."""
        return self._metadata.partitions(self._timeout_s)

    def bounds(self, partitions: Sequence[int]) -> dict[int, tuple[int, int]]:
        """Ask for first and next offsets."""
        first = self._ask(partitions, self._client.beginning_offsets)
        end = self._ask(partitions, self._client.end_offsets)
        return {partition: (first[partition], end[partition]) for partition in partitions}

    def offsets_at(self, partitions: Sequence[int], time_ms: int) -> dict[int, int]:
        """Ask for the offsets at a time."""
        moment = max(time_ms, 0)

        def look_up(asked: list[Any], timeout_ms: float) -> dict[Any, Any]:
            found: dict[Any, Any] = self._client.offsets_for_times(
                dict.fromkeys(asked, moment), timeout_ms
            )
            return {name: each and each.offset for name, each in found.items()}

        found = self._ask(partitions, look_up)
        past = [partition for partition in partitions if found[partition] is None]
        return {**found, **(self._ask(past, self._client.end_offsets) if past else {})}

    def assign(self, positions: Mapping[int, int]) -> None:
        """Read these partitions from these offsets."""
        self._gone.clear()
        self._assigned = {number: TopicPartition(self._topic, number) for number in positions}
        self._client.assign(list(self._assigned.values()))
        for number, offset in positions.items():
            self._client.seek(self._assigned[number], offset)

    def poll(self, most: int) -> list[Records]:
        """Return fetched records; look after the connection where there are none."""
        if self._gone:
            self._raise_gone()
        try:
            fetched = self._client.poll(timeout_ms=0, max_records=most)
        except kafka_errors.OffsetOutOfRangeError as error:
            self._gone = {name.partition: offset for name, offset in error.args[0].items()}
            return []
        except kafka_errors.LogTruncationError as error:
            self._gone = {
                name.partition: self._client.position(name) for name in error.divergent_offsets
            }
            return []
        except kafka_errors.KafkaError as error:
            self._judge(error)
            return []
        if not fetched:
            self._metadata.watch()
            return []
        self._metadata.heard()
        return [_columns(name.partition, records) for name, records in fetched.items() if records]

    def positions(self) -> dict[int, int]:
        """Return the next offsets."""
        return {
            number: self._client.position(name, timeout_ms=0)
            for number, name in self._assigned.items()
        }

    def at_end(self) -> dict[int, bool]:
        """Compare positions with the ends that came with the fetches."""
        behind = self.lag()
        return {number: behind.get(number) == 0 for number in self._assigned}

    def lag(self) -> dict[int, int]:
        """Subtract positions from the ends that came with the fetches."""
        ends = {number: self._client.highwater(name) for number, name in self._assigned.items()}
        return {
            number: max(ends[number] - position, 0)
            for number, position in self.positions().items()
            if ends[number] is not None
        }

    def reachable(self) -> bool:
        """Tell whether the broker answers."""
        return self._metadata.reachable()

    def commit(self, offsets: Mapping[int, int]) -> None:
        """Send the group's offsets."""
        self._last_commit = {
            TopicPartition(self._topic, number): OffsetAndMetadata(offset, "", -1)
            for number, offset in offsets.items()
        }
        try:
            self._committer.commit_async(self._last_commit, self._committed)
        except kafka_errors.KafkaError:
            self.failed_commits += 1

    def close(self) -> None:
        """Make sure of the last commit, and close both clients."""
        try:
            if self._last_commit:
                self._committer.commit(self._last_commit, timeout_ms=_CLOSE_WITHIN_MS)
        except kafka_errors.KafkaError:
            self.failed_commits += 1
        for client in (self._committer, self._client):
            client.close(autocommit=False, timeout_ms=_CLOSE_WITHIN_MS)

    def _committed(self, _offsets: object, response: object) -> None:
        """Count a commit that was not taken; called by kafka-python."""
        self.failed_commits += isinstance(response, Exception)

    def _ask(
        self, partitions: Iterable[int], question: Callable[[list[Any], float], dict[Any, Any]]
    ) -> dict[int, Any]:
        """Ask the broker about partitions; find out what is wrong where it does not answer.

        kafka-python asks for ever about partitions that do not exist, so look at them first.
        """
        wanted = list(partitions)
        missing = set(wanted).difference(self.partitions())
        if missing:
            raise TopicMissingError(
                f"topic {self._topic} has no partition {min(missing)} ({self._settings.brokers})"
            )
        names = [TopicPartition(self._topic, number) for number in wanted]
        try:
            answer = question(names, self._timeout_s * 1000)
        except (kafka_errors.KafkaTimeoutError, kafka_errors.RetriableError) as error:
            raise unreachable(self._settings, f"offsets of topic {self._topic}") from error
        return {name.partition: offset for name, offset in answer.items()}

    def _raise_gone(self) -> None:
        """Say which offset is gone, with what the broker has instead."""
        partition, wanted = next(iter(self._gone.items()))
        try:
            first, end = self.bounds([partition])[partition]
        except BrokerUnreachableError:
            return  # asked again at the next poll
        raise OffsetGoneError(self._topic, partition, wanted, first, end)

    def _judge(self, error: Exception) -> None:
        """Raise what will not pass by itself."""
        if isinstance(error, kafka_errors.AuthorizationError):
            raise KafkaSettingsError(
                f"username: it may not read topic {self._topic} ({error})"
            ) from error
        if isinstance(error, kafka_errors.UnsupportedCodecError):
            raise KafkaSettingsError(f"topic {self._topic}: {error}; install the codec") from error
        if isinstance(error, kafka_errors.CorruptRecordError):
            raise RecordUnreadableError(f"topic {self._topic}: {error}") from error
        self._metadata.watch()


def _columns(partition: int, records: list[tuple[Any, ...]]) -> Records:
    """Turn records into columns."""
    offsets, timestamps, keys, values, headers = zip(*records, strict=True)
    return Records(
        partition, list(offsets), list(timestamps), list(keys), list(values), list(headers)
    )


def _client(settings: KafkaSettings, timeout_s: float, **more: object) -> Any:
    """Return a connected consumer of kafka-python."""
    return connect(
        settings,
        lambda: KafkaConsumer(
            **connection_config(settings, timeout_s),
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            allow_auto_create_topics=False,
            fetch_max_bytes=BUFFER_BYTES,
            fetch_max_wait_ms=500,
            request_timeout_ms=_REQUEST_TIMEOUT_MS,
            metrics_enabled=False,
            **more,
        ),
    )
