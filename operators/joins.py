"""What identity tells the steps behind it: whose past belongs to whom."""

from typing import NamedTuple

import msgspec

from operators.forget_events import ForgetEvent
from operators.times import EventTime


class KeptEvent(msgspec.Struct, array_like=True, gc=False):
    """An anonymous event, as it is kept until its customer is known.

    Attributes:
        time: of the event, in ms.
        watermark: the shard's before it came.
        late_below: below which time it was late then.
        line: what the rules read of it.
        message_id: of the event, empty where it has none.
        is_bare: whether that is nothing but what it says of consent.
    """

    time: EventTime
    watermark: EventTime
    late_below: EventTime
    line: bytes
    message_id: str = ""
    is_bare: bool = False


class Linked(NamedTuple):
    """An event links an anonymous id to a customer.

    Attributes:
        place: of the event among the lines of its tick.
        customer: to whom.
        time: of the event, in ms.
        watermark: the reader's before it.
    """

    place: int
    customer: str
    time: EventTime
    watermark: EventTime


class Forget(NamedTuple):
    """An event lets somebody be forgotten: what is known of the id, and the links to it.

    Attributes:
        place: of the event among the lines of its tick.
        customer: the id.
        time: of the event, in ms.
        watermark: the reader's before it.
        event: what it says.
    """

    place: int
    customer: str
    time: EventTime
    watermark: EventTime
    event: ForgetEvent


class LetGo(NamedTuple):
    """An anonymous id goes with the customer to whom it was linked, and who is forgotten.

    Attributes:
        place: of the event that says so, among the lines of its tick.
        anonymous: the id.
        time: of the event, in ms.
        watermark: the shard's before it.
        event: what it says.
    """

    place: int
    anonymous: str
    time: EventTime
    watermark: EventTime
    event: ForgetEvent


class Join(NamedTuple):
    """The events of an anonymous id become the past of a customer.

    Attributes:
        place: of the event that links the two, among the lines of its tick.
        customer: whose past it is.
        anonymous: the id.
        time: of the event.
        watermark: the shard's before it.
        events: in the order they came.
        profile: what the profile step would keep of the id, empty for nothing.
        decided: what the decide step would keep, likewise.
    """

    place: int
    customer: str
    anonymous: str
    time: EventTime
    watermark: EventTime
    events: list[KeptEvent]
    profile: bytes
    decided: bytes


class Ended(NamedTuple):
    """An anonymous customer is no more, since it is known who it was.

    Attributes:
        place: of the event that says so, among the lines of its tick.
        anonymous: the id.
        customer: whose it is.
        time: of the event.
        watermark: the shard's before it.
        message_id: of the event, empty where it has none.
    """

    place: int
    anonymous: str
    customer: str
    time: EventTime
    watermark: EventTime
    message_id: str
