"""What a name that nobody knows was probably meant to be, where that is a common mistake."""

from collections.abc import Collection, Mapping

import msgspec

from config.scopes import EVENT_SCOPE, SESSION_FIELDS
from config.values import PATH_ROOTS
from config.wording import nearest
from config.written import EVENT
from expressions import ExpressionProblem, Scope

SEGMENT = "segment."
SESSION = "session."
_SHOWN = 10
"""At most so many names stand in one message."""
_FIELDS = {"properties": "price", "context": "locale", "traits": "country"}
"""A field of each part of an event, as an example."""
_OF_SEGMENTS = (
    "a segment looks at customers: make a feature of it, such as {last: …} or {count: …, where: …}"
)


def hinted(  # noqa: PLR0913 (each is one thing that a name may wrongly mean)
    problem: ExpressionProblem,
    names: Mapping[int, str],
    scope: Scope,
    *,
    own: str | None = None,
    without_event: str | None = _OF_SEGMENTS,
    shadows: Collection[str] = (),
) -> ExpressionProblem:
    """Say what an unknown name was probably meant to be.

    Args:
        problem: of an expression.
        names: that the expression looks at, by their place.
        scope: what it may look at.
        own: the segment whose condition it is; it cannot name itself, so it is not what was meant.
        without_event: what to do where there is no event to look at; None where there is one.
        shadows: the models whose scores no rule may use.
    """
    name = names.get(problem.start, "")
    if not name or len(name) != problem.end - problem.start or scope.resolve(name):
        return problem
    space, _, rest = name.partition(".")
    near = f"{space.removesuffix('s')}.{rest}"
    if rest and scope.resolve(near):
        return msgspec.structs.replace(problem, message=f"there is no {name} here", near=near)
    if problem.near == f"{SEGMENT}{own}":
        problem = msgspec.structs.replace(problem, near=None)
    model = rest.partition(".")[0]
    if space == "score" and model in shadows:
        message: str | None = f"{model} is a shadow: its scores steer nothing while shadow is true"
    else:
        message = _unknown(name, space, scope, without_event)
    if message:
        return ExpressionProblem(message, problem.start, problem.end)
    return _in_space(problem, name, space, scope)


def _in_space(problem: ExpressionProblem, name: str, space: str, scope: Scope) -> ExpressionProblem:
    """Look for what was meant where the name begins."""
    if space == "event":
        return _of_event(problem, name)
    if space == "session":
        return _of_session(problem, name, scope)
    if name in PATH_ROOTS and scope.resolve(f"{EVENT}{name}.x"):
        return _without_field(problem, EVENT + name)
    near = f"event.{name}"
    if space in ("properties", "traits", "context") and scope.resolve(near):
        return msgspec.structs.replace(problem, message=f"there is no {name} here", near=near)
    return problem


def _of_event(problem: ExpressionProblem, name: str) -> ExpressionProblem:
    root, _, rest = name.removeprefix(EVENT).partition(".")
    if root in PATH_ROOTS and not rest:
        return _without_field(problem, name)
    roots = [*PATH_ROOTS, *(each.removeprefix(EVENT) for each in EVENT_SCOPE.names())]
    close = nearest(root, roots)
    near = f"{EVENT}{close}.{rest}" if rest and close in PATH_ROOTS else close and EVENT + close
    fields = ", ".join(f"{EVENT}{each}" for each in roots)
    message = f"there is no {name}" + ("" if near else f"; an event has {fields}")
    return ExpressionProblem(message, problem.start, problem.end, near)


def _without_field(problem: ExpressionProblem, name: str) -> ExpressionProblem:
    field = _FIELDS[name.removeprefix(EVENT)]
    message = f"{name} is no value by itself: name a field of it, such as {name}.{field}"
    return ExpressionProblem(message, problem.start, problem.end)


def _of_session(problem: ExpressionProblem, name: str, scope: Scope) -> ExpressionProblem:
    """Look among what sessions collect first: by ``session.`` alone all of it would be near."""
    rest = name.removeprefix(SESSION)
    known = [each.removeprefix(SESSION) for each in scope.names() if each.startswith(SESSION)]
    collected = [each for each in known if each not in SESSION_FIELDS]
    message = f"there is no {name} here"
    near = nearest(rest, collected)
    if near is None and problem.near and not problem.near.startswith(SESSION):
        return problem  # the same name elsewhere
    if near := near or nearest(rest, SESSION_FIELDS):
        return msgspec.structs.replace(problem, message=message, near=SESSION + near)
    names = [SESSION + each for each in (*collected, *SESSION_FIELDS)]
    shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    return ExpressionProblem(f"{message}; a session has {shown}", problem.start, problem.end)


def _unknown(name: str, space: str, scope: Scope, without_event: str | None) -> str | None:
    if space == "score" and not any(known.startswith("score.") for known in scope.names()):
        return f"there is no {name}: scores come with models, and there is none with a score"
    if without_event and space in ("event", "properties", "traits"):
        return f"{name} is of one event, and {without_event}"
    without = not any(known.startswith("attribute.") for known in scope.names())
    if space in ("attribute", "attributes") and without:
        return f"there is no {name} here: attributes are columns of the file under attributes"
    return None
