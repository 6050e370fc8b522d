"""What starts and cancels triggers, with its conditions as functions of the customer's row."""

from collections.abc import Sequence
from typing import Any

from expressions import compile_function
from operators.causes import STARTS, Cause, causes_of, event_names, message_trees
from operators.plans import DecidePlan
from operators.times import EventTime

NO_EVENT: dict[str, Any] = {}
"""What is known of the event where there is none."""


class CompiledCause:
    """A cause with its condition as a function."""

    def __init__(self, cause: Cause, plan: DecidePlan, slots: dict[str, int]) -> None:
        self.trigger = plan.triggers[cause.trigger]
        self.steps = cause.steps
        self.kind = cause.occurrence.kind
        self.name = cause.occurrence.name
        self.is_absence = self.kind == "any" and not any(e.cancel for e in self.trigger.steps)
        self._kept = event_names(message_trees(self.trigger))
        where = cause.occurrence.where
        self._event_names = event_names([where] if where else [])
        places = dict(slots)
        for name in self._event_names:
            places[name] = len(places)
        self._where = compile_function(where, places) if where else None

    def kept(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return what an instance keeps of the event that starts it."""
        if self.steps != STARTS or not self._kept:
            return NO_EVENT
        return {name: event[name] for name in self._kept}

    def holds(self, row: Sequence[Any], event: dict[str, Any], time: EventTime) -> bool:
        """Tell whether it is one that counts."""
        if self._where is None:
            return True
        if self._event_names:
            row = [*row, *(event[name] for name in self._event_names)]
        return bool(self._where(row, time))


class CompiledCauses:
    """All causes of a plan.

    Attributes:
        by_number: as roles of events name them.
        of_closings: those that wait for a session to close.
    """

    def __init__(self, plan: DecidePlan) -> None:
        slots = {name: number for number, name in enumerate(plan.slot_names)}
        self.by_number = [CompiledCause(each, plan, slots) for each in causes_of(plan.triggers)]
        self.of_closings = [each for each in self.by_number if each.kind == "session"]
        self._of_changes: dict[tuple[str, str], list[CompiledCause]] = {}
        for each in self.by_number:
            if each.kind in {"enter", "leave"}:
                self._of_changes.setdefault((each.kind, each.name), []).append(each)

    def of_change(self, segment: str, *, inside: bool) -> Sequence[CompiledCause]:
        """Return those that wait for a customer to enter or leave a segment."""
        return self._of_changes.get(("enter" if inside else "leave", segment), ())
