"""What a config may hold: one model a section, with every default.

In the file a key has its short name (``gap: 30m``); the attribute carries the unit as well
(``gap_ms = 1_800_000``). Models are frozen. Rules over several keys are in ``checks``.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from config.arbitration import MOST_LIMITS, HoldoutOrShare, Limit, QuietHours
from config.consent import Consent, Purposes
from config.features import Attributes, Feature, SegmentOrCondition
from config.identity import Identity
from config.kafka import DEFAULT_CLIENT, Client, KafkaSecurity, KafkaSink, KafkaSource
from config.kafka_values import MAX_PORT, Host
from config.measures import Collect
from config.model_specs import Models
from config.privacy import Privacy
from config.section import Section
from config.triggers import Trigger
from config.values import (
    ConfigName,
    DurationMs,
    EveryMs,
    FilePath,
    FilePaths,
    GapMs,
    GraceMs,
    Identifier,
    IdleMs,
    SizeBytes,
    Yes,
    given,
    one_of,
    whole,
)

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_DAY_MS = 24 * _HOUR_MS


class Source(Section):
    """Where events come from: exactly one of ``files`` and ``kafka`` is there."""

    files: Annotated[FilePaths | None, given("a path or a list of paths")] = None
    """Paths, patterns or folders, plain or compressed; one or a list."""
    order: Annotated[Literal["time", "name"], one_of("time", "name")] = "time"
    """How several files become one stream: merged by event time, or one after the other by name."""
    follow: Yes = True
    """Whether ``run`` waits for more events in the files, and for more files; a replay never."""
    kafka: Annotated[KafkaSource | None, given("a mapping")] = None


class Sinks(Section):
    """Where results go: exactly one of ``files`` and ``kafka`` is there."""

    files: Annotated[FilePath | None, given("a path, as text")] = None
    """A folder."""
    kafka: Annotated[KafkaSink | None, given("a mapping")] = None


class Http(Section):
    """Where metrics and health are served."""

    port: Annotated[int, whole(0, MAX_PORT)]
    """0: any free one."""
    host: Host = "127.0.0.1"


class Time(Section):
    """How event time moves on."""

    disorder_ms: DurationMs = Field(5_000, alias="disorder")
    """How far behind the newest event the watermark stays."""
    idle_ms: IdleMs = Field(30_000, alias="idle")
    """When a live partition without events stops holding the others back; None: never."""
    grace_ms: GraceMs = Field(0, alias="grace")
    """How far behind the watermark an event is still applied."""
    future_ms: DurationMs = Field(_HOUR_MS, alias="future")
    """How far ahead of its reference an event may be before it is a dead letter."""


class Epoch(Section):
    """How often state is committed."""

    every_ms: EveryMs = Field(1_000, alias="every")
    max_bytes: SizeBytes = 256_000_000
    """The most that a reader hands over between two commits."""


class State(Section):
    """How customers are kept."""

    compression: Annotated[Literal["lz4", "none"], one_of("lz4", "none")] = "lz4"
    cache_records: Annotated[int, whole(100, 100_000_000)] = Field(100_000, alias="cache")
    """Decoded records kept in memory, over all shards of one worker."""


class Session(Section):
    """When a customer's events are one session, and what its record tells."""

    gap_ms: GapMs = Field(30 * _MINUTE_MS, alias="gap")
    """Events at most this far apart are one session."""
    collect: Mapping[Identifier, Collect] = Field({}, max_length=100)


class Duplicates(Section):
    """Which events count as sent twice."""

    last: Annotated[int, whole(0, 1_000)] = 64
    """How many message ids are remembered for each customer; 0: none, so nothing is a duplicate."""
    within_ms: DurationMs = Field(_HOUR_MS, alias="within")
    """How far apart in event time two events with one message id may be to be duplicates."""


class Config(Section):
    """Everything that one config file says."""

    name: ConfigName
    source: Source | None = None
    sinks: Sinks | None = None
    time: Time = Time()
    epoch: Epoch = Epoch()
    state: State = State()
    session: Session = Session()
    retention_ms: GapMs = Field(400 * _DAY_MS, alias="retention")
    """How long a customer who is not seen any more is kept."""
    duplicates: Duplicates = Duplicates()
    features: Mapping[Identifier, Feature] = Field({}, max_length=500)
    """What is kept of each customer, by name."""
    segments: Mapping[Identifier, SegmentOrCondition] = Field({}, max_length=500)
    """Groups of customers, by name."""
    attributes: Annotated[Attributes | None, given("a mapping")] = None
    """What a file says of customers."""
    models: Models = Field({})
    """What learns as customers act, by name; rules call its score ``score.NAME``."""
    triggers: Mapping[ConfigName, Trigger] = Field({}, max_length=1_000)
    limits: tuple[Limit, ...] = Field((), max_length=MOST_LIMITS)
    """How many messages a customer may get; all that apply must allow one."""
    quiet_hours: Annotated[QuietHours | None, given("a mapping")] = None
    """When no messages are sent."""
    holdout: Annotated[HoldoutOrShare | None, given("a share such as 5%")] = None
    """Which customers get none; None: every customer gets them."""
    consent: Annotated[Consent | None, given("a mapping")] = None
    """What holds for who has not said what is permitted; None: nobody is asked."""
    purposes: Purposes = Purposes()
    """What needs a customer's consent, and for what."""
    identity: Annotated[Identity | None, given("a mapping")] = None
    """Which anonymous ids belong to which customers; None: each id is somebody for itself."""
    privacy: Annotated[Privacy | None, given("a mapping")] = None
    """What nobody is to see of events; None: they stay as they are."""
    http: Http | None = None

    @property
    def source_group(self) -> str:
        """The consumer group of ``source.kafka``, which must be there."""
        source = self._kafka_source
        assert source, "there is no source.kafka"
        return source.group or f"cartwheel-{self.name}"

    @property
    def sink_brokers(self) -> str:
        """The brokers of ``sinks.kafka``, which must be there: its own, else the source's."""
        brokers = self._kafka_sink.brokers or (self._kafka_source and self._kafka_source.brokers)
        assert brokers, "checked when the config was loaded"
        return brokers

    @property
    def sink_client(self) -> Client:
        """The client of ``sinks.kafka``, which must be there: its own, else the source's."""
        default = self._kafka_source.client if self._kafka_source else DEFAULT_CLIENT
        return self._kafka_sink.client or default

    @property
    def sink_security(self) -> KafkaSecurity | None:
        """The security of ``sinks.kafka``, which must be there: its own, else the source's."""
        default = self._kafka_source.security if self._kafka_source else None
        return self._kafka_sink.security or default

    @property
    def sink_prefix(self) -> str:
        """What the topics of ``sinks.kafka``, which must be there, begin with."""
        prefix = self._kafka_sink.prefix
        return f"{self.name}." if prefix is None else prefix

    @property
    def _kafka_source(self) -> KafkaSource | None:
        return self.source.kafka if self.source else None

    @property
    def _kafka_sink(self) -> KafkaSink:
        sink = self.sinks.kafka if self.sinks else None
        assert sink, "there is no sinks.kafka"
        return sink
