"""What to do with an event, by its name: compiled once from the rules, looked up for each event."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from operators.collect.kind import Kind
from operators.fields import Body, Field, FieldType, Read, field_reader, read_nothing
from operators.heads import NAME_CHARACTERS
from operators.outputs import json_number
from operators.plans import CollectPlan, ProfilePlan, TriggerPlan
from operators.rejections import RejectedError, Rejection

SPEC_TYPES = ("page", "screen", "identify", "group", "alias")
"""The Segment spec's types beside ``track``, which are the names of their events."""


class Role(NamedTuple):
    """What an event does to a trigger: opens an instance, or cancels."""

    trigger: str
    cancels: bool


class Update(NamedTuple):
    """A collected value that an event changes: its slot, its kind, its field's position."""

    slot: int
    kind: Kind
    position: int


class EventPlan:
    """What to do with the events of one name.

    Attributes:
        counts: the slots of collected values that count this event.
        updates: the collected values that take a field of it.
        roles: what it does to triggers.
        read: gives the fields that the rules use of this event.
    """

    def __init__(
        self,
        collect: list[tuple[int, Kind, CollectPlan]],
        triggers: list[tuple[Role, TriggerPlan]],
    ) -> None:
        wanted: dict[Field, int] = {}
        updates: list[Update] = []
        for slot, kind, plan in collect:
            if kind.field_type is not None:
                position = wanted.setdefault((plan.path, kind.field_type), len(wanted))
                updates.append(Update(slot, kind, position))
        self.counts = tuple(slot for slot, kind, _ in collect if kind.field_type is None)
        self.updates = tuple(updates)
        self.roles = tuple(role for role, _ in triggers)
        self._key_positions = [
            wanted.setdefault((trigger.key, FieldType.KEY), len(wanted)) if trigger.key else None
            for _, trigger in triggers
        ]
        self.read: Read = field_reader(tuple(wanted)) if wanted else read_nothing

    def keys(self, values: Sequence[Any]) -> list[str]:
        """Return the key of each role, empty where the event has none."""
        return [
            "" if position is None else _key_text(values[position])
            for position in self._key_positions
        ]


class EventPlans:
    """The plans of all event names; those that no rule names share one."""

    def __init__(self, plan: ProfilePlan, kinds: list[Kind]) -> None:
        self._plan = plan
        self._kinds = kinds
        names = {collect.of for collect in plan.collect}
        for trigger in plan.triggers:
            names |= {trigger.on, *trigger.cancel}
        self._plans = {name: self._make(name) for name in names if name is not None}
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

    def _make(self, name: str | None) -> EventPlan:
        collect = [
            (slot, kind, plan)
            for slot, (kind, plan) in enumerate(zip(self._kinds, self._plan.collect, strict=True))
            if plan.of in {None, name}
        ]
        triggers = [
            (Role(trigger.name, cancels=name in trigger.cancel), trigger)
            for trigger in self._plan.triggers
            if name == trigger.on or name in trigger.cancel
        ]
        return EventPlan(collect, triggers)


def _key_text(value: str | float | None) -> str:
    """Write a key as text; a whole number has one text, however it was written."""
    if value is None:
        return ""
    return value if isinstance(value, str) else str(json_number(value))
