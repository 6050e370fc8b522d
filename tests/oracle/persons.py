"""What is known of customers and anonymous ids from the events that were taken in, until the end.

When an anonymous id is linked, its past goes over to a customer; which one, others say.
"""

import math
from collections import Counter
from dataclasses import dataclass, field, replace

from oracle import Expected
from oracle.arbitration import Arbiter
from oracle.consent import Statement, permitted, statement_of
from oracle.input import Classified, Event, Outcome, is_duplicate
from oracle.late_sessions import Sessions
from oracle.merging import end, joined, over, taken_over
from oracle.replay import Life
from oracle.rules import Rules
from oracle.segments import Customer
from oracle.specs import milliseconds


@dataclass
class Person:
    """All that is known of one customer or anonymous id, from first seen to forgotten or merged."""

    name: str
    latest: int
    """The latest event's time."""
    ids: dict[str, int] = field(default_factory=dict)
    """Event times by messageId, the oldest first."""
    said: list[Statement] = field(default_factory=list)
    life: Life | None = None
    """While profiling is permitted."""
    sessions: Sessions | None = None
    kept: list[Event] = field(default_factory=list)
    """What the life is made of."""
    said_before: list[Statement] = field(default_factory=list)
    """What was said before the first of them."""


class Persons:
    """Takes in events, each with whose it is.

    Args:
        rules: with `identity`.
        end: the watermark when all is over.
    """

    def __init__(self, rules: Rules, end: float) -> None:
        self.rules, self.end = rules, end
        self.retention_ms = math.inf if rules.retention_ms is None else rules.retention_ms
        self.persons: dict[str, Person] = {}
        self.taken = 0
        """How many events were taken in, again or for the first time."""
        self.customers = 0
        """How many lives were begun."""
        self.no_consent = 0
        superseded = {name: 0 for name, one in rules.triggers.items() if one["on"] == "any"}
        nothing = Classified([], -math.inf, {})
        self.found = Expected(nothing, [], [], [], {}, Counter(superseded), [], [])

    def take(self, event: Event) -> Outcome:
        """Take an event in, unless it is a duplicate or late."""
        self.expire(event.customer, event.before)
        person = self.persons.setdefault(event.customer, Person(event.customer, event.time))
        if self.is_known(person, event):
            return "duplicate"
        person.latest = max(person.latest, event.time)
        if event.time < event.before - self.rules.grace_ms:
            return "late"
        self.apply(person, self.numbered(event))
        return "applied"

    def permits(self, person: Person, event: Event) -> bool:
        """Tell whether an event may be applied by what it and those before it have said (N3)."""
        consent, purpose = self.rules.consent, self.rules.purposes.get("profiling")
        if not consent or not purpose:
            return True
        statement = statement_of(event, consent, self.rules.purposes)
        said = [*person.said, *filter(None, [statement])]
        return permitted(said, consent, purpose, event.time)

    def apply(self, person: Person, event: Event) -> None:
        """Let a customer live through an event, if that is permitted (N3, N4)."""
        is_permitted, said = self.permits(person, event), [*person.said]
        if self.rules.consent:
            statement = statement_of(event, self.rules.consent, self.rules.purposes)
            person.said += filter(None, [statement])
        if not is_permitted:
            if person.life:
                person.life.revoke(event, self.end)
                person.life.settle(self.end)
                self.collect(person, min(self.end, event.before))
            person.life, person.kept = None, []
            self.no_consent += 1
            return
        if person.life is None:
            name, rules = person.name, self.rules
            person.life = Life(rules, Customer(rules, name), Arbiter(name, said=[*said]))
            person.sessions = Sessions(rules.collect, rules.gap_ms)
            person.said_before = said
            self.customers += 1
        assert person.sessions
        person.life.arrive(event, event.before)
        person.sessions.arrive(event)
        person.kept.append(event)

    def merge(self, anonymous: str, link: Event) -> int:
        """Let what is kept of an anonymous id be the customer's; return how many events it is."""
        self.expire(anonymous, link.before)
        self.expire(link.customer, link.before)
        of = self.persons.pop(anonymous, None)
        if of is None:
            return 0
        to = self.persons.setdefault(link.customer, Person(link.customer, of.latest))
        to.said += of.said
        kept = self.kept(of, link.before)
        to.latest = max([to.latest, *(event.time for event in kept)])
        if of.life:
            end(of.life, link)
            self.collect(of, link.before)
        if of.life and kept:
            if to.life is None:
                self.take_over(to, of, kept, link)
            else:
                self.join(to, of, kept, link)
        return len(kept)

    def kept(self, person: Person, before: float) -> list[Event]:
        """Return what is kept of an anonymous id: so many events, and so old (J5).

        Nothing is where nothing of it came for as long.
        """
        assert self.rules.identity is not None
        keep = self.rules.identity.get("keep", {})
        keep_ms = min(milliseconds(keep.get("for", "30d")), self.retention_ms)
        if person.latest + keep_ms < before:
            return []
        events = person.kept[-keep.get("events", 200) :]
        return [event for event in events if event.time >= person.latest - keep_ms]

    def take_over(self, to: Person, of: Person, past: list[Event], link: Event) -> None:
        """Let one who has no life have the anonymous id's."""
        assert of.life
        to.life = taken_over(past, of.life, of.said_before, to.name, link)
        ids = {each.message_id: each.time for each in past if each.message_id}
        to.ids |= of.ids if self.rules.consent else ids  # what was said is kept with its messageId
        to.said_before = [*of.said_before]
        to.sessions = Sessions(self.rules.collect, self.rules.gap_ms)
        outside = to.life.customer.outside
        is_open = [event for event in past if event.arrival not in outside]
        to.sessions.take_over([replace(event, customer=to.name) for event in is_open])
        self.customers += 1

    def join(self, to: Person, of: Person, kept: list[Event], link: Event) -> None:
        """Let one who has a life live through the anonymous id's events too."""
        past = [each for each in kept if not self.is_known(to, each)]
        latest = max(each.time for each in kept)
        assert to.life
        assert to.sessions
        assert of.life
        not_open = over(of.life, link.before)
        again = [
            self.numbered(replace(each, customer=to.name, before=link.before)) for each in past
        ]
        pairs = list(zip(past, again, strict=True))
        outside = {new.arrival for old, new in pairs if old.arrival in not_open}
        for_good = over(to.life, link.before - self.rules.grace_ms)
        to.sessions.close(link.before)
        to.sessions.leave_alone(for_good)
        joined(to.life, again, outside | for_good, of.life.arbiter.sent, link, latest)
        for event in again:
            if event.arrival not in outside:
                to.sessions.join(event)
        to.sessions.close(link.before)

    def is_known(self, person: Person, event: Event) -> bool:
        """Tell whether a customer has had an event before; remember it if not."""
        return is_duplicate(person.ids, event.message_id, event.time, last=64, within_ms=3_600_000)

    def numbered(self, event: Event) -> Event:
        """Number an event in the order in which they are taken in."""
        self.taken += 1
        return replace(event, arrival=self.taken)

    def expire(self, name: str, before: float) -> None:
        """Forget one who was not seen for too long."""
        person = self.persons.get(name)
        if person and person.latest + self.retention_ms < before:
            del self.persons[name]
            self.forget(person)

    def forget(self, person: Person) -> None:
        """Forget one; what is pending stays, and is decided."""
        if person.life:
            person.life.forget(int(person.latest + self.retention_ms))
            person.life.settle(self.end)
            self.collect(person, self.end)

    def collect(self, person: Person, watermark: float) -> None:
        """Add what came out of a life that is over."""
        assert person.life
        assert person.sessions
        person.sessions.close(watermark)
        found, life = self.found, person.life
        found.sessions.extend(person.sessions.closed)
        found.retracted.extend(person.sessions.retracted)
        found.decisions.extend(life.decisions)
        found.changes.extend(life.customer.changes)
        found.retractions.extend(life.retracted)
        assert isinstance(found.superseded, Counter)
        found.superseded.update(life.superseded)

    def finish(self, watermark: float) -> None:
        """Let happen what lies before the end; `watermark` is the last that events have made."""
        for person in self.persons.values():
            if person.latest + self.retention_ms < watermark:
                self.forget(person)
            elif person.life:
                person.life.settle(self.end)
                self.collect(person, self.end)
