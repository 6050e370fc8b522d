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

INSTANCES_MOST = 1000
"""How many instances of one trigger one customer may have open; further events open none."""

CANCELS_MOST = 1000
"""How many cancels are kept while an event before them may still come; the latest."""

MESSAGE_IDS_MOST = 1000
"""How many events of one time an instance names as its cause."""


class Instance(msgspec.Struct, array_like=True, gc=False):
    """An instance that was opened, or may turn out not to have been (``restart: false``).

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
        cancels: by time and messageId.
    """

    sent: EventTime | None = None
    instances: list[Instance] = []
    cancels: list[Cancel] = []


class OnEvent(NamedTuple):
    """An event that may open an instance: when, about what, and its id if it has one."""

    time: EventTime
    key: str
    message_id: str


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


def open_instance(case: Case, plan: TriggerPlan, event: OnEvent, watermark: EventTime) -> EventTime:
    """Take note of an ``on`` event; several at one time are one instance.

    Args:
        case: what is open, with everything ended that ends before the watermark.
        plan: the trigger.
        event: which may open an instance.
        watermark: before the event.

    Returns:
        A time before which this ends no instance.
    """
    time, key, message_id = event
    message_ids = [message_id] if message_id else []
    supersedes = False
    if not plan.restart:
        _drop_unopened(case, key, watermark)
    for instance in case.instances:
        if instance.key == key:
            if instance.opened == time:
                if not instance.decided and len(instance.message_ids) < MESSAGE_IDS_MOST:
                    instance.message_ids += message_ids
                return AFTER_ALL
            supersedes = plan.restart
    if len(case.instances) >= INSTANCES_MOST:
        return AFTER_ALL
    instance = Instance(time, EventTime(time + plan.after_ms), key, message_ids)
    insort(case.instances, instance, key=_opened)
    return time if supersedes or case.cancels else instance.due


def note_cancel(case: Case, cancel: Cancel, watermark: EventTime) -> EventTime:
    """Take note of a cancelling event; those that can matter no more go.

    Returns:
        A time before which this ends no instance.
    """
    case.cancels = [old for old in case.cancels if old.time >= watermark]
    insort(case.cancels, cancel, key=_cancel_order)
    del case.cancels[:-CANCELS_MOST]
    return cancel.time if case.instances else AFTER_ALL


def end_instances(
    case: Case, plan: TriggerPlan, watermark: EventTime
) -> tuple[list[tuple[Instance, Ending]], EventTime]:
    """Take out the instances whose end the watermark is past, and what can matter no more.

    Returns:
        The ended ones with their ends, and when the next comes to its end as far as is known.
    """
    by_key: dict[str, list[Instance]] = {}
    for instance in case.instances:
        by_key.setdefault(instance.key, []).append(instance)
    ended: list[tuple[Instance, Ending]] = []
    left: list[Instance] = []
    next_end = AFTER_ALL
    for instances in by_key.values():
        while instances:
            ending = _ending(case, plan, instances)
            if ending.time >= watermark:
                next_end = min(next_end, ending.time)
                break
            instance = instances.pop(0)
            if not instance.decided:
                ended.append((instance, ending))
            if not plan.restart:
                _drop_while_pending(instances, ending)
        left += instances
    case.instances = sorted(left, key=_opened)
    case.cancels = [cancel for cancel in case.cancels if cancel.time >= watermark]
    return ended, next_end


def end_at_once(case: Case, plan: TriggerPlan) -> list[tuple[Instance, Ending]]:
    """Decide the instances of a trigger without a wait."""
    ended: list[tuple[Instance, Ending]] = []
    for instance in case.instances:
        if not instance.decided and instance.due == instance.opened:  # T10: others keep their due
            instance.decided = True
            ended.append((instance, _ending(case, plan, [instance])))
    return ended


def end_removed(case: Case, watermark: EventTime) -> tuple[list[Instance], EventTime]:
    """Take out what is due of a trigger that is no more: no event matters to it any longer.

    Returns:
        The instances, and when the next is due.
    """
    ended = [each for each in case.instances if each.due < watermark and not each.decided]
    case.instances = [each for each in case.instances if each.due >= watermark]
    case.cancels = []
    return ended, min((each.due for each in case.instances), default=AFTER_ALL)


def _ending(case: Case, plan: TriggerPlan, instances: list[Instance]) -> Ending:
    """Say what ends the first of the instances of one key.

    At equal times it is a cancel before a further event before the due time.
    """
    instance = instances[0]
    end = Ending(instance.due, Outcome.DUE, "")
    if plan.restart and len(instances) > 1 and instances[1].opened <= instance.due:
        following = instances[1]
        cause = min(following.message_ids, default="")
        end = Ending(following.opened, Outcome.SUPERSEDED, cause)
    for cancel in case.cancels:  # by time and messageId
        if cancel.time > end.time:
            break
        if cancel.time >= instance.opened and _concerns(cancel, instance):
            return Ending(cancel.time, Outcome.CANCELLED, cancel.message_id)
    return end


def _drop_unopened(case: Case, key: str, watermark: EventTime) -> None:
    """Drop what has come while an instance of the key was pending, and surely opens nothing.

    The first instance is still pending at the watermark, and nothing can come before that.
    """
    is_first = True
    left: list[Instance] = []
    for instance in case.instances:
        if instance.key != key or is_first or instance.opened >= watermark:
            left.append(instance)
        is_first = is_first and instance.key != key
    case.instances = left


def _concerns(cancel: Cancel, instance: Instance) -> bool:
    """Tell whether a cancel is about an instance: unless both have a key and they differ (T4)."""
    return not cancel.key or not instance.key or cancel.key == instance.key


def _drop_while_pending(instances: list[Instance], ending: Ending) -> None:
    """Drop what came while the instance before was pending, where that opens nothing.

    At the time of a cancel that instance is no longer pending, at its due time it is.
    """
    until = ending.time - 1 if ending.outcome is Outcome.CANCELLED else ending.time
    while instances and instances[0].opened <= until:
        del instances[0]


def _opened(instance: Instance) -> tuple[EventTime, str]:
    return instance.opened, instance.key


def _cancel_order(cancel: Cancel) -> tuple[EventTime, bool, str]:
    """Sort by time and messageId, those without one last: the first at a tie is named."""
    return cancel.time, not cancel.message_id, cancel.message_id
