"""Makes a fast Python function of a checked expression.

The function's source is written from the tree alone: a name becomes a place in the row (``r[3]``),
a constant its ``repr``; nothing that a user wrote reaches Python's compiler.

Where types are known from `check` they are trusted. A row that breaks that promise, and numbers too
large for Python's floats, make the quick function raise; a second, slower one, which trusts
nothing, then gives the result.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from types import CodeType
from typing import Any

from expressions.runtime import RUNTIME
from expressions.tree import Name, Tree
from expressions.typing_rules import type_of
from expressions.value_types import Type
from expressions.writer import Writer, or_none

Function = Callable[[Sequence[Any], int], Any]
"""Takes a row and the time in ms; gives the value, None where it is missing."""


def compile_function(tree: Tree, slots: Mapping[str, int]) -> Function:
    """Make a function of a row and a time.

    Args:
        tree: checked, without problems.
        slots: where each name stands in a row.

    Returns:
        A function that never raises for a row of scalars, lists and None. It gives exactly True or
        False for a boolean expression, an int for a whole number, None for a missing value.
    """
    return _compiled(tree, slots, condition=type_of(tree) is Type.BOOLEAN)


def compile_value(tree: Tree, slots: Mapping[str, int]) -> Function:
    """Do the same, but give None for a boolean that is missing instead of False."""
    return _compiled(tree, slots, condition=False)


def constant_value(tree: Tree) -> Any:
    """Compute a tree without names; None where it has no value."""
    return compile_function(tree, {})((), 0)


def _compiled(tree: Tree, slots: Mapping[str, int], *, condition: bool) -> Function:
    def body(writer: Writer) -> list[str]:
        if condition:
            return [f"return {writer.condition(tree)}"]
        result = or_none(writer.value(tree))
        plain = isinstance(tree, Name) or type_of(tree) not in {Type.NUMBER, Type.DURATION}
        return [f"return {result}" if plain else f"return whole({result})"]

    return define(body, slots)


def define(body: Callable[[Writer], list[str]], slots: Mapping[str, int]) -> Function:
    """Compile a function of the row ``r`` and the time ``t``; the slower one once it is wanted.

    Args:
        body: writes the lines of the function.
        slots: where each name stands in a row.
    """

    def make(*, trusting: bool) -> Function:
        lines = body(Writer(slots, trusting=trusting))
        text = "\n  ".join(lines)
        source = f"def function(r, t):\n try:\n  {text}\n except broken:\n  return slow(r, t)\n"
        scope = {
            "__builtins__": {},
            "broken": _BROKEN,
            "slow": slow if trusting else None,
        } | RUNTIME
        exec(_code(source), scope)  # noqa: S102 (made of the tree alone)
        function: Function = scope["function"]  # type: ignore[assignment]
        return function

    @cache
    def made_slow() -> Function:
        return make(trusting=False)

    def slow(row: Sequence[Any], time_ms: int) -> Any:
        return made_slow()(row, time_ms)

    return make(trusting=True)


@lru_cache(maxsize=2_000)
def _code(source: str) -> CodeType:
    # the slowest part: who tries one config's rules many times needs each but once
    return compile(source, "<expression>", "exec")


_BROKEN = (TypeError, ValueError, ArithmeticError, AttributeError)
