"""Explains one customer: from committed state, also while a run goes on; changes nothing.

What happens next by itself is not worked out a second time: a copy of the customer is put through
the same steps, and their clock is moved past every timer.
"""

from collections import Counter
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from expressions import explain, normalized
from flows.explanation import (
    ConsentExplained,
    DecisionExplained,
    Explanation,
    FeatureExplained,
    Next,
    Pending,
    SegmentExplained,
)
from operators.clock import Clock
from operators.consent import Consent, ConsentRules
from operators.customers import Customer, CustomerStore
from operators.decide import DecideStep
from operators.kept import Kept
from operators.outputs import Outputs, Record
from operators.plans import DecidePlan, Occurrence, ProfilePlan, SegmentPlan, TriggerPlan
from operators.profile import ProfileStep
from operators.profile_store import ProfileStore
from operators.route import shard_of
from operators.ticks import ShardTick, TickName
from operators.times import AFTER_ALL, BEFORE_ALL, EventTime, format_time
from state.about import About
from state.folder import StateFolder
from state.keyvalue import MemoryKeyValue
from state.prefixes import Prefix
from state.reading import read_committed_version
from state.records import record_key
from state.timers import Timers

_RECORDS = 2  # the customer's own, in either generation of the cache


def explain_customer(
    folder: StateFolder, plans: tuple[ProfilePlan, DecidePlan], customer: str
) -> Explanation | None:
    """Explain a customer by a config's rules; None for one of whom nothing is known.

    Args:
        folder: the state.
        plans: the rules; where they are others than those of the last run, the customer is
            looked at with them as the next run will do it.
        customer: who.

    Raises:
        StateError: the state cannot be read.
    """
    about, found = read_customer(folder, customer)
    return explain_found(plans, about, found, customer) if about is not None and found else None


def read_customer(folder: StateFolder, customer: str) -> tuple[About | None, dict[bytes, bytes]]:
    """Read what a customer's shard has under the customer's name, as it stands there.

    Raises:
        StateError: the state cannot be read.
    """
    prefixes = (Prefix.PROFILE, Prefix.CUSTOMER, Prefix.ATTRIBUTES)
    keys = [record_key(prefix, customer) for prefix in prefixes]
    shard = shard_of(customer, folder.identity().shards)
    _, about, values, _ = read_committed_version(folder.shard(shard), keys=keys)
    found = {key: value for key, value in zip(keys, values, strict=True) if value is not None}
    return about, found


def explain_found(
    plans: tuple[ProfilePlan, DecidePlan], about: About, found: dict[bytes, bytes], customer: str
) -> Explanation:
    """Explain a customer of whom something was read; see explain_customer."""
    return _Copy(plans, about, found, customer).explanation()


class _Copy:
    """A copy of one customer in memory, with the steps that look after it."""

    def __init__(
        self,
        plans: tuple[ProfilePlan, DecidePlan],
        about: About,
        found: dict[bytes, bytes],
        name: str,
    ) -> None:
        profile_plan, self._plan = plans
        self._watermark = EventTime(about.watermark)
        self._name = name
        self._times = profile_plan.time_slots
        keyvalue = MemoryKeyValue(found)
        kept = Kept(profile_plan)
        profiles = ProfileStore(keyvalue, about, kept, _RECORDS, self._watermark)
        self._customers = CustomerStore(keyvalue, about, self._plan, _RECORDS, self._watermark)
        clock = Clock([0], [about.watermark], [False], about.watermark)
        profile = profiles.profiles.edit([name]).get(name)
        self._consent = self._consents(profile.consent if profile else None)
        self._forgotten = profile.latest + profile_plan.retention_ms if profile else AFTER_ALL
        customer = self._customers.customers.edit([name]).get(name)
        if profile is not None:
            _set(profiles.timers, profile.timer, name)
            _set(profiles.row_timers, profile.row_timer, name)
        if customer is not None:
            _set(self._customers.timers, customer.timer, name)
            _set(self._customers.change_timers, customer.change_timer, name)
        self._profile_step = ProfileStep(kept, profiles, clock)
        self._decide_step = DecideStep(self._plan, self._customers, [0])

    def explanation(self) -> Explanation:
        """Explain the customer as it is, and what comes next."""
        self._tick(1, ended=False)  # looks at the customer with new rules, where there are any
        now = deepcopy(self._customer())
        now.moment = max(now.moment, self._watermark)
        changes = [each for each in self._tick(2, ended=True) if each.time < self._forgotten]
        slots = {name: number for number, name in enumerate(self._plan.slot_names)}
        has_row = bool(now.row)
        return Explanation(
            customer=self._name,
            time=format_time(now.moment) if has_row else None,
            segments={
                plan.name: self._segment(plan, number, now, slots, changes)
                for number, plan in enumerate(self._plan.segments)
            }
            if has_row
            else {},
            features={
                each.name: FeatureExplained(_shown(value, is_time=each.name in self._times))
                for each, value in zip(self._plan.slots, now.row, strict=False)
            },
            pending=self._pending(now),
            decisions=[
                DecisionExplained(
                    format_time(each.time),
                    each.trigger,
                    each.key,
                    each.step + 1,
                    each.outcome,
                    each.reason,
                    each.limit,
                    each.causes,
                )
                for each in reversed(now.decisions)
            ],
            consent=self._consent,
        )

    def _consents(self, consent: Consent | None) -> dict[str, ConsentExplained]:
        """Say what holds of each purpose that the config names."""
        plan = self._plan.consent
        if plan is None:
            return {}
        rules = ConsentRules(plan)
        latest = {purpose: rules.latest(consent, purpose) for purpose in plan.purposes}
        return {
            purpose: ConsentExplained(
                turn.permitted,
                None if turn.time == BEFORE_ALL else format_time(turn.time),
                turn.cause or None,
            )
            for purpose, turn in latest.items()
        }

    def _segment(
        self,
        plan: SegmentPlan,
        number: int,
        now: Customer,
        slots: dict[str, int],
        changes: Sequence[Record],
    ) -> SegmentExplained:
        membership = now.memberships[number]
        ahead = next((each for each in changes if each.data["segment"] == plan.name), None)
        return SegmentExplained(
            inside=membership.inside,
            since=_written(membership.since),
            turned=_written(membership.turned),
            version=plan.version,
            condition=explain(plan.enter, slots, now.row, now.moment),
            leave=explain(plan.leave, slots, now.row, now.moment) if plan.leave else None,
            next=ahead and Next(format_time(ahead.time), ahead.type == "segment.entered"),
        )

    def _pending(self, now: Customer) -> list[Pending]:
        triggers = {trigger.name: trigger for trigger in self._plan.triggers}
        waiting = [
            (instance.asked, instance.key, name, instance)
            for name, case in now.cases.items()
            for instance in case.instances
            if instance.is_pending
        ]
        return [
            Pending(
                trigger=name,
                key=key,
                step=instance.step + 1,
                started=format_time(instance.started),
                due=format_time(instance.due),
                held_until=_written(instance.held),
                cause=instance.message_ids,
                cancelled_by=_cancelled_by(triggers.get(name), instance.step),
                restarted_by=_restarted_by(triggers.get(name)),
            )
            for _, key, name, instance in sorted(waiting, key=lambda each: each[:3])
        ]

    def _customer(self) -> Customer:
        customer = self._customers.customers.edit([self._name]).get(self._name)
        return customer or Customer(self._name, self._customers.view)

    def _tick(self, number: int, *, ended: bool) -> list[Record]:
        """Let a tick without events through; return who enters and leaves what, in order."""
        none = np.empty(0, np.int64)
        tick = ShardTick(
            name=TickName(0, number),
            shard=0,
            watermark=EventTime(self._profile_step.snapshot().watermark),
            ended=ended,
            close=ended,
            lines=b"",
            customers=[],
            times=none,
            late_below=none,
            watermarks=none,
            places=np.empty((3, 0), np.int64),
            origins=(),
            envelopes={},
            counts=Counter(),
            outputs=Outputs(),
        )
        result = self._decide_step.on_tick(self._profile_step.on_tick(tick))
        self._decide_step.snapshot()
        found = result.outputs.kinds.get("segments", [])
        return sorted(
            (each for each in found if isinstance(each, Record)),
            key=lambda each: (each.time, each.id),
        )


def _set(timers: Timers, time: EventTime, customer: str) -> None:
    """Set a deadline in the copy where the customer has it in the state."""
    if time != AFTER_ALL:
        timers.add(time, customer)


def _shown(value: Any, *, is_time: bool) -> Any:
    return format_time(EventTime(value)) if is_time and isinstance(value, int) else value


def _written(time: EventTime | None) -> str | None:
    return None if time is None else format_time(time)


def _restarted_by(trigger: TriggerPlan | None) -> str | None:
    return _said(trigger.on) if trigger and trigger.restart else None


def _cancelled_by(trigger: TriggerPlan | None, step: int) -> list[str]:
    if trigger is None or step >= len(trigger.steps):
        return []
    return [_said(each) for each in trigger.steps[step].cancel]


def _said(occurrence: Occurrence) -> str:
    """Say what starts or cancels a trigger, as the config has it."""
    said = {
        "event": occurrence.name,
        "any": "any event",
        "session": "the closing of a session",
    }.get(occurrence.kind) or f"{occurrence.kind} {occurrence.name}"
    return f"{said} where {normalized(occurrence.where)}" if occurrence.where else said
