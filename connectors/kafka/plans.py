"""What a job says of topics: where events come from, how far they were read, where results go.

Nothing here needs a client of Kafka: those are slow to load, and only a job with topics wants one.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from connectors.errors import SourceProblem
from connectors.kafka.client_settings import KafkaSettings

Start = Literal["earliest", "latest"] | int
"""Where the first start begins; an int is the time of the first record, in ms."""

Delivery = Literal["exact", "fast"]
KafkaCompression = Literal["none", "gzip", "lz4", "zstd"]

COMMITS = "commits"
"""The topic, behind the prefix, that notes which outboxes were sent."""


class KafkaTopic(msgspec.Struct, frozen=True, tag="kafka"):
    """A topic that events come from.

    Attributes:
        settings: how to reach it.
        topic: its name.
        group: under which its offsets are noted for lag tools.
        readers: how many share the partitions: partition modulo readers.
        start: where the first start begins.
        accepts_gaps: whether to go on where the broker no longer has the next offset.
        mapping: text of a mapping file, for records that are no Segment events; empty for none.
    """

    settings: KafkaSettings
    topic: str
    group: str
    readers: int
    start: Start
    accepts_gaps: bool
    mapping: str = ""


class KafkaPositions(msgspec.Struct, frozen=True, tag="kafka"):
    """Where a reader goes on.

    Attributes:
        topic: that is read.
        offsets: the next one of each partition; None as long as the broker was never reached.
    """

    topic: str
    offsets: dict[int, int] | None

    def names(self) -> Sequence[str]:
        """Return what is read."""
        return [f"{self.topic}/{number}" for number in sorted(self.offsets or {})]

    def check(self, source: KafkaTopic) -> None:
        """Check that a reader is given the topic that it has read before.

        Raises:
            SourceProblem: it is given another.
        """
        if self.topic != source.topic:
            raise SourceProblem(
                f"the state has read the topic {self.topic}, and is given {source.topic} now;"
                " that cannot change later: start a new state"
            )


class TopicsOut(msgspec.Struct, frozen=True, tag="kafka"):
    """Topics that results go to.

    Attributes:
        settings: how to reach the brokers.
        prefix: of the topics' names.
        delivery: what is promised.
        compression: of what is sent.
        create: whether missing topics are created, with so many partitions.
        partitions: of each topic that is created.
        state: the id of the state, which owns the transactions.
        outbox: the folder of the outboxes.
        compacted: the kinds whose topics are compacted: a customer who is forgotten gets a
            tombstone there.
    """

    settings: KafkaSettings
    prefix: str
    delivery: Delivery
    compression: KafkaCompression
    create: bool
    partitions: int
    state: str
    outbox: str
    compacted: tuple[str, ...] = ()
