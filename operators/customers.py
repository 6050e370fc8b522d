"""What decide keeps of a customer, and the part of a shard's store that keeps it."""

from collections.abc import Iterator
from typing import Any

import msgspec

from operators.consent import Consent
from operators.decisions import Subject, Verdict
from operators.instances import Case, Closing, Instance, Look
from operators.memberships import Membership
from operators.plans import DecidePlan
from operators.times import AFTER_ALL, BEFORE_ALL, EventTime
from state.about import About, View
from state.keyvalue import KeyValue
from state.prefixes import Prefix
from state.records import Records, record_key
from state.timers import Timers

DECISIONS_MOST = 50
"""How many of a customer's latest decisions are kept for whoever asks why."""

CAUSES_MOST = 5
"""How many events are named as the cause of each."""

CLOSINGS_MOST = 100
"""For how many sessions that are over the row is kept; triggers see the latest row for others."""


class Sent(msgspec.Struct, array_like=True, gc=False):
    """A message as limits remember it.

    Attributes:
        time: of the message.
        trigger: whose it was.
        channel: how it went out then, empty where nobody says.
        tags: of the trigger then.
    """

    time: EventTime
    trigger: str
    channel: str
    tags: list[str]


class Decided(msgspec.Struct, array_like=True, gc=False):
    """A decision as it is remembered.

    Attributes:
        time: of the decision.
        trigger: whose instance it was.
        key: of the instance.
        outcome: see Verdict.
        reason: see Verdict.
        causes: messageIds of the events that opened the instance, then of the one that ended it.
        step: which message of the trigger, from 0.
        limit: see Verdict.
    """

    time: EventTime
    trigger: str
    key: str
    outcome: str
    reason: str | None
    causes: list[str]
    step: int = 0
    limit: str | None = None


class Customer(msgspec.Struct, array_like=True, gc=False):
    """What decide keeps of one customer.

    Attributes:
        name: of the customer.
        view: the number of the view in which row and memberships were last looked at.
        timer: where the deadline of instances stands, AFTER_ALL for none; no end lies before it.
        change_timer: where the deadline of memberships stands, likewise.
        moment: of the last row or change of a membership.
        row: the latest, with the slots of segments at its end; empty before the first.
        memberships: of each segment.
        cases: by trigger.
        forgotten: whether the profile is gone, and this goes with what is still pending.
        decisions: the latest.
        sent: the messages that limits may still count.
        closings: the sessions that are over, whose ends the watermark has not passed.
        scores: the last that was written, of each model that writes them when they move.
        consent: what the customer has said of purposes.
        emptied: when all was forgotten since that was permitted no more, BEFORE_ALL where nothing
            of before then is left; whatever was sent before it counts no more after it.
        emptied_by: messageId of the event that has done it.
    """

    name: str
    view: int
    timer: EventTime = AFTER_ALL
    change_timer: EventTime = AFTER_ALL
    moment: EventTime = BEFORE_ALL
    row: list[Any] = []
    memberships: list[Membership] = []
    cases: dict[str, Case] = {}
    forgotten: bool = False
    decisions: list[Decided] = []
    sent: list[Sent] = []
    closings: list[Closing] = []
    scores: dict[str, float] = {}
    consent: Consent | None = None
    emptied: EventTime = BEFORE_ALL
    emptied_by: str = ""

    def instances(self) -> Iterator[Instance]:
        """Go through the instances that are open, or have been a short time ago."""
        for case in self.cases.values():
            yield from case.instances

    def looks(self) -> Iterator[Look | Closing]:
        """Go through all that is kept of the row as of some time."""
        for instance in self.instances():
            yield from instance.looks
        for closing in self.closings:
            yield closing
            for instance in closing.instances.values():
                yield from instance.looks

    def note_closing(self, time: EventTime, instances: dict[str, Instance]) -> None:
        """Keep the row as of the end of a session, and what that will open."""
        if self.row:
            self.closings.append(Closing(time, list(self.row), instances))
            del self.closings[:-CLOSINGS_MOST]

    def take_closing(self, time: EventTime) -> Closing | None:
        """Return what is known of the end of a session, None where the row still is the same."""
        closing = next((each for each in self.closings if each.time == time), None)
        self.closings = [each for each in self.closings if each.time > time]
        return closing

    def note(self, subject: Subject, end: Verdict) -> None:
        """Remember a decision."""
        instance = subject.instance
        causes = [*sorted(instance.message_ids)[:CAUSES_MOST], *([end.cause] if end.cause else [])]
        self.decisions.append(
            Decided(
                time=end.time,
                trigger=subject.trigger,
                key=instance.key,
                outcome=end.outcome,
                reason=end.reason,
                causes=causes,
                step=instance.step,
                limit=end.limit,
            )
        )
        del self.decisions[:-DECISIONS_MOST]


class CustomerStore:
    """The customers of decide and their deadlines in one shard's store.

    Attributes:
        about: what the store says about itself.
        view: the number of the view that the plan is.

    Args:
        keyvalue: the shard's store.
        about: what the store says about itself; a new view is added to it.
        plan: the slots of rows and the segments.
        cache: how many decoded records stay in memory.
        watermark: the shard's, at which a new view begins.
    """

    def __init__(
        self,
        keyvalue: KeyValue,
        about: About,
        plan: DecidePlan,
        cache: int,
        watermark: EventTime = BEFORE_ALL,
    ) -> None:
        self.about = about
        self.view = about.view_number(view_of(plan, about.attributes.source), watermark)
        self._keyvalue = keyvalue
        self._decode_attributes = msgspec.msgpack.Decoder(list[Any]).decode
        places = {name: place for place, name in enumerate(about.attributes.columns)}
        self._places = [places.get(name) for name in plan.attributes]
        self.customers: Records[Customer] = Records(
            keyvalue,
            Prefix.CUSTOMER,
            encode=msgspec.msgpack.Encoder().encode,
            decode=msgspec.msgpack.Decoder(Customer).decode,
            capacity=cache,
        )
        self.timers = Timers(keyvalue, Prefix.INSTANCE_TIMER)
        self.change_timers = Timers(keyvalue, Prefix.SEGMENT_TIMER)

    @property
    def has_attributes(self) -> bool:
        """Whether rules look at what is said of customers from outside."""
        return bool(self._places)

    def attributes(self, name: str) -> list[Any]:
        """Return what is said of a customer from outside: the values of the last slots of rows."""
        if not self._places:
            return []
        [found] = self._keyvalue.get_many([record_key(Prefix.ATTRIBUTES, name)])
        if found is None:
            return [None for _ in self._places]
        values = self._decode_attributes(found)
        return [None if place is None else values[place] for place in self._places]

    def take_back_timers(self, customer: Customer) -> None:
        """Let a customer have no deadlines any more."""
        if customer.timer != AFTER_ALL:
            self.timers.remove(customer.timer, customer.name)
        if customer.change_timer != AFTER_ALL:
            self.change_timers.remove(customer.change_timer, customer.name)

    def put_timers(self, customer: Customer) -> None:
        """Let the deadlines that a customer names stand."""
        if customer.timer != AFTER_ALL:
            self.timers.add(customer.timer, customer.name)
        if customer.change_timer != AFTER_ALL:
            self.change_timers.add(customer.change_timer, customer.name)

    def erase(self, customer: Customer) -> None:
        """Remove the record of a customer whom the last ``edit`` returned, and the deadlines."""
        self.take_back_timers(customer)
        self.customers.delete(customer.name)

    def erase_attributes(self, name: str) -> int:
        """Remove what is said of a customer from outside; return how many records that was."""
        key = record_key(Prefix.ATTRIBUTES, name)
        [found] = self._keyvalue.get_many([key])
        if found is None:
            return 0
        self._keyvalue.delete(key)
        return 1

    def flush(self) -> None:
        """Write what has changed."""
        self.customers.flush()
        self.timers.flush()
        self.change_timers.flush()


def view_of(plan: DecidePlan, attributes: str) -> View:
    """Return what a plan looks at.

    Args:
        plan: the slots of rows and the segments.
        attributes: a text that changes when what is said of customers from outside does.
    """
    return View(
        slots=[f"{each.name} = {each.definition}" for each in plan.slots],
        segments=[each.name for each in plan.segments],
        definitions=[each.definition for each in plan.segments],
        attributes=attributes if plan.attributes else "",
    )
