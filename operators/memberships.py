"""Memberships: which segments a customer is in, and when that next changes by itself (C1, C2).

Segments are looked at one by one in the order of the plan, in which a segment comes after those
that its conditions name. Conditions see the customer's row, in which each segment has a slot.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from expressions import compile_deadline, compile_function
from operators.plans import DecidePlan, SegmentPlan
from operators.times import AFTER_ALL, EventTime

_COMBINATIONS_MOST = 10_000
"""How many sets of changed slots are remembered with the segments that look at them."""


class Membership(msgspec.Struct, array_like=True, gc=False):
    """One customer's place in one segment.

    Attributes:
        inside: whether the customer is in it.
        changes: how many times the customer has entered or left.
        since: time of the last change, None before any.
        turned: since when the condition has asked for a change that must wait (``for``, ``hold``).
        deadline: when the condition is to be asked again although nothing happens.
    """

    inside: bool = False
    changes: int = 0
    since: EventTime | None = None
    turned: EventTime | None = None
    deadline: EventTime = AFTER_ALL


class Change(NamedTuple):
    """A customer has entered or left a segment.

    Attributes:
        segment: the name of which.
        version: of its definition, None for a segment that is no more.
        inside: whether the customer has entered.
        number: how many changes the customer has had there, with this one.
    """

    segment: str
    version: str | None
    inside: bool
    number: int


class _Rule:
    """A segment's conditions as functions of the row and the time."""

    def __init__(self, plan: SegmentPlan, slots: dict[str, int]) -> None:
        self._plan = plan
        self.slot = slots[f"segment.{plan.name}"]
        self.for_ms = plan.for_ms
        self.hold_ms = plan.hold_ms
        self.enter = compile_function(plan.enter, slots)
        self.leave = compile_function(plan.leave, slots) if plan.leave else None
        trees = [plan.enter, *([plan.leave] if plan.leave else [])]
        deadlines = [compile_deadline(tree, slots) for tree in trees]
        self._deadlines = [each for each in deadlines if each]
        self.has_limits = bool(self._deadlines)

    def wants(self, row: Sequence[Any], time: EventTime, *, inside: bool) -> bool:
        """Tell whether the condition asks for a change: one who is to leave does not enter."""
        if self.leave is None:
            return bool(self.enter(row, time)) is not inside
        if inside:
            return bool(self.leave(row, time))
        return bool(self.enter(row, time)) and not self.leave(row, time)

    def change(self, membership: Membership) -> Change:
        """Describe the last change of a membership in this segment."""
        plan = self._plan
        return Change(plan.name, plan.version, membership.inside, membership.changes)

    def deadline(self, row: Sequence[Any], time: EventTime) -> EventTime:
        """Return when a ``since()`` of the conditions next passes its limit."""
        return EventTime(min([each(row, time) for each in self._deadlines]))


class Conditions:
    """The conditions of a plan's segments, and what they make of a customer's memberships."""

    def __init__(self, plan: DecidePlan) -> None:
        slots = {name: number for number, name in enumerate(plan.slot_names)}
        self._rules = [_Rule(each, slots) for each in plan.segments]
        self._readers: list[list[int]] = [[] for _ in slots]
        for number, each in enumerate(plan.segments):
            for name in each.uses:
                self._readers[slots[name]].append(number)
        self._affected: dict[tuple[int, ...], list[int]] = {}

    def affected(self, slots: tuple[int, ...]) -> list[int]:
        """Return the segments whose conditions name one of these slots, in order."""
        found = self._affected.get(slots)
        if found is None:
            if len(self._affected) >= _COMBINATIONS_MOST:
                self._affected.clear()
            readers = {number for slot in slots for number in self._readers[slot]}
            found = self._affected[slots] = sorted(readers)
        return found

    def ask(
        self,
        memberships: Sequence[Membership],
        row: list[Any],
        time: EventTime,
        segments: Iterable[int],
    ) -> tuple[list[Change], EventTime]:
        """Ask the conditions of some segments, and of those that name one that changes.

        Args:
            memberships: the customer's, in the order of the plan; changed in place.
            row: the customer's at that time; its slots of segments are changed in place.
            time: the moment.
            segments: their numbers, in order.

        Returns:
            Who has entered or left what, and the nearest deadline of those that were asked.
        """
        changes: list[Change] = []
        nearest = AFTER_ALL
        rules, readers = self._rules, self._readers
        todo = list(segments)
        for number in todo:  # grows while it is gone through, always behind
            rule, membership = rules[number], memberships[number]
            inside = membership.inside
            turned, limit = None, AFTER_ALL
            if rule.wants(row, time, inside=inside):
                turned = time if membership.turned is None else membership.turned
                wait_ms = rule.hold_ms if inside else rule.for_ms
                if time - turned < wait_ms:
                    limit = EventTime(turned + wait_ms)
                else:
                    turned = None
                    membership.inside = row[rule.slot] = not inside
                    membership.since = time
                    membership.changes += 1
                    changes.append(rule.change(membership))
                    for reader in readers[rule.slot]:
                        place = bisect_left(todo, reader)
                        if place == len(todo) or todo[place] != reader:
                            todo.insert(place, reader)
            membership.turned = turned
            if rule.has_limits:
                limit = min(limit, rule.deadline(row, time))
            membership.deadline = limit
            if limit < nearest:  # noqa: PLR1730 (twice as fast as min)
                nearest = limit
        return changes, nearest
