"""What the steps produce: records for the outside, late events and dead letters."""

from hashlib import blake2b
from typing import NamedTuple

import msgspec

from operators.lines import Envelope, Headers
from operators.rejections import Place, Rejection
from operators.times import EventTime


class Record(NamedTuple):
    """One output, to become a CloudEvent.

    Attributes:
        type: without the leading ``cartwheel.``, such as ``session.closed``.
        id: the same whenever the same thing is produced.
        subject: the customer.
        time: event time in ms.
        data: what happened.
    """

    type: str
    id: str
    subject: str
    time: EventTime
    data: dict[str, object]


class Original(NamedTuple):
    """What was read, as it came: a record, or a line under the customer as its key."""

    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    @classmethod
    def of(cls, line: bytes, envelope: Envelope) -> "Original":
        """Put a line and its envelope together again."""
        value = line if envelope.is_line else envelope.value
        return cls(envelope.key, value, envelope.headers)


class LateEvent(NamedTuple):
    """An event that came too late to be applied."""

    time: EventTime
    customer: str
    original: Original


class DeadLetter(NamedTuple):
    """What is no event."""

    place: Place
    rejection: Rejection
    original: Original


class Tombstone(NamedTuple):
    """Says that all that was written of a customer so far is to go, where topics are compacted."""

    customer: str
    time: EventTime


Output = Record | LateEvent | DeadLetter | Tombstone


class Outputs:
    """Outputs by kind.

    These are ``sessions``, ``segments``, ``triggers``, ``decisions``, ``late``, ``dead-letters``,
    and ``customers`` where events may forget customers.
    """

    __slots__ = ("kinds",)

    def __init__(self) -> None:
        self.kinds: dict[str, list[Output]] = {}

    def add(self, kind: str, output: Output) -> None:
        """Add one output."""
        outputs = self.kinds.get(kind)
        if outputs is None:
            outputs = self.kinds[kind] = []
        outputs.append(output)


def make_id(*parts: str | int) -> str:
    """Make an id that depends on these parts alone: 128 bits of BLAKE2b of their JSON, in hex."""
    return blake2b(msgspec.json.encode(parts), digest_size=16).hexdigest()


def json_number(value: float) -> float:
    """Return whole numbers as int, so that they are always written without a fraction."""
    return int(value) if value == int(value) else value
