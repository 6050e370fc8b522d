"""What the steps need to know of the config: compiled once, small, frozen."""

from dataclasses import dataclass

ALWAYS_MS = 0
NEVER_MS = 1 << 61
ALWAYS_LIVE = -(1 << 62)


@dataclass(frozen=True)
class RoutePlan:
    """How lines become ticks.

    Attributes:
        shards: how many slices of the customers.
        disorder_ms: how far the watermark lies behind the latest event.
        future_ms: how far an event may lie ahead of its reference.
        now_ms: the reference of events without ``receivedAt``.
    """

    shards: int
    disorder_ms: int
    future_ms: int
    now_ms: int


@dataclass(frozen=True)
class CollectPlan:
    """One value that a session collects.

    Attributes:
        name: as it stands in the session's record.
        kind: the name of a kind in ``operators.collect``.
        path: the field to collect, empty for ``count``.
        of: the event to collect from, None for every event.
        at_most: the bound of ``distinct``.
        definition: text that changes when what is collected changes.
    """

    name: str
    kind: str
    path: tuple[str, ...]
    of: str | None
    at_most: int
    definition: str


@dataclass(frozen=True)
class TriggerPlan:
    """One trigger.

    Attributes:
        name: of the trigger.
        version: of its definition (T10).
        on: the event that opens an instance.
        key: the field that tells instances of one customer apart, empty for none.
        after_ms: the wait.
        cancel: the events that cancel.
        again_ms: the least time between two messages; ALWAYS_MS, NEVER_MS.
        restart: whether a further ``on`` event starts the wait again.
    """

    name: str
    version: str
    on: str
    key: tuple[str, ...]
    after_ms: int
    cancel: tuple[str, ...]
    again_ms: int
    restart: bool


@dataclass(frozen=True)
class ProfilePlan:
    """What the profile step keeps and looks for.

    Attributes:
        name: of the config.
        gap_ms: the longest gap inside a session.
        collect: what sessions collect.
        retention_ms: how long an unseen profile is kept.
        duplicates_last: how many messageIds a profile remembers.
        duplicates_within_ms: how far apart duplicates may be.
        triggers: whose events are passed on.
    """

    name: str
    gap_ms: int
    collect: tuple[CollectPlan, ...]
    retention_ms: int
    duplicates_last: int
    duplicates_within_ms: int
    triggers: tuple[TriggerPlan, ...]


@dataclass(frozen=True)
class DecidePlan:
    """What the decide step decides.

    Attributes:
        name: of the config.
        triggers: the rules.
        live_from_ms: what is due before it is not sent.
    """

    name: str
    triggers: tuple[TriggerPlan, ...]
    live_from_ms: int = ALWAYS_LIVE
