"""What was probably meant where the grammar has no room for what is written.

Asked only after a mistake is certain, so nothing here decides what is an expression: it puts the
habits of spreadsheets, SQL and other languages into words that say what to write instead.
"""

from collections.abc import Sequence
from typing import NamedTuple

from expressions.durations import meant_duration
from expressions.errors import ExpressionError
from expressions.tokens import Kind, Token, fail, shown

NOTHING = frozenset({"null", "none", "nil", "undefined"})
"""What other languages call a missing value; here it is no name and no value."""

_NO_IF = "a condition stands by itself, such as orders > 1, without if, then or else"
_BRANCHES = frozenset({"if", "iff", "ifs", "case", "when", "then", "else", "switch"})
_PARTS = frozenset({"contains", "like", "includes", "ilike", "matches"})
_COMPARES = frozenset({"==", "!=", "<", "<=", ">", ">="})
_OVER_EVENTS = ("count", "sum", "avg", "average", "mean", "distinct", "unique", "total", "last")
_CLOCKS = frozenset({"now", "today", "date", "datediff", "days", "ago", "age", "timestamp"})
_THOUSAND = 3


class _Spot(NamedTuple):
    """The token at fault with all others, and their text."""

    text: str
    tokens: Sequence[Token]
    at: int

    def token(self, step: int = 0) -> Token:
        """Give the token so many steps behind it (before it: negative), END beyond the text."""
        at = self.at + step
        return self.tokens[at if 0 <= at < len(self.tokens) else -1]

    def written(self, first: int, last: int) -> str:
        """Give what stands there from one token to another."""
        return shown(self.text[self.token(first).start : self.token(last).end])


class _Slip(NamedTuple):
    """What to say, what was meant, and from where to where it goes, in steps from the token."""

    message: str
    near: str | None = None
    first: int = 0
    last: int = 0


def slip(text: str, tokens: Sequence[Token], at: int) -> ExpressionError | None:
    """Say what was probably meant by a token that does not go on with what is before it.

    Args:
        text: the whole expression.
        tokens: of all of it.
        at: the token at fault.

    Returns:
        None where nothing better can be said than what was expected.
    """
    spot = _Spot(text, tokens, at)
    for find in (_duration, _percent, _number, _earlier, _word, _is, _again, _list, _event, _text):
        found = find(spot) if at else None
        if found is not None:
            start, end = spot.token(found.first).start, spot.token(found.last).end
            return fail(found.message, start, end, found.near)
    return None


def _duration(spot: _Spot) -> _Slip | None:
    """``30 min``."""
    meant = meant_duration(spot.written(-1, 0)) if spot.token(-1).kind is Kind.NUMBER else None
    return _Slip(f"{spot.written(-1, 0)} is no duration", meant, first=-1) if meant else None


def _percent(spot: _Spot) -> _Slip | None:
    """``10%``."""
    number = spot.token(-2)
    if spot.token(-1).value != "%" or number.kind is not Kind.NUMBER:
        return None
    assert isinstance(number.value, int | float)
    rest = f"% gives the rest of a division; write {number.value / 100:.15g}"
    return _Slip(f"{spot.written(-2, -1)} is no number, {rest}", first=-2, last=-1)


def _number(spot: _Spot) -> _Slip | None:
    """``1,000`` and ``2,5``; inside lists and calls a comma is none of these."""
    number, rest = spot.token(-1), spot.token(1)
    if spot.token().value != "," or not number.kind is rest.kind is Kind.NUMBER:
        return None
    whole = spot.written(-1, 1)
    joint = "" if rest.end - rest.start == _THOUSAND else "."
    meant = whole.replace(",", joint) if whole.replace(",", "").isdigit() else None
    return _Slip(f"{whole} is no number: it has digits and at most one point", meant, -1, 1)


def _earlier(spot: _Spot) -> _Slip | None:
    """``NOT a``, ``if a``: what is before it is a name and should be none."""
    before = spot.token(-1)
    if before.kind is Kind.NAME and str(before.value).lower() == "not":
        return _Slip(f"{before.value} is no operator", "not", first=-1)
    is_branch = before.kind is Kind.NAME and str(before.value).lower() in _BRANCHES
    return _Slip(_NO_IF, first=-1) if is_branch else None


def _word(spot: _Spot) -> _Slip | None:
    """``a contains b``, ``a between 1 and 5``, ``a then b``."""
    word = str(spot.token().value).lower()
    if spot.token().kind is not Kind.NAME:
        return None
    name = spot.written(-1, -1) if spot.token(-1).kind is Kind.NAME else "x"
    if word in _PARTS:
        return _Slip(f'{word} is no operator; write contains({name}, "…")')
    if word == "between":
        return _Slip(f"between is no operator; write {name} >= 1 and {name} <= 5")
    return _Slip(_NO_IF) if word in _BRANCHES else None


def _is(spot: _Spot) -> _Slip | None:
    """``a is "b"``, ``a is null``, ``a == missing``."""
    token, before = spot.token(), spot.token(-1)
    if token.value == "missing" and before.value in _COMPARES:
        meant = "is not missing" if before.value == "!=" else "is missing"
        return _Slip(f"{before.value} compares values, and missing is none", meant, first=-1)
    negated = before.value == "not" and spot.token(-2).value == "is"
    if before.value != "is" and not negated:
        return None
    if token.kind is Kind.NAME and str(token.value).lower() in NOTHING | {"empty", "blank"}:
        return _Slip(f"there is no {token.value}", "missing")
    if token.kind in {Kind.SIGN, Kind.END}:
        return None
    return _Slip(f"is goes with missing alone; write {'!=' if negated else '=='} to compare")


def _again(spot: _Spot) -> _Slip | None:
    """``orders > 1 and < 5``."""
    sign = spot.token().value
    if sign not in _COMPARES or spot.token(-1).value not in {"and", "or"}:
        return None
    names = [token for token in spot.tokens[: spot.at] if token.kind is Kind.NAME]
    name = shown(str(names[-1].value)) if names else "x"
    return _Slip(f"expected a value, found {sign}; name it again, such as {name} {sign} 5")


def _list(spot: _Spot) -> _Slip | None:
    """``device in ("a", "b")`` and ``device in "a", "b"``."""
    if spot.token().value != ",":
        return None
    first = -2 if spot.token(-2).value == "(" else -1
    if spot.token(first - 1).value != "in":
        return None
    return _Slip('a list stands in square brackets: in ["a", "b"]', first=first)


def _event(spot: _Spot) -> _Slip | None:
    """``Order Completed``."""
    both = spot.token(-1).kind is spot.token().kind is Kind.NAME
    starts = [spot.text[spot.token(step).start] for step in (-1, 0)] if both else [""]
    if not all(start.isupper() for start in starts):
        return None
    name = spot.written(-1, 0)
    message = f"{name} looks like an event, which no expression holds; features name theirs"
    return _Slip(f"{message} behind count or of, such as {{count: {name}}}", first=-1)


def _text(spot: _Spot) -> _Slip | None:
    """``Hello there``: words where nothing but words stands before them."""
    if spot.at != 1 or not spot.token(-1).kind is spot.token().kind is Kind.NAME:
        return None
    found = shown(str(spot.token().value))
    if found.lower() in {"and", "or", "not", "in", "is"}:
        return None
    quoted = f"""'"{spot.written(-1, 0)}"'"""
    return _Slip(
        f"expected the end or an operator, found {found}; a text has quotes of its own: {quoted}"
    )


def instead_of(function: str) -> str | None:
    """Say what to write instead of a function that other languages have, None for any other."""
    word = function.lower()
    if word in _BRANCHES:
        return _NO_IF
    if word in {"and", "or"}:
        return f"write a {word} b"
    if word == "not":
        return "write not x"
    if word.startswith(_OVER_EVENTS):
        return (
            "counts and sums over events are features, such as orders: {count: Order Completed},"
            " and a condition has their names: orders > 2"
        )
    if word in _CLOCKS:
        return "write since(x) < 30d to ask how long ago a time was"
    return None
