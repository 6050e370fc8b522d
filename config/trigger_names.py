"""What is wrong with the names and types in the conditions and payloads of triggers.

A part of ``name_checks``; the same rules: plain values in, and what cannot be read is passed over.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from config.environment import Substituted
from config.hints import hinted
from config.model_checks import shadow_models
from config.plain import Path, mapping_at
from config.scopes import event_and_customer
from config.trigger_checks import cancels_of, steps_of
from config.written import EVENT, read_condition, readable
from expressions import DictScope, ExpressionProblem, Tree, Type, check
from expressions.templates import mistakes_in, names_with_places, problems
from expressions.tree import Name, walk

InExpression = tuple[Path, ExpressionProblem]

MOST_EVENT_FIELDS = 20
"""How many fields of the starting event the messages of one trigger may look at."""

Sees = Literal["event", "no event", "due"]
"""Whether there is an event beside the customer; when a message is due there is none either."""
_WITHOUT_EVENT = {
    "no event": "there is no event here: entering or leaving a segment, or the end of a session",
    "due": "when asks the customer at the due time: put it in where, or make a feature of it",
}


@dataclass(frozen=True)
class Written:
    """An expression or a template of a trigger.

    Attributes:
        path: where it stands.
        sees: what it may look at besides the customer.
        tree: of an expression, None for a template.
        template: the text of a template.
        is_condition: whether it has to be true or false.
    """

    path: Path
    sees: Sees
    tree: Tree | None = None
    template: str = ""
    is_condition: bool = True

    @property
    def places(self) -> dict[int, str]:
        """Each name that it looks at, by the offset at which it stands."""
        if self.tree is None:
            return names_with_places(self.template)
        return {node.start: node.name for node in walk(self.tree) if isinstance(node, Name)}


def check_names_of_triggers(config: object, customer: DictScope) -> Iterator[InExpression]:
    """Give what is wrong inside the expressions and templates of all triggers."""
    shadows = shadow_models(config)
    for name, trigger in mapping_at(config, "triggers").items():
        fields: dict[str, None] = {}
        for each in written_in(("triggers", name), mapping_at(trigger)):
            for problem in _problems(each, customer, shadows):
                yield each.path, problem
            if not each.is_condition:
                yield from _counted(each, fields)


def written_in(path: Path, trigger: dict[str, object]) -> Iterator[Written]:
    """Give all expressions and templates of a trigger that can be read.

    Args:
        path: of the trigger.
        trigger: its plain values.
    """
    starts_by_event = isinstance(trigger.get("on"), str)
    yield from _condition((*path, "where"), trigger, "event" if starts_by_event else "no event")
    for where, step in steps_of(path, trigger):
        yield from _of_step(where, step)


def _of_step(path: Path, step: dict[str, object]) -> Iterator[Written]:
    yield from _condition((*path, "when"), step, "due")
    for place, cancel in cancels_of(path, step):
        yield from _condition((*place, "where"), mapping_at(cancel), "event")
    for name, value in mapping_at(step, "payload").items():
        tree = readable(value, read_condition)
        if tree is not None:
            yield Written((*path, "payload", name), "event", tree, is_condition=False)
        template = mapping_at(value).get("template")
        hidden = isinstance(template, Substituted)
        if isinstance(template, str) and not (hidden and mistakes_in(template)):
            where = (*path, "payload", name, "template")
            yield Written(where, "event", template=str(template), is_condition=False)


def _condition(path: Path, keys: dict[str, object], sees: Sees) -> Iterator[Written]:
    tree = readable(keys.get(str(path[-1])), read_condition)
    if tree is not None:
        yield Written(path, sees, tree)


def _problems(
    written: Written, customer: DictScope, shadows: Collection[str]
) -> Iterator[ExpressionProblem]:
    sees_event = written.sees == "event"
    scope = event_and_customer(customer) if sees_event else customer
    if written.tree is None:
        found = problems(written.template, scope)
    else:
        expected = Type.BOOLEAN if written.is_condition else None
        found = list(check(written.tree, scope, expected).problems)
    places = written.places
    without = None if sees_event else _WITHOUT_EVENT[written.sees]
    for problem in found:
        yield hinted(problem, places, scope, without_event=without, shadows=shadows)
    for start, name in places.items():
        if "[]" in name and scope.resolve(name):
            message = f"{name} looks into an array, which only the fields of a feature may"
            yield ExpressionProblem(message, start, start + len(name))


def _counted(written: Written, fields: dict[str, None]) -> Iterator[InExpression]:
    """Note which fields of the starting event are looked at, and find one too many."""
    for start, name in written.places.items():
        if name.startswith(EVENT) and name not in fields:
            fields[name] = None
            if len(fields) == MOST_EVENT_FIELDS + 1:
                message = (
                    f"the payload of a trigger looks at up to {MOST_EVENT_FIELDS} different fields"
                    " of the event; this is one more"
                )
                yield written.path, ExpressionProblem(message, start, start + len(name))
