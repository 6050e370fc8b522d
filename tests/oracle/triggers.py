"""One customer's instances of one trigger: what opens them, and what ends each first (T1 to T4)."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from oracle.arrivals import Known
from oracle.rules import Rules, Step, Trigger, steps_of

Outcome = Literal["sent", "cancelled", "superseded", "suppressed", "expired"]
Reason = Literal[
    *("consent", "removed", "paused", "when", "quiet_hours", "again", "limit", "holdout"), "merged"
]


@dataclass(frozen=True)
class Decision:
    """A decided instance."""

    trigger: str
    customer: str
    key: str
    opened: int
    due: int
    time: int
    """The deciding event's time, or when it was asked."""
    outcome: Outcome
    reason: Reason | None
    cause: tuple[str, ...]
    """The messageIds of the events that opened it, in arrival order."""
    cancelled_by: str | None
    """The cancelling messageId, the smallest at a tie."""
    superseded_by: str | None = None
    """The smallest messageId of the events that superseded it."""
    step: int | None = None
    """Which message it was of a trigger that has several."""
    channel: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Of one that was sent."""
    limit: str | None = None
    """Which limit was reached, in the config's words; the first of it."""
    rules: Rules = field(default_factory=Rules, compare=False)
    """The rules by which it was decided."""

    @property
    def ended_by(self) -> str | None:
        """The messageId of the event that ended it, which its record names (T8)."""
        return self.cancelled_by or self.superseded_by


class Start(NamedTuple):
    """Something that opens an instance: at what time, by which event if by one."""

    trigger: str
    key: str
    time: int
    message_id: str | None
    event: Known | None = None
    """The event that it is itself."""
    late_at: float = -math.inf
    """The watermark where that was past it: nothing is opened that was due before."""


class Cancel(NamedTuple):
    """Something that ends instances; `steps` None: whichever message they wait for."""

    time: int
    key: str
    message_id: str | None
    steps: frozenset[int] | None = None
    is_late: bool = False
    is_consent: bool = False
    """It is that the customer permits these messages no more."""


class Wait(NamedTuple):
    """A wait that is over: for which message, and the first and last time at which it was on."""

    step: int
    first: int
    until: int


@dataclass
class Instance:
    """A trigger's run through its steps, or what may yet turn out not to be one."""

    trigger: str
    key: str
    opened: int
    due: int
    asked: int
    """When it is asked next, or expires."""
    at_once: bool
    """It is asked without waiting for the watermark."""
    known_from: int
    """How many of the customer's events had arrived when it was opened."""
    starts: list[Start]
    """All of its opening time, also those that came after a message was decided at once."""
    begun: int
    """When the wait began: at the opening, or with the decision of the step before."""
    step: int = 1
    expires: bool = False
    waits: list[Wait] = field(default_factory=list)
    closing_from: int | None = None
    """The first event with a row later than the closing that has opened it, if one had come."""

    @property
    def first(self) -> int:
        """The first time at which a cancel can end the present wait."""
        return self.opened if self.step == 1 else self.begun + 1

    @property
    def cause(self) -> tuple[str, ...]:
        """The messageIds of what has opened it so far."""
        return tuple(dict.fromkeys(one.message_id for one in self.starts if one.message_id))


class End(NamedTuple):
    """How the wait of an instance ends."""

    time: int
    outcome: Literal["cancelled", "consent", "superseded", "asked"]
    message_id: str | None = None


@dataclass
class Case:
    """All that one trigger has seen of one customer."""

    instances: list[Instance] = field(default_factory=list)
    """All that ever were, which still say when something started."""
    waiting: list[Instance] = field(default_factory=list)
    """Those that are not over, by opening time."""
    cancels: list[Cancel] = field(default_factory=list)

    def open(
        self, start: Start, trigger: Trigger, known_from: int, closing_from: int | None
    ) -> None:
        """Open an instance; several starts at one time are one (T2)."""
        after = trigger.get("after_ms", 0)
        due = start.time + after
        if due < start.late_at:
            return
        for one in self.instances:
            if (one.key, one.opened) == (start.key, start.time):
                one.starts.append(start)
                return
        is_late = start.late_at > -math.inf
        if is_late and not trigger.get("restart", True) and self.was_pending(start):
            return
        opened = Instance(
            *(start.trigger, start.key, start.time, due, due, after == 0, known_from),
            starts=[start],
            begun=start.time,
            closing_from=closing_from,
        )
        self.instances.append(opened)
        self.waiting = sorted([*self.waiting, opened], key=lambda one: one.opened)

    def was_pending(self, start: Start) -> bool:
        """Tell whether something that started was pending at the time of a late start."""
        waits = [wait for one in self.instances if one.key == start.key for wait in one.waits]
        waits += [
            Wait(one.step, one.begun, one.asked) for one in self.waiting if one.key == start.key
        ]
        return any(wait.first <= start.time <= wait.until for wait in waits)

    def pending(self, trigger: Trigger | None) -> Iterator[Instance]:
        """Give what waits; with ``restart: false`` only one of a key does, the first."""
        first: dict[str, int] = {}
        for one in self.waiting:
            earlier = first.setdefault(one.key, one.opened) < one.opened
            if not earlier or one.step > 1 or trigger is None or trigger.get("restart", True):
                yield one

    def end(self, one: Instance, trigger: Trigger | None) -> End:
        """Say what ends a wait first; at equal times a cancel before a further start (T3).

        What was late may end a wait that had not begun then, if it would have ended the one before.
        Nothing matters any more to what is left of a trigger that was removed (T10).
        """
        if trigger is None:
            return End(one.asked, "asked")
        present = Wait(one.step, one.first, one.asked)
        cancels = [
            each
            for each in self.cancels
            if ends(each, one, present) or (each.is_late and wait_ended_by(each, one))
        ]
        cancelled = min((each.time for each in cancels), default=math.inf)
        further = [i for i in self.instances if i.key == one.key and i.opened > one.opened]
        if not trigger.get("restart", True):
            further = []
        superseded = min((i.opened for i in further), default=math.inf)
        if cancels and cancelled <= superseded:
            first = [each for each in cancels if each.time == cancelled]
            real = [each for each in first if not each.is_consent]
            ids = [each.message_id for each in real or first]
            return End(int(cancelled), "cancelled" if real else "consent", least_id(ids))
        if superseded <= one.asked:
            [by] = [i for i in further if i.opened == superseded]
            return End(by.opened, "superseded", least_id(by.cause))
        return End(one.asked, "asked")

    def is_over(self, one: Instance, trigger: Trigger | None, end: End) -> None:
        """Let an instance be over; with ``restart: false`` what started meanwhile opens nothing.

        At the time of a cancel it is no longer pending, at the time when it was asked it was.
        """
        self.waiting = [other for other in self.waiting if other is not one]
        until = end.time - (end.outcome in {"cancelled", "consent"})
        one.waits.append(Wait(one.step, one.first, until))
        if trigger is None or trigger.get("restart", True):
            return
        free_from = max(until, one.waits[-2].until if one.step > 1 else until) + 1
        self.waiting = [
            other
            for other in self.waiting
            if other.key != one.key or other.step > 1 or not one.opened < other.opened < free_from
        ]


def go_on(one: Instance, step: Step, time: int) -> None:
    """Begin the next wait."""
    one.waits.append(Wait(one.step, one.first, time))
    one.step += 1
    one.begun = time
    one.due = one.asked = time + step.get("after_ms", 0)
    one.at_once = one.due == time


def step_of(one: Instance, trigger: Trigger) -> Step | None:
    """Return the message that an instance waits for, if there still is one."""
    steps = steps_of(trigger)
    return steps[one.step - 1] if one.step <= len(steps) else None


def ends(cancel: Cancel, one: Instance, wait: Wait) -> bool:
    """Tell whether a cancel is about an instance (T4) and a wait of it, and falls into that."""
    is_of_step = cancel.steps is None or wait.step in cancel.steps
    is_of_key = not cancel.key or not one.key or cancel.key == one.key
    return is_of_step and is_of_key and wait.first <= cancel.time <= wait.until


def wait_ended_by(cancel: Cancel, one: Instance) -> Wait | None:
    """Return the wait of an instance that a cancel would have ended, had it come in time."""
    return next((wait for wait in one.waits if ends(cancel, one, wait)), None)


def least_id(ids: Iterable[str | None]) -> str | None:
    """Return the smallest messageId, None where there is none."""
    return min((one for one in ids if one), default=None)


def decided(
    one: Instance,
    customer: str,
    rules: Rules,
    outcome: Outcome,
    time: int,
    reason: Reason | None = None,
) -> Decision:
    """Write down how the wait of an instance has ended."""
    trigger = rules.triggers.get(one.trigger)
    return Decision(
        *(one.trigger, customer, one.key, one.opened, one.due, time, outcome, reason, one.cause),
        cancelled_by=None,
        step=one.step if one.step > 1 or (trigger and trigger.get("then")) else None,
        rules=rules,
    )


def ended(one: Instance, customer: str, rules: Rules, end: End) -> Decision:
    """Write down that an instance was cancelled, superseded, or permitted no more."""
    if end.outcome == "consent":
        made = decided(one, customer, rules, "suppressed", end.time, "consent")
        return replace(made, cancelled_by=end.message_id)
    if end.outcome == "cancelled":
        made = decided(one, customer, rules, "cancelled", end.time)
        return replace(made, cancelled_by=end.message_id)
    made = decided(one, customer, rules, "superseded", end.time)
    return replace(made, superseded_by=end.message_id)
