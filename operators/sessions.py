"""Session windows: runs of one customer's events that are at most a gap apart (S1).

Several sessions of a customer may be open at once while the watermark lags behind; an event that
comes out of order may join two of them.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from operators.features.fixed_point import Total
from operators.models.parts import Value
from operators.times import EventTime


class Mergeable(Protocol):
    """What a session keeps a state of: a kind of feature, or a collected value."""

    def start(self) -> Any:
        """Return the state before any event."""

    def merge(self, earlier: Any, later: Any) -> Any:
        """Return the state of two stretches together."""


class Candidate(msgspec.Struct, array_like=True, gc=False):
    """A moment that a model may learn from.

    Attributes:
        number: of the moment.
        time: of the moment, in ms.
        lot: of all moments of a session the one with the least is learned from.
        values: of the model's inputs, as of the moment.
        known: when it is known what came of it, as far as that does not depend on a session.
        came: how often the event came, or the sum of what was looked for, in millionths.
        end: when its session was over, once that is so.
    """

    number: int
    time: EventTime
    lot: int
    values: list[Value]
    known: EventTime
    came: Total = 0
    end: EventTime = EventTime(0)

    @property
    def due(self) -> EventTime:
        """When its outcome is to be told: once the watermark is past it."""
        return max(self.known, self.end)


class OfModel(msgspec.Struct, array_like=True, gc=False):
    """What a session that was never closed keeps for a model.

    Attributes:
        candidate: the moment in it that may be learned from.
        came: for models that look at the rest of a session: what came in this one after each
            candidate of the customer, by its number; sessions may become one.
    """

    candidate: Candidate | None = None
    came: dict[int, Total] = {}


class Session(msgspec.Struct, array_like=True, gc=False):
    """A session that is open, or was closed so short a time ago that late events may join it.

    Attributes:
        start: time of its earliest event.
        last: time of its latest event.
        events: how many.
        collected: the state of each collected value.
        revision: how many times it was closed.
        is_closed: whether it was closed as it is now.
        named: the start that it had when it was first closed, by which it is known since.
        models: what models may learn from it, by name and definition; nothing once it was closed.
    """

    start: EventTime
    last: EventTime
    events: int
    collected: list[Any]
    revision: int = 0
    is_closed: bool = False
    named: EventTime = EventTime(0)
    models: dict[str, OfModel] = {}

    @property
    def name_time(self) -> EventTime:
        """The time that its id is made of."""
        return self.named if self.revision else self.start


def join(
    sessions: list[Session], time: EventTime, gap_ms: int, kinds: Sequence[Mergeable]
) -> tuple[Session, Session | None]:
    """Return the session that an event belongs to, made or merged if need be.

    Args:
        sessions: the customer's sessions by time, changed in place.
        time: of the event.
        gap_ms: the longest gap inside a session.
        kinds: of the collected values.

    Returns:
        The session, and the one that went into it for the event, if one did.
    """
    if sessions:
        session = sessions[-1]
        if session.start <= time <= session.last + gap_ms:  # as nearly always
            session.last = max(session.last, time)
            session.events += 1
            return session, None
    merged = None
    position = len(sessions)
    while position and sessions[position - 1].start > time:
        position -= 1
    joins_earlier = position > 0 and time - sessions[position - 1].last <= gap_ms
    joins_later = position < len(sessions) and sessions[position].start - time <= gap_ms
    if joins_earlier:
        session = sessions[position - 1]
        session.last = max(session.last, time)
        if joins_later:
            merged = sessions.pop(position)
            _merge(session, merged, kinds)
    elif joins_later:
        session = sessions[position]
        session.start = time
    else:
        session = Session(time, time, 0, [kind.start() for kind in kinds])
        sessions.insert(position, session)
    session.events += 1
    return session, merged


def _merge(earlier: Session, later: Session, kinds: Sequence[Mergeable]) -> None:
    earlier.last = max(earlier.last, later.last)
    earlier.events += later.events
    earlier.collected = [
        kind.merge(one, other)
        for kind, one, other in zip(kinds, earlier.collected, later.collected, strict=True)
    ]
