"""Triggers: opens instances, ends each in one decision, sends what is due and nothing holds back.

One customer's instances end in order of time, whatever trigger they belong to: so that each knows
what was sent before it.
"""

from heapq import heapify, heappop, heappush
from typing import Any

from operators.arbitration import Arbiter
from operators.causes import STARTS
from operators.compiled_causes import NO_EVENT, CompiledCause, CompiledCauses
from operators.consent_endings import clear, empty
from operators.customers import Customer, CustomerStore
from operators.deciding import Decider
from operators.endings import Ending, OpenInstances, at_once, waits_until
from operators.instances import (
    Cancel,
    Case,
    Closing,
    Instance,
    Look,
    Start,
    first_step,
    is_at_once,
    move_instance,
    note_cancel,
    open_instance,
    opened_order,
)
from operators.memberships import Change
from operators.plans import DecidePlan, TriggerPlan
from operators.signs import ConsentSaid, SessionClosed, Signal
from operators.times import AFTER_ALL, BEFORE_ALL, EventTime

Open = tuple[EventTime, int, str, str]
"""Where the next ending of a key stands: time, priority with a minus, key, trigger."""


class TriggerKeeper:
    """Keeps the instances of customers.

    Attributes:
        decider: says what becomes of those that have come to their ends.
        watermark: what ends before it is certain; moved on before each sign.

    Args:
        plan: the triggers, and what holds their messages back.
        store: the customers, and the deadlines of instances.
    """

    def __init__(self, plan: DecidePlan, store: CustomerStore) -> None:
        self.watermark = BEFORE_ALL
        self._unsettled: list[tuple[Customer, TriggerPlan]] = []
        self._unsettled_since = BEFORE_ALL
        # what becomes a customer's past later comes like an event that is late by its wait
        self._late_by = {
            each.name: plan.grace_ms + (each.steps[0].after_ms if plan.links else 0)
            for each in plan.triggers
        }
        self._triggers = {trigger.name: trigger for trigger in plan.triggers}
        self._timers = store.timers
        self._arbiter = Arbiter(plan)
        self._consent = self._arbiter.consent
        self._looking = {t.name for t in plan.triggers if self._arbiter.needs_row(t)}
        self._causes = CompiledCauses(plan)
        self.decider = Decider(plan, self._arbiter)

    def take(self, customer: Customer, signal: Signal) -> None:
        """Take an event that may start or cancel something."""
        message_id = signal.message_id or ""
        now = max(signal.time, customer.moment)  # the row is of then, also of one out of order
        for role, key in zip(signal.roles, signal.keys, strict=True):
            cause = self._causes.by_number[role.cause]
            if cause.holds(self._row(customer), signal.event, now):
                event = cause.kept(signal.event)
                about = (event, signal.is_late, signal.is_past)
                start = Start(signal.time, key, message_id, *about)
                self._happen(customer, cause, start)

    def take_change(
        self, customer: Customer, change: Change, time: EventTime, message_id: str
    ) -> None:
        """Take that a customer has entered or left a segment."""
        for cause in self._causes.of_change(change.segment, inside=change.inside):
            if cause.holds(customer.row, NO_EVENT, time):
                self._happen(customer, cause, Start(time, "", message_id, NO_EVENT, False))

    def take_closing(self, customer: Customer, closed: SessionClosed) -> None:
        """Take that a customer's session is over."""
        closing = customer.take_closing(closed.time)
        row = closing.row if closing else self._row(customer)
        for cause in self._causes.of_closings:
            if cause.holds(row, NO_EVENT, closed.time):
                start = Start(closed.time, "", "", NO_EVENT, closed.is_late)
                self._happen(customer, cause, start, closing)

    def note_closing(self, customer: Customer, time: EventTime) -> None:
        """Take note that a session is over, unless the watermark finds that it went on."""
        opened = {
            each.trigger.name: first_step(each.trigger, time)
            for each in self._causes.of_closings
            if each.trigger.name in self._looking
        }
        customer.note_closing(time, opened)

    def take_consent(self, customer: Customer, said: ConsentSaid) -> None:
        """Take what a customer permits now; what is permitted no more ends when it was revoked."""
        customer.consent = said.consent
        if said.forgotten is not None:
            empty(customer, said.forgotten, said.message_id or "")
            if customer.emptied != BEFORE_ALL:
                self._set_timer(customer, said.forgotten)
        if self._consent is None:
            return
        for name, case in customer.cases.items():
            if name in self._triggers and any(each.is_pending for each in case.instances):
                certain = self._certain(name, said.time)
                self._set_timer(customer, self._consent.note(customer, name, certain))

    def before(self, customer: Customer, time: EventTime) -> None:
        """Do what must be done before a customer's row moves on to a time."""
        self.settle()
        if customer.timer < time:
            self.pass_by(customer, min(time, self.watermark))
        if customer.timer < time or customer.closings:
            self.keep_rows(customer, time)

    def settle(self) -> None:
        """Decide what does not wait, once all that happens at that moment was told."""
        if not self._unsettled:
            return
        # one who is told of twice is asked once: what is held then is pending still
        unsettled = {
            (each.name, trigger.name): (each, trigger) for each, trigger in self._unsettled
        }
        self._unsettled = []
        due = [
            (-trigger.priority, instance.key, trigger.name, customer, instance, ending)
            for customer, trigger in unsettled.values()
            for instance, ending in at_once(customer.cases[trigger.name], trigger)
        ]
        for _, _, name, customer, instance, ending in sorted(due, key=lambda each: each[:3]):
            self._decide_at_once(customer, name, instance, ending)

    def keep_rows(self, customer: Customer, before: EventTime) -> None:
        """Keep the customer's row for the instances that are asked before a time.

        Args:
            customer: whose.
            before: the row will be of this time.
        """
        for name, case in customer.cases.items():
            if name in self._looking:
                for instance in case.instances:
                    if instance.is_pending:
                        self._keep_rows(customer, name, instance, before)
        for closing in customer.closings:
            for name, instance in closing.instances.items():
                if name in self._looking:
                    self._keep_rows(customer, name, instance, before)

    def _keep_rows(
        self, customer: Customer, name: str, instance: Instance, before: EventTime
    ) -> None:
        trigger = self._triggers[name]
        if instance.step >= len(trigger.steps):
            return
        asked = self._arbiter.next_look(trigger, instance)
        while asked is not None and asked < before:
            instance.looks.append(Look(asked, list(self._row(customer))))
            asked = self._arbiter.next_look(trigger, instance)

    def pass_by(self, customer: Customer, before: EventTime) -> None:
        """End a customer's instances that end before a time; what does not wait comes first."""
        if self._unsettled and self._unsettled_since < before:
            self.settle()
        if customer.timer < before:
            self._timers.remove(customer.timer, customer.name)
            self.end(customer, before)

    def due(self) -> list[str]:
        """Take the timers of some customers that the watermark is past."""
        return self._timers.due(self.watermark)

    def put_back(self, customer: Customer) -> None:
        """Put back a customer's timer, which was just taken."""
        self._timers.add(customer.timer, customer.name)

    def end(self, customer: Customer, before: EventTime) -> None:
        """End a customer's instances that end before a time; the customer's timer was taken."""
        customer.timer = AFTER_ALL
        cases: dict[str, OpenInstances] = {}
        heap: list[Open] = []
        next_end = AFTER_ALL
        for name, case in customer.cases.items():
            if (until := waits_until(case, case.instances)) < before:
                certain = EventTime(before - self._late_by.get(name, 0))
                cases[name] = OpenInstances(case, self._triggers.get(name), certain)
                until = self._look_closely(heap, name, cases[name], before)
            next_end = min(next_end, until)
        heapify(heap)
        while heap and heap[0][0] < before:
            _, _, key, name = heappop(heap)
            instances = cases[name]
            found = instances.next(key)
            assert found, "it stood in the heap"
            instance, ending = found
            following = self.decider.decide(customer, name, instance, ending, self.watermark)
            if following is not instance:
                instances.end(instance, ending, following)
            if at := self._next(name, instances, key):
                heappush(heap, at)
        for instances in cases.values():
            instances.close()
        if BEFORE_ALL < customer.emptied < before:
            clear(customer)
        self._set_timer(customer, min(next_end, heap[0][0] if heap else AFTER_ALL))

    def _look_closely(
        self, heap: list[Open], name: str, instances: OpenInstances, before: EventTime
    ) -> EventTime:
        """Put in the ends of a trigger's instances; return when the next of the others may end."""
        next_end = AFTER_ALL
        for key in instances.by_key:
            if (until := instances.wait_until(key)) >= before:
                next_end = min(next_end, until)
            elif at := self._next(name, instances, key):
                heap.append(at)
        return next_end

    def _next(self, name: str, instances: OpenInstances, key: str) -> Open | None:
        found = instances.next(key)
        if not found:
            return None
        trigger = self._triggers.get(name)
        return found[1].time, -(trigger.priority if trigger else 0), key, name

    def _happen(
        self,
        customer: Customer,
        cause: CompiledCause,
        start: Start,
        closing: Closing | None = None,
    ) -> None:
        """Let something start a trigger or cancel it.

        Args:
            customer: whose.
            cause: what it is to which trigger.
            start: when it happens.
            closing: what was kept for it, where it is a session that is over.
        """
        if self._unsettled and self._unsettled[0][0] is not customer:
            self.settle()
        trigger = cause.trigger
        case = customer.cases.get(trigger.name)
        if case is None:
            case = customer.cases[trigger.name] = Case()
        # what happens by itself may lie before the watermark
        certain = self._certain(trigger.name, start.time)
        if cause.steps != STARTS:
            cancel = Cancel(start.time, start.key, start.message_id, cause.steps)
            if start.is_late:
                self.decider.retract(customer, trigger, cancel, self.watermark)
            end = note_cancel(case, cancel, certain, is_late=start.is_late)
        elif self._is_over(trigger, start):
            return
        elif cause.is_absence and move_instance(case, trigger, start):
            self.decider.counts[f"superseded {trigger.name}"] += 1
            end = EventTime(start.time + trigger.steps[0].after_ms)
        else:
            end = self._open(customer, trigger, start, certain)
            if closing and (kept := closing.instances.get(trigger.name)):
                _take_looks(case, start, kept.looks)
        if is_at_once(trigger):
            self._unsettled_since = start.time
            self._unsettled.append((customer, trigger))
        self._set_timer(customer, end)
        if trigger.name in self._looking and case.instances and end < customer.moment:
            self.keep_rows(customer, customer.moment)

    def _certain(self, trigger: str, time: EventTime) -> EventTime:
        """Return before which time no event can matter to a trigger after one of this time."""
        return EventTime(min(time, self.watermark) - self._late_by[trigger])

    def _is_over(self, trigger: TriggerPlan, start: Start) -> bool:
        """Tell whether what a start would open was to be decided already."""
        if start.is_past and is_at_once(trigger):
            return True  # for the customer who had it before
        return start.is_late and start.time + trigger.steps[0].after_ms < self.watermark

    def _open(
        self, customer: Customer, trigger: TriggerPlan, start: Start, certain: EventTime
    ) -> EventTime:
        """Open an instance, which may be permitted no more at some later time already."""
        if self._consent:
            self._consent.note(customer, trigger.name, certain)
        return open_instance(customer.cases[trigger.name], trigger, start, certain)

    def _decide_at_once(
        self, customer: Customer, name: str, instance: Instance, ending: Ending
    ) -> None:
        following = self.decider.decide(customer, name, instance, ending, self.watermark)
        if following is instance:
            self._set_timer(customer, instance.asked)
            return
        instance.ended = ending.time
        if following:
            case = customer.cases[name]
            case.instances.append(following)
            case.instances.sort(key=opened_order)
            self._set_timer(customer, following.due)

    def _row(self, customer: Customer) -> list[Any]:
        """Return what is known of a customer, also of one whose profile is gone."""
        return customer.row or self.decider.empty_row

    def _set_timer(self, customer: Customer, end: EventTime) -> None:
        """Set the timer earlier if need be; a later end is found when the timer fires."""
        if end < customer.timer:
            if customer.timer != AFTER_ALL:
                self._timers.remove(customer.timer, customer.name)
            self._timers.add(end, customer.name)
            customer.timer = end


def _take_looks(case: Case, start: Start, looks: list[Look]) -> None:
    """Give the instance that a start has just opened what was kept for it before."""
    for each in case.instances:
        if (each.key, each.started, each.step) == (start.key, start.time, 0) and not each.looks:
            each.looks = looks
