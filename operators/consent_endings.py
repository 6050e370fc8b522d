"""What ends pending instances when a customer permits their messages no more (N5).

A revocation is kept like a cancel, in the order of time with those: what comes first decides, and
at equal times a cancel (T3). It is worked out anew whenever anything is said or opened: so it does
not matter in which order that comes.
"""

from operators.consent import ConsentRules
from operators.consent_plan import ConsentPlan
from operators.customers import Customer
from operators.instances import Cancel, Case, cancel_order
from operators.plans import TriggerPlan
from operators.times import AFTER_ALL, BEFORE_ALL, EventTime


class ConsentEndings:
    """Knows which purposes each message needs.

    Args:
        plan: what must be permitted.
        triggers: whose messages.
    """

    def __init__(self, plan: ConsentPlan, triggers: tuple[TriggerPlan, ...]) -> None:
        self._profiling = plan.profiling
        self._rules = ConsentRules(plan)
        self._needed = {
            trigger.name: [plan.of_message(trigger.name, step.channel) for step in trigger.steps]
            for trigger in triggers
        }

    def permits(self, customer: Customer, trigger: str, step: int, time: EventTime) -> bool:
        """Tell whether all that a message needs is permitted at a time."""
        return all(
            self._rules.permits(customer.consent, purpose, time)
            for purpose in self._needed[trigger][step]
        )

    def note(self, customer: Customer, trigger: str, certain: EventTime) -> EventTime:
        """Put the revocations that concern a trigger among what cancels its instances.

        Args:
            customer: whose.
            trigger: its name.
            certain: no event before this time can matter any more.

        Returns:
            A time before which none of them ends anything.
        """
        case = customer.cases[trigger]
        found: dict[EventTime, Cancel] = {}
        for purpose in frozenset[str]().union(*self._needed[trigger]):
            steps = sum(1 << n for n, each in enumerate(self._needed[trigger]) if purpose in each)
            for turn in self._rules.revocations(customer.consent, purpose):
                if turn.time >= certain:
                    _add(found, turn.time, turn.cause, steps)
        if customer.emptied != BEFORE_ALL:  # with the profile goes all that was open
            _add(
                found, customer.emptied, customer.emptied_by, (1 << len(self._needed[trigger])) - 1
            )
        if found or any(each.is_consent for each in case.cancels):
            cancels = [each for each in case.cancels if not each.is_consent]
            case.cancels = sorted([*cancels, *found.values()], key=cancel_order)
        return min(found, default=AFTER_ALL)


def empty(customer: Customer, at: EventTime, cause: str) -> None:
    """Forget what was sent to a customer; what is still to be decided needs it until it is."""
    customer.emptied, customer.emptied_by = at, cause
    customer.scores, customer.closings = {}, []
    if not any(each.is_pending for each in customer.instances()):
        clear(customer)


def clear(customer: Customer) -> None:
    """Let go of what was sent and decided before all was forgotten."""
    at = customer.emptied
    customer.sent = [each for each in customer.sent if each.time > at]
    customer.decisions = [each for each in customer.decisions if each.time >= at]
    for name, case in list(customer.cases.items()):
        if case.sent is not None and case.sent <= at:
            case.sent = None
        case.instances = [each for each in case.instances if each.is_pending or each.opened > at]
        if _is_empty(case):
            del customer.cases[name]
    customer.emptied, customer.emptied_by = BEFORE_ALL, ""


def _is_empty(case: Case) -> bool:
    return case.sent is None and not case.instances and not case.cancels


def _add(found: dict[EventTime, Cancel], time: EventTime, cause: str, steps: int) -> None:
    """Put revocations of one time together; the smallest messageId is named."""
    one = found.get(time)
    if one is not None:
        steps |= one.steps
        cause = min(filter(None, (cause, one.message_id)), default="")
    found[time] = Cancel(time, "", cause, steps, is_consent=True)
