"""Says what an expression needs of the names whose type nobody knows beforehand."""

from expressions.tree import (
    And,
    Arithmetic,
    Call,
    Compare,
    In,
    ListOf,
    Name,
    Negate,
    Not,
    Or,
    Tree,
    children,
)
from expressions.typing_rules import type_of
from expressions.value_types import Type


def field_types(tree: Tree, expected: Type = Type.ANY) -> dict[str, Type]:
    """Give the type that each name of type ANY has to have for the expression to be of use.

    So the reader of events can say where a field holds something else.

    Args:
        tree: checked, without problems.
        expected: what the whole is used as.

    Returns:
        NUMBER, TEXT, BOOLEAN or LIST where all uses of a name agree, ANY where any type does or
        two uses contradict each other; names of a known type are left out.
    """
    needs: dict[str, set[Type]] = {}
    _note(tree, expected, needs)
    return {name: kinds.pop() if len(kinds) == 1 else Type.ANY for name, kinds in needs.items()}


def _note(tree: Tree, wanted: Type, needs: dict[str, set[Type]]) -> None:
    """Note what a node needs of the names in it if it is to be of a type."""
    if isinstance(tree, Name):
        if tree.type in {None, Type.ANY}:
            needs.setdefault(tree.name, set()).update({wanted} - {Type.ANY})
        return
    for part, kind in _parts(tree, wanted):
        _note(part, kind, needs)


def _parts(tree: Tree, wanted: Type) -> list[tuple[Tree, Type]]:  # noqa: PLR0911 (one a node)
    """Give the nodes below one with the type that each has to have."""
    match tree:
        case And(parts=parts) | Or(parts=parts):
            return [(part, Type.BOOLEAN) for part in parts]
        case Not(operand=operand):
            return [(operand, Type.BOOLEAN)]
        case Negate(operand=operand):
            return [(operand, Type.NUMBER)]
        case Arithmetic(left=left, right=right):
            return [(left, Type.NUMBER), (right, Type.NUMBER)]
        case Compare(left=left, right=right):
            return [(left, type_of(right)), (right, type_of(left))]
        case In(left=left, right=ListOf(items=items)):
            return [(left, _alike([type_of(item) for item in items]))]
        case In(left=left, right=right):
            return [(left, Type.ANY), (right, Type.LIST)]
        case Call(function=function, arguments=arguments):
            return [(argument, _argument(function, arguments, wanted)) for argument in arguments]
        case _:
            return [(operand, Type.ANY) for operand in children(tree)]


def _argument(function: str, arguments: tuple[Tree, ...], wanted: Type) -> Type:
    """Give the type that a function's arguments have to have."""
    match function:
        case "min" | "max" | "abs" | "round":
            return Type.NUMBER
        case "lower" | "starts_with" | "contains":
            return Type.TEXT
        case "coalesce":
            known = {type_of(argument) for argument in arguments} - {Type.ANY}
            return _alike([*known] if wanted is Type.ANY else [*known, wanted])
        case _:
            return Type.ANY


def _alike(kinds: list[Type]) -> Type:
    return kinds[0] if len(set(kinds)) == 1 else Type.ANY
