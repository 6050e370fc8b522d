"""Segments: takes rows, and says who enters and leaves which segment, when, and why it is so now.

A customer's memberships follow the customer's own clock, like the row: a limit that passes by
itself does so at its own time, before anything later is looked at (C1, C2).

When segments change, every customer is looked at once with the new ones, as of the time of the
change: when next touched, or in the background, at so many a tick. So it does not matter for what
comes out how fast that goes.
"""

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any

from operators.customers import Customer, CustomerStore
from operators.memberships import Change, Conditions, Membership
from operators.outputs import Record, make_id
from operators.plans import DecidePlan
from operators.signs import Row
from operators.times import AFTER_ALL, BEFORE_ALL, EventTime
from operators.triggers import TriggerKeeper
from state.about import View

RECONCILED_AT_ONCE = 1000
"""How many customers have their records in memory together while all are looked at."""


class Origin(Enum):
    """What has made a customer enter or leave."""

    EVENT = "event"
    TIMER = "timer"
    GRACE = "grace"
    RECONCILE = "reconcile"
    MERGE = "merge"


class SegmentKeeper:
    """Keeps the rows and memberships of customers.

    Attributes:
        records: who has entered and left, since they were last taken.

    Args:
        plan: the segments.
        store: the customers, and the deadlines of what changes by itself.
        triggers: who is told before anything changes, and who enters and leaves.
    """

    def __init__(self, plan: DecidePlan, store: CustomerStore, triggers: TriggerKeeper) -> None:
        self.records: list[Record] = []
        self._triggers = triggers
        self._name = plan.name
        self._plans = plan.segments
        self._conditions = Conditions(plan)
        self._all = range(len(plan.segments))
        self._store = store
        self._about = store.about
        self._customers = store.customers
        self._timers = store.change_timers
        self._empty_row: list[Any] = [each.empty for each in plan.slots]
        self._scanned = b""
        self._is_held = False

    def take(self, customer: Customer, row: Row) -> None:
        """Take what has changed of a customer's row."""
        self.pass_by(customer, row.time)
        self._triggers.before(customer, row.time)
        is_first = not customer.row
        if is_first:
            customer.memberships = [Membership() for _ in self._all]
            customer.row = [
                *self._with_attributes(customer.name, self._empty_row),
                *(False for _ in self._all),
            ]
        values = customer.row
        for slot, value in zip(row.slots, row.values, strict=True):
            values[slot] = value
        customer.moment = row.time
        asked: Iterable[int] = self._all if is_first else self._conditions.affected(row.slots)
        if customer.change_timer <= row.time:  # what passes its limit just now comes with the row
            asked = sorted({*asked, *_due(customer.memberships, row.time)})
        if asked:
            origin = Origin.TIMER
            if row.is_event:
                origin = Origin.GRACE if row.is_late else Origin.EVENT
            self._ask(customer, row.time, asked, origin, row.message_id or "")

    def pass_by(self, customer: Customer, before: EventTime) -> None:
        """Let a customer's limits pass that lie before a time."""
        self._reconcile(customer)
        if customer.change_timer < before:
            self._timers.remove(customer.change_timer, customer.name)
            self._go_by(customer, before)

    def fire_everyone(self, watermark: EventTime) -> None:
        """Let everybody's limits pass that lie before the watermark."""
        while names := self._timers.due(watermark):
            customers = self._customers.edit(names)
            for name in names:
                customer = customers[name]
                if customer.view != self._store.view:
                    self._timers.add(customer.change_timer, name)  # it was taken just now
                    self.pass_by(customer, watermark)
                else:
                    self._go_by(customer, watermark)

    def hold_changes(self) -> None:
        """Tell nobody who enters and leaves, until ``tell_changes``."""
        self._is_held = True

    def tell_changes(
        self, customer: Customer, before: Sequence[Membership], time: EventTime
    ) -> None:
        """Tell what a customer has entered or left in all, since changes were held back.

        Triggers are not told: what was done long ago does not start them anew.

        Args:
            customer: who.
            before: the memberships as they were, none for one who is new.
            time: of the changes.
        """
        if customer.row and self._store.has_attributes:
            values = self._with_attributes(customer.name, customer.row[: len(self._empty_row)])
            customer.row[: len(values)] = values
            for look in customer.looks():  # it was kept when nobody knew who this is
                if look.row:
                    look.row[: len(values)] = self._with_attributes(
                        customer.name, look.row[: len(values)]
                    )
            self._ask(customer, time, self._all, Origin.MERGE)
        self._is_held = False
        old = dict(enumerate(before))
        for number, (plan, each) in enumerate(zip(self._plans, customer.memberships, strict=False)):
            was = old.get(number, Membership())
            each.changes = was.changes + (each.inside is not was.inside)
            if each.inside is not was.inside:
                change = Change(plan.name, plan.version, each.inside, each.changes)
                self._note(customer.name, change, time, Origin.MERGE)

    def forget(self, customer: Customer, time: EventTime, origin: Origin = Origin.TIMER) -> None:
        """Let a customer leave everything, whose profile is gone from a time on."""
        self.pass_by(customer, time)
        for plan, membership in zip(self._plans, customer.memberships, strict=False):
            if membership.inside:
                change = _leave(membership, plan.name, plan.version)
                self._note(customer.name, change, time, origin)
        customer.memberships, customer.row = [], []

    def reconcile_some(self, most: int | None) -> None:
        """Look at some of the customers who were not yet, after segments have changed.

        Args:
            most: how many, None for all.
        """
        while self._about.reached != self._store.view:
            limit = RECONCILED_AT_ONCE if most is None else most
            stored, self._scanned = self._customers.stored_after(self._scanned, limit)
            old = [each.name for each in stored if each.view != self._store.view]
            for customer in self._customers.edit(old).values():
                self._reconcile(customer)
            if not stored:
                self._about.reached = self._store.view
            elif most is not None:
                return

    def _reconcile(self, customer: Customer) -> None:
        """Look at a customer with the segments as they are now, if that was not done yet."""
        if customer.view == self._store.view:
            return
        views = self._about.views[customer.view :]
        customer.view = self._store.view
        for look in customer.looks():
            look.row = self._look_arranged(look.row, views)
        if not customer.row:
            return
        if customer.change_timer != AFTER_ALL:
            self._timers.remove(customer.change_timer, customer.name)
            customer.change_timer = AFTER_ALL
        time = EventTime(max(views[-1].since, customer.moment))
        customer.moment = time
        old = dict(zip(views[0].segments, customer.memberships, strict=True))
        customer.memberships = [old.pop(each.name, Membership()) for each in self._plans]
        for name, membership in old.items():
            if membership.inside:
                change = _leave(membership, name, None)
                self._note(customer.name, change, time, Origin.RECONCILE)
        before = self._arranged(customer.row, views)
        values = self._with_attributes(customer.name, before)
        customer.row = [*values, *(each.inside for each in customer.memberships)]
        kept = _always([list(zip(each.segments, each.definitions, strict=True)) for each in views])
        anew = [
            number
            for number, each in enumerate(self._plans)
            if (each.name, each.definition) not in kept
        ]
        for number in anew:
            customer.memberships[number].turned = None
        changed = tuple(n for n, value in enumerate(values) if before[n] != value)
        asked = sorted({*anew, *self._conditions.affected(changed)})
        self._ask(customer, time, asked, Origin.RECONCILE)
        self._move_timer(customer, _next(customer.memberships))

    def _arranged(self, row: list[Any], views: list[View]) -> list[Any]:
        """Bring a row into the slots as they are now; what has not always been one is empty."""
        kept = _always([each.slots for each in views])
        found = dict(zip(views[0].slots, row, strict=False))
        return [
            found[slot] if slot in kept else empty
            for slot, empty in zip(views[-1].slots, self._empty_row, strict=True)
        ]

    def _look_arranged(self, row: list[Any], views: list[View]) -> list[Any]:
        """Do the same with a row that was kept, memberships included."""
        inside = dict(zip(views[0].segments, row[len(views[0].slots) :], strict=True))
        return [
            *self._arranged(row, views),
            *(inside.get(each.name, False) for each in self._plans),
        ]

    def _with_attributes(self, name: str, row: list[Any]) -> list[Any]:
        """Put what is said of a customer from outside into the last slots of a row."""
        attributes = self._store.attributes(name)
        return [*row[: len(row) - len(attributes)], *attributes]

    def _go_by(self, customer: Customer, before: EventTime) -> None:
        """Let a customer's limits pass that lie before a time; the timer was taken."""
        time = customer.change_timer
        customer.change_timer = BEFORE_ALL  # no timer is set until all have passed
        memberships = customer.memberships
        while time < before:
            if due := _due(memberships, time):
                self._triggers.before(customer, time)
                customer.moment = time
                self._ask(customer, time, due, Origin.TIMER)
            time = _next(memberships)
        customer.change_timer = AFTER_ALL
        self._move_timer(customer, time)

    def _ask(
        self,
        customer: Customer,
        time: EventTime,
        segments: Iterable[int],
        origin: Origin,
        message_id: str = "",
    ) -> None:
        changes, deadline = self._conditions.ask(customer.memberships, customer.row, time, segments)
        if deadline < customer.change_timer:
            self._move_timer(customer, deadline)
        for change in changes:
            self._note(customer.name, change, time, origin)
        if self._is_held:
            return
        if origin is not Origin.RECONCILE:  # changed rules do not write to everybody at once
            for change in changes:
                self._triggers.take_change(customer, change, time, message_id)

    def _note(self, customer: str, change: Change, time: EventTime, origin: Origin) -> None:
        """Write who has entered or left."""
        if self._is_held:
            return
        kind = "segment.entered" if change.inside else "segment.left"
        data: dict[str, object] = {
            "segment": change.segment,
            "version": change.version,
            "origin": origin.value,
        }
        digest = make_id("membership", self._name, change.segment, customer, time)
        record_id = f"{digest}-{change.number:06}"
        self.records.append(Record(kind, record_id, customer, time, data))

    def _move_timer(self, customer: Customer, deadline: EventTime) -> None:
        """Set the timer earlier if need be; a later limit is found when the timer fires."""
        if deadline < customer.change_timer:
            if customer.change_timer != AFTER_ALL:
                self._timers.remove(customer.change_timer, customer.name)
            self._timers.add(deadline, customer.name)
            customer.change_timer = deadline


def _leave(membership: Membership, segment: str, version: str | None) -> Change:
    """Let a customer leave a segment for good: the membership itself goes with it."""
    membership.changes += 1
    return Change(segment, version, inside=False, number=membership.changes)


def _due(memberships: Iterable[Membership], time: EventTime) -> list[int]:
    """Return which segments are to be asked again at a time although nothing happens."""
    return [number for number, each in enumerate(memberships) if each.deadline <= time]


def _next(memberships: Iterable[Membership]) -> EventTime:
    """Return when a condition is next to be asked although nothing happens."""
    return min((each.deadline for each in memberships), default=AFTER_ALL)


def _always(views: Iterable[Iterable[Any]]) -> set[Any]:
    """Return what is in all of some views."""
    first, *others = (set(view) for view in views)
    return first.intersection(*others)
