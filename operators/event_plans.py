"""What to do with an event, by its name: compiled once from the rules, looked up for each event."""

from typing import Any, NamedTuple

from operators.collect.kind import Kind
from operators.fields import Body, Field, Fields, FieldType
from operators.outputs import json_number
from operators.plans import CollectPlan, ProfilePlan, TriggerPlan


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
        self._fields = Fields(tuple(wanted)) if wanted else None

    def read(self, body: Body) -> list[Any]:
        """Return the fields that the rules use of this event.

        Raises:
            RejectedError: one has the wrong type.
        """
        return self._fields.read(body) if self._fields else []

    def keys(self, values: list[Any]) -> list[str]:
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

    def get(self, name: str) -> EventPlan:
        """Return the plan of an event name."""
        return self._plans.get(name, self._default)

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
