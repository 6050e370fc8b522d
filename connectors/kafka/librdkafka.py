"""librdkafka (confluent-kafka) behind the interface of this package: the consumer.

It is an extra of the project, so this module is imported only where it is chosen.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import (  # type: ignore[import-untyped, import-not-found, unused-ignore]
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)

from connectors.errors import (
    BrokerUnreachableError,
    KafkaSettingsError,
    OffsetGoneError,
    RecordUnreadableError,
    TopicMissingError,
)
from connectors.kafka.client_interface import BUFFER_BYTES, Records
from connectors.kafka.client_librdkafka_connection import (
    Connection,
    connection_config,
    partitions_of,
)
from connectors.kafka.client_librdkafka_producer import LibrdkafkaProducer
from connectors.kafka.client_settings import KafkaSettings
from operators.lines import Headers

Message = Any
"""One of librdkafka's; its types leave open what is known here."""

_TOPIC_GONE = (
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001 (its own errors are named like this)
    KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001
)
_DAMAGED = (KafkaError._BAD_MSG, KafkaError._BAD_COMPRESSION)  # noqa: SLF001
_SURE_MISSING_MS = 2000


def producer(
    settings: KafkaSettings, transactional_id: str | None, compression: str, timeout_s: float
) -> LibrdkafkaProducer:
    """Return a producer; see `clients.make_producer`."""
    return LibrdkafkaProducer(settings, transactional_id, compression, timeout_s)


def consumer(
    settings: KafkaSettings, topic: str, group: str, timeout_s: float
) -> "LibrdkafkaConsumer":
    """Return a consumer; see `clients.make_consumer`."""
    return LibrdkafkaConsumer(settings, topic, group, timeout_s)


class LibrdkafkaConsumer:
    """Reads one topic with librdkafka; see `Consumer` for what each method does."""

    def __init__(self, settings: KafkaSettings, topic: str, group: str, timeout_s: float) -> None:
        self._settings = settings
        self._topic = topic
        self._timeout_s = timeout_s
        self._connection = Connection(settings)
        self._client = self._connection.make(
            Consumer,
            {
                **connection_config(settings),
                **self._connection.callbacks(),
                "group.id": group,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "error",
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 500,
                "queued.max.messages.kbytes": BUFFER_BYTES // 1024,
                "topic.metadata.propagation.max.ms": _SURE_MISSING_MS,
                "topic.metadata.refresh.interval.ms": 5000,
                "on_commit": self._committed,
            },
        )
        self._positions: dict[int, int] = {}
        self._gone: dict[int, int] = {}
        self._last_commit: dict[int, int] = {}
        self.failed_commits = 0
        self._connection.await_answer(self._client, timeout_s)

    def partitions(self) -> list[int]:
        """Ask for the topic's partitions."""
        return partitions_of(self._client, self._connection, self._topic, self._timeout_s)

    def bounds(self, partitions: Sequence[int]) -> dict[int, tuple[int, int]]:
        """Ask for first and next offsets."""
        self._check_exist(partitions)
        try:
            return {
                number: self._client.get_watermark_offsets(
                    TopicPartition(self._topic, number), timeout=self._timeout_s, cached=False
                )
                for number in partitions
            }
        except KafkaException as error:
            raise self._connection.problem(
                self._client, f"offsets of topic {self._topic}", error
            ) from error

    def offsets_at(self, partitions: Sequence[int], time_ms: int) -> dict[int, int]:
        """Ask for the offsets at a time."""
        self._check_exist(partitions)
        asked = [TopicPartition(self._topic, number, max(time_ms, 0)) for number in partitions]
        try:
            found = self._client.offsets_for_times(asked, timeout=self._timeout_s)
        except KafkaException as error:
            raise self._connection.problem(
                self._client, f"offsets of topic {self._topic}", error
            ) from error
        offsets = {each.partition: each.offset for each in found}
        past = [number for number, offset in offsets.items() if offset < 0]
        return offsets | {number: end for number, (_, end) in self.bounds(past).items()}

    def assign(self, positions: Mapping[int, int]) -> None:
        """Read these partitions from these offsets."""
        self._gone.clear()
        self._positions = dict(positions)
        self._client.assign(
            [TopicPartition(self._topic, number, offset) for number, offset in positions.items()]
        )

    def poll(self, most: int) -> list[Records]:
        """Return fetched records, and take in what librdkafka has to say besides."""
        if self._gone:
            self._raise_gone()
        try:
            messages = self._client.consume(most, 0)
        except KafkaException as error:
            raise RecordUnreadableError(f"topic {self._topic}: {error}") from error
        if not messages and self._connection.misses(self._topic):
            raise self._missing()
        by_partition: defaultdict[int, list[Message]] = defaultdict(list)
        failed: list[Message] = []
        for message in messages:
            if message.error() is None:
                by_partition[message.partition()].append(message)
            else:
                failed.append(message)
        read = [_columns(number, each) for number, each in by_partition.items()]
        for records in read:
            self._positions[records.partition] = records.offsets[-1] + 1
        for message in failed:
            self._judge(message)
        return read

    def positions(self) -> dict[int, int]:
        """Return the next offsets."""
        return dict(self._positions)

    def at_end(self) -> dict[int, bool]:
        """Compare positions with the ends that came with the fetches."""
        behind = self.lag()
        return {number: behind.get(number) == 0 for number in self._positions}

    def lag(self) -> dict[int, int]:
        """Subtract positions from the ends that came with the fetches."""
        ends = {
            number: self._client.get_watermark_offsets(
                TopicPartition(self._topic, number), cached=True
            )[1]
            for number in self._positions
        }
        return {
            number: max(ends[number] - position, 0)
            for number, position in self._positions.items()
            if ends[number] >= 0
        }

    def reachable(self) -> bool:
        """Tell whether the broker answers."""
        return self._connection.reachable()

    def commit(self, offsets: Mapping[int, int]) -> None:
        """Send the group's offsets."""
        self._last_commit = dict(offsets)
        try:
            self._client.commit(offsets=self._named(offsets), asynchronous=True)
        except KafkaException:
            self.failed_commits += 1

    def close(self) -> None:
        """Close the client, which sends the last commit where it can."""
        self._client.close()

    def _committed(self, error: object, _: object) -> None:
        """Count a commit that was not taken; called by librdkafka during a poll."""
        self.failed_commits += error is not None

    def _named(self, offsets: Mapping[int, int]) -> list[Any]:
        return [TopicPartition(self._topic, number, offset) for number, offset in offsets.items()]

    def _check_exist(self, partitions: Sequence[int]) -> None:
        missing = set(partitions).difference(self.partitions())
        if missing:
            raise TopicMissingError(
                f"topic {self._topic} has no partition {min(missing)} ({self._settings.brokers})"
            )

    def _judge(self, message: Message) -> None:
        """Take in news about a partition; raise what will not pass by itself."""
        error, partition = message.error(), message.partition()
        code = error.code()
        if code == KafkaError._PARTITION_EOF:  # noqa: SLF001
            if partition in self._positions:
                self._positions[partition] = max(self._positions[partition], message.offset())
        elif code in {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}:  # noqa: SLF001
            self._gone[partition] = self._positions[partition]
        elif code in _TOPIC_GONE:
            raise self._missing()
        elif code == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            raise KafkaSettingsError(f"username: it may not read topic {self._topic}")
        elif code in _DAMAGED:
            raise RecordUnreadableError(
                f"topic {self._topic}, partition {partition}, offset {message.offset()}:"
                f" {error.str()}"
            )

    def _missing(self) -> TopicMissingError:
        return TopicMissingError(
            f"topic {self._topic} does not exist at {self._settings.brokers}; create it, or look"
            " whether its name is right and the user may see it"
        )

    def _raise_gone(self) -> None:
        """Say which offset is gone, with what the broker has instead."""
        partition, wanted = next(iter(self._gone.items()))
        try:
            first, end = self.bounds([partition])[partition]
        except BrokerUnreachableError:
            return  # asked again at the next poll
        raise OffsetGoneError(self._topic, partition, wanted, first, end)


def _columns(partition: int, messages: list[Message]) -> Records:
    """Turn messages into columns."""
    return Records(
        partition,
        [message.offset() for message in messages],
        [message.timestamp()[1] for message in messages],
        [message.key() for message in messages],
        [message.value() for message in messages],
        _headers(messages),
    )


def _headers(messages: list[Message]) -> list[Headers]:
    """Return headers; none for a record with a name that is not UTF-8, for it gives out none."""
    try:
        return [tuple(message.headers() or ()) for message in messages]
    except UnicodeDecodeError:
        if len(messages) == 1:
            return [()]
        half = len(messages) // 2
        return _headers(messages[:half]) + _headers(messages[half:])
