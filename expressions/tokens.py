"""Cuts the text of an expression into tokens."""

import re
from enum import Enum
from typing import NamedTuple

from expressions.durations import meant_duration
from expressions.errors import ExpressionError, ExpressionProblem

KEYWORDS = frozenset({"and", "or", "not", "in", "is", "missing", "true", "false"})
"""Words that cannot be names."""

UNITS_MS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
MAX_DIGITS = 15
"""Of a number before its point, and behind it."""

MAX_DURATION_MS = 36_500 * UNITS_MS["d"]
_SHOWN = 30


class Kind(Enum):
    """What a token is."""

    NUMBER = "number"
    DURATION = "duration"
    TEXT = "text"
    NAME = "name"
    SIGN = "sign"
    """A keyword or an operator."""
    END = "end"


class Token(NamedTuple):
    """A token and its place; ``value`` is what it says: a text's characters, a duration's ms."""

    kind: Kind
    value: str | int | float
    start: int
    end: int


_SPACE = re.compile(r"[ \t\r\n]*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[^\W\d]\w*(?:\[\])?)*")
_NUMBER = re.compile(r"([0-9]+)(?:\.([0-9]+))?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]*Z?)?|[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}")
_WORD = re.compile(r"[\w.]*")
_SIGN = re.compile(r"==|!=|<=|>=|[-+*/%<>()\[\],]")
_TEXT = {
    quote: re.compile(rf'{quote}((?:[^{quote}\\]|\\["\'\\])*){quote}', re.DOTALL) for quote in "\"'"
}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)

_MEANT = {
    "<>": "!=",
    "=>": ">=",
    "=<": "<=",
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
    "&&": "and",
    "||": "or",
    "**": None,
    "^": None,
    "===": "==",
    "=": "==",
    "!": "not",
    "&": "and",
    "|": "or",
}


def tokenize(text: str) -> list[Token]:
    """Cut a text into tokens, an END at last.

    Raises:
        ExpressionError: at the first thing that is no token.
    """
    tokens: list[Token] = []
    at = _skip(text, 0)
    while at < len(text):
        token = _token(text, at)
        tokens.append(token)
        at = _skip(text, token.end)
    tokens.append(Token(Kind.END, "", len(text), len(text)))
    return tokens


def shown(text: str) -> str:
    """Make a piece of text fit into a message."""
    cut = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut
    )


def fail(message: str, start: int, end: int, near: str | None = None) -> ExpressionError:
    """Make the error of one place."""
    return ExpressionError([ExpressionProblem(message, start, end, near)])


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    assert space is not None
    return space.end()


def _token(text: str, at: int) -> Token:
    first = text[at]
    if first in _TEXT:
        return _text(text, at)
    if first in "0123456789":
        return _number(text, at)
    name = _NAME.match(text, at)
    if name:
        kind = Kind.SIGN if name[0] in KEYWORDS else Kind.NAME
        return Token(kind, name[0], at, name.end())
    for wrong, meant in _MEANT.items():
        if text.startswith(wrong, at) and not (wrong in {"!", "="} and text[at : at + 2] in _TWO):
            message = (
                f"{wrong} is no operator" if meant else "there is no power operator; write x * x"
            )
            raise fail(message, at, at + len(wrong), meant)
    sign = _SIGN.match(text, at)
    if sign:
        return Token(Kind.SIGN, sign[0], at, sign.end())
    hint = _HINTS.get(first, "")
    raise fail(f"{shown(first)} has no meaning here{hint}", at, at + 1)


_TWO = frozenset({"==", "!="})
_HINTS = dict.fromkeys("“”„«»\u2018\u2019\u201a`", '; write "')
_HINTS |= dict.fromkeys("€$£", "; write the number alone")


def _number(text: str, at: int) -> Token:
    date = _DATE.match(text, at)
    if date:
        hint = 'write since(x) < 30d for how long ago, or a date in quotes: "2026-01-31"'
        raise fail(f"{date[0]} is no value; {hint}", at, date.end())
    match = _NUMBER.match(text, at)
    assert match is not None
    rest = _WORD.match(text, match.end())
    assert rest is not None
    if rest[0] in UNITS_MS and match[2] is None:
        return _duration(match[1], rest[0], at, rest.end())
    if rest[0]:
        whole = shown(text[at : rest.end()])
        hint = "write a number such as 10 or 2.5, or a duration such as 250ms, 90s, 30m, 24h or 7d"
        near = meant_duration(whole)
        raise fail(f"{whole} is no number and no duration; {hint}", at, rest.end(), near)
    end = match.end()
    if len(match[1]) > MAX_DIGITS or len(match[2] or "") > MAX_DIGITS:
        raise fail(f"a number has at most {MAX_DIGITS} digits on a side of its point", at, end)
    value = float(match[0]) if match[2] else int(match[1])
    return Token(Kind.NUMBER, int(value) if value == int(value) else value, at, end)


def _duration(digits: str, unit: str, start: int, end: int) -> Token:
    value = int(digits) * UNITS_MS[unit] if len(digits) <= MAX_DIGITS else MAX_DURATION_MS + 1
    if value > MAX_DURATION_MS:
        raise fail("a duration is at most a hundred years (36500d)", start, end)
    return Token(Kind.DURATION, value, start, end)


def _text(text: str, at: int) -> Token:
    match = _TEXT[text[at]].match(text, at)
    if match is None:
        wrong = re.compile(r"\\[^\"'\\]").search(text, at)
        if wrong:
            message = "a backslash in a text stands before a quote or a backslash; write \\\\"
            raise fail(message, wrong.start(), wrong.end())
        raise fail(f"the text that starts here lacks its closing {text[at]}", at, len(text))
    value = _ESCAPE.sub(r"\1", match[1])
    if holds_half_a_character(value):
        raise fail("the text holds half a character (a lone surrogate)", at, match.end())
    return Token(Kind.TEXT, value, at, match.end())


def holds_half_a_character(text: str) -> bool:
    """Tell whether a text holds half of a surrogate pair, which no UTF-8 can."""
    return any("\ud800" <= character <= "\udfff" for character in text)
