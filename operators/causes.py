"""All that can start or cancel the triggers of a plan, numbered alike for every step."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from expressions import Tree, names, parse
from expressions.templates import names_in
from operators.plans import Occurrence, PayloadField, TriggerPlan

STARTS = 0
"""The steps of a cause that starts its trigger: it cancels none."""

EVENT = "event."
"""What the names of an event's fields begin with."""


class Role(NamedTuple):
    """What an event may do to a trigger.

    Attributes:
        cause: which of the plan's causes it is.
        key: where the trigger's key stands among the event's fields, None where it has no key.
    """

    cause: int
    key: int | None


class Cause(NamedTuple):
    """One thing that starts a trigger, or cancels some of its steps.

    Attributes:
        trigger: the place of the trigger in the plan.
        steps: the steps that it cancels, a bit for each; STARTS where it starts the trigger.
        occurrence: what must happen.
    """

    trigger: int
    steps: int
    occurrence: Occurrence

    def concerns(self, event: str | None) -> bool:
        """Tell whether events of this name matter; None for one that no rule names."""
        kind = self.occurrence.kind
        return kind == "any" or (kind == "event" and event == self.occurrence.name)


def causes_of(triggers: Sequence[TriggerPlan]) -> list[Cause]:
    """Number what starts and cancels some triggers.

    What cancels stands first: at one time it comes before a start, also where both are one event.
    """
    causes = []
    for number, trigger in enumerate(triggers):
        steps: dict[Occurrence, int] = {}
        for step, plan in enumerate(trigger.steps):
            for cancel in plan.cancel:
                steps[cancel] = steps.get(cancel, 0) | 1 << step
        causes += [Cause(number, of, cancel) for cancel, of in steps.items()]
        causes.append(Cause(number, STARTS, trigger.on))
    return causes


def event_trees(trigger: TriggerPlan, cause: Cause) -> list[Tree]:
    """Return the expressions that look at the event of a cause."""
    where = [cause.occurrence.where] if cause.occurrence.where else []
    if cause.steps:
        return where
    return where + message_trees(trigger)


def message_trees(trigger: TriggerPlan) -> list[Tree]:
    """Return the expressions of all that the messages of a trigger hold."""
    payload = (field for step in trigger.steps for field in step.payload)
    return [tree for field in payload for tree in payload_trees(field)]


def payload_trees(field: PayloadField) -> list[Tree]:
    """Return the expressions of a value of a message; a template's names count as such."""
    if field.value is not None:
        return [field.value]
    return [parse(name) for name in names_in(field.template or "")]


def event_names(trees: Iterable[Tree]) -> list[str]:
    """Return what some expressions name of an event."""
    found = dict.fromkeys(name for tree in trees for name in names(tree))
    return [name for name in found if name.startswith(EVENT)]
