"""The functions of the language: how many arguments each takes, and how it is called."""

from typing import NamedTuple


class Signature(NamedTuple):
    """How a function is written and how many arguments it takes (``most`` None: no bound)."""

    usage: str
    least: int
    most: int | None


FUNCTIONS = {
    "since": Signature("since(time)", 1, 1),
    "min": Signature("min(a, b, …)", 2, None),
    "max": Signature("max(a, b, …)", 2, None),
    "abs": Signature("abs(x)", 1, 1),
    "round": Signature("round(x)", 1, 1),
    "lower": Signature("lower(text)", 1, 1),
    "starts_with": Signature("starts_with(text, start)", 2, 2),
    "contains": Signature("contains(text, part)", 2, 2),
    "length": Signature("length(list or text)", 1, 1),
    "coalesce": Signature("coalesce(a, b, …)", 2, None),
}
