"""The messages of one customer that a late cancel makes wrong."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from oracle.triggers import Cancel, Decision, Instance, wait_ended_by


@dataclass
class Message:
    """One that was sent."""

    of: Instance
    decision: Decision
    is_retracted: bool = False


@dataclass(frozen=True)
class Retraction:
    """A message that was taken back, and the cancel for which it was."""

    message: Decision
    time: int
    message_id: str | None


def retractions(
    messages: Sequence[Message], trigger: str, cancel: Cancel, earliest: float
) -> Iterator[Retraction]:
    """Take back what a late cancel would have prevented, unless it was sent too long ago.

    That is every message sent at its time or after it, of an instance a wait of which it would have
    ended.
    """
    for message in messages:
        is_after = message.decision.time >= max(cancel.time, earliest)
        is_of = message.decision.trigger == trigger
        if is_of and is_after and not message.is_retracted and wait_ended_by(cancel, message.of):
            message.is_retracted = True
            yield Retraction(message.decision, cancel.time, cancel.message_id)
