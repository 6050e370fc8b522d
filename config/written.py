"""Expressions as values of keys: read when the file is, their names and types checked later.

Wherever an expression of an event stands, its names begin with ``event.`` inside; a feature's
value may leave that out before ``properties``, ``context`` and ``traits``.
"""

import math
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from pydantic import BeforeValidator, PlainSerializer, PlainValidator
from pydantic_core import PydanticCustomError

from config.environment import Substituted
from config.forms import TEXT
from config.values import PATH_ROOTS, expected, read_by
from expressions import ExpressionError, Tree, normalized, parse
from expressions.text import write_number
from expressions.tree import Name, children

EVENT = "event."
_BARE = tuple(f"{root}." for root in PATH_ROOTS)


def read_value(text: str) -> Tree:
    """Read the value of a feature: ``properties.price * properties.quantity``.

    Raises:
        ExpressionError: the text is no expression.
    """
    return _renamed(parse(text), lambda name: EVENT + name if name.startswith(_BARE) else name)


def read_condition(text: str) -> Tree:
    """Read the condition of a segment or of a feature.

    Raises:
        ExpressionError: the text is no expression.
    """
    return parse(text)


def readable(value: object, read: Callable[[str], Tree]) -> Tree | None:
    """Read an expression; None where there is none, or one that cannot be read."""
    try:
        return read(value) if isinstance(value, str) else None
    except ExpressionError:
        return None  # said when the models were made


def _write_value(tree: Tree) -> str:
    """Write the one text of a value, as short as it may be written."""

    def short(name: str) -> str:
        bare = name.removeprefix(EVENT)
        return bare if bare.startswith(_BARE) else name

    return normalized(_renamed(tree, short))


def _renamed(tree: Tree, rename: Callable[[str], str]) -> Tree:
    if isinstance(tree, Name):
        return msgspec.structs.replace(tree, name=rename(tree.name))
    if not children(tree):
        return tree
    changed: dict[str, Any] = {}
    for field in tree.__struct_fields__:
        value = getattr(tree, field)
        if isinstance(value, tuple):
            changed[field] = tuple(_renamed(each, rename) for each in value)
        elif isinstance(value, Tree):
            changed[field] = _renamed(value, rename)
    return msgspec.structs.replace(tree, **changed)


def _as_written(value: object) -> object:
    """Write a number, true or false as an expression has it."""
    if isinstance(value, str) and ("{{" in value or "{%" in value):
        raise expected('an expression; a text with {{ }} in it is written {template: "…"}')
    if isinstance(value, bool):
        return "true" if value else "false"
    is_number = isinstance(value, int | float) and math.isfinite(value)
    return write_number(value) if is_number else value  # type: ignore[arg-type]


def _reader(read: Callable[[str], Tree], what: str) -> PlainValidator:
    def read_it(value: object) -> Tree:
        if not isinstance(value, str):
            raise expected(what)
        try:
            return read(value)
        except ExpressionError as error:
            if isinstance(value, Substituted):
                raise expected(what) from None
            [problem] = error.problems
            context = {"problem": problem.message, "near": problem.near, "offset": problem.start}
            raise PydanticCustomError("expression", "{problem}", context) from None

    return read_by(read_it, TEXT)


EventValue = Annotated[
    Tree,
    _reader(read_value, "an expression such as properties.price"),
    PlainSerializer(_write_value, return_type=str),
]
"""What a feature takes from an event."""
EventCondition = Annotated[
    Tree,
    _reader(read_condition, "a condition such as event.properties.quantity > 0"),
    PlainSerializer(normalized, return_type=str),
]
"""Which events a feature looks at."""
Condition = Annotated[
    Tree,
    _reader(read_condition, "a condition such as orders > 0 and since(last_order) > 30d"),
    PlainSerializer(normalized, return_type=str),
]
"""Which customers a segment holds."""
Value = Annotated[
    Tree,
    _reader(parse, "an expression such as cart_value"),
    BeforeValidator(_as_written, json_schema_input_type=TEXT | float | bool),
    PlainSerializer(normalized, return_type=str),
]
"""What a message holds; a number, true and false may stand without quotes."""
