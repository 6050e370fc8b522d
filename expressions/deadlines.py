"""Says when a condition may change by itself: when a ``since()`` passes its limit."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from expressions.compile import constant_value, define
from expressions.tree import MIRRORED, Call, Compare, Tree, walk
from expressions.writer import Writer

NEVER = 1 << 62
"""The deadline that never comes, in ms."""

Deadline = Callable[[Sequence[Any], int], int]
"""Takes a row and a time in ms; gives the next later time at which a limit is passed, or NEVER."""


def compile_deadline(tree: Tree, slots: Mapping[str, int]) -> Deadline | None:
    """Make a function that gives the next time at which a since() changes its truth.

    ``since(x) > d`` becomes true at x + d + 1 ms, ``since(x) >= d`` at x + d (C1). The whole
    condition need not change then, but it does not change by itself at any other time.

    Args:
        tree: checked, without problems.
        slots: where each name stands in a row.

    Returns:
        None if there is no since().
    """
    limits = [
        (call.arguments[0], changes)
        for node in walk(tree)
        if isinstance(node, Compare)
        for call, changes in [_limit(node)]
        if call is not None
    ]
    if not limits:
        return None

    def body(writer: Writer) -> list[str]:
        lines = [f"n = {NEVER}"]
        for moment, changes in limits:
            value = writer.number(moment)
            lines.append(f"if {' and '.join(value.guards) or 'True'}:")
            for after_ms in changes:
                lines.append(f" c = {value.atom} + {after_ms}")
                lines.append(" if t < c < n: n = c")
            lines.append(" pass")
        return [*lines, "return n"]

    return define(body, slots)


def _limit(tree: Compare) -> tuple[Call | None, tuple[int, ...]]:
    """Give a comparison's since() and how long after its time the comparison changes."""
    for call, limit, operator in (
        (tree.left, tree.right, tree.operator),
        (tree.right, tree.left, MIRRORED[tree.operator]),
    ):
        if isinstance(call, Call) and call.function == "since":
            return call, _changes(operator, constant_value(limit))
    return None, ()


def _changes(operator: str, limit_ms: float) -> tuple[int, ...]:
    """Give the whole ms at which ``age OPERATOR limit`` changes as the age grows."""
    if operator in {">", "<="}:
        return (math.floor(limit_ms) + 1,)
    if operator in {">=", "<"}:
        return (math.ceil(limit_ms),)
    return (int(limit_ms), int(limit_ms) + 1) if limit_ms == int(limit_ms) else ()
