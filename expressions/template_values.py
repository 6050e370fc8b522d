"""What templates do with values: filters, tests and operators, none of which can fail.

Whatever a value turns out to be, the result is a value or missing (None), and never a long one: no
template may make more than so many characters of the few that a customer's record has.
"""

import html
import inspect
import math
import re
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any
from urllib.parse import quote

from jinja2 import Undefined

from expressions.runtime import LIMIT

MAX_TEXT = 10_000
"""The most characters of any text on the way."""
MAX_ITEMS = 100
"""The most items of a list that a loop takes."""

_PLAIN_FORMAT = re.compile(
    r"(?:[^%]|%%)*%[-+0]?[0-9]{0,2}(?:\.[0-9]{1,2})?[dfs](?:[^%]|%%)*", re.DOTALL
)


def is_missing(value: object) -> bool:
    """Tell whether there is no value."""
    return value is None or isinstance(value, Undefined)


def is_number(value: object) -> bool:
    """Tell whether a value is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def shown(value: object) -> str:
    """Write a value as it stands in the text; a missing one is the empty text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value[:MAX_TEXT]
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, list):
        return ", ".join(shown(each) for each in value[:MAX_ITEMS])[:MAX_TEXT]
    return ""


def _number(value: float) -> str:
    if not -LIMIT < value < LIMIT:
        return ""
    return str(int(value)) if value == int(value) else format(Decimal(repr(value)), "f")


def items_of(value: object) -> list[object]:
    """Give what a loop goes over: the items of a list, nothing for anything else."""
    return value[:MAX_ITEMS] if isinstance(value, list) else []


def item_of(value: object, at: int) -> object:
    """Give one item of a list, from 0, or from the end where the number is negative."""
    fits = isinstance(value, list) and -len(value) <= at < len(value)
    return value[at] if fits else None  # type: ignore[index]


def part_of(value: object, start: int | None, end: int | None) -> object:
    """Give the items of a list, or the characters of a text, between two places."""
    return value[start:end] if isinstance(value, list | str) else None


def compare(left: object, operator: str, right: object) -> bool:
    """Compare two values as conditions do: with a missing one it is false."""
    if is_missing(left) or is_missing(right):
        return False
    if operator in {"in", "notin"}:
        return _is_in(left, right) is (operator == "in")
    if operator in {"eq", "ne"}:
        return _same(left, right) is (operator == "eq")
    both_texts = isinstance(left, str) and isinstance(right, str)
    if not both_texts and not (is_number(left) and is_number(right)):
        return False
    return bool(_ORDERS[operator](left, right))


_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "lt": lambda left, right: left < right,
    "lteq": lambda left, right: left <= right,
    "gt": lambda left, right: left > right,
    "gteq": lambda left, right: left >= right,
}


def _same(left: object, right: object) -> bool:
    return isinstance(left, bool) is isinstance(right, bool) and left == right


def _is_in(item: object, items: object) -> bool:
    if isinstance(items, str):
        return isinstance(item, str) and item in items
    return isinstance(items, list | tuple) and any(_same(item, each) for each in items)


def calculate(operator: str, left: Any, right: Any) -> object:
    """Do arithmetic with numbers, and join texts by ``+``; what has no result is missing."""
    if operator == "+" and isinstance(left, str) and isinstance(right, str):
        return (left + right)[:MAX_TEXT]
    if not is_number(left) or not is_number(right):
        return None
    try:
        result = _ARITHMETIC[operator](left, right)
    except ArithmeticError:
        return None
    return result if -LIMIT < result < LIMIT else None


_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "//": lambda left, right: left // right,
    "%": lambda left, right: left % right,
}


def joined(*values: object) -> str:
    """Write values one behind the other: ``a ~ b``."""
    return "".join(map(shown, values))[:MAX_TEXT]


def negative(value: Any) -> object:
    """Give the negative of a number."""
    return -value if is_number(value) else None


def _of_text(change: Callable[[str], str]) -> Callable[[object], object]:
    def apply(value: object) -> object:
        return None if is_missing(value) else change(shown(value))[:MAX_TEXT]

    return apply


def _default(value: object, other: object = "") -> object:
    return other if is_missing(value) else value


def _length(value: object) -> int:
    return len(value) if isinstance(value, list | str) else 0


def _first(value: object) -> object:
    return value[0] if isinstance(value, list | str) and value else None


def _last(value: object) -> object:
    return value[-1] if isinstance(value, list | str) and value else None


def _join(value: object, between: object = "") -> str:
    if not isinstance(value, list):
        return shown(value)
    return shown(between).join(map(shown, value[:MAX_ITEMS]))[:MAX_TEXT]


def _reverse(value: object) -> object:
    return value[::-1] if isinstance(value, list | str) else None


def _unique(value: object) -> object:
    different: list[object] = []
    for each in items_of(value):
        if not _is_in(each, different):
            different.append(each)
    return different


def _round(value: Any, digits: object = 0) -> object:
    if not is_number(value) or not isinstance(digits, int) or not 0 <= digits <= 15:  # noqa: PLR2004
        return None
    if not math.isfinite(value) or not -LIMIT < value < LIMIT:
        return None
    size = Decimal(repr(abs(value)))
    with_digits = float(size.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, _EXACT))
    return math.copysign(with_digits, value)


def _abs(value: Any) -> object:
    return abs(value) if is_number(value) else None


def _replace(value: object, old: object, new: object) -> object:
    """Put another text in place of each occurrence, of which no more is made than is kept."""
    text, searched, other = shown(value), shown(old), shown(new)
    if is_missing(value) or not searched:
        return value
    longer = len(other) - len(searched)
    most = MAX_TEXT if longer <= 0 else MAX_TEXT // longer + 1
    return text.replace(searched, other, most)[:MAX_TEXT]


def _truncate(value: object, length: object = 255) -> object:
    text = shown(value)
    if is_missing(value) or not isinstance(length, int) or len(text) <= length:
        return value
    return text[: max(length - 1, 0)] + "…"


def _format(form: object, value: object) -> object:
    """Write a number or a text as ``%.2f``, ``%03d`` or ``%s`` says."""
    if not isinstance(form, str) or not is_plain_format(form) or is_missing(value):
        return None
    is_text = re.sub(r"%%", "", form).rpartition("%")[2].lstrip("-+0123456789.")[:1] == "s"
    if not is_text and (not is_number(value) or not -LIMIT < value < LIMIT):  # type: ignore[operator]
        return None
    return (form % (shown(value) if is_text else value,))[:MAX_TEXT]


def is_plain_format(form: str) -> bool:
    """Tell whether a text has exactly one place for a value, as ``format`` takes it."""
    return bool(_PLAIN_FORMAT.fullmatch(form))


_EXACT = Context(prec=60)

FILTERS: Mapping[str, Callable[..., object]] = {
    "upper": _of_text(str.upper),
    "lower": _of_text(str.lower),
    "capitalize": _of_text(str.capitalize),
    "title": _of_text(str.title),
    "trim": _of_text(str.strip),
    "escape": _of_text(html.escape),
    "urlencode": _of_text(lambda text: quote(text, safe="/")),
    "replace": _replace,
    "truncate": _truncate,
    "format": _format,
    "round": _round,
    "abs": _abs,
    "default": _default,
    "length": _length,
    "first": _first,
    "last": _last,
    "join": _join,
    "reverse": _reverse,
    "unique": _unique,
}
SHORT = {"d": "default", "e": "escape", "count": "length"}
"""Other names of some filters."""
TESTS: Mapping[str, Callable[[object], bool]] = {
    "missing": is_missing,
    "none": is_missing,
    "undefined": is_missing,
    "defined": lambda value: not is_missing(value),
}


def usage(name: str) -> str:
    """Say how a filter is written, with the values that it takes: ``replace(old, new)``."""
    _, *taken = inspect.signature(FILTERS[name]).parameters.values()
    return f"{name}({', '.join(each.name for each in taken)})" if taken else name
