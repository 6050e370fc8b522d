"""The canonical text of an expression: one for all ways of writing the same."""

from decimal import Decimal

from expressions.tokens import UNITS_MS
from expressions.tree import (
    And,
    Arithmetic,
    Boolean,
    Call,
    Compare,
    Duration,
    In,
    ListOf,
    Missing,
    Name,
    Negate,
    Not,
    Number,
    Or,
    Text,
    Tree,
)

_OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _SIGNED, _ATOM = range(8)
"""How strongly an operator binds, the weakest first."""


def normalized(tree: Tree) -> str:
    """Write a tree as text that parses to an equal tree.

    It may be longer than what was written (``a==1`` becomes ``a == 1``) and so, seldom, than what
    `parse` takes.
    """
    return _write(tree)[0]


def write_duration(duration_ms: int) -> str:
    """Write milliseconds in the largest unit that keeps them whole: 3600000 is ``1h``."""
    sign = "-" if duration_ms < 0 else ""
    for unit, unit_ms in UNITS_MS.items():
        if duration_ms and duration_ms % unit_ms == 0:
            return f"{sign}{abs(duration_ms) // unit_ms}{unit}"
    return "0s"


def write_text(text: str) -> str:
    """Write a text in double quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def write_number(value: float) -> str:
    """Write a number without an exponent."""
    return str(value) if isinstance(value, int) else format(Decimal(repr(value)), "f")


def _write(tree: Tree) -> tuple[str, int]:  # noqa: PLR0911 (one a node)
    """Give the text of a node and how strongly it binds."""
    match tree:
        case Number(value=value):
            return write_number(value), _ATOM
        case Duration(value=value):
            return write_duration(value), _ATOM
        case Text(value=text):
            return write_text(text), _ATOM
        case Boolean(value=flag):
            return ("true" if flag else "false"), _ATOM
        case Name(name=name):
            return name, _ATOM
        case ListOf(items=items):
            return "[" + ", ".join(normalized(item) for item in items) + "]", _ATOM
        case Call(function=function, arguments=arguments):
            inner = ", ".join(normalized(argument) for argument in arguments)
            return f"{function}({inner})", _ATOM
        case Negate(operand=operand):
            return "-" + _inside(operand, _SIGNED), _SIGNED
        case Arithmetic(operator=operator, left=left, right=right):
            level = _SUM if operator in "+-" else _PRODUCT
            return f"{_inside(left, level)} {operator} {_inside(right, level + 1)}", level
        case _:
            return _write_condition(tree)


def _write_condition(tree: Tree) -> tuple[str, int]:
    match tree:
        case Compare(operator=operator, left=left, right=right):
            return f"{_inside(left, _SUM)} {operator} {_inside(right, _SUM)}", _COMPARE
        case In(negated=negated, left=left, right=right):
            word = "not in" if negated else "in"
            return f"{_inside(left, _SUM)} {word} {_inside(right, _SUM)}", _COMPARE
        case Missing(negated=negated, operand=operand):
            word = "is not missing" if negated else "is missing"
            return f"{_inside(operand, _SUM)} {word}", _COMPARE
        case Not(operand=operand):
            return f"not {_inside(operand, _NOT)}", _NOT
        case And(parts=parts):
            return " and ".join(_inside(part, _NOT) for part in parts), _AND
        case Or(parts=parts):
            return " or ".join(_inside(part, _AND) for part in parts), _OR
        case _:
            raise AssertionError(tree)


def _inside(tree: Tree, least: int) -> str:
    """Write an operand, in parentheses where it binds less than its place asks for."""
    text, level = _write(tree)
    return text if level >= least else f"({text})"
