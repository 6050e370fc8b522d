"""Reads the text of an expression: a Pratt parser, one function a level of binding.

What can be wrong with names and types is found by `check`; here it is the grammar alone. Python's
own parser is of no use: it cannot read ``30m`` or ``is missing``, and hostile text can crash it.
"""

from collections.abc import Callable
from typing import NoReturn, TypeVar, cast, get_args

import msgspec

from expressions.slips import NOTHING, slip
from expressions.tokens import KEYWORDS, Kind, Token, fail, shown, tokenize
from expressions.tree import (
    And,
    Arithmetic,
    ArithmeticOperator,
    Boolean,
    Call,
    Compare,
    CompareOperator,
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
    children,
)

MAX_CHARACTERS = 4_096
MAX_DEPTH = 64

_COMPARES = frozenset(get_args(CompareOperator))
_SUM = frozenset({"+", "-"})
_PRODUCT = frozenset({"*", "/", "%"})
_Joined = TypeVar("_Joined", And, Or)


def parse(text: str) -> Tree:
    """Read an expression.

    Args:
        text: at most 4,096 characters, at most 64 levels deep.

    Raises:
        ExpressionError: with the first mistake in the grammar and its place.
    """
    if len(text) > MAX_CHARACTERS:
        message = f"an expression has at most {MAX_CHARACTERS} characters, this one {len(text)}"
        raise fail(message, MAX_CHARACTERS, len(text))
    return _Parser(text).whole()


class _Parser:
    """Reads one text from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokenize(text)
        self._at = 0
        self._depth = 0

    def whole(self) -> Tree:
        if self._peek().kind is Kind.END:
            raise fail("there is no expression", 0, len(self._text))
        tree = self._condition()
        if self._peek().kind is not Kind.END:
            self._unexpected("the end or an operator")
        _limit_depth(tree)
        return tree

    def _condition(self) -> Tree:
        return self._joined(Or, "or", lambda: self._joined(And, "and", self._negation))

    def _joined(self, node: type[_Joined], word: str, part: Callable[[], Tree]) -> Tree:
        first = part()
        if not self._sees(word):
            return first
        parts: list[Tree] = []
        end = first
        _extend(parts, first, node)
        while self._take(word):
            end = part()
            _extend(parts, end, node)
        return node(parts=tuple(parts), start=first.start, end=end.end)

    def _negation(self) -> Tree:
        token = self._peek()
        if not self._take("not"):
            return self._comparison()
        self._deeper(token)
        operand = self._negation()
        self._depth -= 1
        return Not(operand=operand, start=token.start, end=operand.end)

    def _comparison(self) -> Tree:
        tree = left = self._sum()
        compared = self._compared(left)
        while compared is not None:
            if tree is not left:
                self._refuse_chain(tree, compared)
            tree = compared
            compared = self._compared(_right(tree))
        return tree

    def _compared(self, left: Tree) -> Tree | None:
        """Read a comparison's operator and right side, if they follow."""
        token = self._peek()
        if token.kind is not Kind.SIGN:
            return None
        if token.value in _COMPARES:
            self._at += 1
            right = self._sum()
            operator = cast("CompareOperator", token.value)
            return Compare(
                operator=operator, left=left, right=right, start=left.start, end=right.end
            )
        if self._take("is"):
            negated = self._take("not")
            end = self._expect("missing", "missing (x is missing, x is not missing)")
            return Missing(negated=negated, operand=left, start=left.start, end=end.end)
        negated = token.value == "not"
        if negated and self._tokens[self._at + 1].value != "in":
            return None
        self._at += negated
        if self._take("in"):
            right = self._sum()
            return In(negated=negated, left=left, right=right, start=left.start, end=right.end)
        return None

    def _refuse_chain(self, first: Tree, second: Tree) -> NoReturn:
        written = self._text[first.start : first.end]
        again = self._text[second.start : second.end]
        message = f"comparisons do not chain; write {shown(written)} and {shown(again)}"
        raise fail(message, first.start, second.end)

    def _sum(self) -> Tree:
        return self._arithmetic(_SUM, lambda: self._arithmetic(_PRODUCT, self._negative))

    def _arithmetic(self, operators: frozenset[str], operand: Callable[[], Tree]) -> Tree:
        left = operand()
        while self._peek().kind is Kind.SIGN and self._peek().value in operators:
            operator = cast("ArithmeticOperator", self._next().value)
            right = operand()
            left = Arithmetic(
                operator=operator, left=left, right=right, start=left.start, end=right.end
            )
        return left

    def _negative(self) -> Tree:
        token = self._peek()
        if not self._take("-"):
            return self._atom()
        self._deeper(token)
        operand = self._negative()
        self._depth -= 1
        start, end = token.start, operand.end
        if isinstance(operand, Number):
            return Number(value=-operand.value, start=start, end=end)
        if isinstance(operand, Duration):
            return Duration(value=-operand.value, start=start, end=end)
        return Negate(operand=operand, start=start, end=end)

    def _atom(self) -> Tree:
        token = self._next()
        place = {"start": token.start, "end": token.end}
        match token.kind, token.value:
            case Kind.NUMBER, int() | float() as number:
                return Number(value=number, **place)
            case Kind.DURATION, int() as duration:
                return Duration(value=duration, **place)
            case Kind.TEXT, str() as text:
                return Text(value=text, **place)
            case Kind.NAME, str() as name:
                return self._called(name, token) if self._sees("(") else self._named(name, token)
            case _:
                return self._marked(token)

    def _marked(self, token: Token) -> Tree:
        """Read what begins with a keyword or a sign."""
        if token.value == "(":
            self._deeper(token)
            tree = self._condition()
            self._depth -= 1
            close = self._expect(")", ") or an operator")
            return msgspec.structs.replace(tree, start=token.start, end=close.end)
        if token.value == "[":
            items, end = self._listed(token, "]")
            return ListOf(items=items, start=token.start, end=end)
        if token.value in {"true", "false"}:
            return Boolean(value=token.value == "true", start=token.start, end=token.end)
        self._at -= token.kind is not Kind.END
        return self._unexpected("a value")

    def _named(self, name: str, token: Token) -> Tree:
        if name.lower() in NOTHING:
            message = f"there is no {name}; write x is missing or x is not missing"
            raise fail(message, token.start, token.end)
        if name.lower() in {"true", "false"}:
            meant = name.lower()
            raise fail(f"{name} is no value", token.start, token.end, meant)
        return Name(name=name, start=token.start, end=token.end)

    def _called(self, function: str, token: Token) -> Tree:
        self._at += 1
        arguments, end = self._listed(token, ")")
        return Call(function=function, arguments=arguments, start=token.start, end=end)

    def _listed(self, opened: Token, close: str) -> tuple[tuple[Tree, ...], int]:
        """Read values with commas between them, and the closing sign."""
        self._deeper(opened)
        items: list[Tree] = []
        if not self._sees(close):
            items.append(self._condition())
            while self._take(","):
                items.append(self._condition())
        self._depth -= 1
        end = self._expect(close, f", or {close} or an operator").end
        return tuple(items), end

    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._tokens[self._at]
        self._at += token.kind is not Kind.END
        return token

    def _sees(self, sign: str) -> bool:
        token = self._peek()
        return token.kind is Kind.SIGN and token.value == sign

    def _take(self, sign: str) -> bool:
        taken = self._sees(sign)
        self._at += taken
        return taken

    def _expect(self, sign: str, what: str) -> Token:
        if not self._sees(sign):
            self._unexpected(what)
        return self._next()

    def _unexpected(self, what: str) -> NoReturn:
        token = self._peek()
        meant = slip(self._text, self._tokens, self._at)
        if meant is not None:
            raise meant
        if token.kind is Kind.END:
            raise fail(f"the expression ends where {what} is expected", token.start, token.end)
        written = self._text[token.start : token.end]
        word = written.lower()
        near = word if word in KEYWORDS and word != written else None
        message = f"expected {what}, found {shown(written)}"
        raise fail(message, token.start, token.end, near)

    def _deeper(self, token: Token) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise fail(_TOO_DEEP, token.start, token.end)


_TOO_DEEP = f"the expression is more than {MAX_DEPTH} levels deep"


def _limit_depth(tree: Tree) -> None:
    """Refuse a tree that is too deep to be worked through by recursion: ``1 + 1 + 1 + …``."""
    level: list[Tree] = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in children(node)]
        if not level:
            return
    raise fail(_TOO_DEEP, level[0].start, level[0].end)


def _extend(parts: list[Tree], part: Tree, node: type[And] | type[Or]) -> None:
    if isinstance(part, node):
        parts.extend(part.parts)
    else:
        parts.append(part)


def _right(tree: Tree) -> Tree:
    """Give what stands last in a comparison, to show how a chain is written in two."""
    return tree.operand if isinstance(tree, Missing) else children(tree)[1]
