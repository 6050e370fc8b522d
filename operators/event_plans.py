"""What to do with an event, by its name: compiled once from the rules, looked up for each event."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from operators.causes import Cause, Role, causes_of, event_trees
from operators.features.feature import Feature
from operators.features.zones import Zone
from operators.fields import Body, Field, FieldType, Read, field_reader, read_nothing
from operators.head_types import NAME_CHARACTERS
from operators.kept import Kept, OfProfile, OfSession, SessionValue
from operators.models.plan import TargetPlan
from operators.observing import DERIVED, Fields, Observe, observer
from operators.outputs import json_number
from operators.rejections import RejectedError, Rejection
from operators.signs import Signal
from operators.times import EventTime

SPEC_TYPES = ("page", "screen", "identify", "group", "alias")
"""The Segment spec's types beside ``track``, which are the names of their events."""

ZONE_FIELD = Field(("context", "timezone"), FieldType.SCALAR)
"""Where an event says in which time zone its customer is."""


class OfSessionTaken(NamedTuple):
    """A value of the session that takes something of an event: where it stands, and what."""

    slot: int
    value: SessionValue
    observe: Observe


class OfProfileTaken(NamedTuple):
    """A feature of the profile that takes something of an event: where it stands, and what.

    Those that let go of values by themselves say so.
    """

    slot: int
    feature: Feature
    observe: Observe
    lets_go: bool


class Awaited(NamedTuple):
    """A model that looks for an event: which, and where the value stands that it sums up, if so."""

    model: int
    value: int | None


class EventPlan:
    """What to do with the events of one name.

    Attributes:
        counts: the slots of a session's values that count this event, whatever it holds.
        of_session: the session's values that take something of it.
        of_profile: the profile's features that take something of it.
        resets: the profile's features that it empties.
        feature_slots: the profile's features whose value it may change.
        row_slots: all slots of rows that it may change, those first.
        roles: what it may do to triggers.
        scored_by: the numbers of the models whose moment it is.
        awaited_by: the models that look for it after their moments.
        zone: where its time zone stands among its fields, None where nobody asks.
        wanted: the fields that are read of it.
    """

    def __init__(self, name: str | None, kept: Kept, causes: Sequence[Cause]) -> None:
        fields = Fields()
        if kept.needs_zone:
            fields.add(*ZONE_FIELD)
        in_session = [each for each in kept.of_session if each.plan.of in {None, name}]
        emptied = [each for each in kept.of_profile if name and each.plan.window.event == name]
        in_profile = [
            each for each in kept.of_profile if each.plan.of in {None, name} and each not in emptied
        ]
        looking: list[OfSession | OfProfile] = [*in_session, *in_profile]
        for each in looking:
            fields.add_feature(each.plan, each.field_type)
        mine = [(number, each) for number, each in enumerate(causes) if each.concerns(name)]
        for _, cause in mine:
            trigger = kept.plan.triggers[cause.trigger]
            if trigger.key:
                fields.add(trigger.key, FieldType.KEY)
            for tree in event_trees(trigger, cause):
                fields.add_tree(tree)
        models = list(enumerate(kept.plan.models))
        self.scored_by = tuple(n for n, each in models if not each.at or name in each.at)
        self.awaited_by = tuple(
            Awaited(number, _summed(each.target, fields))
            for number, each in models
            if each.predicts and each.target.event == name
        )
        plain = [each for each in in_session if each.plan.kind == "count" and not each.plan.where]
        self.counts = tuple(each.slot for each in plain)
        self.of_session = tuple(
            OfSessionTaken(each.slot, each.value, observer(each.plan, each.field_type, fields))
            for each in in_session
            if each not in plain
        )
        self.of_profile = tuple(
            OfProfileTaken(
                each.slot,
                each.feature,
                observer(each.plan, each.field_type, fields),
                each.feature.lets_go,
            )
            for each in in_profile
        )
        self.resets = tuple((each.slot, each.feature) for each in emptied)
        touched = {each.slot for each in [*in_profile, *emptied]}
        self.feature_slots = kept.feature_slots(touched)
        self.row_slots = self.feature_slots + kept.session_slots + kept.clock_slots
        self.roles = tuple(
            Role(
                number,
                fields.wanted.get(Field(kept.plan.triggers[cause.trigger].key, FieldType.KEY)),
            )
            for number, cause in mine
        )
        self._told: dict[str, int] = {}
        for _, cause in mine:
            for tree in event_trees(kept.plan.triggers[cause.trigger], cause):
                self._told |= fields.places_in(tree)
        self.zone = fields.wanted.get(ZONE_FIELD) if kept.needs_zone else None
        self.wanted = tuple(fields.wanted)
        self._width = len(fields.wanted)  # a reader may give one value more
        self._derive = [DERIVED[each] for each in fields.derived]
        self.read: Read = field_reader(self.wanted) if self.wanted else read_nothing

    def signal(self, customer: str, event: "Event") -> Signal:
        """Say of an event what triggers want to know."""
        values = event.values
        keys = ["" if role.key is None else _key_text(values[role.key]) for role in self.roles]
        told = {name: values[place] for name, place in self._told.items()}
        return Signal(
            customer=customer,
            time=event.time,
            watermark=event.watermark,
            message_id=event.body.messageId,
            roles=self.roles,
            keys=keys,
            event=told,
            is_late=event.is_late,
        )

    def with_derived(self, event: "Event", zone: Zone) -> Sequence[Any]:
        """Return an event's fields, and behind them what conditions ask of it besides.

        Args:
            event: as it was read.
            zone: where its customer is.
        """
        if not self._derive:
            return event.values
        body = event.body
        name = body.event if body.type == "track" else body.type
        derived = (derive(event.time, zone, name) for derive in self._derive)
        return [*event.values[: self._width], *derived]


class Event(msgspec.Struct, gc=False):
    """An event on its way into a profile.

    Attributes:
        time: of the event, in ms.
        watermark: the shard's before it.
        body: as it was decoded.
        plan: what to do with it.
        values: its fields that the plan wants.
        is_late: whether the watermark was past it.
    """

    time: EventTime
    watermark: EventTime
    body: Body
    plan: EventPlan
    values: Sequence[Any]
    is_late: bool


class EventPlans:
    """The plans of all event names; those that no rule names share one."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._causes = causes_of(kept.plan.triggers)
        of_triggers = {
            each.occurrence.name for each in self._causes if each.occurrence.kind == "event"
        }
        self._plans = {name: self._make(name) for name in kept.event_names | of_triggers}
        self._default = self._make(None)
        for name in SPEC_TYPES:
            self._plans.setdefault(name, self._default)

    def get(self, body: Body) -> EventPlan:
        """Return the plan for an event: by ``event`` of a track call, else by its type (I3).

        Raises:
            RejectedError: the event has no name.
        """
        is_track = body.type == "track"
        name = body.event if is_track else body.type
        try:
            return self._plans[name]
        except (KeyError, TypeError):  # no rule names it, or it is no string
            pass
        if type(name) is not str or not 0 < len(name) <= NAME_CHARACTERS:
            reason = f"expected a string of 1 to {NAME_CHARACTERS} characters"
            raise RejectedError(Rejection("profile", reason, "event" if is_track else "type"))
        return self._default

    def all(self) -> list[EventPlan]:
        """Return all plans, each once."""
        return list(dict.fromkeys([*self._plans.values(), self._default]))

    def _make(self, name: str | None) -> EventPlan:
        return EventPlan(name, self._kept, self._causes)


def _summed(target: TargetPlan, fields: Fields) -> int | None:
    """Say where the value stands that a model sums up; one that is no number counts as nothing."""
    if not target.value:
        return None
    number = Field(target.value, FieldType.NUMBER)  # a feature may want it to be one: read it once
    if number not in fields.wanted:
        number = Field(target.value, FieldType.SCALAR)
        fields.add(*number)
    return fields.wanted[number]


def _key_text(value: str | float | None) -> str:
    """Write a key as text; a whole number has one text, however it was written."""
    if value is None:
        return ""
    return value if isinstance(value, str) else str(json_number(value))
