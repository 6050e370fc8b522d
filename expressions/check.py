"""Finds every mistake in an expression's names and types, and notes the type of each name."""

from typing import cast

import msgspec

from expressions.calls import call_type, number_or_duration
from expressions.compile import constant_value
from expressions.errors import ExpressionProblem
from expressions.functions import FUNCTIONS
from expressions.mistakes import Mistakes, found, nearest, said
from expressions.scope import Scope
from expressions.slips import instead_of
from expressions.tokens import MAX_DURATION_MS, shown
from expressions.tree import (
    CONSTANTS,
    And,
    Arithmetic,
    Boolean,
    Call,
    Compare,
    In,
    ListOf,
    Missing,
    Name,
    Negate,
    Not,
    Or,
    Tree,
    is_constant,
)
from expressions.typing_rules import (
    ORDERED,
    SCALARS,
    arithmetic_type,
    type_of,
)
from expressions.value_types import Type

_Found = tuple[Tree, Type | None]
"""A node with its names' types, and its type: None after a mistake, which is reported once."""


class Checked(msgspec.Struct, frozen=True):
    """What `check` found.

    Attributes:
        tree: the tree with the type of each name; of use only without problems.
        problems: every mistake, in order of place.
        type: of the whole; ANY after a mistake.
    """

    tree: Tree
    problems: tuple[ExpressionProblem, ...]
    type: Type


def check(tree: Tree, scope: Scope, expected: Type | None = None) -> Checked:
    """Look up each name and compare the types.

    A value of type ANY passes for a scalar and for a list. Where a boolean is expected of one, the
    tree becomes ``x == true``, so that the result is never anything but true or false.

    Args:
        tree: from `parse`.
        scope: the names that may be used.
        expected: the type that the whole has to have, None or ANY for any.
    """
    checker = _Checker(scope)
    resolved, kind = checker.visit(tree)
    if kind is not None and expected not in {None, Type.ANY, kind}:
        assert expected is not None
        if kind is not Type.ANY or expected not in SCALARS | {Type.LIST}:
            checker.mistakes.whole(tree, kind, expected)
        elif expected is Type.BOOLEAN:
            resolved, kind = _is_true(resolved), Type.BOOLEAN
    problems = sorted(checker.mistakes.problems, key=lambda problem: problem.start)
    return Checked(resolved, tuple(problems), kind or Type.ANY)


def _is_true(tree: Tree) -> Tree:
    true = Boolean(value=True, start=tree.end, end=tree.end)
    return Compare(operator="==", left=tree, right=true, start=tree.start, end=tree.end)


def _with(tree: Tree, **changes: object) -> Tree:
    return msgspec.structs.replace(tree, **changes)


class _Checker:
    """Works through one tree."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.mistakes = Mistakes()

    def visit(self, tree: Tree) -> _Found:  # noqa: C901, PLR0911 (one a node)
        """Check a node and all below it."""
        match tree:
            case Name():
                return self._name(tree)
            case Negate():
                return self._negate(tree)
            case Arithmetic():
                return self._arithmetic(tree)
            case Compare():
                return self._compare(tree)
            case In():
                return self._in(tree)
            case Missing():
                return self._missing(tree)
            case Not():
                return _with(tree, operand=self._condition(tree.operand)), Type.BOOLEAN
            case And() | Or():
                parts = tuple(self._condition(part) for part in tree.parts)
                return _with(tree, parts=parts), Type.BOOLEAN
            case Call():
                return self._call(tree)
            case ListOf():
                message = f"a list stands on the right of in alone: x in {said(tree)}"
                self.mistakes.add(message, tree)
                return tree, None
            case _:
                return tree, type_of(tree)

    def _name(self, tree: Name) -> _Found:
        kind = self._scope.resolve(tree.name)
        if kind is None:
            near = nearest(tree.name, self._scope.names())
            quoted = (
                "" if near or "." in tree.name else f'; a text stands in quotes: "{said(tree)}"'
            )
            self.mistakes.add(f"there is no {said(tree)} here{quoted}", tree, near)
        return _with(tree, type=kind), kind

    def _negate(self, tree: Negate) -> _Found:
        operand, kind = self.visit(tree.operand)
        if kind is not None:
            kind = number_or_duration(operand, kind, "-", self.mistakes)
        return _with(tree, operand=operand), kind

    def _arithmetic(self, tree: Arithmetic) -> _Found:
        left, one = self.visit(tree.left)
        right, other = self.visit(tree.right)
        kind = None
        if one is not None and other is not None:
            kind = arithmetic_type(tree.operator, one, other)
            if kind is None:
                self.mistakes.arithmetic(tree.operator, left, one, right, other)
        return _with(tree, left=left, right=right), kind

    def _compare(self, tree: Compare) -> _Found:
        if _is_since(tree.left):
            left, right = self._since(tree.left), self._limit(tree.right)
            return _with(tree, left=left, right=right), Type.BOOLEAN
        if _is_since(tree.right):
            left, right = self._limit(tree.left), self._since(tree.right)
            return _with(tree, left=left, right=right), Type.BOOLEAN
        left, one = self.visit(tree.left)
        right, other = self.visit(tree.right)
        checked = cast("Compare", _with(tree, left=left, right=right))
        if one is not None and other is not None and not _comparable(tree.operator, one, other):
            self.mistakes.comparison(checked, one, other)
        return checked, Type.BOOLEAN

    def _since(self, tree: Tree) -> Tree:
        """Check a since() that stands where it may."""
        assert isinstance(tree, Call)
        if not self._counted(tree):
            return tree
        argument, kind = self.visit(tree.arguments[0])
        if kind not in {None, Type.TIME}:
            assert kind is not None
            message = f"{found(argument, kind)}, but since() takes a time, such as a feature of the"
            self.mistakes.add(
                f"{message} kind time (last_order: {{time: Order Completed}})", argument
            )
        return _with(tree, arguments=(argument,))

    def _limit(self, tree: Tree) -> Tree:
        """Check what a since() is compared with: a duration that is the same for everybody."""
        if _is_since(tree):
            self.mistakes.add("since() is compared with a duration such as 30m alone", tree)
            return self._since(tree)
        limit, kind = self.visit(tree)
        if kind is None:
            return limit
        if not is_constant(limit):
            message = (
                f"since() is compared with a fixed duration such as 30m, not with {said(tree)}"
            )
            self.mistakes.add(message, tree)
        elif kind is not Type.DURATION:
            self.mistakes.limit(tree, kind)
        else:
            value_ms = constant_value(limit)
            if value_ms is None:
                self.mistakes.add(f"{said(tree)} has no value", tree)
            elif abs(value_ms) > MAX_DURATION_MS:  # no calendar has the time at which it passes
                self.mistakes.add(f"{said(tree)} is more than a hundred years (36500d)", tree)
        return limit

    def _in(self, tree: In) -> _Found:
        left, one = self.visit(tree.left)
        if isinstance(tree.right, ListOf):
            self._items(tree.left, one, tree.right)
            return _with(tree, left=left), Type.BOOLEAN
        right, other = self.visit(tree.right)
        if other is Type.TEXT:
            message = f"write contains({said(tree.right)}, {said(tree.left)})"
            self.mistakes.add(f"{found(tree.right, other)}, not a list; {message}", tree)
        elif other not in {None, Type.LIST, Type.ANY}:
            assert other is not None
            message = (
                f'{found(tree.right, other)}, not a list; write in ["a", "b"] or a list\'s name'
            )
            self.mistakes.add(message, tree.right)
        if one is not None and one not in SCALARS:
            self.mistakes.add(f"{found(tree.left, one)}, which no list holds", tree.left)
        return _with(tree, left=left, right=right), Type.BOOLEAN

    def _items(self, left: Tree, kind: Type | None, items: ListOf) -> None:
        if not items.items:
            self.mistakes.add("the list is empty, so nothing is in it", items)
        if kind in {Type.LIST, Type.TIME}:
            assert kind is not None
            self.mistakes.add(f"{found(left, kind)}, which cannot be looked for in a list", left)
            return
        fitting = SCALARS if kind is Type.ANY else {kind}
        for item in items.items:
            if not isinstance(item, CONSTANTS):
                self.mistakes.add(
                    f"a list holds numbers, texts, true and false, not {said(item)}", item
                )
            elif kind is not None and type_of(item) not in fitting:
                other = type_of(item)
                self.mistakes.add(f"{found(left, kind)}, but {found(item, other)}", item)

    def _missing(self, tree: Missing) -> _Found:
        if _is_since(tree.operand):
            operand = self._since(tree.operand)
            word = "is not missing" if tree.negated else "is missing"
            inner = ", ".join(said(argument) for argument in tree.operand.arguments)  # type: ignore[union-attr]
            self.mistakes.add(f"since() stands alone in a comparison; write {inner} {word}", tree)
        else:
            operand, _ = self.visit(tree.operand)
        return _with(tree, operand=operand), Type.BOOLEAN

    def _condition(self, tree: Tree) -> Tree:
        """Check what stands where true or false is expected."""
        resolved, kind = self.visit(tree)
        if kind not in {None, Type.BOOLEAN, Type.ANY}:
            assert kind is not None
            self.mistakes.condition(tree, kind)
        return resolved

    def _call(self, tree: Call) -> _Found:
        if tree.function == "since":
            resolved = self._since(tree)
            message = f"since() stands alone on one side of a comparison: {said(tree)} > 30m"
            self.mistakes.add(message, tree)
            return resolved, None
        if not self._counted(tree):
            return tree, None
        checked = [self.visit(argument) for argument in tree.arguments]
        resolved = _with(tree, arguments=tuple(argument for argument, _ in checked))
        kinds = [kind for _, kind in checked if kind is not None]
        if len(kinds) < len(checked):
            return resolved, None
        return resolved, call_type(tree, kinds, self.mistakes)

    def _counted(self, tree: Call) -> bool:
        """Check that there is such a function and that it has as many arguments as it takes."""
        signature = FUNCTIONS.get(tree.function)
        if signature is None:
            instead = instead_of(tree.function)
            near = None if instead else nearest(tree.function, FUNCTIONS)
            hint = instead or ("" if near else f"the functions are {', '.join(FUNCTIONS)}")
            message = f"there is no function {shown(tree.function)}{hint and '; ' + hint}"
            self.mistakes.add(message, tree, near)
        elif not signature.least <= len(tree.arguments) <= (signature.most or len(tree.arguments)):
            count = len(tree.arguments)
            self.mistakes.add(
                f"{tree.function}() is written {signature.usage}, not with {count} of them", tree
            )
        else:
            return True
        for argument in tree.arguments:
            self.visit(argument)
        return False


def _is_since(tree: Tree) -> bool:
    return isinstance(tree, Call) and tree.function == "since"


def _comparable(operator: str, one: Type, other: Type) -> bool:
    if {one, other} & {Type.TIME, Type.LIST}:
        return False
    alike = one is other or ({one, other} <= SCALARS and Type.ANY in {one, other})
    return alike and (operator in {"==", "!="} or {one, other} <= ORDERED)
