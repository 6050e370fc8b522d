"""The records that say what became of a trigger's instance (T8)."""

from dataclasses import dataclass

from operators.instances import Instance
from operators.outputs import Record, make_id
from operators.times import EventTime, format_time


@dataclass(frozen=True)
class Subject:
    """Whose instance of which rule it is.

    Attributes:
        config: name of the config.
        trigger: name of the trigger.
        version: of its definition, None where the config no longer has it.
        customer: the customer.
        instance: as it stood at its end.
    """

    config: str
    trigger: str
    version: str | None
    customer: str
    instance: Instance

    @property
    def id(self) -> str:
        """The instance's id: one for each trigger, customer, key and opening time."""
        instance = self.instance
        return make_id(
            "instance", self.config, self.trigger, self.customer, instance.key, instance.opened
        )


@dataclass(frozen=True)
class Verdict:
    """How an instance ended.

    Attributes:
        time: the deciding event's, or the due time.
        outcome: ``sent``, ``cancelled``, ``superseded`` or ``suppressed``.
        reason: why it was suppressed.
        cause: the messageId of the deciding event.
    """

    time: EventTime
    outcome: str
    reason: str | None
    cause: str | None


def decision(subject: Subject, end: Verdict) -> Record:
    """Write the one decision of an instance."""
    data: dict[str, object] = _about(subject)
    data["outcome"] = end.outcome
    data["reason"] = end.reason
    data["cause"] = end.cause
    instance: object = data["instance"]
    return Record("decision", f"{instance}-decision", subject.customer, end.time, data)


def message(subject: Subject, time: EventTime) -> Record:
    """Write the message of an instance that is sent."""
    data: dict[str, object] = _about(subject)
    data["cause"] = sorted(subject.instance.message_ids)
    data["payload"] = {}
    instance: object = data["instance"]
    return Record("trigger.sent", f"{instance}-sent", subject.customer, time, data)


def _about(subject: Subject) -> dict[str, object]:
    instance = subject.instance
    return {
        "trigger": subject.trigger,
        "version": subject.version,
        "instance": subject.id,
        "key": instance.key,
        "started": format_time(instance.opened),
        "due": format_time(instance.due),
    }
