"""What profile tells decide of customers: what they did, what has changed of them, what is over."""

from typing import Any, NamedTuple

import msgspec

from operators.causes import Role
from operators.consent import Consent
from operators.times import EventTime


class Signal(NamedTuple):
    """An applied event that some trigger looks for.

    Attributes:
        customer: whose it is.
        time: of the event, in ms.
        watermark: the shard's before the event.
        message_id: of the event, None or empty where it has none.
        roles: what it may do to which trigger.
        keys: of each role, empty where the event has none.
        event: what triggers want to know of the event, by name: ``event.properties.price``.
        is_late: whether the watermark was past it.
        is_past: whether another customer, an anonymous one, had it before.
    """

    customer: str
    time: EventTime
    watermark: EventTime
    message_id: str | None
    roles: tuple[Role, ...]
    keys: list[str]
    event: dict[str, Any]
    is_late: bool
    is_past: bool = False


class SessionPassed(NamedTuple):
    """The customer's own clock has passed the end of a session, the watermark has not."""

    customer: str
    time: EventTime
    watermark: EventTime


class SessionClosed(NamedTuple):
    """A session of a customer that is over: the gap has passed, and the watermark with it.

    Attributes:
        customer: whose it is.
        time: at which it was over, in ms.
        watermark: the shard's, past it.
        is_late: whether all that is known of it came late.
    """

    customer: str
    time: EventTime
    watermark: EventTime
    is_late: bool


class Row(NamedTuple):
    """What has changed of a customer's row: by an event, or by itself when a window lets go of one.

    Attributes:
        customer: whose it is.
        time: the moment that the row stands for, in ms.
        watermark: the shard's before it.
        message_id: of the event, None or empty where it has none.
        is_event: whether an event has changed it.
        is_late: whether that came when the watermark was past it.
        slots: the numbers of the values that may have changed.
        values: of these slots.
    """

    customer: str
    time: EventTime
    watermark: EventTime
    message_id: str | None
    is_event: bool
    is_late: bool
    slots: tuple[int, ...]
    values: list[Any]


class ConsentSaid(NamedTuple):
    """What a customer permits has changed.

    Attributes:
        customer: who.
        time: of the event that says so, in ms.
        watermark: the shard's before it.
        message_id: of the event, None or empty where it has none.
        consent: all that was said so far.
        forgotten: when all that was collected has gone, None where it has not.
        models: those whose purpose was revoked.
    """

    customer: str
    time: EventTime
    watermark: EventTime
    message_id: str | None
    consent: Consent
    forgotten: EventTime | None
    models: tuple[str, ...]


class Forgotten(NamedTuple):
    """A customer who was not seen for so long that the profile is gone, from this time on."""

    customer: str
    time: EventTime
    watermark: EventTime


class JoinBegan(NamedTuple):
    """A customer is given the past of an anonymous one.

    Attributes:
        customer: who.
        time: by the customer's clock, with that past.
        watermark: the shard's.
        decided: what decide would keep of the anonymous one, empty for nothing.
        is_new: whether the customer had no profile: then this is what the customer is.
    """

    customer: str
    time: EventTime
    watermark: EventTime
    decided: bytes
    is_new: bool


class Removal(msgspec.Struct):
    """What was removed of a customer whom an event has let be forgotten.

    Attributes:
        customer: as a hash with the state's key.
        suppressed: whether later events are dropped.
        removed: how many of each kind.
    """

    customer: str
    suppressed: bool
    removed: dict[str, int] = {}

    def add(self, **counts: int) -> None:
        """Count more that was removed."""
        for name, count in counts.items():
            if count:
                self.removed[name] = self.removed.get(name, 0) + count


class Erased(NamedTuple):
    """A customer whom an event has let be forgotten; all that was before it is gone.

    Attributes:
        customer: who.
        time: of the event, in ms.
        watermark: the shard's before it.
        message_id: of the event, None or empty where it has none.
        removal: what was removed so far.
    """

    customer: str
    time: EventTime
    watermark: EventTime
    message_id: str | None
    removal: Removal


class JoinEnded(NamedTuple):
    """All of the past was told.

    Attributes:
        customer: who has it now.
        time: by the customer's clock.
        watermark: the shard's.
    """

    customer: str
    time: EventTime
    watermark: EventTime


class NoMore(NamedTuple):
    """An anonymous customer is no more, since it is known who it was.

    Attributes:
        customer: the anonymous one.
        time: by that customer's clock.
        watermark: the shard's.
        now: who it was.
        linked: the time of the event that says so.
        message_id: of that event, empty where it has none.
    """

    customer: str
    time: EventTime
    watermark: EventTime
    now: str
    linked: EventTime
    message_id: str


Sign = (
    Row
    | Signal
    | SessionPassed
    | SessionClosed
    | ConsentSaid
    | Forgotten
    | JoinBegan
    | JoinEnded
    | NoMore
    | Erased
)
"""What profile tells decide of a customer."""
