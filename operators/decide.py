"""Decide: holds each customer's trigger instances; it alone says what is sent."""

from collections import Counter

from operators.case_store import CaseStore, CustomerCases
from operators.decisions import Subject, decision, message
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
from operators.outputs import Outputs, Record
from operators.plans import ALWAYS_MS, DecidePlan, TriggerPlan
from operators.ticks import Forgotten, ProfileResult, ShardResult, Signal, TickName
from operators.times import AFTER_ALL, EventTime


class DecideStep:
    """Opens instances, ends each in one decision, and sends what is due.

    Knows nothing of Bytewax or of files: give it what profile says of a tick, it gives outputs.

    Args:
        plan: the triggers.
        store: the customers' open cases and their deadlines.
        ticks: each reader's last tick.
    """

    def __init__(self, plan: DecidePlan, store: CaseStore, ticks: list[int]) -> None:
        self._name = plan.name
        self._live_from_ms = plan.live_from_ms
        self._triggers = {trigger.name: trigger for trigger in plan.triggers}
        self._store = store
        self._customers = store.customers
        self._timers = store.timers
        self._ticks = list(ticks)
        self._result = ShardResult(TickName(0, 0), 0, Outputs(), Counter())

    def on_tick(self, profile: ProfileResult) -> ShardResult:
        """Take in a tick's signals, then end every instance whose end the watermark passed."""
        name = profile.name
        expected = self._ticks[name.reader] + 1
        assert name.number == expected, f"expected tick {expected}, got {name}"
        self._ticks[name.reader] = name.number
        self._result = ShardResult(name, profile.shard, profile.outputs, profile.counts)
        if profile.signals:
            names = dict.fromkeys(signal.customer for signal in profile.signals)
            customers = self._customers.edit(names)
            for signal in profile.signals:
                self._take(signal, customers)
        self._fire_everyone(profile.watermark)
        return self._result

    def snapshot(self) -> list[int]:
        """Write what has changed; return each reader's last tick."""
        self._store.flush()
        return list(self._ticks)

    def _take(self, signal: Signal | Forgotten, customers: dict[str, CustomerCases]) -> None:
        cases = customers.get(signal.customer)
        if cases is not None and cases.timer < signal.watermark:
            self._timers.remove(cases.timer, cases.customer)
            if self._fire(cases, signal.watermark):
                del customers[cases.customer]
                cases = None
        if isinstance(signal, Signal):
            if cases is None:
                new = CustomerCases(signal.customer)
                cases = customers[signal.customer] = self._customers.insert(signal.customer, new)
            self._apply(signal, cases)
        elif cases is not None:
            cases.forgotten = True
            for case in cases.cases.values():
                case.sent = None
            if self._drop_if_done(cases):
                del customers[cases.customer]

    def _apply(self, signal: Signal, cases: CustomerCases) -> None:
        message_id = signal.message_id or ""
        cases.forgotten = False
        for role, key in zip(signal.roles, signal.keys, strict=True):
            trigger = self._triggers[role.trigger]
            case = cases.cases.get(role.trigger)
            if case is None:
                case = cases.cases[role.trigger] = Case()
            if role.cancels:
                cancel = Cancel(signal.time, key, message_id)
                end = note_cancel(case, cancel, signal.watermark)
            else:
                event = OnEvent(signal.time, key, message_id)
                end = open_instance(case, trigger, event, signal.watermark)
            if trigger.after_ms == 0:
                for instance, ending in end_at_once(case, trigger):
                    self._decide(cases.customer, trigger, case, instance, ending)
            self._set_timer(cases, end)

    def _fire_everyone(self, watermark: EventTime) -> None:
        while due := self._timers.due(watermark):
            customers = self._customers.edit(due)
            for customer in due:
                self._fire(customers[customer], watermark)

    def _fire(self, cases: CustomerCases, watermark: EventTime) -> bool:
        """End a customer's instances before the watermark; the customer's timer was taken.

        Returns:
            Whether the record is gone with the last instance of a forgotten customer.
        """
        cases.timer = AFTER_ALL
        ended: list[tuple[EventTime, str, str, Instance, Ending]] = []
        for name, case in cases.cases.items():
            if name not in self._triggers:
                removed, next_end = end_removed(case, watermark)
                for instance in removed:
                    subject = Subject(self._name, name, None, cases.customer, instance)
                    self._suppress(subject, "removed")
            else:
                of_trigger, next_end = end_instances(case, self._triggers[name], watermark)
                ended += [(end.time, each.key, name, each, end) for each, end in of_trigger]
            self._set_timer(cases, next_end)
        for _, _, name, instance, ending in sorted(ended, key=lambda each: each[:3]):
            trigger = self._triggers[name]
            self._decide(cases.customer, trigger, cases.cases[name], instance, ending)
        return self._drop_if_done(cases)

    def _drop_if_done(self, cases: CustomerCases) -> bool:
        """Drop a forgotten customer who has nothing pending; tell whether so."""
        pending = any(case.instances for case in cases.cases.values())
        if pending or not cases.forgotten:
            return False
        if cases.timer != AFTER_ALL:
            self._timers.remove(cases.timer, cases.customer)
        self._customers.delete(cases.customer)
        return True

    def _set_timer(self, cases: CustomerCases, end: EventTime) -> None:
        """Set the timer earlier if need be; a later end is found when the timer fires."""
        if end < cases.timer:
            if cases.timer != AFTER_ALL:
                self._timers.remove(cases.timer, cases.customer)
            self._timers.add(end, cases.customer)
            cases.timer = end

    def _decide(
        self,
        customer: str,
        trigger: TriggerPlan,
        case: Case,
        instance: Instance,
        ending: Ending,
    ) -> None:
        subject = Subject(self._name, trigger.name, trigger.version, customer, instance)
        if ending.outcome is not Outcome.DUE:
            outcome, cause = ending.outcome.value, ending.cause or None
            self._write(decision(subject, ending.time, outcome, reason=None, cause=cause))
        elif instance.due < self._live_from_ms:
            self._suppress(subject, "not_live")
        elif _is_too_soon(case, trigger, instance.due):
            self._suppress(subject, "again")
        else:
            case.sent = max(instance.due, case.sent or instance.due)
            self._result.counts[f"sent {trigger.name}"] += 1
            self._result.outputs.add("triggers", message(subject, instance.due))
            self._write(decision(subject, instance.due, "sent", reason=None, cause=None))

    def _suppress(self, subject: Subject, reason: str) -> None:
        due = subject.instance.due
        self._write(decision(subject, due, "suppressed", reason=reason, cause=None))

    def _write(self, record: Record) -> None:
        self._result.outputs.add("decisions", record)


def _is_too_soon(case: Case, trigger: TriggerPlan, due: EventTime) -> bool:
    """Tell whether the last message was too short a time ago, or has a later time (T6)."""
    if case.sent is None or trigger.again_ms == ALWAYS_MS:
        return False
    return due - case.sent < trigger.again_ms
