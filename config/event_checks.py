"""What is wrong inside the expressions of features, which look at one event."""

from collections.abc import Iterator

from config.scopes import EVENT_SCOPE
from config.values import MAX_PATH_PARTS, PATH_ROOTS
from config.wording import nearest, quote
from config.written import EVENT
from expressions import ExpressionProblem, Tree, Type, check
from expressions.tree import Call, Name, walk

_NUMBERS = frozenset({"sum", "min", "max", "mean"})
_SCALARS = frozenset({Type.NUMBER, Type.TEXT, Type.BOOLEAN, Type.ANY})
_ITEMS = "[]"


def check_event_expression(
    tree: Tree, kind: str | None, array: str | None
) -> tuple[str | None, list[ExpressionProblem]]:
    """Check the value or the condition of a feature.

    Args:
        tree: from ``written``.
        kind: the feature's, None for its condition.
        array: the array that its other expression looks at.

    Returns:
        The array that it looks at (``event.properties.products[]``), None for none; and what is
        wrong.
    """
    expected = Type.BOOLEAN if kind is None else Type.NUMBER if kind in _NUMBERS else None
    checked = check(tree, EVENT_SCOPE, expected)
    unknown = {problem.start: problem for problem in _unknown(tree, is_value=kind is not None)}
    since = list(_since(tree))
    problems = since + [
        unknown.pop(each.start, each)
        for each in checked.problems
        if not any(call.start <= each.start < call.end for call in since)
    ]
    fields = [node for node in walk(tree) if isinstance(node, Name)]
    for node in fields:
        array, wrong = _array(node, array)
        problems += wrong
    if not fields:
        problems.append(_at(tree, "found nothing of the event in it, expected a field"))
    elif kind is not None and not problems and checked.type not in _SCALARS:
        what = "found a " + checked.type.value
        problems.append(_at(tree, f"{what}, expected a number, a text or true or false"))
    return array, sorted(problems, key=lambda problem: problem.start)


def _unknown(tree: Tree, *, is_value: bool) -> Iterator[ExpressionProblem]:
    """Say what is expected where a name is none of an event's."""
    start = "" if is_value else EVENT
    example = f"a field such as {start}properties.price"
    roots = f"{start}{', '.join(PATH_ROOTS[:-1])} or {PATH_ROOTS[-1]}, then names after dots"
    for node in walk(tree):
        if not isinstance(node, Name) or EVENT_SCOPE.resolve(node.name):
            continue
        message = f"found {quote(node.name)}, expected {example} ({roots})"
        if node.name.startswith(EVENT):
            message += f" or one of {', '.join(EVENT_SCOPE.names())}"
        elif not is_value and "." not in node.name:
            message += f", or a text in quotes: {quote(node.name)}"
        yield ExpressionProblem(message, node.start, node.end, _near(node.name, start))


def _near(name: str, start: str) -> str | None:
    """Give what was probably meant by a name that is none of an event's."""
    first, *rest = name.removeprefix(EVENT).split(".")
    if rest:
        root = nearest(first, PATH_ROOTS)
        return f"{start}{root}.{'.'.join(rest)}" if root else None
    if first in PATH_ROOTS:
        return None
    own = nearest(first, [each.removeprefix(EVENT) for each in EVENT_SCOPE.names()])
    return EVENT + own if own else f"{start}properties.{first}"


def _since(tree: Tree) -> Iterator[ExpressionProblem]:
    for node in walk(tree):
        if isinstance(node, Call) and node.function == "since":
            message = "since() looks at a customer's features and has no place in an event"
            yield _at(node, message)


def _array(node: Name, array: str | None) -> tuple[str | None, list[ExpressionProblem]]:
    """Check one field; give the array that the feature looks at from here on."""
    problems = []
    parts = node.name.split(".")
    short = node.name.removeprefix(EVENT)
    if len(parts) > MAX_PATH_PARTS + 1:
        message = f"{short} has more than {MAX_PATH_PARTS} parts"
        problems.append(_at(node, message))
    items = [number for number, part in enumerate(parts) if part.endswith(_ITEMS)]
    if not items:
        return array, problems
    own = ".".join(parts[: items[0] + 1])
    if len(items) > 1:
        problems.append(_at(node, f"{short} looks into two arrays, expected one []"))
    if array is not None and own != array:
        other = array.removeprefix(EVENT)
        problems.append(_at(node, f"found a second array beside {other}, expected one"))
    return array or own, problems


def _at(tree: Tree, message: str) -> ExpressionProblem:
    return ExpressionProblem(message, tree.start, tree.end)
