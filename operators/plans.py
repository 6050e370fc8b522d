"""What the steps need to know of the config: compiled once, small, frozen."""

from dataclasses import dataclass
from typing import Literal

from expressions import Tree
from operators.features.plan import FeaturePlan

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


SessionField = Literal["start", "duration", "events", "value"]


@dataclass(frozen=True)
class SessionSlot:
    """A slot of rows that tells of the customer's current session.

    Attributes:
        field: what of the session.
        number: which of its values, where the field is ``value``.
    """

    field: SessionField
    number: int = 0


ClockSlot = Literal["hour", "weekday"]
"""A slot of rows that depends on the moment and the customer's zone alone."""


@dataclass(frozen=True)
class RowPlan:
    """Where the values of a row come from; their slots stand in this order.

    Behind them stand those that decide fills itself: attributes, then segments.

    Attributes:
        features: kept in the profile; one slot each.
        session: of the current session.
        clock: of the moment.
    """

    features: tuple[FeaturePlan, ...] = ()
    session: tuple[SessionSlot, ...] = ()
    clock: tuple[ClockSlot, ...] = ()


@dataclass(frozen=True)
class ProfilePlan:
    """What the profile step keeps and looks for.

    Attributes:
        name: of the config.
        gap_ms: the longest gap inside a session.
        collect: what sessions collect for their records.
        session_features: what sessions keep for rows alone; numbered after ``collect``.
        row: what rows hold.
        has_rows: whether anybody looks at rows.
        retention_ms: how long an unseen profile is kept.
        duplicates_last: how many messageIds a profile remembers.
        duplicates_within_ms: how far apart duplicates may be.
        triggers: whose events are passed on.
    """

    name: str
    gap_ms: int
    collect: tuple[FeaturePlan, ...]
    retention_ms: int
    duplicates_last: int
    duplicates_within_ms: int
    triggers: tuple[TriggerPlan, ...]
    session_features: tuple[FeaturePlan, ...] = ()
    row: RowPlan = RowPlan()
    has_rows: bool = False


@dataclass(frozen=True)
class SlotPlan:
    """One value of a row, as decide keeps it.

    Attributes:
        name: as conditions name it: ``orders``, ``session.views``, ``trait.plan``.
        empty: the value of a customer of whom nothing is known.
        definition: text that changes when what it stands for changes; then it starts empty.
    """

    name: str
    empty: int | None
    definition: str


@dataclass(frozen=True)
class SegmentPlan:
    """One segment.

    Attributes:
        name: of the segment.
        version: of its definition.
        definition: text that changes when members are to be asked anew: its version, and the
            definitions of the slots and segments that it looks at.
        enter: the condition for entering.
        leave: the condition for leaving, None where it is that ``enter`` is false.
        for_ms: how long a customer must have met ``enter`` before entering.
        hold_ms: how long a customer stays in after ``leave``.
        uses: the names of the slots that its conditions look at, ``segment.NAME`` too.
    """

    name: str
    version: str
    definition: str
    enter: Tree
    leave: Tree | None
    for_ms: int
    hold_ms: int
    uses: tuple[str, ...]


@dataclass(frozen=True)
class DecidePlan:
    """What the decide step decides.

    Attributes:
        name: of the config.
        triggers: the rules.
        live_from_ms: what is due before it is not sent.
        slots: the values of a row: in the order of the profile step's plan, then the attributes.
        segments: after the segments that they look at.
        attributes: the columns of the customers' file whose values stand in the last slots.
    """

    name: str
    triggers: tuple[TriggerPlan, ...]
    live_from_ms: int = ALWAYS_LIVE
    slots: tuple[SlotPlan, ...] = ()
    segments: tuple[SegmentPlan, ...] = ()
    attributes: tuple[str, ...] = ()

    @property
    def slot_names(self) -> list[str]:
        """Return the names of all slots of a row, those of the segments last."""
        return [each.name for each in self.slots] + [
            f"segment.{each.name}" for each in self.segments
        ]
