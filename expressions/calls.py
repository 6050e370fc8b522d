"""Checks what functions are called with."""

from collections.abc import Sequence

from expressions.mistakes import Mistakes, found
from expressions.tree import Call, Tree
from expressions.typing_rules import as_number, common_type, type_of
from expressions.value_types import Type

_TAKES = {
    "round": ({Type.NUMBER}, "a number"),
    "length": ({Type.LIST, Type.TEXT}, "a list or a text"),
    "lower": ({Type.TEXT}, "a text"),
    "starts_with": ({Type.TEXT}, "texts"),
    "contains": ({Type.TEXT}, "texts"),
}


def call_type(tree: Call, kinds: Sequence[Type], mistakes: Mistakes) -> Type | None:
    """Check the types of a function's arguments.

    Args:
        tree: a call of a function that exists, since() apart, with as many arguments as it takes.
        kinds: their types.
        mistakes: takes what is wrong.

    Returns:
        The type of the result, None after a mistake that leaves it open.
    """
    arguments = list(zip(tree.arguments, kinds, strict=True))
    if tree.function in _TAKES:
        fitting, what = _TAKES[tree.function]
        for argument, kind in arguments:
            if kind is not Type.ANY and kind not in fitting:
                message = f"{found(argument, kind)}, but {tree.function}() takes {what}"
                mistakes.add(message, argument)
        return type_of(tree)
    if tree.function != "coalesce":
        who = f"{tree.function}()"
        numbers = [number_or_duration(part, kind, who, mistakes) for part, kind in arguments]
        kinds = [kind for kind in numbers if kind is not None]
        if len(kinds) < len(numbers):
            return None
    common = common_type(kinds)
    if common is None:
        listed = ", ".join(found(argument, kind) for argument, kind in arguments)
        mistakes.add(f"{tree.function}() takes values of one type, but {listed}", tree)
    return common


def number_or_duration(tree: Tree, kind: Type, who: str, mistakes: Mistakes) -> Type | None:
    """Check that something is a number or a duration, one of unknown type counting as a number."""
    if as_number(kind) in {Type.NUMBER, Type.DURATION}:
        return as_number(kind)
    mistakes.add(f"{found(tree, kind)}, but {who} takes a number or a duration", tree)
    return None
