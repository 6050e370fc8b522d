"""Writes the Python source of checked expressions, from their trees alone.

Each value is written as *guards*, Python conditions that all hold unless the value is missing, and
an *atom* to use once they do, so that arithmetic of any depth stays flat and a missing value is one
failed condition.
"""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import NamedTuple

from expressions.runtime import LIMIT
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
from expressions.typing_rules import type_of
from expressions.value_types import Type


class Value(NamedTuple):
    """A value as Python source: it is missing unless all guards hold, in order."""

    guards: tuple[str, ...]
    atom: str

    def guarded(self, *more: str) -> "Value":
        """Add guards."""
        return Value(self.guards + more, self.atom)


class Writer:
    """Writes Python source; ``v1``, ``v2``, … are its variables."""

    def __init__(self, slots: Mapping[str, int], *, trusting: bool) -> None:
        self._slots = slots
        self._trusting = trusting
        self._numbers = count(1)

    def condition(self, tree: Tree) -> str:  # noqa: PLR0911 (one a node)
        """Write a boolean so that it is exactly True or False, in parentheses where needed."""
        match tree:
            case Boolean(value=flag):
                return repr(flag)
            case And(parts=parts):
                return "(" + " and ".join(self.condition(part) for part in parts) + ")"
            case Or(parts=parts):
                return "(" + " or ".join(self.condition(part) for part in parts) + ")"
            case Not(operand=operand):
                return f"(not {self.condition(operand)})"
            case Missing():
                return self._missing(tree)
            case Name(name=name):
                return f"(r[{self._slots[name]}] is True)"
            case Compare():
                return _all(self._compare(tree))
            case In():
                return _all(self._in(tree))
            case _:
                value = self.value(tree)
                return _all(value.guarded(f"{value.atom} is True"))

    def value(self, tree: Tree) -> Value:  # noqa: PLR0911 (one a node)
        """Write any value."""
        match tree:
            case Number(value=number) | Duration(value=number):
                return Value((), repr(number))
            case Text(value=text):
                return Value((), ascii(text))
            case Name():
                return self._name(tree)
            case Negate(operand=operand):
                inner = self.number(operand)
                return self._bound(inner.guards, f"-{inner.atom}")
            case Arithmetic():
                return self._arithmetic(tree)
            case Call():
                return self._call(tree)
            case _:
                return Value((), self.condition(tree))

    def number(self, tree: Tree) -> Value:
        """Write a value that has to be a number, a duration or a time."""
        return self._typed(tree, "in NUMBERS")

    def text(self, tree: Tree) -> Value:
        """Write a value that has to be a text."""
        return self._typed(tree, "is str")

    def _typed(self, tree: Tree, test: str) -> Value:
        value = self.value(tree)
        if type_of(tree) is Type.ANY:
            return value.guarded(f"{value.atom}.__class__ {test}")
        return value

    def _scalar(self, tree: Tree) -> Value:
        return self._typed(tree, "in SCALARS")

    def _variable(self) -> str:
        return f"v{next(self._numbers)}"

    def _bound(self, guards: tuple[str, ...], source: str) -> Value:
        """Keep what some source gives in a variable; None means missing."""
        name = self._variable()
        return Value((*guards, f"({name} := {source}) is not None"), name)

    def _name(self, tree: Name) -> Value:
        place = f"r[{self._slots[tree.name]}]"
        value = self._bound((), place)
        if self._trusting or tree.type in {None, Type.ANY}:
            return value
        return value.guarded(f"{value.atom}.__class__ {_TESTS[tree.type]}")

    def _missing(self, tree: Missing) -> str:
        word = "is not" if tree.negated else "is"
        if isinstance(tree.operand, Name) and self._trusting:
            return f"(r[{self._slots[tree.operand.name]}] {word} None)"
        guards = self.value(tree.operand).guards
        present = "(" + " and ".join(guards) + ")" if guards else "True"
        return present if tree.negated else f"(not {present})"

    def _arithmetic(self, tree: Arithmetic) -> Value:
        left, right = self.number(tree.left), self.number(tree.right)
        guards = left.guards + right.guards
        if not self._trusting:
            return self._bound(guards, f"{_CHECKED[tree.operator]}({left.atom}, {right.atom})")
        if tree.operator in "*%":  # Python also repeats and formats texts with them, at any length
            for part, atom in ((tree.left, left.atom), (tree.right, right.atom)):
                guards += (f"{atom}.__class__ in NUMBERS",) if isinstance(part, Name | Call) else ()
        if tree.operator in "/%":
            guards += (f"{right.atom} != 0",)
        name = self._variable()
        result = f"({name} := {left.atom} {tree.operator} {right.atom})"
        return Value((*guards, f"{-LIMIT!r} < {result} < {LIMIT!r}"), name)

    def _compare(self, tree: Compare) -> Value:
        one, other = type_of(tree.left), type_of(tree.right)
        if tree.operator in {"==", "!="}:
            return self._equal(tree, one, other)
        if Type.TEXT in {one, other}:
            left, right = self.text(tree.left), self.text(tree.right)
        elif one is other is Type.ANY:
            left, right = self.value(tree.left), self.value(tree.right)
            guards = left.guards + right.guards
            return Value(
                (*guards, f"ordered({left.atom}, {right.atom})"), _operation(tree, left, right)
            )
        else:
            left, right = self.number(tree.left), self.number(tree.right)
        return Value(left.guards + right.guards, _operation(tree, left, right))

    def _equal(self, tree: Compare, one: Type, other: Type) -> Value:
        quick = tree.operator == "==" and self._equal_place(tree)
        if quick:
            return Value((), quick)
        left, right = self._scalar(tree.left), self._scalar(tree.right)
        guards = left.guards + right.guards
        if one is other is not Type.ANY or Type.TEXT in {one, other}:
            return Value(guards, _operation(tree, left, right))
        negation = "not " if tree.operator == "!=" else ""
        return Value(guards, f"{negation}same({left.atom}, {right.atom})")

    def _equal_place(self, tree: Compare) -> str:
        """Write ``name == constant`` in one step where None and other types are unequal anyway."""
        if isinstance(tree.left, Name) and isinstance(tree.right, Text | Number):
            constant = tree.right.value
            if constant not in {0, 1}:  # which False and True are to Python
                return f"r[{self._slots[tree.left.name]}] == {constant!a}"
        return ""

    def _in(self, tree: In) -> Value:
        left = self._scalar(tree.left)
        kind = type_of(tree.left)
        if isinstance(tree.right, ListOf):
            items = [item.value for item in tree.right.items if isinstance(item, _ITEMS)]
            right = Value((), f"({', '.join(map(ascii, items))},)" if items else "()")
            plain = all(isinstance(item, str) or item not in {0, 1} for item in items)
        else:
            right = self._typed(tree.right, "is list")
            plain = False
        guards = left.guards + right.guards
        if plain or kind in {Type.TEXT, Type.DURATION}:
            return Value(guards, f"{left.atom} {'not in' if tree.negated else 'in'} {right.atom}")
        return Value(guards, f"{'not ' if tree.negated else ''}among({left.atom}, {right.atom})")

    def _call(self, tree: Call) -> Value:  # noqa: PLR0911 (one a function)
        arguments = tree.arguments
        match tree.function:
            case "since":
                inner = self.number(arguments[0])
                return self._bound(inner.guards, f"t - {inner.atom}")
            case "coalesce":
                return self._coalesce([self.value(argument) for argument in arguments])
            case "min" | "max" | "abs" | "round":
                return self._called(tree.function, [self.number(a) for a in arguments])
            case "lower":
                return self._called("lower", [self.text(arguments[0])])
            case "length":
                inner = self._typed(arguments[0], "in SIZED")
                return self._called("len", [inner])
            case "starts_with":
                text, start = self.text(arguments[0]), self.text(arguments[1])
                return Value(text.guards + start.guards, f"{text.atom}.startswith({start.atom})")
            case _:
                text, part = self.text(arguments[0]), self.text(arguments[1])
                return Value(text.guards + part.guards, f"({part.atom} in {text.atom})")

    def _called(self, function: str, values: Sequence[Value]) -> Value:
        guards = tuple(guard for value in values for guard in value.guards)
        return self._bound(guards, f"{function}({', '.join(value.atom for value in values)})")

    def _coalesce(self, values: Sequence[Value]) -> Value:
        source = ""
        for value in values:
            if not value.guards:
                return self._bound((), source + value.atom)
            source += f"{value.atom} if {' and '.join(value.guards)} else "
        return self._bound((), source + "None")


_ITEMS = (Number, Duration, Text, Boolean)
_CHECKED = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "modulo"}
_TESTS = {
    Type.NUMBER: "in NUMBERS",
    Type.DURATION: "in NUMBERS",
    Type.TIME: "in NUMBERS",
    Type.TEXT: "is str",
    Type.BOOLEAN: "is bool",
    Type.LIST: "is list",
}


def _operation(tree: Compare, left: Value, right: Value) -> str:
    return f"{left.atom} {tree.operator} {right.atom}"


def _all(value: Value) -> str:
    """Write a boolean value as one condition; one that is missing is false."""
    return "(" + " and ".join((*value.guards, value.atom)) + ")"


def or_none(value: Value) -> str:
    """Write a value as one Python expression, None where it is missing."""
    return f"{value.atom} if {' and '.join(value.guards)} else None" if value.guards else value.atom
