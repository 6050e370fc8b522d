"""One customer's instances of one trigger, and how each ends (T2 to T4, T6, T8)."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from oracle.input import Event, value_at
from oracle.rules import Again, Trigger, cancels_of


@dataclass(frozen=True)
class Decision:
    """A decided instance."""

    trigger: str
    customer: str
    key: str
    opened: int
    due: int
    time: int
    """The deciding event's time, or due."""
    outcome: Literal["sent", "cancelled", "superseded", "suppressed"]
    reason: Literal["again"] | None
    cause: tuple[str, ...]
    """The messageIds of the events that opened it, in arrival order."""
    cancelled_by: str | None
    """The cancelling messageId, the smallest at a tie."""
    superseded_by: str | None = None
    """The smallest messageId of the events that superseded it."""

    @property
    def ended_by(self) -> str | None:
        """The messageId of the event that ended it, which its record names (T8)."""
        return self.cancelled_by or self.superseded_by


def decisions_of(
    name: str, trigger: Trigger, events: Sequence[Event], *, watermark: float
) -> list[Decision]:
    """Decide one customer's instances; events are sorted by (time, arrival).

    Only what the watermark is past is decided; without a wait, everything is (T8).
    """
    if trigger.get("after_ms", 0) == 0:
        ended = list(_at_once(name, trigger, events))
    else:
        ended = [one for one in _waiting(name, trigger, events) if one.time < watermark]
        ended.sort(key=lambda one: (one.time, one.key))
    return list(_asked_again(ended, trigger.get("again", "always")))


def _waiting(name: str, trigger: Trigger, events: Sequence[Event]) -> Iterator[Decision]:
    """End every instance as if all could be sent."""
    starts: dict[str, dict[int, list[Event]]] = {}
    for event in events:
        if event.name == trigger["on"]:
            starts.setdefault(key_of(trigger, event), {}).setdefault(event.time, []).append(event)
    for key, by_time in starts.items():
        free_from = -math.inf  # with restart: false, from when on an event may open again
        for opened, openers in sorted(by_time.items()):
            if opened < free_from:
                continue
            due = opened + trigger.get("after_ms", 0)
            cancels = [
                event
                for event in events
                if opened <= event.time <= due and _cancels(trigger, event, key)
            ]
            cancelled = min((event.time for event in cancels), default=math.inf)
            superseded = min((t for t in by_time if opened < t <= due), default=math.inf)
            one = _sent(name, key, openers, due)
            if not trigger.get("restart", True):
                yield _cancelled(one, cancels) if cancels else one
                free_from = cancelled if cancels else due + 1
            elif cancelled <= min(superseded, due):
                yield _cancelled(one, cancels)
            elif superseded <= due:
                yield _superseded(one, by_time[int(superseded)])
            else:
                yield one


def _at_once(name: str, trigger: Trigger, events: Sequence[Event]) -> Iterator[Decision]:
    """Without a wait only what has arrived before counts, and only the first event opens."""
    opened: set[tuple[str, int]] = set()
    arrived: list[Event] = []
    for event in sorted(events, key=lambda event: event.arrival):
        key = key_of(trigger, event)
        if event.name == trigger["on"] and (key, event.time) not in opened:
            opened.add((key, event.time))
            one = _sent(name, key, [event], event.time)
            cancels = [
                before
                for before in arrived
                if before.time == event.time and _cancels(trigger, before, key)
            ]
            yield _cancelled(one, cancels) if cancels else one
        arrived.append(event)


def _asked_again(ended: Iterable[Decision], again: Again) -> Iterator[Decision]:
    """Suppress what `again` forbids; in the order in which it is decided (T6)."""
    allowed_from = -math.inf
    for one in ended:
        if one.outcome != "sent":
            yield one
        elif one.due < allowed_from:
            yield replace(one, outcome="suppressed", reason="again")
        else:
            yield one
            if again != "always":
                allowed_from = math.inf if again == "never" else one.due + again


def key_of(trigger: Trigger, event: Event) -> str:
    """Give an event's key as text; one without the value has the empty key (T4)."""
    path = trigger.get("key")
    value = value_at(event.data, path) if path and event.name in _names(trigger) else None
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _names(trigger: Trigger) -> list[str]:
    return [trigger["on"], *cancels_of(trigger)]


def _cancels(trigger: Trigger, event: Event, key: str) -> bool:
    if event.name not in cancels_of(trigger):
        return False
    other = key_of(trigger, event)
    return not key or not other or key == other


def _sent(name: str, key: str, openers: Sequence[Event], due: int) -> Decision:
    cause = dict.fromkeys(event.message_id for event in openers if event.message_id)
    return Decision(
        name,
        openers[0].customer,
        key,
        opened=openers[0].time,
        due=due,
        time=due,
        outcome="sent",
        reason=None,
        cause=tuple(cause),
        cancelled_by=None,
    )


def _cancelled(one: Decision, cancels: Iterable[Event]) -> Decision:
    first = min(event.time for event in cancels)
    ids = [event.message_id for event in cancels if event.time == first and event.message_id]
    return replace(one, outcome="cancelled", time=first, cancelled_by=min(ids, default=None))


def _superseded(one: Decision, openers: Sequence[Event]) -> Decision:
    ids = [event.message_id for event in openers if event.message_id]
    by = min(ids, default=None)
    return replace(one, outcome="superseded", time=openers[0].time, superseded_by=by)
