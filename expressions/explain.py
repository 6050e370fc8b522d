"""Shows how an expression came to its value: the tree with the value of every part."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from expressions.compile import compile_function, compile_value
from expressions.text import normalized
from expressions.tree import Tree, children, is_constant
from expressions.typing_rules import type_of
from expressions.value_types import Type


class Explained(msgspec.Struct, frozen=True):
    """A part of an expression and its value.

    Attributes:
        text: of the part, normalized.
        value: what it is for the row; None where it is missing.
        type: of the value; durations and times are in ms.
        children: its parts that are not constants, each explained.
    """

    text: str
    value: Any
    type: Type
    children: tuple["Explained", ...] = ()


def explain(tree: Tree, slots: Mapping[str, int], row: Sequence[Any], time_ms: int) -> Explained:
    """Compute each part of an expression for a row and a time.

    Args:
        tree: checked, without problems.
        slots: where each name stands in a row.
        row: the values.
        time_ms: the time.
    """
    value = compile_function(tree, slots)(row, time_ms)
    return _explained(tree, slots, row, time_ms, value)


def _explained(
    tree: Tree, slots: Mapping[str, int], row: Sequence[Any], time_ms: int, value: Any
) -> Explained:
    parts = tuple(
        _explained(part, slots, row, time_ms, compile_value(part, slots)(row, time_ms))
        for part in children(tree)
        if not is_constant(part)
    )
    return Explained(normalized(tree), value, type_of(tree), parts)
