"""Whether a message that is due goes out: asked once, in one order; the first refusal holds (T5).

One customer's messages are asked one after the other by time and priority, so that each knows of
all that were sent before it.
"""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from expressions import compile_function
from operators.consent_endings import ConsentEndings
from operators.customers import Customer, Sent
from operators.features.zones import Zone, zone_of
from operators.instances import Instance
from operators.plans import ALWAYS_MS, DecidePlan, HoldoutPlan, LimitPlan, TriggerPlan
from operators.quiet import QuietHours
from operators.times import BEFORE_ALL, EventTime

REMEMBERED_MOST = 1000
"""How many messages of one customer are remembered for limits; the latest."""

ZONE = "context.timezone"
"""The name of the slot that says where the customer is."""

_DAY_MS = 86_400_000
_WHOLE = 1_000_000

_KEPT_MS = {"day": 2 * _DAY_MS, "week": 9 * _DAY_MS}
"""How long a message matters to a calendar limit: its period may have an hour more."""

Condition = Callable[[Sequence[Any], int], Any]


class Hold(NamedTuple):
    """Quiet hours hold a message: it is asked again then, or has expired by then."""

    until: EventTime
    expires: bool


class Refusal(NamedTuple):
    """A message does not go out.

    Attributes:
        reason: why (T9).
        limit: which limit was reached, as the config writes it; None for other reasons.
    """

    reason: str
    limit: str | None = None


class Arbiter:
    """Says of each message that is due whether it goes out.

    Attributes:
        consent: what messages need a customer's consent for, None where they need none.

    Args:
        plan: the triggers, and what holds their messages back.
    """

    def __init__(self, plan: DecidePlan) -> None:
        slots = {name: number for number, name in enumerate(plan.slot_names)}
        self._zone_slot = slots.get(ZONE)
        self._live_from_ms = plan.live_from_ms
        self._quiet = QuietHours(plan.quiet) if plan.quiet else None
        self._limits = {
            (trigger.name, step): _limits_of(plan, trigger, step)
            for trigger in plan.triggers
            for step in range(len(trigger.steps))
        }
        self._kept_ms = max(
            (each.per_ms or _KEPT_MS[each.period] for each in plan.limits), default=0
        )
        self._holdout = plan.holdout
        self.consent = ConsentEndings(plan.consent, plan.triggers) if plan.consent else None
        self._when: dict[tuple[str, int], Condition] = {
            (trigger.name, step): compile_function(each.when, slots)
            for trigger in plan.triggers
            for step, each in enumerate(trigger.steps)
            if each.when
        }
        by_zone = bool(plan.quiet and not plan.quiet.zone)
        by_zone |= any(each.period != "rolling" and not each.zone for each in plan.limits)
        self._looks_at_all = by_zone

    def needs_row(self, trigger: TriggerPlan) -> bool:
        """Tell whether the customer's row as of the due time says what becomes of a message."""
        return self._looks_at_all or any(each.when or each.payload for each in trigger.steps)

    def refusal(
        self, customer: Customer, trigger: TriggerPlan, instance: Instance, row: Sequence[Any]
    ) -> Refusal | Hold | None:
        """Say why a message does not go out at the time at which it is asked.

        Args:
            customer: whose it is.
            trigger: its rule.
            instance: which is due.
            row: the customer's as of that time.

        Returns:
            The refusal, until when it is held, or None where it goes out. Of several limits that
            are reached the first of the config is named.
        """
        time = instance.asked
        if (barred := self._barred(customer, trigger, instance)) is not None:
            return Refusal(barred)
        if (held := self._of_row(trigger, instance, time, row)) is not None:
            return held if isinstance(held, Hold) else Refusal(held)
        if instance.step == 0 and self._is_too_soon(customer, trigger, time):
            return Refusal("again")
        limits = self._limits[trigger.name, instance.step]
        reached = (each for each in limits if self._is_reached(each, customer, time, row))
        if first := next(reached, None):
            return Refusal("limit", first.written)
        held_out = self._holdout and is_held_out(self._holdout, customer.name)
        return Refusal("holdout") if held_out else None

    def next_look(self, trigger: TriggerPlan, instance: Instance) -> EventTime | None:
        """Return at which time the customer is to be looked at next for an instance.

        That is when it is asked or, where it was looked at then, when it or the step after it would
        be asked again; None where it surely has come to its end by then.
        """
        step, asked, due = instance.step, instance.asked, instance.due
        for look in instance.looks:
            assumed = msgspec.structs.replace(instance, step=step, due=due, held=asked)
            match self._of_row(trigger, assumed, look.time, look.row):
                case Hold(until, expires):
                    if expires:
                        return None
                    asked = until
                case "when":
                    return None
                case _:
                    step += 1
                    if step >= len(trigger.steps):
                        return None
                    asked = due = EventTime(look.time + trigger.steps[step].after_ms)
        return asked

    def note(
        self, customer: Customer, trigger: TriggerPlan, instance: Instance, watermark: EventTime
    ) -> None:
        """Remember a message that went out, or would have but for the holdout.

        Args:
            customer: whose it is.
            trigger: its rule.
            instance: which was sent.
            watermark: what was due before it has mostly been asked.
        """
        time = instance.asked
        case = customer.cases[trigger.name]
        if instance.step == 0:
            case.sent = max(time, case.sent or time)
        if not self._kept_ms:
            return
        channel = trigger.steps[instance.step].channel
        matters_from = min(time, watermark) - self._kept_ms  # nothing earlier is asked any more
        sent = [each for each in customer.sent if each.time > matters_from]
        sent.append(Sent(time, trigger.name, channel, list(trigger.tags)))
        customer.sent = sent[-REMEMBERED_MOST:]

    def _barred(self, customer: Customer, trigger: TriggerPlan, instance: Instance) -> str | None:
        """Ask what does not depend on the customer's row or on other messages."""
        consent, step, time = self.consent, instance.step, instance.asked
        if consent and not consent.permits(customer, trigger.name, step, time):
            return "consent"
        if instance.due < self._live_from_ms:
            return "not_live"
        return None if trigger.enabled else "paused"

    def _of_row(
        self, trigger: TriggerPlan, instance: Instance, time: EventTime, row: Sequence[Any]
    ) -> str | Hold | None:
        """Ask what follows from the customer's row alone: ``when``, and quiet hours."""
        when = self._when.get((trigger.name, instance.step))
        if when and not when(row, time):
            return "when"
        quiet = self._quiet
        if quiet is None or not quiet.holds(zone := self._zone(quiet.zone, row), time):
            return None
        if not quiet.hold:
            return "quiet_hours"
        end, last = quiet.end(zone, time), EventTime(instance.due + trigger.expires_ms)
        return Hold(min(end, last), expires=end > last)

    def _is_too_soon(self, customer: Customer, trigger: TriggerPlan, time: EventTime) -> bool:
        """Tell whether the last message was too short a time ago, or has a later time (T6)."""
        sent = customer.cases[trigger.name].sent
        if sent is None or trigger.again_ms == ALWAYS_MS or sent <= customer.emptied < time:
            return False
        return time - sent < trigger.again_ms

    def _is_reached(
        self, limit: LimitPlan, customer: Customer, time: EventTime, row: Sequence[Any]
    ) -> bool:
        """Tell whether a limit lets no further message out at a time; later ones count too (T6)."""
        first = time - limit.per_ms + 1
        if limit.period != "rolling":
            first = self._zone(limit.zone, row).period(limit.period, time).start
        if customer.emptied < time:
            first = max(first, customer.emptied + 1)
        counted = (each for each in customer.sent if each.time >= first and _counts(limit, each))
        return next(islice(counted, limit.at_most - 1, None), None) is not None

    def _zone(self, name: str | None, row: Sequence[Any]) -> Zone:
        if name is None and self._zone_slot is not None:
            return zone_of(row[self._zone_slot])
        return zone_of(name)


def is_held_out(plan: HoldoutPlan, customer: str) -> bool:
    """Tell whether a customer gets no messages."""
    digest = blake2b(f"{plan.salt}\0{customer}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % _WHOLE < plan.millionths


def _limits_of(plan: DecidePlan, trigger: TriggerPlan, step: int) -> list[LimitPlan]:
    """Return the limits that concern a message."""
    sent = Sent(BEFORE_ALL, trigger.name, trigger.steps[step].channel, list(trigger.tags))
    return [each for each in plan.limits if _counts(each, sent)]


def _counts(limit: LimitPlan, sent: Sent) -> bool:
    return (
        limit.channel in {None, sent.channel}
        and limit.trigger in {None, sent.trigger}
        and (limit.tag is None or limit.tag in sent.tags)
    )
