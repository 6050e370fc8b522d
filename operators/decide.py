"""Decide: holds each customer's row, memberships and instances; it alone says what is sent."""

from collections import Counter

from operators.customers import Customer, CustomerStore
from operators.decisions import Subject, Verdict, decision, message
from operators.instances import (
    Cancel,
    Case,
    Ending,
    Instance,
    OnEvent,
    Outcome,
    end_at_once,
    end_instances,
    end_removed,
    note_cancel,
    open_instance,
)
from operators.outputs import Outputs
from operators.plans import ALWAYS_MS, DecidePlan, TriggerPlan
from operators.segments import SegmentKeeper
from operators.ticks import Forgotten, ProfileResult, Row, ShardResult, Sign, Signal, TickName
from operators.times import AFTER_ALL, BEFORE_ALL, EventTime

RECONCILED_A_TICK = 20
"""How many customers are looked at anew with each tick after a change of segments, beside as many
as the tick has events."""


class DecideStep:
    """Keeps rows and memberships; opens instances, ends each in one decision, sends what is due.

    Knows nothing of Bytewax or of files: give it what profile says of a tick, it gives outputs.

    Attributes:
        watermark: the shard's after the last tick.

    Args:
        plan: the segments and the triggers.
        store: the customers and their deadlines.
        ticks: each reader's last tick.
    """

    def __init__(self, plan: DecidePlan, store: CustomerStore, ticks: list[int]) -> None:
        self._name = plan.name
        self._live_from_ms = plan.live_from_ms
        self._triggers = {trigger.name: trigger for trigger in plan.triggers}
        self._segments = SegmentKeeper(plan, store)
        self._store = store
        self._customers = store.customers
        self._timers = store.timers
        self._ticks = list(ticks)
        self.watermark = BEFORE_ALL
        self._result = ShardResult(TickName(0, 0), 0, Outputs(), Counter())

    def on_tick(self, profile: ProfileResult) -> ShardResult:
        """Take in a tick's signals, then end every instance whose end the watermark passed."""
        name = profile.name
        expected = self._ticks[name.reader] + 1
        assert name.number == expected, f"expected tick {expected}, got {name}"
        self._ticks[name.reader] = name.number
        self.watermark = profile.watermark
        self._result = ShardResult(name, profile.shard, profile.outputs, profile.counts)
        if profile.signs:
            customers = self._customers.edit(dict.fromkeys(sign.customer for sign in profile.signs))
            for sign in profile.signs:
                self._take(sign, customers)
        most = None if profile.ended else RECONCILED_A_TICK + len(profile.signs)
        self._segments.reconcile_some(most)
        self._segments.fire_everyone(profile.watermark)
        self._fire_everyone(profile.watermark)
        self._write_changes()
        return self._result

    def snapshot(self) -> list[int]:
        """Write what has changed; return each reader's last tick."""
        self._store.flush()
        return list(self._ticks)

    def _take(self, sign: Sign, customers: dict[str, Customer]) -> None:
        customer = customers.get(sign.customer)
        if customer is not None and customer.timer < sign.watermark:
            self._timers.remove(customer.timer, customer.name)
            if self._fire(customer, sign.watermark):
                del customers[customer.name]
                customer = None
        if isinstance(sign, Forgotten):
            if customer is not None and self._forget(customer, sign.time):
                del customers[customer.name]
            return
        if customer is None:
            new = Customer(sign.customer, self._store.view)
            customer = customers[sign.customer] = self._customers.insert(sign.customer, new)
        customer.forgotten = False
        if isinstance(sign, Row):
            self._segments.take(customer, sign)
        else:
            self._apply(sign, customer)

    def _forget(self, customer: Customer, time: EventTime) -> bool:
        """Forget a customer whose profile is gone, but for what is pending; tell if all is gone."""
        self._segments.forget(customer, time)
        customer.forgotten = True
        for case in customer.cases.values():
            case.sent = None
        return self._drop_if_done(customer)

    def _apply(self, signal: Signal, customer: Customer) -> None:
        message_id = signal.message_id or ""
        for role, key in zip(signal.roles, signal.keys, strict=True):
            trigger = self._triggers[role.trigger]
            case = customer.cases.get(role.trigger)
            if case is None:
                case = customer.cases[role.trigger] = Case()
            if role.cancels:
                cancel = Cancel(signal.time, key, message_id)
                end = note_cancel(case, cancel, signal.watermark)
            else:
                event = OnEvent(signal.time, key, message_id)
                end = open_instance(case, trigger, event, signal.watermark)
            if trigger.after_ms == 0:
                for instance, ending in end_at_once(case, trigger):
                    self._decide(customer, trigger, case, instance, ending)
            self._set_timer(customer, end)

    def _fire_everyone(self, watermark: EventTime) -> None:
        while due := self._timers.due(watermark):
            customers = self._customers.edit(due)
            for customer in due:
                self._fire(customers[customer], watermark)

    def _fire(self, customer: Customer, watermark: EventTime) -> bool:
        """End a customer's instances before the watermark; the customer's timer was taken.

        Returns:
            Whether the record is gone with the last instance of a forgotten customer.
        """
        customer.timer = AFTER_ALL
        ended: list[tuple[EventTime, str, str, Instance, Ending]] = []
        for name, case in customer.cases.items():
            if name not in self._triggers:
                removed, next_end = end_removed(case, watermark)
                for instance in removed:
                    subject = Subject(self._name, name, None, customer.name, instance)
                    end = Verdict(instance.due, "suppressed", reason="removed", cause=None)
                    self._conclude(customer, subject, end)
            else:
                of_trigger, next_end = end_instances(case, self._triggers[name], watermark)
                ended += [(end.time, each.key, name, each, end) for each, end in of_trigger]
            self._set_timer(customer, next_end)
        for _, _, name, instance, ending in sorted(ended, key=lambda each: each[:3]):
            trigger = self._triggers[name]
            self._decide(customer, trigger, customer.cases[name], instance, ending)
        return self._drop_if_done(customer)

    def _drop_if_done(self, customer: Customer) -> bool:
        """Drop a forgotten customer who has nothing pending; tell whether so."""
        pending = any(case.instances for case in customer.cases.values())
        if pending or not customer.forgotten:
            return False
        if customer.timer != AFTER_ALL:
            self._timers.remove(customer.timer, customer.name)
        if customer.change_timer != AFTER_ALL:
            self._store.change_timers.remove(customer.change_timer, customer.name)
        self._customers.delete(customer.name)
        return True

    def _set_timer(self, customer: Customer, end: EventTime) -> None:
        """Set the timer earlier if need be; a later end is found when the timer fires."""
        if end < customer.timer:
            if customer.timer != AFTER_ALL:
                self._timers.remove(customer.timer, customer.name)
            self._timers.add(end, customer.name)
            customer.timer = end

    def _decide(
        self,
        customer: Customer,
        trigger: TriggerPlan,
        case: Case,
        instance: Instance,
        ending: Ending,
    ) -> None:
        subject = Subject(self._name, trigger.name, trigger.version, customer.name, instance)
        if ending.outcome is not Outcome.DUE:
            cause = ending.cause or None
            end = Verdict(ending.time, ending.outcome.value, reason=None, cause=cause)
        elif instance.due < self._live_from_ms:
            end = Verdict(instance.due, "suppressed", reason="not_live", cause=None)
        elif _is_too_soon(case, trigger, instance.due):
            end = Verdict(instance.due, "suppressed", reason="again", cause=None)
        else:
            end = Verdict(instance.due, "sent", reason=None, cause=None)
            case.sent = max(instance.due, case.sent or instance.due)
            self._result.counts[f"sent {trigger.name}"] += 1
            self._result.outputs.add("triggers", message(subject, instance.due))
        self._conclude(customer, subject, end)

    def _conclude(self, customer: Customer, subject: Subject, end: Verdict) -> None:
        """Write an instance's decision, and remember it."""
        self._result.outputs.add("decisions", decision(subject, end))
        customer.note(subject, end)

    def _write_changes(self) -> None:
        """Write who has entered or left a segment."""
        for record in self._segments.records:
            self._result.outputs.add("segments", record)
            self._result.counts[f"{record.type} {record.data['segment']}"] += 1
        self._segments.records = []


def _is_too_soon(case: Case, trigger: TriggerPlan, due: EventTime) -> bool:
    """Tell whether the last message was too short a time ago, or has a later time (T6)."""
    if case.sent is None or trigger.again_ms == ALWAYS_MS:
        return False
    return due - case.sent < trigger.again_ms
