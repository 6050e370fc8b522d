"""What type each operation gives, from the types of its parts."""

from collections.abc import Iterable

from expressions.tree import (
    Arithmetic,
    Call,
    Duration,
    ListOf,
    Name,
    Negate,
    Number,
    Text,
    Tree,
)
from expressions.value_types import Type

_N, _D = Type.NUMBER, Type.DURATION

_ARITHMETIC: dict[tuple[str, Type, Type], Type] = {
    **{(operator, _N, _N): _N for operator in "+-*/%"},
    **{(operator, _D, _D): _D for operator in "+-"},
    ("*", _N, _D): _D,
    ("*", _D, _N): _D,
    ("/", _D, _N): _D,
    ("/", _D, _D): _N,
}

ORDERED = frozenset({Type.NUMBER, Type.DURATION, Type.TEXT, Type.ANY})
"""What ``<`` compares."""

SCALARS = frozenset({Type.NUMBER, Type.TEXT, Type.BOOLEAN, Type.ANY})
"""What a value of type ANY may turn out to be, and ANY itself."""

_RESULTS = {
    "since": Type.DURATION,
    "round": Type.NUMBER,
    "length": Type.NUMBER,
    "lower": Type.TEXT,
    "starts_with": Type.BOOLEAN,
    "contains": Type.BOOLEAN,
}


def arithmetic_type(operator: str, left: Type, right: Type) -> Type | None:
    """Give the type of an operation, None where it does not go with its operands."""
    return _ARITHMETIC.get((operator, as_number(left), as_number(right)))


def as_number(kind: Type) -> Type:
    """Take a value of unknown type for a number, as arithmetic does."""
    return Type.NUMBER if kind is Type.ANY else kind


def common_type(kinds: Iterable[Type]) -> Type | None:
    """Give the type that a value has which is one of several, None where they do not go together.

    Of scalars with one of unknown type it is unknown too.
    """
    different = set(kinds)
    if len(different) == 1:
        return different.pop()
    known = different - {Type.ANY}
    together = len(known) == 1 and known <= SCALARS | {Type.LIST}
    return Type.ANY if together and Type.ANY in different else None


def type_of(tree: Tree) -> Type:  # noqa: PLR0911 (one a node)
    """Give the type of a checked tree without problems."""
    match tree:
        case Number():
            return Type.NUMBER
        case Duration():
            return Type.DURATION
        case Text():
            return Type.TEXT
        case ListOf():
            return Type.LIST
        case Name(type=kind):
            return kind or Type.ANY
        case Negate(operand=operand):
            return as_number(type_of(operand))
        case Arithmetic(operator=operator, left=left, right=right):
            return arithmetic_type(operator, type_of(left), type_of(right)) or Type.NUMBER
        case Call(function=function, arguments=arguments):
            return _call_type(function, arguments)
        case _:
            return Type.BOOLEAN


def _call_type(function: str, arguments: Iterable[Tree]) -> Type:
    if function in _RESULTS:
        return _RESULTS[function]
    kinds = [type_of(argument) for argument in arguments]
    if function == "coalesce":
        return common_type(kinds) or Type.ANY
    return as_number(kinds[0])  # min, max, abs: durations are never mixed with anything else
