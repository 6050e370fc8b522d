"""What the steps need to know of the config: compiled once, small, frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from expressions import Tree, Type
from operators.consent_plan import ConsentPlan
from operators.features.plan import FeaturePlan
from operators.identity_plan import IdentityPlan
from operators.models.plan import ModelPlan

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
        identity: how anonymous ids are linked to customers, None where they are not.
    """

    shards: int
    disorder_ms: int
    future_ms: int
    now_ms: int
    identity: IdentityPlan | None = None


OccurrenceKind = Literal["event", "any", "enter", "leave", "session"]


@dataclass(frozen=True)
class Occurrence:
    """What starts or cancels a trigger.

    Attributes:
        kind: an event of one name, any event, entering or leaving a segment, a session's closing.
        name: of the event or the segment, else empty.
        where: which of them count: looks at the event (``event.``) and at the customer after it.
    """

    kind: OccurrenceKind
    name: str = ""
    where: Tree | None = None


@dataclass(frozen=True)
class PayloadField:
    """One value of a message.

    Attributes:
        name: of the value.
        value: of the customer, as of the due time, and of the event that started the trigger.
        template: text in which ``{{ … }}`` stands for such values; one of the two is given.
        type: of the value.
        types: of the names in the template that are no plain values: times and durations.
    """

    name: str
    value: Tree | None = None
    template: str | None = None
    type: Type = Type.ANY
    types: Mapping[str, Type] = field(default_factory=dict)


@dataclass(frozen=True)
class StepPlan:
    """One message of a trigger.

    Attributes:
        after_ms: the wait since the trigger has started, or since the step before was decided.
        when: asked at the due time, None for always.
        cancel: what ends the wait without a message.
        channel: how the message goes out, empty where nobody says.
        payload: what the message holds.
    """

    after_ms: int
    when: Tree | None = None
    cancel: tuple[Occurrence, ...] = ()
    channel: str = ""
    payload: tuple[PayloadField, ...] = ()


@dataclass(frozen=True)
class TriggerPlan:
    """One trigger.

    Attributes:
        name: of the trigger.
        version: of its definition (T10).
        on: what opens an instance.
        key: the field that tells instances of one customer apart, empty for none.
        steps: its messages, one after the other; there is at least one.
        again_ms: the least time between the first messages of two instances; ALWAYS_MS, NEVER_MS.
        restart: whether a further start begins the wait again.
        enabled: whether anything is sent.
        priority: higher ones are asked first, where several are due at one time.
        tags: for limits.
        expires_ms: how long after the due time quiet hours may hold a message.
        retract_ms: how long after it was sent a message is taken back for an event that is late.
    """

    name: str
    version: str
    on: Occurrence
    key: tuple[str, ...]
    steps: tuple[StepPlan, ...]
    again_ms: int
    restart: bool
    enabled: bool = True
    priority: int = 0
    tags: tuple[str, ...] = ()
    expires_ms: int = 86_400_000
    retract_ms: int = 0


LimitPeriod = Literal["rolling", "day", "week"]


@dataclass(frozen=True)
class LimitPlan:
    """At most so many messages for one customer in some time.

    Attributes:
        at_most: how many.
        period: the last ``per_ms``, or a calendar day or week (from Monday).
        per_ms: the length where it is rolling, else 0.
        zone: of the calendar; None for the customer's.
        channel: which messages count and are held back: of this channel, None for all.
        trigger: likewise of this trigger.
        tag: likewise of triggers with this tag.
        written: the limit in the config's words, for whoever asks which one was reached.
    """

    at_most: int
    period: LimitPeriod
    per_ms: int = 0
    zone: str | None = None
    channel: str | None = None
    trigger: str | None = None
    tag: str | None = None
    written: str = ""


@dataclass(frozen=True)
class QuietPlan:
    """When no messages are sent: from one local time on, and before another.

    Attributes:
        from_ms: since midnight.
        to_ms: since midnight; less than ``from_ms`` where they go over midnight.
        zone: where; None for the customer's.
        hold: whether messages wait until the end, else they are dropped.
    """

    from_ms: int
    to_ms: int
    zone: str | None
    hold: bool


@dataclass(frozen=True)
class HoldoutPlan:
    """Which customers get no messages, to measure what messages do.

    Attributes:
        millionths: of all customers.
        salt: who is among them depends on it.
    """

    millionths: int
    salt: str


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
        grace_ms: how late an event may be and still be applied.
        retention_ms: how long an unseen profile is kept.
        duplicates_last: how many messageIds a profile remembers.
        duplicates_within_ms: how far apart duplicates may be.
        triggers: whose events are passed on.
        models: whose moments and outcomes are told; rows hold all that they look at.
        consent: what must be permitted, None where nobody is asked.
        forgets: whether events may let their customers be forgotten.
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
    grace_ms: int = 0
    models: tuple[ModelPlan, ...] = ()
    consent: ConsentPlan | None = None
    forgets: bool = False

    @property
    def slot_names(self) -> list[str]:
        """Return the names of the slots of rows, as conditions and models name them."""
        kept = [f"session.{each.name}" for each in self.collect]
        kept += [each.name for each in self.session_features]
        return [
            *(each.name for each in self.row.features),
            *(
                kept[each.number] if each.field == "value" else f"session.{each.field}"
                for each in self.row.session
            ),
            *(f"context.{each}" for each in self.row.clock),
        ]

    @property
    def time_slots(self) -> frozenset[str]:
        """Return the names of the slots of rows that hold a time."""
        features = [*self.row.features, *self.session_features]
        times = (each.name for each in features if each.kind == "time")
        return frozenset({"session.start", *times})


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
        limits: all that apply must allow a message.
        quiet: when no messages are sent, None for never.
        holdout: who gets none, None for nobody.
        grace_ms: how late an event may be and still matter.
        links: whether customers may be given the pasts of anonymous ids.
        models: whose scores rows hold and records tell of.
        consent: what must be permitted, None where nobody is asked.
    """

    name: str
    triggers: tuple[TriggerPlan, ...]
    live_from_ms: int = ALWAYS_LIVE
    slots: tuple[SlotPlan, ...] = ()
    segments: tuple[SegmentPlan, ...] = ()
    attributes: tuple[str, ...] = ()
    limits: tuple[LimitPlan, ...] = ()
    quiet: QuietPlan | None = None
    holdout: HoldoutPlan | None = None
    grace_ms: int = 0
    links: bool = False
    models: tuple[ModelPlan, ...] = ()
    consent: ConsentPlan | None = None

    @property
    def slot_names(self) -> list[str]:
        """Return the names of all slots of a row, those of the segments last."""
        return [each.name for each in self.slots] + [
            f"segment.{each.name}" for each in self.segments
        ]
