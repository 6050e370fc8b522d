"""How a problem's message names what was found: short, on one line, and without secrets."""

import difflib
import json
from collections.abc import Iterable

MAX_CHARACTERS = 60

_INDENTED = "is the line indented as its neighbours are? A value with a colon stands in quotes"
_YAML_HINTS = (
    ("<stream end>", "a { or [ has no closing } or ]"),
    ("but got", "a value with [ ] { } or , in it stands in quotes here"),
    ("mapping values are not allowed", _INDENTED),
    ("\\t", "indent with spaces, not with tabs"),
    ("block scalar", "a value that begins with >, |, ! or a quote stands in quotes as a whole"),
    ("quoted scalar", "a value that begins with a quote ends with the same one"),
    ("'<scalar>'", "a value that begins with a quote ends with it: put all of it in quotes"),
    ("expected <block end>", _INDENTED),
)
"""What is in a message of the YAML parser, and what helps most often."""


def shorten(text: str) -> str:
    """Make a text of any kind fit into a message: printable, and cut where it is long."""
    cut = text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 1] + "…"
    return cut if cut.isprintable() else json.dumps(cut)[1:-1]


def quote(text: str) -> str:
    """The same in quotes."""
    return f'"{shorten(text)}"'


def dotted(path: Iterable[str | int]) -> str:
    """Name a place in the config: ``triggers.cart.cancel[0]``."""
    result = ""
    for part in path:
        if isinstance(part, int):
            result += f"[{part}]"
        else:
            result += f".{shorten(part)}" if result else shorten(part)
    return result


def nearest(word: str, valid: Iterable[str]) -> str | None:
    """Give the valid name that was most likely meant, if one is near."""
    if len(word) > MAX_CHARACTERS:
        return None
    names = {name.lower(): name for name in valid}
    close = difflib.get_close_matches(word.lower(), names, n=1)
    return names[close[0]] if close else None


def suggestion(word: str, valid: Iterable[str]) -> str:
    """The end of a message that offers the nearest name, or nothing."""
    name = nearest(word, valid)
    return f"; did you mean {quote(name)}?" if name else ""


def yaml_hint(told: str) -> str:
    """The end of a message of the YAML parser that says what helps most often, or nothing."""
    return next((f" ({hint})" for part, hint in _YAML_HINTS if part in told), "")
