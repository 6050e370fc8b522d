"""What is said of one customer: why in a segment, what is pending, what was decided.

The commands print it, and ``--json`` gives it as it is.
"""

from typing import Any

import msgspec

from expressions import Explained


class Next(msgspec.Struct, frozen=True):
    """What happens by itself unless an event comes first: when, and whether into the segment."""

    time: str
    enters: bool


class SegmentExplained(msgspec.Struct, frozen=True, rename={"inside": "in"}):
    """A customer's place in a segment, and why.

    Attributes:
        inside: whether the customer is in it.
        since: of the last change, None where there was none.
        turned: since when a condition has asked for a change that must wait.
        version: of the segment.
        condition: for entering, with the value of each part.
        leave: the condition for leaving, where it is another than not the first.
        next: the next change that comes by itself.
    """

    inside: bool
    since: str | None
    turned: str | None
    version: str
    condition: Explained
    leave: Explained | None
    next: Next | None


class FeatureExplained(msgspec.Struct, frozen=True):
    """The value of a slot of the customer's row."""

    value: Any


class Pending(msgspec.Struct, frozen=True):
    """An instance that waits.

    Attributes:
        trigger: whose.
        key: what it is about.
        step: which message of its trigger it is, from 1.
        started: when its first step began.
        due: when it is to be sent.
        held_until: when it is asked again, where quiet hours hold it.
        cause: messageIds of the events that have opened it.
        cancelled_by: what would cancel it.
        restarted_by: what would start its wait again, None where none does.
    """

    trigger: str
    key: str
    step: int
    started: str
    due: str
    held_until: str | None
    cause: list[str]
    cancelled_by: list[str]
    restarted_by: str | None


class DecisionExplained(msgspec.Struct, frozen=True):
    """A decision that was made; see Decided."""

    time: str
    trigger: str
    key: str
    step: int
    outcome: str
    reason: str | None
    limit: str | None
    cause: list[str]


class ConsentExplained(msgspec.Struct, frozen=True):
    """What holds of a purpose.

    Attributes:
        permitted: whether it is permitted.
        since: when that came to hold, None where it always has.
        cause: messageId of the event that brought it, None where there is none.
    """

    permitted: bool
    since: str | None
    cause: str | None


class Explanation(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that is to be said of a customer.

    Attributes:
        customer: who.
        time: the moment of it all: the customer's clock.
        segments: by name.
        features: the values of the customer's row, by name.
        pending: instances that wait, by their due time.
        decisions: the latest, the last one first.
        consent: what holds of each purpose; nothing where the config asks for none.
    """

    customer: str
    time: str | None
    segments: dict[str, SegmentExplained]
    features: dict[str, FeatureExplained]
    pending: list[Pending]
    decisions: list[DecisionExplained]
    consent: dict[str, ConsentExplained] = {}
