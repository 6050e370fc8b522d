"""What a config may say about Kafka: the source, the sink, and how to reach their brokers."""

from typing import Annotated, Literal, get_args

from pydantic import Field

from config.kafka_values import (
    UNSET_IS_NONE,
    Brokers,
    Group,
    LiveFromMs,
    Prefix,
    Secret,
    Start,
    Text,
    Topic,
)
from config.section import Section
from config.values import FilePath, Yes, one_of, whole

Client = Literal["kafka-python", "librdkafka"]
Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
OnGap = Literal["refuse", "accept"]
Delivery = Literal["exact", "fast"]
KafkaCompression = Literal["none", "gzip", "lz4", "zstd"]

DEFAULT_CLIENT: Client = "kafka-python"

_CLIENT = one_of(*get_args(Client))


class KafkaSecurity(Section):
    """How connections to the brokers are encrypted, and who connects."""

    protocol: Annotated[Protocol, one_of(*get_args(Protocol))]
    mechanism: Annotated[
        Annotated[Mechanism, one_of(*get_args(Mechanism))] | None, UNSET_IS_NONE
    ] = None
    username: Annotated[Text | None, UNSET_IS_NONE] = None
    password: Annotated[Secret | None, UNSET_IS_NONE] = None
    """No message shows it."""
    ca: Annotated[FilePath | None, UNSET_IS_NONE] = None
    """A PEM file with the certificates that are trusted; None: those of the system."""
    certificate: Annotated[FilePath | None, UNSET_IS_NONE] = None
    """A PEM file with the client's own certificate."""
    key: Annotated[FilePath | None, UNSET_IS_NONE] = None
    """A PEM file with the key of that certificate."""


class KafkaSource(Section):
    """The topic that events come from."""

    brokers: Brokers
    topic: Topic
    group: Group | None = None
    """Where lag tools see the offsets; None: see ``Config.source_group``."""
    start: Start = "earliest"
    """Where the first start begins: a word, or the time of the first record (in ms inside)."""
    live_from_ms: LiveFromMs = Field(None, alias="live_from")
    """What is due before it is not sent; None: the moment of the first start."""
    client: Annotated[Client, _CLIENT] = DEFAULT_CLIENT
    on_gap: Annotated[OnGap, one_of(*get_args(OnGap))] = "refuse"
    """What to do when the broker no longer has the next offset."""
    map: FilePath | None = None
    """A mapping file, for events that are not Segment's."""
    readers: Annotated[int, whole(1, 64)] = 4
    """How many readers share the partitions; fixed when the state is created."""
    security: KafkaSecurity | None = None


class KafkaSink(Section):
    """The topics that results go to; None: see ``Config`` for what it takes of the source."""

    brokers: Brokers | None = None
    prefix: Prefix | None = None
    create: Yes = False
    """Whether missing topics are created at the start."""
    partitions: Annotated[int, whole(1, 10_000)] = 4
    """Of each topic that is created."""
    delivery: Annotated[Delivery, one_of(*get_args(Delivery))] = "exact"
    client: Annotated[Client, _CLIENT] | None = None
    compression: Annotated[KafkaCompression, one_of(*get_args(KafkaCompression))] = "lz4"
    security: KafkaSecurity | None = None
