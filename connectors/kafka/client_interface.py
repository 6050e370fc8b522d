"""What the source and the sink need of a Kafka client; each library is put behind it.

It is for one topic with partitions chosen by us, records by the thousand, and positions that
the engine keeps itself. It is not a general client.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from operators.lines import Headers

TIMEOUT_S = 10.0
"""How long a broker may take to answer before it counts as unreachable."""

REACHABLE_S = 5.0
"""A question to the broker that has been open for longer says that it cannot be reached."""

DELIVERY_S = 300.0
"""How long a record may wait for a broker that is away before it is given up."""

REQUEST_BYTES = 64 * 1024 * 1024
"""The largest request: how large a record may be is for the broker to say."""

BUFFER_BYTES = 32 * 1024 * 1024
"""How much a client keeps of records fetched ahead or not yet sent, about."""


class Records(NamedTuple):
    """Consecutive records of one partition, as columns of equal length, in offset order.

    Attributes:
        partition: of the consumer's topic.
        offsets: with gaps where there were transaction markers or a compaction.
        timestamps: ms since the epoch; -1 where there is none.
        keys: None where there is none.
        values: None is a tombstone.
        headers: names may occur twice.
    """

    partition: int
    offsets: list[int]
    timestamps: list[int]
    keys: list[bytes | None]
    values: list[bytes | None]
    headers: list[Headers]


class Consumer(Protocol):
    """Reads one topic: committed records only, from where we say.

    What asks the broker (partitions, bounds, offsets_at) waits for it, for a bounded time, and
    raises BrokerUnreachableError after that, TopicMissingError where the topic is not there.
    """

    @property
    def failed_commits(self) -> int:
        """How many commits of group offsets were not taken."""

    def partitions(self) -> list[int]:
        """Return the topic's partitions as of now, in order; never none."""

    def bounds(self, partitions: Sequence[int]) -> dict[int, tuple[int, int]]:
        """Return each partition's first offset, and the one after the last committed record."""

    def offsets_at(self, partitions: Sequence[int], time_ms: int) -> dict[int, int]:
        """Return each partition's first offset at or after a time; its end where none is."""

    def assign(self, positions: Mapping[int, int]) -> None:
        """Read exactly these partitions, each from the given offset; may be called again."""

    def poll(self, most: int) -> list[Records]:
        """Return what has been fetched, at most so many records in all; do not wait.

        While the broker is away there is simply nothing.

        Raises:
            OffsetGoneError: the broker no longer has an offset; again and again until `assign`.
            TopicMissingError: the topic was deleted.
            RecordUnreadableError: a record is damaged.
            KafkaSettingsError: reading is not allowed.
        """

    def positions(self) -> dict[int, int]:
        """Return the next offset of each assigned partition, past transaction markers too."""

    def at_end(self) -> dict[int, bool]:
        """Tell whether all was returned up to the end last heard of; False while unknown.

        While a transaction is open its records are still to come, so that is not the end.
        """

    def lag(self) -> dict[int, int]:
        """Return how far each position is from the end last heard of, where one is known."""

    def reachable(self) -> bool:
        """Tell whether the broker answers, also when there are no records."""

    def commit(self, offsets: Mapping[int, int]) -> None:
        """Note the group's offsets at the broker, for lag tools; neither waits nor raises."""

    def close(self) -> None:
        """Finish the last commit if that is quickly done, and let go of everything."""


class Producer(Protocol):
    """Writes records, each confirmed by all in-sync replicas, without doubles by retries.

    Made with a transactional id it writes in transactions only, and others with that id are
    fenced off when it is made.
    """

    def begin(self) -> None:
        """Begin a transaction.

        Raises:
            FencedError: as far as it is known already.
        """

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
        partition: int | None = None,
    ) -> None:
        """Queue a record; wait while the buffer is full. Without a partition the key decides.

        Raises:
            TopicMissingError: there is no such topic.
            BrokerUnreachableError: the buffer stays full, or nothing is known of the topic yet.
            SendRefusedError: a record cannot be sent.
            FencedError: as far as it is known already.
        """

    def commit(self) -> None:
        """Send what is queued and commit the transaction.

        A producer that was fenced hears it here at the latest, unless it has sent nothing.

        Raises:
            FencedError: another producer with this id was made meanwhile; nothing is committed.
            AmbiguousCommitError: it may have taken place; this producer is of no use any more.
            BrokerUnreachableError: records could not be sent; nothing is committed.
            SendRefusedError: a record was refused; nothing is committed, call `abort`.
        """

    def abort(self) -> None:
        """End the transaction as if nothing had been sent.

        Raises:
            FencedError: another producer with this id has done so already.
            BrokerUnreachableError: the broker will, once its time has run out, or a new producer.
        """

    def flush(self) -> None:
        """Wait until all that was sent is confirmed.

        Raises:
            BrokerUnreachableError: not yet all; it goes on trying, so may be called again.
            SendRefusedError: a record sent since the last flush was given up.
        """

    def close(self) -> None:
        """Let go of everything at once; call `flush` or `commit` before."""
