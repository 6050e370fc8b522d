"""Whether what is due is sent, and what it then holds: one refusal after the other (T5 to T7)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, NamedTuple

from oracle.arrivals import Known
from oracle.conditions import naive
from oracle.consent import Statement, needed, permitted
from oracle.event_fields import event_value, event_values
from oracle.observing import read
from oracle.quiet import counts, is_quiet, quiet_end, zone_of
from oracle.rules import CUSTOMERS, Rules, Step, Trigger, is_of_event
from oracle.specs import milliseconds
from oracle.templates import filled, names_in_template
from oracle.triggers import Decision, Instance, decided, step_of

DAY_MS = 86_400_000
UNITS_MS = {"d": DAY_MS, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
GOES_ON = {"quiet_hours", "limit", "holdout"}
"""The refusals after which a trigger's next step begins, as after a message."""


class Message(NamedTuple):
    """One that was sent, or would have been but for the holdout."""

    time: int
    trigger: str
    channel: str
    tags: frozenset[str]
    step: int


@dataclass
class Arbiter:
    """Decides for one customer, who is told one thing after the other."""

    customer: str
    sent: list[Message] = field(default_factory=list)
    said: list[Statement] = field(default_factory=list)
    """What the customer has said of consent so far."""

    def ask(self, rules: Rules, one: Instance, row: Mapping[str, Any]) -> Decision | None:
        """Decide what is due, or let it wait on: then it has another time to be asked at.

        `row` is the customer's at the time at which it is asked.
        """
        time = one.asked
        trigger = rules.triggers.get(one.trigger)
        step = step_of(one, trigger) if trigger else None
        if trigger is None or step is None:
            return decided(one, self.customer, rules, "suppressed", time, "removed")
        if one.expires:
            return decided(one, self.customer, rules, "expired", time)
        reason = next(self.refusals(rules, trigger, step, one, row), None)
        if reason == "hold":
            return self.held(rules, trigger, one, row)
        if reason in {None, "holdout"}:
            tags = frozenset(trigger.get("tags", ()))
            channel = step.get("channel", "")
            self.sent.append(Message(time, one.trigger, channel, tags, one.step))
        if reason is None:
            made = decided(one, self.customer, rules, "sent", time)
            payload = payload_of(step, one.starts[-1].event, row, time)
            return replace(made, channel=step.get("channel") or None, payload=payload)
        made = decided(one, self.customer, rules, "suppressed", time, reason)
        if reason == "limit":
            asked = (trigger, step, one, row)
            first = next(each for each in rules.limits if self.is_used_up(each, *asked))
            made = replace(made, limit=in_words(first))
        return made

    def refusals(
        self, rules: Rules, trigger: Trigger, step: Step, one: Instance, row: Mapping[str, Any]
    ) -> Iterator[Any]:
        """Give every reason not to send now, in the order of T5."""
        time = one.asked
        if rules.consent:
            purposes = needed(rules.purposes, one.trigger, step.get("channel", ""))
            if not all(permitted(self.said, rules.consent, each, time) for each in purposes):
                yield "consent"
        if not trigger.get("enabled", True):
            yield "paused"
        if "when" in step and naive(read(step["when"]), dict(row), time) is not True:
            yield "when"
        quiet = rules.quiet_hours
        if quiet and is_quiet(quiet, zone_of(quiet, row), time):
            yield "quiet_hours" if quiet.get("then") == "drop" else "hold"
        if one.step == 1 and self.is_too_soon(one.trigger, trigger, time):
            yield "again"
        if any(self.is_used_up(limit, trigger, step, one, row) for limit in rules.limits):
            yield "limit"
        if is_held_out(rules, self.customer):
            yield "holdout"

    def held(
        self, rules: Rules, trigger: Trigger, one: Instance, row: Mapping[str, Any]
    ) -> Decision | None:
        """Let a message wait until the quiet hours end or it expires."""
        assert rules.quiet_hours
        end = quiet_end(rules.quiet_hours, zone_of(rules.quiet_hours, row), one.asked)
        latest = one.due + trigger.get("expires_ms", DAY_MS)
        if latest <= one.asked:
            return decided(one, self.customer, rules, "expired", latest)
        one.at_once = False
        one.asked, one.expires = min(end, latest), end > latest
        return None

    def is_too_soon(self, name: str, trigger: Trigger, time: int) -> bool:
        """Tell whether the last first message was sent too short a time ago, or later (T6)."""
        again = trigger.get("again", "always")
        times = [each.time for each in self.sent if each.trigger == name and each.step == 1]
        if not times or again == "always":
            return False
        return again == "never" or time - max(times) < again

    def is_used_up(
        self,
        limit: Mapping[str, Any],
        trigger: Trigger,
        step: Step,
        one: Instance,
        row: Mapping[str, Any],
    ) -> bool:
        """Tell whether a limit is about a message and allows no more."""
        tags = frozenset(trigger.get("tags", ()))
        asked = Message(one.asked, one.trigger, step.get("channel", ""), tags, one.step)
        zone = zone_of(limit, row) if limit["per"] in {"day", "week"} else ""
        counted = [
            each
            for each in self.sent
            if is_about(limit, each) and counts(limit, each.time, one.asked, zone)
        ]
        return is_about(limit, asked) and len(counted) >= limit["at_most"]


def is_about(limit: Mapping[str, Any], message: Message) -> bool:
    """Tell whether a limit counts a message."""
    return (
        limit.get("channel", message.channel) == message.channel
        and limit.get("trigger", message.trigger) == message.trigger
        and ("tag" not in limit or limit["tag"] in message.tags)
    )


def in_words(limit: Mapping[str, Any]) -> str:
    """Name a limit by what it says, a duration in the largest unit that it is a whole number of."""
    per = limit["per"]
    if per not in {"day", "week"}:
        length = milliseconds(per)
        unit = next(each for each in UNITS_MS if length % UNITS_MS[each] == 0)
        per = f"{length // UNITS_MS[unit]}{unit}"
    about = [f", {key} {limit[key]}" for key in ("channel", "trigger", "tag") if key in limit]
    zone = limit.get("zone", "customer")
    about += [f", zone {zone}"] if zone not in CUSTOMERS else []
    return f"at most {limit['at_most']} per {per}{''.join(about)}"


def is_held_out(rules: Rules, customer: str) -> bool:
    """Tell whether a customer is among those who get nothing."""
    if rules.holdout is None:
        return False
    given = {"share": rules.holdout} if isinstance(rules.holdout, str) else rules.holdout
    millionths = round(float(given["share"].removesuffix("%")) * 10_000)
    text = f"{given.get('salt', 'shop')}\0{customer}".encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big") % 1_000_000 < millionths


def payload_of(
    step: Step, event: Known | None, row: Mapping[str, Any], time: int
) -> dict[str, Any]:
    """Work out what a message holds."""
    payload: dict[str, Any] = {}
    for name, value in step.get("payload", {}).items():
        if isinstance(value, str):
            payload[name] = naive(read(value), {**row, **event_values(value, event)}, time)
        else:
            payload[name] = filled_in(value["template"], event, row)
    return payload


def filled_in(template: str, event: Known | None, row: Mapping[str, Any]) -> str:
    """Fill a template."""
    named = [name for name in names_in_template(template) if is_of_event(name)]
    return filled(template, {**row, **{name: event_value(name, event) for name in named}})
