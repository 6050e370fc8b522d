"""The records that say what became of a trigger's instance (T8)."""

from dataclasses import dataclass

from operators.instances import Cancel, Instance
from operators.outputs import Record, make_id
from operators.payloads import Payload
from operators.times import EventTime, format_time

OUTCOMES = ("sent", "cancelled", "superseded", "suppressed", "expired")
"""How an instance may end (T8)."""
RETRACTED = "retracted"
"""Beside the outcomes: what was sent was taken back."""

REASONS = (
    *("consent", "when", "quiet_hours", "again", "limit"),
    *("holdout", "paused", "removed", "not_live", "merged"),
)
"""Why a message may be suppressed (T9)."""


@dataclass(frozen=True)
class Subject:
    """Whose instance of which rule it is.

    Attributes:
        config: name of the config.
        trigger: name of the trigger.
        version: of its definition, None where the config no longer has it.
        customer: the customer.
        instance: as it stood at its end.
        has_steps: whether the trigger has more than one message.
    """

    config: str
    trigger: str
    version: str | None
    customer: str
    instance: Instance
    has_steps: bool = False

    @property
    def id(self) -> str:
        """The instance's id: one for each trigger, customer, key, starting time and step."""
        instance = self.instance
        step = [instance.step] if instance.step else []
        about = (self.config, self.trigger, self.customer, instance.key, instance.started)
        return make_id("instance", *about, *step)


@dataclass(frozen=True)
class Verdict:
    """How an instance ended.

    Attributes:
        time: the deciding event's, or the due time.
        outcome: one of OUTCOMES.
        reason: why it was suppressed, one of REASONS.
        cause: the messageId of the deciding event.
        limit: which one was reached, where that is the reason, as the config writes it.
    """

    time: EventTime
    outcome: str
    reason: str | None
    cause: str | None
    limit: str | None = None


def decision(subject: Subject, end: Verdict) -> Record:
    """Write the one decision of an instance."""
    data: dict[str, object] = _about(subject)
    data["outcome"] = end.outcome
    data["reason"] = end.reason
    if end.limit is not None:
        data["limit"] = end.limit
    data["cause"] = end.cause
    instance: object = data["instance"]
    return Record("decision", f"{instance}-decision", subject.customer, end.time, data)


def message(subject: Subject, time: EventTime, channel: str, payload: Payload) -> Record:
    """Write the message of an instance that is sent."""
    data: dict[str, object] = _about(subject)
    data["channel"] = channel or None
    data["cause"] = sorted(subject.instance.message_ids)
    data["payload"] = payload.values
    if payload.is_cut:
        data["payload_cut"] = True
    instance: object = data["instance"]
    return Record("trigger.sent", f"{instance}-sent", subject.customer, time, data)


def retraction(subject: Subject, cancel: Cancel) -> Record:
    """Take back a message that was sent, for a cancel that came late."""
    data: dict[str, object] = _about(subject)
    data["cause"] = cancel.message_id or None
    instance: object = data["instance"]
    record_id = f"{instance}-retracted"
    return Record("trigger.retracted", record_id, subject.customer, cancel.time, data)


def _about(subject: Subject) -> dict[str, object]:
    instance = subject.instance
    return {
        "trigger": subject.trigger,
        "version": subject.version,
        "instance": subject.id,
        "key": instance.key,
        **({"step": instance.step + 1} if subject.has_steps else {}),
        "started": format_time(instance.started),
        "due": format_time(instance.due),
    }
