"""The control event that lets a customer be forgotten while a run goes on."""

import msgspec

from operators.fields import Body, wrong_type
from operators.head_types import Name
from operators.rejections import RejectedError, Rejection

FORGET = "cartwheel.forget"
"""Its type; its customer is found as that of any event."""

_WORD = FORGET.encode()
_ESCAPED = b"\\u"

_SWITCHED_OFF = Rejection(
    "profile", "forget events are switched off: privacy.forget_events is not true", "type"
)


class ForgetEvent(msgspec.Struct, gc=False):
    """What such an event says.

    Attributes:
        type: FORGET.
        messageId: of the event.
        suppress: whether later events of the customer are to be dropped; missing means no.
    """

    type: Name
    messageId: Name | None = None  # noqa: N815 (the Segment spec's name)
    suppress: bool | None = None


_decoder = msgspec.json.Decoder(ForgetEvent)
_bodies = msgspec.json.Decoder(Body)


def read_forget(line: bytes, *, listens: bool = True) -> ForgetEvent:
    """Read an event that may be one.

    Args:
        line: of JSON.
        listens: whether events may let their customers be forgotten.

    Raises:
        RejectedError: they may not, it is no event, or it says something else than true or false of
            ``suppress``.
    """
    if not listens:
        raise RejectedError(_SWITCHED_OFF)
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, RecursionError) as error:
        raise RejectedError(wrong_type(error)) from None


def forget_in(line: bytes) -> ForgetEvent | None:
    """Return what a line says if it is such an event and will be none of the dead letters."""
    if _WORD not in line and _ESCAPED not in line:
        return None
    try:
        event = read_forget(line)
        _bodies.decode(line)
    except (RejectedError, msgspec.DecodeError, RecursionError):
        return None
    return event if event.type == FORGET else None


def suppresses(line: bytes) -> bool:
    """Tell whether an event asks that later ones of its customer are dropped."""
    event = forget_in(line)
    return event is not None and bool(event.suppress)


def may_suppress(lines: bytes) -> bool:
    """Tell whether any of these lines may be such an event; quick where none is."""
    return _WORD in lines or _ESCAPED in lines
