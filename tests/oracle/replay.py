"""One customer's life in the order in which things become known (design 5).

Before an event arrives, all that lies before the watermark happens: what changes by itself,
sessions that close, instances that end. Each instance's end is worked out from everything that has
been seen, so it is the end that the sorted history gives.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from oracle.arbitration import GOES_ON, Arbiter
from oracle.arrivals import Known
from oracle.conditions import naive
from oracle.consent import Statement, needed, revocations, statement_of
from oracle.event_fields import event_values
from oracle.input import Event, value_at
from oracle.late_triggers import Message, Retraction, retractions
from oracle.observing import read
from oracle.rules import Rules, Trigger, cancels_of, steps_of
from oracle.segments import Customer
from oracle.sessions import runs_of
from oracle.triggers import Cancel, Case, Decision, Instance, Start, ended, go_on

LOOK, CLOSE, END = range(3)
"""What happens first at one time."""


class Then(NamedTuple):
    """Other rules, from which line on, and the watermark before it."""

    rules: Rules
    arrival: int
    watermark: float


class Happening(NamedTuple):
    """Something that triggers may wait for; the customer's row is asked for at `now`."""

    kind: Literal["event", "enter", "leave", "session"]
    name: str
    time: int
    now: int
    message_id: str | None = None
    known: Known | None = None
    late_at: float = -math.inf
    """The watermark where that was past it."""
    closing_from: int | None = None
    """The first event with a later row, where one has come before a session's closing is told."""


class Turn(NamedTuple):
    """What comes next, and in which order."""

    time: int
    rank: int
    about: tuple[int, str, str, int] = (0, "", "", 0)
    one: Instance | None = None


@dataclass
class Life:
    """One customer from first seen to forgotten, and what is decided about the customer."""

    rules: Rules
    customer: Customer
    arbiter: Arbiter
    cases: dict[str, Case] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    superseded: Counter[str] = field(default_factory=Counter)
    """How many instances of each trigger on any event were superseded; no decision says so."""
    after: list[Customer] = field(default_factory=list)
    """The customer as known after each event."""
    closed: set[int] = field(default_factory=set)
    """The events, by arrival, of the sessions whose closing triggers know of."""
    messages: list[Message] = field(default_factory=list)
    retracted: list[Retraction] = field(default_factory=list)
    told: int = 0
    """How many changes of memberships triggers know of."""
    forgotten: bool = False

    def arrive(self, event: Event, watermark: float) -> None:
        """Let happen what comes before an event, then take it in.

        A session that only late events have made may be over with it.
        """
        self.settle(watermark)
        self.look_before(event.time)
        self.take_consent(event)
        self.customer.arrive(event)
        self.after.append(self.customer.copy())
        known = self.customer.history[-1]
        about = (event.name, event.time, known.clock, event.message_id)
        late_at = watermark if event.is_late else -math.inf
        happening = Happening("event", *about, known, late_at)
        self.happen([happening, *self.changed(event.message_id)])
        self.ask_at_once()
        for session in self.closings(watermark) if self.rules.looks_at_closings() else ():
            self.close(session, late_at)
            self.ask_at_once()

    def look_before(self, time: int) -> None:
        """Let happen what happens by itself before a time, by the customer's own clock."""
        while (look := self.customer.next_look(time)) is not None:
            self.look(look)
            self.ask_at_once()

    def take_consent(self, event: Event) -> None:
        """Take in what an event says of consent; note when messages are permitted no more."""
        consent, purposes = self.rules.consent, self.rules.purposes
        if not consent:
            return
        said = self.arbiter.said
        said += filter(None, [statement_of(event, consent, purposes)])
        for name, trigger in self.rules.triggers.items():
            case = self.cases.setdefault(name, Case())
            case.cancels = [each for each in case.cancels if not each.is_consent]
            for number, step in enumerate(steps_of(trigger), start=1):
                for purpose in needed(purposes, name, step.get("channel", "")):
                    case.cancels += [
                        Cancel(time, "", by, frozenset({number}), is_consent=True)
                        for time, by in revocations(said, consent, purpose).items()
                    ]

    def revoke(self, event: Event, watermark: float) -> None:
        """Forget the customer, who permits no profiling from this event on (N4).

        What is due before it is asked with what was known before; `watermark` is the one at the
        end.
        """
        self.settle(min(event.before, watermark))
        self.look_before(event.time)
        self.closed |= {known.event.arrival for known in self.customer.history}
        self.take_consent(event)
        for case in self.cases.values():
            case.cancels.append(Cancel(event.time, "", event.message_id, is_consent=True))
        self.settle(min(event.time, watermark))
        self.customer.forget(event.time)
        self.forgotten = True

    def settle(self, watermark: float) -> None:
        """Let everything happen that lies before the watermark, in the order of time."""
        while turns := list(self.turns(watermark)):
            turn = min(turns, key=lambda turn: turn[:3])
            if turn.rank == LOOK:
                self.look(turn.time)
            elif turn.rank == CLOSE:
                self.close(self.closings(watermark)[0], -math.inf)
            else:
                assert turn.one
                self.conclude(turn.one)
            following = min(self.turns(watermark), key=lambda turn: turn[:3], default=None)
            if not following or following[:2] != (turn.time, CLOSE):  # else they go together
                self.ask_at_once()

    def turns(self, watermark: float) -> Iterator[Turn]:
        """Give the next things of each sort that lie before the watermark."""
        if self.customer.history and not self.forgotten:
            time = self.customer.next_look(watermark)
            yield from [] if time is None else [Turn(time, LOOK)]
            for session in self.closings(watermark) if self.rules.looks_at_closings() else ():
                yield Turn(session[-1].time + self.customer.rules.gap_ms, CLOSE)
        for one in self.pending():
            end = self.cases[one.trigger].end(one, self.trigger(one))
            if end.time < watermark:
                yield Turn(end.time, END, self.order(one), one)

    def closings(self, watermark: float) -> list[list[Event]]:
        """Return the sessions that are over before the watermark, and none of them was before."""
        gap_ms = self.customer.rules.gap_ms
        sessions = [run for run in sessions_in(self.customer) if run[-1].time + gap_ms < watermark]
        return [each for each in sessions if self.closed.isdisjoint(e.arrival for e in each)]

    def close(self, session: list[Event], late_at: float) -> None:
        """Tell triggers that a session is over."""
        self.closed |= {event.arrival for event in session}
        time = session[-1].time + self.customer.rules.gap_ms
        following = self.first_after_closing(time)
        now = max(time, int(self.customer.looked)) if following is None else time
        about = Happening("session", "closed", time, now, late_at=late_at)
        self.happen([about._replace(closing_from=following)])

    def first_after_closing(self, time: int) -> int | None:
        """Return which event was the first with a later row after a session was known to end.

        None where none has come, or where the row was later when that was known.
        """
        is_known = False
        for number, customer in enumerate(self.after):
            is_later = customer.history[-1].clock > time
            if is_known and is_later:
                return number
            if not is_known and time in self.ends_of_sessions(customer):
                if is_later:
                    return None
                is_known = True
        return None

    def ends_of_sessions(self, customer: Customer) -> set[int]:
        """Return when the sessions of a history are over."""
        return {run[-1].time + customer.rules.gap_ms for run in sessions_in(customer)}

    def look(self, time: int) -> None:
        """Ask the conditions of all segments at a time at which something changes by itself."""
        self.customer.look(time, "timer")
        self.happen(list(self.changed(None)))

    def changed(self, message_id: str | None) -> Iterator[Happening]:
        """Give the changes of memberships that nobody was told of."""
        new = self.customer.changes[self.told :]
        self.told += len(new)
        for change in new:
            kind: Literal["enter", "leave"] = "enter" if change.kind == "entered" else "leave"
            yield Happening(kind, change.segment, change.time, change.time, message_id)

    def happen(self, happenings: Sequence[Happening]) -> None:
        """Note what cancels, open what starts, then ask what need not wait."""
        for each in happenings:
            for name, trigger in self.rules.triggers.items():
                self.note_cancel(name, trigger, each)
        for each in happenings:
            for name, trigger in self.rules.triggers.items():
                self.note_start(name, trigger, each)

    def note_start(self, name: str, trigger: Trigger, happening: Happening) -> None:
        """Open an instance of a trigger if something starts it."""
        if matches(trigger["on"], happening) and self.holds(trigger.get("where"), happening):
            key = key_of(trigger, happening.known)
            about = (name, key, happening.time, happening.message_id, happening.known)
            start = Start(*about, happening.late_at)
            case = self.cases.setdefault(name, Case())
            case.open(start, trigger, len(self.customer.history), happening.closing_from)

    def note_cancel(self, name: str, trigger: Trigger, happening: Happening) -> None:
        """Note for which steps of a trigger something is a cancel, if for any."""
        steps = {
            step
            for step, cancel in cancels_of(trigger)
            if matches(cancel, happening) and self.holds(cancel.get("where"), happening)
        }
        if steps:
            of_steps = frozenset(step for step in steps if step is not None)
            key = key_of(trigger, happening.known)
            is_late = happening.late_at > -math.inf
            of = None if None in steps else of_steps
            cancel = Cancel(happening.time, key, happening.message_id, of, is_late)
            self.cases.setdefault(name, Case()).cancels.append(cancel)
            if is_late:
                earliest = happening.late_at - trigger.get("retract_ms", 0)
                self.retracted += retractions(self.messages, name, cancel, earliest)

    def holds(self, where: str | None, happening: Happening) -> bool:
        """Tell whether a condition is true for the customer after what happened."""
        if where is None:
            return True
        customer = self.customer
        if happening.closing_from is not None:
            customer = self.after[happening.closing_from - 1].copy()
            customer.pass_by(happening.time + 1)
        row = customer.row(happening.now) | event_values(where, happening.known)
        time = happening.time if happening.kind == "session" else happening.now
        return naive(read(where), row, time) is True

    def ask_at_once(self) -> None:
        """Decide what need not wait for the watermark."""
        while waiting := [one for one in self.pending() if one.at_once]:
            self.conclude(min(waiting, key=lambda one: (one.asked, self.order(one))))

    def pending(self) -> Iterator[Instance]:
        """Give what waits."""
        for name, case in self.cases.items():
            yield from case.pending(self.rules.triggers.get(name))

    def trigger(self, one: Instance) -> Trigger | None:
        """Return an instance's trigger as it is now, None if it was removed."""
        return self.rules.triggers.get(one.trigger)

    def order(self, one: Instance) -> tuple[int, str, str, int]:
        """Say what comes first at one time (T5)."""
        trigger = self.trigger(one)
        priority = trigger.get("priority", 0) if trigger else 0
        return -priority, one.key, one.trigger, one.opened

    def conclude(self, one: Instance) -> None:
        """End an instance's wait: with a decision, or with a longer wait."""
        trigger, name = self.trigger(one), self.customer.name
        case = self.cases[one.trigger]
        end = case.end(one, trigger)
        if end.outcome == "superseded" and trigger and trigger["on"] == "any":
            self.superseded[one.trigger] += 1
            case.is_over(one, trigger, end)
            return
        if end.outcome != "asked":
            self.decisions.append(ended(one, name, self.rules, end))
            case.is_over(one, trigger, end)
            return
        decision = self.arbiter.ask(self.rules, one, self.row_at(one))
        if decision is None:
            return
        self.decisions.append(decision)
        if decision.outcome == "sent":
            self.messages.append(Message(one, decision))
        goes_on = decision.outcome == "sent" or decision.reason in GOES_ON
        if trigger and goes_on and one.step < len(steps_of(trigger)):
            go_on(one, steps_of(trigger)[one.step], decision.time)
        else:
            case.is_over(one, trigger, end)

    def row_at(self, one: Instance) -> dict[str, Any]:
        """Return the row that an instance is asked with: of what was known when it was due.

        That is the row before the first event whose row has a later time arrived, as far as the
        instance was open then.
        """
        known = self.customer
        first = one.known_from
        if one.closing_from is not None:
            first = one.closing_from
        for number, customer in enumerate(self.after[first:], start=first):
            if customer.history[-1].clock > one.asked:
                known = self.after[number - 1]
                break
        known = known.copy()
        if not self.forgotten:
            known.pass_by(one.asked + 1)
        row = known.row(max(one.asked, int(known.looked)))
        return dict.fromkeys(self.rules.names_used) | row

    def change_rules(self, then: Then) -> None:
        """Let other rules hold from now on (T10)."""
        self.settle(then.watermark)
        for session in self.closings(then.watermark):
            self.closed |= {event.arrival for event in session}
        for one in self.pending():
            if not self.rules.looks_at_rows(self.trigger(one)):  # nobody has kept what was known
                one.known_from = len(self.customer.history)
        self.customer.go_on(then.rules, then.watermark)
        self.rules = then.rules
        self.told = len(self.customer.changes)

    def forget(self, time: int) -> None:
        """Forget the customer but for what is pending; nothing starts with it."""
        self.settle(time)
        self.customer.forget(time)
        self.arbiter.sent = []
        self.forgotten = True


def live(
    rules: Rules,
    customer: str,
    events: Sequence[Event],
    *,
    watermark: float,
    forgotten: int | None = None,
    then: Then | None = None,
    said: Sequence[Statement] = (),
    revoked_by: Event | None = None,
) -> Life:
    """Replay one life of a customer.

    `events` are in order of arrival; `forgotten` is when the customer is forgotten, if so. `said`
    is what was said of consent before, `revoked_by` the event by which it ends for lack of it.
    """
    life = Life(rules, Customer(rules, customer), Arbiter(customer, said=[*said]))
    for event in events:
        if then and event.arrival >= then.arrival:
            life.change_rules(then)
            then = None
        life.arrive(event, min(event.before, watermark))
    if then and (forgotten is None or forgotten >= then.watermark):
        life.change_rules(then)
    if revoked_by is not None:
        life.revoke(revoked_by, watermark)
    elif forgotten is not None:
        life.forget(forgotten)
    life.settle(watermark)
    return life


def sessions_in(customer: Customer) -> list[list[Event]]:
    """Cut a customer's history into sessions."""
    history = [known.event for known in customer.history]
    inside = [event for event in history if event.arrival not in customer.outside]
    by_time = sorted(inside, key=lambda event: (event.time, event.arrival))
    return runs_of(by_time, gap_ms=customer.rules.gap_ms) if by_time else []


def matches(what: str | Mapping[str, str], happening: Happening) -> bool:
    """Tell whether something is what a trigger starts on, or is cancelled by."""
    if isinstance(what, str):
        return happening.kind == "event" and what in {"any", happening.name}
    if "on" in what:
        return (happening.kind, happening.name) == ("event", what["on"])
    return what.get(happening.kind) == happening.name


def key_of(trigger: Trigger, known: Known | None) -> str:
    """Give an event's key as text; one without the value has the empty key (T4)."""
    path = trigger.get("key")
    value = value_at(known.event.data, path) if path and known else None
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
