"""Trigger instances of one customer: which have come to their end, and how (T2, T3, T4).

What comes first in event time decides: a cancel, a further ``on`` event, or the due time. All of
it waits until the watermark is past that time, so that no event can still come before it; then it
is the same as if the events had come in order. Only a trigger without a wait is decided at once.
"""

from bisect import insort
from enum import Enum
from typing import NamedTuple

import msgspec

from operators.plans import TriggerPlan
from operators.times import AFTER_ALL, EventTime


class Instance(msgspec.Struct, array_like=True, gc=False):
    """A case that has been opened, or may turn out not to have been (``restart: false``).

    Attributes:
        opened: time of the ``on`` event.
        due: when it is to be sent.
        key: what it is about, empty where the event has no key.
        message_ids: of the ``on`` events at that time.
        decided: already decided; kept while another event of the same time may come.
    """

    opened: EventTime
    due: EventTime
    key: str
    message_ids: list[str]
    decided: bool = False


class Cancel(msgspec.Struct, array_like=True, gc=False):
    """An event that cancels; kept while an ``on`` event before it may still come."""

    time: EventTime
    key: str
    message_id: str


class Case(msgspec.Struct, array_like=True, gc=False):
    """What one customer has open with one trigger.

    Attributes:
        sent: time of the latest message.
        instances: by opening time.
        cancels: in order of arrival.
    """

    sent: EventTime | None = None
    instances: list[Instance] = []
    cancels: list[Cancel] = []


class Outcome(Enum):
    """How an instance comes to its end; one that is due is then sent or suppressed."""

    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    DUE = "due"


class Ending(NamedTuple):
    """The end of an instance: when, how, and by which event."""

    time: EventTime
    outcome: Outcome
    cause: str


def open_instance(
    case: Case, plan: TriggerPlan, time: EventTime, key: str, message_id: str
) -> None:
    """Take note of an ``on`` event; several at one time are one instance."""
    message_ids = [message_id] if message_id else []
    for instance in case.instances:
        if instance.opened == time and instance.key == key:
            if not instance.decided:
                instance.message_ids += message_ids
            return
    instance = Instance(time, EventTime(time + plan.after_ms), key, message_ids)
    insort(case.instances, instance, key=_opened)


def end_instances(
    case: Case, plan: TriggerPlan, watermark: EventTime
) -> list[tuple[Instance, Ending]]:
    """Take out the instances whose end the watermark is past, and what can matter no more."""
    ended: list[tuple[Instance, Ending]] = []
    while found := _first_to_end(case, plan):
        instance, ending = found
        if ending.time >= watermark:
            break
        case.instances.remove(instance)
        if not instance.decided:
            ended.append((instance, ending))
        if not plan.restart:
            _drop_while_pending(case, instance, ending)
    if case.cancels:
        case.cancels = [cancel for cancel in case.cancels if cancel.time >= watermark]
    return ended


def end_at_once(case: Case, plan: TriggerPlan) -> list[tuple[Instance, Ending]]:
    """Decide the instances of a trigger without a wait."""
    ended: list[tuple[Instance, Ending]] = []
    for instance in case.instances:
        if not instance.decided:
            instance.decided = True
            ended.append((instance, _ending(case, plan, instance)))
    return ended


def next_end(case: Case, plan: TriggerPlan) -> EventTime:
    """Return when the next instance comes to its end, as far as is known now."""
    found = _first_to_end(case, plan)
    return found[1].time if found else AFTER_ALL


def _first_to_end(case: Case, plan: TriggerPlan) -> tuple[Instance, Ending] | None:
    """Find the instance that ends first; of one key only the first opened can."""
    first: tuple[Instance, Ending] | None = None
    keys: set[str] = set()
    for instance in case.instances:
        if instance.key not in keys:
            keys.add(instance.key)
            ending = _ending(case, plan, instance)
            if first is None or ending.time < first[1].time:
                first = instance, ending
    return first


def _ending(case: Case, plan: TriggerPlan, instance: Instance) -> Ending:
    """Say what ends an instance: at equal times a cancel before a further event before due."""
    end = Ending(instance.due, Outcome.DUE, "")
    if plan.restart:
        for other in case.instances:
            if other.key == instance.key and instance.opened < other.opened <= end.time:
                end = Ending(other.opened, Outcome.SUPERSEDED, min(other.message_ids, default=""))
                break
    cancels = [
        (cancel.time, cancel.message_id)
        for cancel in case.cancels
        if instance.opened <= cancel.time <= end.time and _concerns(cancel, instance)
    ]
    if cancels:
        time, message_id = min(cancels)
        end = Ending(time, Outcome.CANCELLED, message_id)
    return end


def _concerns(cancel: Cancel, instance: Instance) -> bool:
    """Tell whether a cancel is about an instance: unless both have a key and they differ (T4)."""
    return not cancel.key or not instance.key or cancel.key == instance.key


def _drop_while_pending(case: Case, instance: Instance, ending: Ending) -> None:
    """Drop what came while an instance was pending, where that opens nothing.

    At the time of a cancel the instance is no longer pending, at its due time it is.
    """
    until = ending.time - 1 if ending.outcome is Outcome.CANCELLED else ending.time
    case.instances = [
        other for other in case.instances if other.key != instance.key or other.opened > until
    ]


def _opened(instance: Instance) -> tuple[EventTime, str]:
    return instance.opened, instance.key
