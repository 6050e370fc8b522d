"""Finds conditions that no row can meet, such as ``x > 5 and x < 3``.

Sound but simple: what it finds never happens, but much that never happens it does not find. Each
part of a conjunction says in which region a term's value lies; where the regions of one term have
nothing in common the conjunction is never true.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from expressions.compile import constant_value
from expressions.regions import Region, regions_of
from expressions.text import normalized
from expressions.tree import And, Not, Or, Tree, is_constant

_Literal = tuple[Tree, bool]
"""A condition, and whether it has to be true or false."""


def never_true(tree: Tree) -> str | None:
    """Say why a condition is false for every row and time, None where that is not known.

    Args:
        tree: checked, without problems, and boolean.
    """
    return _never((tree, True))


def always_true(tree: Tree) -> str | None:
    """Say why a condition is true for every row and time, None where that is not known."""
    return _never((tree, False))


def _never(literal: _Literal) -> str | None:
    """Say why a condition never has a truth."""
    tree, truth = literal
    if isinstance(tree, Not):
        return _never((tree.operand, not truth))
    if isinstance(tree, And | Or):
        parts = [(part, truth) for part in tree.parts]
        if isinstance(tree, And) is truth:
            reasons: Iterable[str | None] = map(_never, parts)
            return next(filter(None, reasons), None) or _conflict(_together(parts))
        reasons = [_never(part) for part in parts]
        return "; ".join(filter(None, reasons)) if all(reasons) else None
    if is_constant(tree):
        value = constant_value(tree)
        return None if value is truth else f"{normalized(tree)} is always {_word(value)}"
    return _conflict([literal])


def _together(literals: Sequence[_Literal]) -> list[_Literal]:
    """Give the simple conditions that have to hold all at once."""
    result: list[_Literal] = []
    for tree, truth in literals:
        if isinstance(tree, Not):
            result += _together([(tree.operand, not truth)])
        elif isinstance(tree, And | Or) and isinstance(tree, And) is truth:
            result += _together([(part, truth) for part in tree.parts])
        else:
            result.append((tree, truth))
    return result


def _conflict(literals: Sequence[_Literal]) -> str | None:
    """Find a term whose value would have to lie in regions that have nothing in common."""
    regions: dict[str, list[tuple[_Literal, Region]]] = {}
    for literal in literals:
        for term, region in regions_of(literal[0], truth=literal[1]):
            regions.setdefault(term, []).append((literal, region))
    for found in regions.values():
        for (first, one), (second, other) in _pairs(found):
            if one.meet(other).is_empty():
                return _reason(first, second)
        whole = found[0][1]
        for _, region in found[1:]:
            whole = whole.meet(region)
        if whole.is_empty():
            return " and ".join(_said(literal) for literal, _ in found) + _CONTRADICT
    return None


def _pairs(
    found: Sequence[tuple[_Literal, Region]],
) -> Iterable[tuple[tuple[_Literal, Region], tuple[_Literal, Region]]]:
    """Give each region with itself and its neighbour, which explains most conflicts shortly."""
    yield from ((one, one) for one in found)
    yield from pairwise(found)


_CONTRADICT = " contradict each other"


def _reason(first: _Literal, second: _Literal) -> str:
    tree, truth = first
    if first is second:
        return f"{normalized(tree)} is always {_word(not truth)}"
    return f"{_said(first)} and {_said(second)}{_CONTRADICT}"


def _said(literal: _Literal) -> str:
    tree, truth = literal
    return normalized(tree if truth else Not(operand=tree))


def _word(value: object) -> str:
    return "true" if value is True else "false"
