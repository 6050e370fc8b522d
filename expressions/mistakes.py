"""Collects what is wrong with an expression's types, in words that say what to write instead."""

import difflib
from collections.abc import Iterable

from expressions.errors import ExpressionProblem
from expressions.text import normalized
from expressions.tokens import shown
from expressions.tree import Boolean, Compare, Number, Text, Tree
from expressions.value_types import Type

_MAX_NAME = 100

_AS_CONDITION = {
    Type.NUMBER: "write {0} > 0",
    Type.DURATION: "write {0} > 5m",
    Type.TIME: "write {0} is not missing, or since({0}) < 30m",
    Type.TEXT: 'write {0} == "…", or {0} is not missing',
    Type.LIST: "write length({0}) > 0",
}

_AS_NUMBER = {
    Type.TIME: "a time stands in since(), coalesce() and is missing alone; write since({0}) > 30m",
    Type.LIST: "write length({0})",
    Type.TEXT: "arithmetic is for numbers and durations",
    Type.BOOLEAN: "arithmetic is for numbers and durations",
}


class Mistakes:
    """The problems found so far."""

    def __init__(self) -> None:
        self.problems: list[ExpressionProblem] = []

    def add(self, message: str, tree: Tree, near: str | None = None) -> None:
        """Note a problem of a node."""
        self.problems.append(ExpressionProblem(message, tree.start, tree.end, near))

    def whole(self, tree: Tree, kind: Type, expected: Type) -> None:
        """Note that the whole expression has another type than expected."""
        if expected is Type.BOOLEAN:
            self.condition(tree, kind)
            return
        hint = _wanted(expected, tree)
        self.add(f"{found(tree, kind)}, where {expected.phrase} is expected; {hint}", tree)

    def condition(self, tree: Tree, kind: Type) -> None:
        """Note that something else stands where true or false is expected."""
        hint = _AS_CONDITION[kind].format(said(tree))
        if isinstance(tree, Text):
            hint = 'write each comparison in full (x == "a" or x == "b"), or x in ["a", "b"]'
        self.add(f"{found(tree, kind)}, where a condition is expected; {hint}", tree)

    def arithmetic(self, sign: str, left: Tree, one: Type, right: Tree, other: Type) -> None:
        """Note that an operation does not go with its operands."""
        for tree, kind in ((left, one), (right, other)):
            if kind in _AS_NUMBER:
                self.add(f"{found(tree, kind)}; {_AS_NUMBER[kind].format(said(tree))}", tree)
                return
        hint = f"{sign} takes two numbers"
        if sign in "+-" or Type.ANY in {one, other}:
            number = left if one is Type.NUMBER else right
            hint = f"write a duration in both places{_durations(number)}"
        elif sign in "*/":
            hint = "a duration can be multiplied by a number, or divided by one or by a duration"
        message = f"{found(left, one)} and {found(right, other)}, which {sign} does not take; "
        self.problems.append(ExpressionProblem(message + hint, left.start, right.end))

    def limit(self, tree: Tree, kind: Type) -> None:
        """Note that since() is compared with something else than a duration."""
        self.add(
            f"{found(tree, kind)}, but since() gives a duration; {_wanted(Type.DURATION, tree)}",
            tree,
        )

    def comparison(self, tree: Compare, one: Type, other: Type) -> None:
        """Note that two values cannot be compared."""
        for side, kind in ((tree.left, one), (tree.right, other)):
            hint = _not_compared(tree, side, kind)
            if hint:
                self.add(f"{found(side, kind)}; {hint}", side)
                return
        left_is_odd = isinstance(tree.left, Number | Text | Boolean)
        odd, kind = (tree.left, one) if left_is_odd else (tree.right, other)
        partner, partner_kind = (tree.right, other) if left_is_odd else (tree.left, one)
        hint = _wanted(partner_kind, odd)
        message = f"{found(partner, partner_kind)} and {found(odd, kind)}, which cannot be compared"
        self.add(f"{message}; {hint}", tree)


def said(tree: Tree) -> str:
    """Write a node for a message."""
    return shown(normalized(tree))


def found(tree: Tree, kind: Type) -> str:
    """Say what a node is."""
    return f"{said(tree)} is {kind.phrase}"


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """Give the valid name that was most likely meant, if one is near."""
    if len(name) > _MAX_NAME:
        return None
    candidates = {candidate.lower(): candidate for candidate in valid}
    last = name.lower().rpartition(".")[2]
    for candidate, written in candidates.items():
        if candidate.rpartition(".")[2] == last:  # the right name in the wrong namespace
            return written
    close = difflib.get_close_matches(name.lower(), candidates, n=1)
    return candidates[close[0]] if close else None


def _not_compared(tree: Compare, side: Tree, kind: Type) -> str:
    """Say what to write instead of comparing a value that is not compared at all."""
    if kind is Type.TIME:
        return f"write since({said(side)}) {tree.operator} 30m to ask how long ago it was"
    if kind is Type.LIST:
        return f'write "…" in {said(side)}, or length({said(side)}) {tree.operator} 1'
    if kind is Type.BOOLEAN and tree.operator not in {"==", "!="}:
        return f"true and false have no order; write {said(side)} or not {said(side)}"
    return ""


def _wanted(kind: Type, instead: Tree) -> str:
    """Say what to write in a value's place so that it has a type."""
    match kind:
        case Type.DURATION:
            return f"write a duration{_durations(instead)}"
        case Type.NUMBER:
            return "write a number without a unit or quotes"
        case Type.TEXT:
            return f'write a text in quotes, such as "{said(instead)}"'.replace('""', '"')
        case Type.BOOLEAN:
            return "write true, false or a condition"
        case Type.ANY:
            return "it may hold a number, a text, true or false, but no duration or time"
        case _:
            return f"write {kind.phrase}"


def _durations(number: Tree) -> str:
    """Give examples of durations with the number that stands there."""
    whole = isinstance(number, Number) and isinstance(number.value, int) and number.value > 0
    value = said(number) if whole else "2"
    return f" such as {value}s, {value}m, {value}h or {value}d"
