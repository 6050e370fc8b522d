"""The nodes of a parsed expression: plain, frozen, the same after a trip through JSON.

``start`` and ``end`` say where a node stands in its text. They do not count when two trees are
compared, so that trees are equal when they say the same.
"""

from collections.abc import Iterator
from typing import Literal

import msgspec

from expressions.value_types import Type

CompareOperator = Literal["==", "!=", "<", "<=", ">", ">="]
ArithmeticOperator = Literal["+", "-", "*", "/", "%"]

MIRRORED: dict[CompareOperator, CompareOperator] = {
    "==": "==",
    "!=": "!=",
    "<": ">",
    "<=": ">=",
    ">": "<",
    ">=": "<=",
}
"""What a comparison becomes when its sides change places."""


class _Node(msgspec.Struct, frozen=True, eq=False, tag=True, tag_field="node", kw_only=True):
    start: int = 0
    end: int = 0

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._content() == other._content()

    def __hash__(self) -> int:
        return hash((type(self), self._content()))

    def _content(self) -> tuple[object, ...]:
        fields = self.__struct_fields__
        return tuple(getattr(self, field) for field in fields if field not in {"start", "end"})


class Number(_Node, frozen=True, eq=False, tag="number"):
    """``2.5``; an int when it is whole."""

    value: int | float


class Duration(_Node, frozen=True, eq=False, tag="duration"):
    """``30m``."""

    value: int


class Text(_Node, frozen=True, eq=False, tag="text"):
    """``"mobile"``."""

    value: str


class Boolean(_Node, frozen=True, eq=False, tag="boolean"):
    """``true`` or ``false``."""

    value: bool


class Name(_Node, frozen=True, eq=False, tag="name"):
    """``session.views``; ``type`` is what `check` found, None before."""

    name: str
    type: Type | None = None


class ListOf(_Node, frozen=True, eq=False, tag="list"):
    """``["DE", "AT"]``; it stands on the right of ``in`` alone."""

    items: tuple["Tree", ...]


class Negate(_Node, frozen=True, eq=False, tag="negate"):
    """``-x``."""

    operand: "Tree"


class Arithmetic(_Node, frozen=True, eq=False, tag="arithmetic"):
    """``a + b`` and its like."""

    operator: ArithmeticOperator
    left: "Tree"
    right: "Tree"


class Compare(_Node, frozen=True, eq=False, tag="compare"):
    """``a < b`` and its like."""

    operator: CompareOperator
    left: "Tree"
    right: "Tree"


class In(_Node, frozen=True, eq=False, tag="in"):
    """``item in list`` or ``item not in list``."""

    negated: bool
    left: "Tree"
    right: "Tree"


class Missing(_Node, frozen=True, eq=False, tag="missing"):
    """``x is missing`` or ``x is not missing``."""

    negated: bool
    operand: "Tree"


class Not(_Node, frozen=True, eq=False, tag="not"):
    """``not a``."""

    operand: "Tree"


class And(_Node, frozen=True, eq=False, tag="and"):
    """``a and b and …``; no part is an And itself."""

    parts: tuple["Tree", ...]


class Or(_Node, frozen=True, eq=False, tag="or"):
    """``a or b or …``; no part is an Or itself."""

    parts: tuple["Tree", ...]


class Call(_Node, frozen=True, eq=False, tag="call"):
    """``min(a, b)``; any name may stand as the function until `check` looks at it."""

    function: str
    arguments: tuple["Tree", ...]


Tree = (
    Number
    | Duration
    | Text
    | Boolean
    | Name
    | ListOf
    | Negate
    | Arithmetic
    | Compare
    | In
    | Missing
    | Not
    | And
    | Or
    | Call
)

CONSTANTS = (Number, Duration, Text, Boolean)


def children(tree: Tree) -> tuple[Tree, ...]:
    """Give the nodes right below one, from left to right."""
    match tree:
        case Negate() | Missing() | Not():
            return (tree.operand,)
        case Arithmetic() | Compare() | In():
            return (tree.left, tree.right)
        case And() | Or():
            return tree.parts
        case ListOf():
            return tree.items
        case Call():
            return tree.arguments
        case _:
            return ()


def walk(tree: Tree) -> Iterator[Tree]:
    """Give a node and all below it, in the order of the text."""
    yield tree
    for child in children(tree):
        yield from walk(child)


def names(tree: Tree) -> tuple[str, ...]:
    """Give each name that a tree uses once, in the order of first use."""
    return tuple(dict.fromkeys(node.name for node in walk(tree) if isinstance(node, Name)))


def is_constant(tree: Tree) -> bool:
    """Tell whether a tree has one value whatever the row and the time."""
    return not any(isinstance(node, Name) for node in walk(tree))
