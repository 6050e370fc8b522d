"""Trigger instances of one customer: what starts one, and what may cancel it (T2, T4)."""

from bisect import insort
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from operators.plans import TriggerPlan
from operators.times import AFTER_ALL, BEFORE_ALL, EventTime

INSTANCES_MOST = 1000
"""How many instances of one trigger one customer may have open; further events open none."""

ENDED_MOST = 100
"""How many that have ended are kept while an event may still come to which they matter."""

CANCELS_MOST = 1000
"""How many cancels are kept while an event before them may still come; the latest."""

MESSAGE_IDS_MOST = 1000
"""How many events of one time an instance names as its cause."""


class Look(msgspec.Struct, array_like=True, gc=False):
    """A customer's row as of the time at which an instance is asked, kept before a later one."""

    time: EventTime
    row: list[Any]


class Closing(msgspec.Struct, array_like=True, gc=False):
    """A session that is over by the customer's own clock; the watermark has not passed its end.

    Attributes:
        time: of its end.
        row: the customer's as of then.
        instances: what it will open unless it goes on, by trigger, to keep their looks until then.
    """

    time: EventTime
    row: list[Any]
    instances: dict[str, "Instance"] = {}


class Undone(msgspec.Struct, array_like=True, gc=False):
    """An event that came late, and would have ended the wait before the present one."""

    time: EventTime
    message_id: str
    is_cancel: bool


class Instance(msgspec.Struct, array_like=True, gc=False):
    """An instance that was opened, or may turn out not to have been (``restart: false``).

    Attributes:
        opened: when it began: the time of the start or, of a further step, of the decision of the
            step before.
        due: when it is to be sent.
        key: what it is about, empty where the start has no key.
        message_ids: of the events at that time which have started it.
        ended: when it came to its end, None before; then it is kept while an event may still come
            to which it matters.
        is_sent: whether that was with a message, which was not taken back.
        started: when its first step began.
        step: which message of its trigger it is, from 0.
        held: until when quiet hours hold it, None where they do not.
        expires: whether it ends then without being asked.
        event: what its messages want to know of the event that started it.
        looks: the customer as of the times at which it is asked, as far as later rows have come.
        undone: why this step should not have begun, with which it ends now.
    """

    opened: EventTime
    due: EventTime
    key: str
    message_ids: list[str]
    ended: EventTime | None = None
    is_sent: bool = False
    started: EventTime = EventTime(0)
    step: int = 0
    held: EventTime | None = None
    expires: bool = False
    event: dict[str, Any] = {}
    looks: list[Look] = []
    undone: Undone | None = None

    @property
    def is_pending(self) -> bool:
        """Whether it has not come to its end."""
        return self.ended is None

    @property
    def asked(self) -> EventTime:
        """When it is asked whether to send it."""
        return self.due if self.held is None else self.held


class Cancel(msgspec.Struct, array_like=True, gc=False):
    """What cancels some steps; kept while a start before it may still come.

    One that ``is_consent`` is that the customer permits their messages no more.
    """

    time: EventTime
    key: str
    message_id: str
    steps: int
    is_consent: bool = False


class Case(msgspec.Struct, array_like=True, gc=False):
    """What one customer has open with one trigger.

    Attributes:
        sent: time of the latest first message.
        instances: by opening time.
        cancels: by time and messageId.
        left_out: when the latest started of those that ended and were too many to keep.
    """

    sent: EventTime | None = None
    instances: list[Instance] = []
    cancels: list[Cancel] = []
    left_out: EventTime = BEFORE_ALL


class Start(NamedTuple):
    """What may open an instance, or cancel it.

    Attributes:
        time: when it happens.
        key: what it is about.
        message_id: of the event, empty where there is none or it has none.
        event: what instances keep of it.
        is_late: whether the watermark was past it.
        is_past: whether another customer, an anonymous one, had it before.
    """

    time: EventTime
    key: str
    message_id: str
    event: dict[str, Any]
    is_late: bool
    is_past: bool = False


def open_instance(case: Case, plan: TriggerPlan, start: Start, certain: EventTime) -> EventTime:
    """Take note of a start; several at one time are one instance.

    Args:
        case: what is open, with everything ended that surely has.
        plan: the trigger.
        start: which may open an instance.
        certain: no event before this time can matter any more.

    Returns:
        A time before which this ends no instance.
    """
    time, key = start.time, start.key
    if not plan.restart:
        _drop_unopened(case, key, certain)
    alike = [each for each in case.instances if each.key == key]
    same = [each for each in alike if each.started == time]
    if same:
        for each in same:
            _add_event(each, start)
        return AFTER_ALL
    if time <= case.left_out:  # it may have been started by another event of that time
        return AFTER_ALL
    if start.is_late and plan.restart:
        begun = [each for each in alike if each.started < time <= each.opened]
        _undo(case, begun, Undone(time, start.message_id, is_cancel=False))
    is_meanwhile = not plan.restart and any(_was_pending(each, time) for each in alike)
    if is_meanwhile and (start.is_late or is_at_once(plan)):
        return AFTER_ALL
    if sum(each.is_pending for each in case.instances) >= INSTANCES_MOST:
        return AFTER_ALL
    instance = first_step(plan, time, key)
    _add_event(instance, start)
    case.instances.append(instance)
    case.instances.sort(key=opened_order)
    if len(case.instances) > 2 * ENDED_MOST:
        leave_out_old(case)
    supersedes = plan.restart and any(each.is_pending for each in alike)
    return time if supersedes or case.cancels else instance.due


def first_step(plan: TriggerPlan, time: EventTime, key: str = "") -> Instance:
    """Return what something opens at a time."""
    due = EventTime(time + plan.steps[0].after_ms)
    return Instance(time, due, key, [], started=time)


def _add_event(instance: Instance, start: Start) -> None:
    """Take note of one more event that starts an instance, or has superseded another with it."""
    if len(instance.message_ids) < MESSAGE_IDS_MOST:
        if start.message_id:
            instance.message_ids.append(start.message_id)
        instance.event = start.event


def move_instance(case: Case, plan: TriggerPlan, start: Start) -> bool:
    """Let a start begin the wait of the only instance of its key again, as an absence has it.

    Where nothing can cancel the instance, nobody needs to know later when it was superseded.

    Returns:
        Whether that could be done.
    """
    alike = [each for each in case.instances if each.key == start.key and each.is_pending]
    if len(alike) != 1 or not plan.restart or is_at_once(plan) or case.cancels:
        return False
    [instance] = alike
    if not instance.opened < start.time <= instance.asked:
        return False
    instance.opened = instance.started = start.time
    instance.due = EventTime(start.time + plan.steps[0].after_ms)
    instance.message_ids = [start.message_id] if start.message_id else []
    instance.step, instance.held, instance.expires = 0, None, False
    instance.event, instance.looks = start.event, []
    case.instances.sort(key=opened_order)
    return True


def note_cancel(case: Case, cancel: Cancel, certain: EventTime, *, is_late: bool) -> EventTime:
    """Take note of what cancels; those that can matter no more go.

    Args:
        case: what is open.
        cancel: what cancels.
        certain: no event before this time can matter any more.
        is_late: whether steps that it would have cancelled may have ended.

    Returns:
        A time before which this ends no instance.
    """
    if is_late:
        undone = Undone(cancel.time, cancel.message_id, is_cancel=True)
        _undo(case, too_late_for(case, cancel), undone)
    case.cancels = [old for old in case.cancels if old.time >= certain]
    insort(case.cancels, cancel, key=cancel_order)
    del case.cancels[:-CANCELS_MOST]
    return cancel.time if case.instances else AFTER_ALL


def leave_out_old(case: Case) -> None:
    """Leave out what has ended and is not among the latest of those."""
    ended = [each for each in case.instances if not each.is_pending]
    old = {id(each): each.started for each in ended[:-ENDED_MOST]}
    if old:
        case.left_out = max(case.left_out, *old.values())
        case.instances = [each for each in case.instances if id(each) not in old]


def is_at_once(plan: TriggerPlan) -> bool:
    """Tell whether a trigger's first message does not wait."""
    return plan.steps[0].after_ms == 0


def concerns(cancel: Cancel, instance: Instance) -> bool:
    """Tell whether a cancel is about an instance: unless both have a key and they differ (T4)."""
    return not cancel.key or not instance.key or cancel.key == instance.key


def ends_wait(cancel: Cancel, instance: Instance) -> bool:
    """Tell whether a cancel ends the wait of an instance, if that is not over at its time (T3)."""
    time, opened, step = cancel.time, instance.opened, instance.step
    has_begun = time > opened or (time == opened and step == 0)
    return has_begun and bool(cancel.steps & 1 << step) and concerns(cancel, instance)


def too_late_for(case: Case, cancel: Cancel) -> list[Instance]:
    """Return what would not have been, had a cancel come in time: messages sent and further steps.

    Those are of the instances whose wait at its time, now over, it would have ended.
    """
    started = {
        (each.key, each.started)
        for each in case.instances
        if each.ended is not None and cancel.time <= each.ended and ends_wait(cancel, each)
    }
    return [
        each
        for each in case.instances
        if (each.key, each.started) in started and cancel.time <= each.asked
    ]


def _undo(case: Case, instances: Iterable[Instance], undone: Undone) -> None:
    """Let steps end that should not have begun."""
    for each in instances:
        if each.is_pending and each.step and each.undone is None:
            each.undone = undone
    case.instances.sort(key=opened_order)


def _was_pending(instance: Instance, time: EventTime) -> bool:
    until = instance.asked if instance.ended is None else instance.ended
    return instance.opened <= time <= until


def _drop_unopened(case: Case, key: str, certain: EventTime) -> None:
    """Drop what has come while an instance of the key was pending, and surely opens nothing.

    The first instance is still pending then, and nothing that matters can come before.
    """
    has_pending = False
    left: list[Instance] = []
    for instance in case.instances:
        may_open = instance.key == key and instance.is_pending
        if not (may_open and has_pending and instance.opened < certain):
            left.append(instance)
        has_pending = has_pending or may_open
    case.instances = left


def opened_order(instance: Instance) -> tuple[EventTime, str, int]:
    """Sort by opening time; what should not have begun ends before what is in its place."""
    undone = instance.undone
    opened = EventTime(undone.time - 1) if undone else instance.opened
    return opened, instance.key, instance.step


def cancel_order(cancel: Cancel) -> tuple[EventTime, bool, bool, str]:
    """Sort by time and messageId, those without one last: the first at a tie is named.

    That something is permitted no more comes behind what cancels.
    """
    return cancel.time, cancel.is_consent, not cancel.message_id, cancel.message_id
