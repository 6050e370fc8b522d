"""What an expression means, as plainly as it can be said: the oracle for the compiled ones."""

from math import ceil, floor
from typing import Any

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


def kind(value: Any) -> str:
    """The type of a value at run time; what is no scalar has none."""
    if value is True or value is False:
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "none"


def equal(a: Any, b: Any) -> bool:
    return kind(a) == kind(b) != "none" and a == b


def naive(tree: Tree, row: dict[str, Any], time: int) -> Any:  # noqa: C901, PLR0911, PLR0912 (one a node)
    """The value of an expression for a row of values by name; None where it is missing."""

    def of(part: Tree) -> Any:
        return naive(part, row, time)

    match tree:
        case Number() | Duration() | Text() | Boolean():
            return tree.value
        case Name():
            return row[tree.name]
        case ListOf():
            return [of(item) for item in tree.items]
        case And():
            return all(of(part) is True for part in tree.parts)
        case Or():
            return any(of(part) is True for part in tree.parts)
        case Not():
            return of(tree.operand) is not True
        case Missing():
            return (of(tree.operand) is None) != tree.negated
        case Negate():
            operand = of(tree.operand)
            return -operand if kind(operand) == "number" else None
        case Arithmetic():
            return arithmetic(tree.operator, of(tree.left), of(tree.right))
        case Compare():
            return compare(tree.operator, of(tree.left), of(tree.right))
        case In():
            item, items = of(tree.left), of(tree.right)
            if kind(item) == "none" or not isinstance(items, list):
                return False
            return any(equal(item, other) for other in items) != tree.negated
        case Call():
            return call(tree.function, [of(argument) for argument in tree.arguments], time)


def arithmetic(operator: str, a: Any, b: Any) -> Any:
    if kind(a) != "number" or kind(b) != "number":
        return None
    try:
        result = {
            "+": lambda: a + b,
            "-": lambda: a - b,
            "*": lambda: a * b,
            "/": lambda: a / b,
            "%": lambda: a % b,
        }[operator]()
    except (ZeroDivisionError, OverflowError):
        return None
    return result if abs(result) < 2**63 else None


def compare(operator: str, a: Any, b: Any) -> bool:
    if "none" in {kind(a), kind(b)}:
        return False
    if operator in {"==", "!="}:
        return equal(a, b) == (operator == "==")
    if kind(a) != kind(b) or kind(a) == "boolean":
        return False
    return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[operator]


def call(function: str, given: list[Any], time: int) -> Any:  # noqa: C901, PLR0911 (one a function)
    if function == "coalesce":
        return next((value for value in given if value is not None), None)
    if function == "length":
        return len(given[0]) if isinstance(given[0], str | list) else None
    texts = function in {"lower", "starts_with", "contains"}
    if any(kind(value) != ("text" if texts else "number") for value in given):
        return None
    match function:
        case "since":
            return time - given[0]
        case "min":
            return min(given)
        case "max":
            return max(given)
        case "abs":
            return abs(given[0])
        case "round":
            return half_away_from_zero(given[0])
        case "lower":
            return given[0].lower()
        case "starts_with":
            return given[0][: len(given[1])] == given[1]
        case "contains":
            return given[1] in given[0]


def half_away_from_zero(value: Any) -> Any:
    if abs(value) >= 2**63:
        return None
    up, down = ceil(value), floor(value)
    if up - value == value - down:
        return up if value > 0 else down
    return up if up - value < value - down else down
