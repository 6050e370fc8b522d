"""Sets of values that a term may have, as far as simple comparisons bound them."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from expressions.compile import constant_value
from expressions.text import normalized
from expressions.tree import (
    CONSTANTS,
    MIRRORED,
    Arithmetic,
    Call,
    Compare,
    In,
    ListOf,
    Missing,
    Name,
    Negate,
    Tree,
    is_constant,
    walk,
)
from expressions.typing_rules import type_of
from expressions.value_types import Type

Scalar = str | bool | int | float
_Key = tuple[bool, Scalar]
"""A scalar, apart from others that Python takes for equal: whether it is a boolean, and itself."""


class Region(NamedTuple):
    """A set of values; it may be larger than what is meant, never smaller.

    Attributes:
        missing: whether no value belongs to it.
        lists: whether lists do.
        low: numbers (durations and times too) below it do not, nor itself if ``low_open``.
        low_open: see there.
        high: the same above.
        high_open: see there.
        words: the texts and booleans that do, None for all.
        without: single scalars that do not.
    """

    missing: bool = True
    lists: bool = True
    low: float = -math.inf
    low_open: bool = False
    high: float = math.inf
    high_open: bool = False
    words: frozenset[_Key] | None = None
    without: frozenset[_Key] = frozenset()

    def meet(self, other: "Region") -> "Region":
        """Give the values that belong to both."""
        low, low_open = max((self.low, self.low_open), (other.low, other.low_open))
        high, closed = min((self.high, not self.high_open), (other.high, not other.high_open))
        words = self.words if other.words is None else other.words
        if self.words is not None and other.words is not None:
            words = self.words & other.words
        return Region(
            missing=self.missing and other.missing,
            lists=self.lists and other.lists,
            low=low,
            low_open=low_open,
            high=high,
            high_open=not closed,
            words=words,
            without=self.without | other.without,
        )

    def is_empty(self) -> bool:
        """Tell whether nothing belongs to it."""
        if self.missing or self.lists or self.words is None or self.words - self.without:
            return False
        if self.low < self.high:
            return False
        single = self.low == self.high and not self.low_open and not self.high_open
        return not single or _key(self.low) in self.without


_NONE: frozenset[_Key] = frozenset()
_FLAGS = frozenset({(True, False), (True, True)})
_PRESENT = Region(missing=False)
_SCALAR = Region(missing=False, lists=False)
_ABSENT = Region(lists=False, low=math.inf, high=-math.inf, words=_NONE)

_OF_TYPE = {
    Type.NUMBER: Region(lists=False, words=_NONE),
    Type.DURATION: Region(lists=False, words=_NONE),
    Type.TIME: Region(lists=False, words=_NONE),
    Type.TEXT: Region(lists=False, low=math.inf, high=-math.inf),
    Type.BOOLEAN: Region(lists=False, low=math.inf, high=-math.inf, words=_FLAGS),
    Type.LIST: Region(low=math.inf, high=-math.inf, words=_NONE),
    Type.ANY: Region(),
}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


def regions_of(tree: Tree, *, truth: bool) -> list[tuple[str, Region]]:
    """Give the regions of the terms that a simple condition is about.

    Args:
        tree: a condition without and, or, not.
        truth: whether it has to be true or false.

    Returns:
        Each term's normalized text and its region; nothing where the condition is no simple one.
    """
    match tree:
        case Missing(operand=term, negated=negated):
            return _entries(term, _PRESENT if negated is truth else _ABSENT)
        case Compare(left=left, right=right, operator=operator):
            if is_constant(right):
                return _entries(left, _compared(operator, constant_value(right), truth=truth))
            if is_constant(left):
                region = _compared(MIRRORED[operator], constant_value(left), truth=truth)
                return _entries(right, region)
        case In(left=term, right=ListOf(items=items), negated=negated):
            values = [constant_value(item) for item in items]
            return _entries(term, _among(values, negated=negated, truth=truth))
        case Name():
            return _entries(tree, _points([True]) if truth else _all_but([True]))
    return []


def _entries(term: Tree, region: Region) -> list[tuple[str, Region]]:
    """Add what a region of a term says of the names in it: a sum has a value only if all have."""
    entries = [(normalized(term), region.meet(_OF_TYPE[type_of(term)]))]
    if not region.missing and not isinstance(term, Name) and all(map(_is_strict, walk(term))):
        found = (node for node in walk(term) if isinstance(node, Name))
        entries += [(name.name, _PRESENT.meet(_OF_TYPE[type_of(name)])) for name in found]
    return entries


def _is_strict(node: Tree) -> bool:
    """Tell whether a node has no value as soon as one of its parts has none."""
    strict = isinstance(node, (*CONSTANTS, Name, Arithmetic, Negate, Call))
    return strict and not (isinstance(node, Call) and node.function == "coalesce")


def _compared(operator: str, value: Scalar | None, *, truth: bool) -> Region:
    """Give the region of ``x OPERATOR value``."""
    if value is None:
        return _points([]) if truth else Region()
    if operator in {"==", "!="}:
        return _among([value], negated=operator == "!=", truth=truth)
    if isinstance(value, str | bool):
        return _SCALAR if truth else Region()
    if truth:
        return _side(operator, value).meet(Region(missing=False, lists=False, words=_NONE))
    return _side(_OPPOSITE[operator], value)


def _side(operator: str, value: float) -> Region:
    if operator in {"<", "<="}:
        return Region(high=value, high_open=operator == "<")
    return Region(low=value, low_open=operator == ">")


def _among(values: Sequence[Scalar], *, negated: bool, truth: bool) -> Region:
    """Give the region of ``x in values`` and ``x not in values``."""
    if truth:
        return _all_but(values).meet(_SCALAR) if negated else _points(values)
    return _points(values)._replace(missing=True, lists=True) if negated else _all_but(values)


def _points(values: Sequence[Scalar]) -> Region:
    """Give the region of some values; of numbers, all from the least to the largest."""
    numbers = [value for value in values if not isinstance(value, str | bool)]
    words = frozenset(_key(value) for value in values if isinstance(value, str | bool))
    low, high = min(numbers, default=math.inf), max(numbers, default=-math.inf)
    return Region(missing=False, lists=False, low=low, high=high, words=words)


def _all_but(values: Sequence[Scalar]) -> Region:
    return Region(without=frozenset(map(_key, values)))


def _key(value: Scalar) -> _Key:
    return isinstance(value, bool), value
