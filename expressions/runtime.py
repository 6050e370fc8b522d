"""What compiled expressions call: the few operations that one line of Python does not do."""

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

LIMIT = 2.0**63
"""Arithmetic whose result is not between -LIMIT and LIMIT overflows: the result is missing."""

_NUMBERS = frozenset({int, float})


def _checked(operation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def apply(left: float, right: float) -> float | None:
        try:
            result = operation(left, right)
        except ArithmeticError:
            return None
        return result if -LIMIT < result < LIMIT else None

    return apply


def _same(left: object, right: object) -> bool:
    """Tell whether two scalars are equal and of one type; to Python true is 1."""
    return left == right and (left.__class__ is bool) is (right.__class__ is bool)


def _among(item: object, items: Sequence[object]) -> bool:
    return item in items and any(_same(item, other) for other in items)


def _ordered(left: object, right: object) -> bool:
    """Tell whether two values of unknown type are of one that ``<`` compares."""
    if left.__class__ is str:
        return right.__class__ is str
    return left.__class__ in _NUMBERS and right.__class__ in _NUMBERS


def _round(value: float) -> int | None:
    """Round to the nearest whole number, halves away from zero."""
    if not -LIMIT < value < LIMIT:
        return None
    size = abs(value)
    whole = math.floor(size)
    whole += size - whole >= 0.5  # noqa: PLR2004 (a half; size + 0.5 would round by itself)
    return -whole if value < 0 else whole


def _whole(value: float | None) -> float | None:
    """Make a whole number an int."""
    return int(value) if value.__class__ is float and value == int(value) else value


def _lower(text: str) -> str:
    return text.lower()


RUNTIME: dict[str, object] = {
    "NUMBERS": _NUMBERS,
    "SCALARS": frozenset({int, float, str, bool}),
    "SIZED": frozenset({str, list}),
    "int": int,
    "str": str,
    "bool": bool,
    "list": list,
    "len": len,
    "abs": abs,
    "min": min,
    "max": max,
    "round": _round,
    "lower": _lower,
    "same": _same,
    "among": _among,
    "ordered": _ordered,
    "whole": _whole,
    "add": _checked(operator.add),
    "subtract": _checked(operator.sub),
    "multiply": _checked(operator.mul),
    "divide": _checked(operator.truediv),
    "modulo": _checked(operator.mod),
}
"""The names that compiled source may use; there are no others, not even Python's builtins."""
