"""Decides what has come to its end: what becomes of each instance, and its message (T8, T9)."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from operators.arbitration import Arbiter, Hold
from operators.customers import Customer
from operators.decisions import Subject, Verdict, decision, message, retraction
from operators.endings import Ending, EndKind, told_of
from operators.instances import Cancel, Instance, too_late_for
from operators.outputs import Outputs
from operators.payloads import PayloadWriter
from operators.plans import DecidePlan, TriggerPlan
from operators.times import EventTime

_GOES_ON_AFTER = frozenset({"quiet_hours", "limit", "holdout"})
"""The refusals after which the next step of a trigger comes nevertheless."""


class Decider:
    """Says of each instance at its end what becomes of it.

    Attributes:
        outputs: where messages and decisions go; another for each tick.
        counts: likewise.
        empty_row: what is known of a customer of whom nothing is.

    Args:
        plan: the triggers.
        arbiter: says what holds their messages back.
    """

    def __init__(self, plan: DecidePlan, arbiter: Arbiter) -> None:
        self.outputs = Outputs()
        self.counts: Counter[str] = Counter()
        self.empty_row = [*(each.empty for each in plan.slots), *(False for _ in plan.segments)]
        self._name = plan.name
        self._triggers = {trigger.name: trigger for trigger in plan.triggers}
        self._arbiter = arbiter
        slots = {name: number for number, name in enumerate(plan.slot_names)}
        self._payloads = {
            (trigger.name, step): PayloadWriter(each.payload, slots)
            for trigger in plan.triggers
            for step, each in enumerate(trigger.steps)
        }

    def decide(
        self,
        customer: Customer,
        name: str,
        instance: Instance,
        ending: Ending,
        watermark: EventTime,
    ) -> Instance | None:
        """Decide an instance that has come to its end, or hold it.

        Args:
            customer: whose.
            name: of the trigger.
            instance: which is pending.
            ending: how it ends, unless it is held.
            watermark: up to which all is certain.

        Returns:
            The step that follows, or the same instance where it is held.
        """
        trigger = self._triggers.get(name)
        if trigger is None or instance.step >= len(trigger.steps):
            subject = self._subject(customer, name, None, instance)
            self._conclude(customer, subject, Verdict(ending.time, "suppressed", "removed", None))
            return None
        subject = self._subject(customer, name, trigger, instance)
        if ending.kind is not EndKind.DUE:
            if ending.kind is EndKind.SUPERSEDED and trigger.on.kind == "any":
                self.counts[f"superseded {name}"] += 1
            else:
                is_refused = ending.kind is EndKind.CONSENT
                outcome = "suppressed" if is_refused else ending.kind.value
                reason = "consent" if is_refused else None
                verdict = Verdict(ending.time, outcome, reason, ending.cause or None)
                self._conclude(customer, subject, verdict)
            return None
        row = self._row_as_of(customer, instance)
        refusal = self._arbiter.refusal(customer, trigger, instance, row)
        if isinstance(refusal, Hold):
            instance.held, instance.expires = refusal
            return instance
        if refusal is None:
            self._send(subject, trigger, row)
            instance.is_sent = True
        reason, limit = refusal or (None, None)
        if reason in {None, "holdout"}:
            self._arbiter.note(customer, trigger, instance, watermark)
        outcome = "suppressed" if refusal else "sent"
        self._conclude(customer, subject, Verdict(ending.time, outcome, reason, None, limit))
        if instance.step + 1 < len(trigger.steps) and reason in {None, *_GOES_ON_AFTER}:
            return _following(trigger, instance, ending.time)
        return None

    def retract(
        self, customer: Customer, trigger: TriggerPlan, cancel: Cancel, watermark: EventTime
    ) -> None:
        """Take back the messages that a cancel comes too late for."""
        if not trigger.retract_ms:
            return
        earliest = watermark - trigger.retract_ms
        for each in too_late_for(customer.cases[trigger.name], cancel):
            if each.is_sent and each.asked >= earliest:
                each.is_sent = False
                subject = self._subject(customer, trigger.name, trigger, each)
                self.counts[f"retracted {trigger.name}"] += 1
                self.outputs.add("triggers", retraction(subject, cancel))

    def end_merged(self, customer: Customer, time: EventTime, cause: str) -> None:
        """Tell the ends of what an anonymous customer has pending, which another takes over (J7).

        Args:
            customer: the anonymous one.
            time: of the end, for what is not due before.
            cause: messageId of the event that says whose it is, empty where it has none.
        """
        for name, case in customer.cases.items():
            trigger = self._triggers.get(name)
            for instance in told_of(case, trigger):
                at = min(instance.asked, max(time, instance.opened))
                verdict = Verdict(at, "suppressed", "merged", cause or None)
                self._conclude(customer, self._subject(customer, name, trigger, instance), verdict)

    def _subject(
        self, customer: Customer, name: str, trigger: TriggerPlan | None, instance: Instance
    ) -> Subject:
        """Say whose instance of which rule it is; None for a rule, or a step, that is no more."""
        version = trigger.version if trigger else None
        has_steps = len(trigger.steps) > 1 if trigger else instance.step > 0
        return Subject(self._name, name, version, customer.name, instance, has_steps)

    def _send(self, subject: Subject, trigger: TriggerPlan, row: Sequence[Any]) -> None:
        instance = subject.instance
        payload = self._payloads[trigger.name, instance.step].write(
            row, instance.event, instance.asked
        )
        channel = trigger.steps[instance.step].channel
        self.counts[f"sent {trigger.name}"] += 1
        self.outputs.add("triggers", message(subject, instance.asked, channel, payload))

    def _conclude(self, customer: Customer, subject: Subject, end: Verdict) -> None:
        """Write an instance's decision, count it, and remember it."""
        self.outputs.add("decisions", decision(subject, end))
        if end.outcome != "sent":  # messages are counted where they are written
            outcome = f"{end.outcome} {end.reason}" if end.reason else end.outcome
            self.counts[f"{outcome} {subject.trigger}"] += 1
        customer.note(subject, end)

    def _row_as_of(self, customer: Customer, instance: Instance) -> list[Any]:
        """Return what was known of a customer when an instance is asked."""
        for look in instance.looks:
            if look.time == instance.asked:
                return look.row
        return customer.row or self.empty_row


def _following(trigger: TriggerPlan, instance: Instance, time: EventTime) -> Instance:
    """Return the step that comes after an instance that was decided at a time."""
    step = instance.step + 1
    return Instance(
        opened=time,
        due=EventTime(time + trigger.steps[step].after_ms),
        key=instance.key,
        message_ids=list(instance.message_ids),
        started=instance.started,
        step=step,
        event=instance.event,
        looks=[look for look in instance.looks if look.time > time],
    )
