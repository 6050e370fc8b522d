"""What becomes of two lives when an anonymous id is linked to a customer (J6, J7).

A link is the event that says so; what is past is what lies before the watermark before it.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from oracle.arbitration import Arbiter, Message
from oracle.consent import Statement
from oracle.input import Event
from oracle.replay import Happening, Life, sessions_in
from oracle.segments import Customer
from oracle.triggers import Instance, decided


def clock_of(life: Life, watermark: float) -> int:
    """Return the time that a customer's clock shows."""
    return int(max(watermark, life.customer.history[-1].clock))


def end(life: Life, link: Event) -> None:
    """End an anonymous life: what is past has happened, the rest is the customer's (J7)."""
    life.settle(link.before)
    while pending := list(life.pending()):
        end_instance(life, min(pending, key=lambda one: one.opened), link)
    for name, member in life.customer.members.items():
        if member.inside:
            life.customer.change(name, clock_of(life, link.before), "merge")


def end_instance(life: Life, one: Instance, link: Event) -> None:
    """End what is pending as merged, if its end would have been told."""
    trigger, case = life.trigger(one), life.cases[one.trigger]
    known = case.end(one, trigger)
    case.is_over(one, trigger, known)
    if known.outcome == "superseded" and trigger and trigger["on"] == "any":
        life.superseded[one.trigger] += 1
        return
    time = min(one.asked, max(one.begun, link.time, int(link.before)))
    made = decided(one, life.customer.name, life.rules, "suppressed", time, "merged")
    life.decisions.append(replace(made, cancelled_by=link.message_id))


def taken_over(
    kept: Sequence[Event],
    life: Life,
    said: Sequence[Statement],
    customer: str,
    link: Event,
) -> Life:
    """Return the life of a customer who has none yet: all that the anonymous id was (J6).

    Args:
        kept: of the anonymous id's events.
        life: the anonymous id's, which is left as it is.
        said: what was said of consent before those events.
        customer: whose it becomes.
        link: the event that links the two.

    It is lived again from what is kept; nothing of it is written again.
    """
    rules, name = life.rules, life.customer.name
    new = Life(rules, Customer(rules, name), Arbiter(name, said=[*said]))
    for event in kept:
        new.arrive(event, event.before)
    new.settle(link.before)
    new.customer.name = new.arbiter.customer = customer
    new.customer.outside |= over(new, link.before)
    new.decisions, new.messages, new.retracted = [], [], []
    new.superseded = Counter()
    new.customer.changes = []
    for segment, member in new.customer.members.items():
        member.changes = 0
        if member.inside:
            member.inside, turned = False, member.turned
            new.customer.change(segment, clock_of(new, link.before), "merge")
            member.turned = turned
    new.told = len(new.customer.changes)
    return new


def joined(
    life: Life,
    past: Sequence[Event],
    outside: set[int],
    sent: Sequence[Message],
    link: Event,
    latest: int,
) -> None:
    """Let an anonymous past be out-of-order events of one who has a life already (J6).

    Args:
        life: the customer's.
        past: what is kept of the anonymous id, and is new to the customer.
        outside: the events, by arrival, that are of no session of the customer's.
        sent: what the anonymous id was sent.
        link: the event that links the two.
        latest: the time of the latest of what is kept, to which the customer's clock goes on.
    """
    customer = life.customer
    life.settle(link.before)
    clock = max(clock_of(life, link.before), latest)
    life.look_before(clock)
    customer.outside |= outside
    life.arbiter.sent += sent
    happenings = []
    for event in past:
        life.take_consent(event)
        known = customer.take(event, clock)
        late_at = link.before if event.time < link.before else -math.inf
        about = (event.name, event.time, known.clock, event.message_id, known, late_at)
        happenings.append(Happening("event", *about))
    customer.look(clock, "merge")
    life.told = len(customer.changes)
    life.after += [customer.copy() for _ in past]
    for each in happenings:
        for name, trigger in life.rules.triggers.items():
            life.note_cancel(name, trigger, each)
    for each in happenings:
        for name, trigger in life.rules.triggers.items():
            if trigger.get("after_ms", 0):  # else it was decided with the anonymous id
                life.note_start(name, trigger, each)


def over(life: Life, watermark: float) -> set[int]:
    """Return the events, by arrival, of the sessions that a watermark is past."""
    gap_ms = life.customer.rules.gap_ms
    runs = [run for run in sessions_in(life.customer) if run[-1].time + gap_ms < watermark]
    return {event.arrival for run in runs for event in run}
