"""Which instance of one customer comes to its end next, and how (T3).

What comes first in event time decides: a cancel, a further start, or the time at which it is asked
whether to send. All of it waits until the watermark is past that time, so that no event can still
come before it; then it is the same as if the events had come in order. Only a trigger without a
wait is decided at once.
"""

from bisect import insort
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from operators.instances import Case, Instance, ends_wait, leave_out_old, opened_order
from operators.plans import TriggerPlan
from operators.times import AFTER_ALL, BEFORE_ALL, EventTime


class EndKind(Enum):
    """How an instance comes to its end; one that is due is then asked whether to send it."""

    CANCELLED = "cancelled"
    CONSENT = "consent"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    DUE = "due"


class Ending(NamedTuple):
    """The end of an instance: when, how, and by which event."""

    time: EventTime
    kind: EndKind
    cause: str


class OpenInstances:
    """The instances of one customer and trigger while some of them are brought to their ends.

    Attributes:
        by_key: the instances of each key, by opening time.

    Args:
        case: what is open.
        plan: the trigger, None where the config no longer has it.
        certain: no event before this time can matter any more.
    """

    def __init__(self, case: Case, plan: TriggerPlan | None, certain: EventTime) -> None:
        self._case = case
        self._plan = plan
        self._certain = certain
        self.by_key: dict[str, list[Instance]] = {}
        for instance in case.instances:
            self.by_key.setdefault(instance.key, []).append(instance)

    def next(self, key: str) -> tuple[Instance, Ending] | None:
        """Return the instance of a key that comes to its end first, and the end."""
        instances = self.by_key[key]
        for place, instance in enumerate(instances):
            if instance.is_pending:
                if self._plan is None:
                    return instance, Ending(instance.asked, EndKind.DUE, "")
                return instance, _ending(self._case, self._plan, instance, instances[place + 1 :])
        return None

    def wait_until(self, key: str) -> EventTime:
        """Return a time before which no instance of a key ends; see waits_until."""
        return waits_until(self._case, self.by_key[key])

    def end(self, instance: Instance, ending: Ending, following: Instance | None) -> None:
        """Let an instance end; put in the step that follows it, if one does."""
        # at the time of a cancel it is no longer pending, at its due time it is
        is_cancelled = ending.kind in {EndKind.CANCELLED, EndKind.CONSENT}
        instance.ended = EventTime(ending.time - is_cancelled)
        instance.looks = []
        instances = self.by_key[instance.key]
        plan = self._plan
        if plan and not plan.restart:  # what came meanwhile opens nothing
            ended = instance.ended
            instances[:] = [
                each for each in instances if not each.is_pending or each.opened > ended
            ]
        if following:
            insort(instances, following, key=opened_order)

    def close(self) -> None:
        """Keep what is left, and what can still matter."""
        left = [
            each
            for instances in self.by_key.values()
            for each in instances
            if each.ended is None or (self._plan and max(each.opened, each.ended) >= self._certain)
        ]
        self._case.instances = sorted(left, key=opened_order)
        leave_out_old(self._case)
        kept = [each for each in self._case.cancels if each.time >= self._certain]
        self._case.cancels = kept if self._plan else []


def waits_until(case: Case, instances: Sequence[Instance]) -> EventTime:
    """Return a time before which none of some instances ends, the only ones of their key.

    It is found at a glance, for the many who only wait; BEFORE_ALL where one must look closely.
    """
    if case.cancels or len(instances) > 1:
        return BEFORE_ALL
    if not instances:
        return AFTER_ALL
    instance = instances[0]
    return instance.asked if instance.is_pending and not instance.undone else BEFORE_ALL


def at_once(case: Case, plan: TriggerPlan) -> Iterator[tuple[Instance, Ending]]:
    """Give the instances of a trigger without a wait that are to be decided, with their ends."""
    for instance in case.instances:
        # what was opened under another definition keeps its due time (T10)
        is_due = instance.due == instance.opened and instance.step == 0 and instance.held is None
        if is_due and instance.is_pending:
            yield instance, _ending(case, plan, instance, ())


def told_of(case: Case, plan: TriggerPlan | None) -> Iterator[Instance]:
    """Give the pending instances whose ends are told, as far as is known now.

    Where a wait does not begin again, what came meanwhile opens nothing; where any event begins it
    again, one that the next of its key supersedes comes to an end that is not told.
    """
    pending = [each for each in case.instances if each.is_pending]
    until: dict[str, EventTime] = {}
    for place, instance in enumerate(pending):
        if plan is None:
            yield instance
        elif plan.restart:
            alike = (each for each in pending[place + 1 :] if each.key == instance.key)
            follows = min((each.opened for each in alike), default=AFTER_ALL)
            if plan.on.kind != "any" or instance.asked < follows:
                yield instance
        elif instance.opened > until.get(instance.key, BEFORE_ALL):
            end = _ending(case, plan, instance, ())
            is_cancelled = end.kind in {EndKind.CANCELLED, EndKind.CONSENT}
            until[instance.key] = EventTime(end.time - is_cancelled)
            yield instance


def _ending(
    case: Case, plan: TriggerPlan, instance: Instance, others: Sequence[Instance]
) -> Ending:
    """Say what ends an instance, the first of its key that is not decided.

    At equal times it is a cancel, then that it is permitted no more, then a further start, then the
    time at which it is asked.

    Args:
        case: what cancels.
        plan: the trigger.
        instance: whose end it is.
        others: those of its key that stand behind it.
    """
    if late := instance.undone:
        kind = EndKind.CANCELLED if late.is_cancel else EndKind.SUPERSEDED
        return Ending(late.time, kind, late.message_id)
    end = Ending(instance.asked, EndKind.EXPIRED if instance.expires else EndKind.DUE, "")
    if plan.restart:
        for other in others:
            if other.opened > end.time:
                break
            if other.opened > instance.opened and other.step == 0:
                cause = min(other.message_ids, default="")
                end = Ending(other.opened, EndKind.SUPERSEDED, cause)
                break
    for cancel in case.cancels:  # by time and messageId
        if cancel.time > end.time:
            break
        if ends_wait(cancel, instance):
            kind = EndKind.CONSENT if cancel.is_consent else EndKind.CANCELLED
            return Ending(cancel.time, kind, cancel.message_id)
    return end
