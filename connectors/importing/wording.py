"""How messages about a mapping name what was found: short, on one line; as those of a config do."""

import difflib
import json
from collections.abc import Iterable

_CHARACTERS_MAX = 60
_NAMES_MAX = 30


def quote(text: str) -> str:
    """Put a text in quotes, cut where it is long, and printable."""
    cut = text if len(text) <= _CHARACTERS_MAX else text[: _CHARACTERS_MAX - 1] + "…"
    return f'"{cut}"' if cut.isprintable() else json.dumps(cut)


def described(value: object) -> str:
    """Name a value of a mapping file."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    return quote(value) if isinstance(value, str) else str(value)[:_CHARACTERS_MAX]


def listed(names: Iterable[str]) -> str:
    """Quote several names; of very many, the first."""
    every = list(names)
    rest = len(every) - _NAMES_MAX
    return ", ".join(map(quote, every[:_NAMES_MAX])) + (f" and {rest} more" if rest > 0 else "")


def suggestion(word: object, valid: Iterable[str]) -> str:
    """The end of a message that offers the nearest valid name, or nothing where none is near."""
    if not isinstance(word, str) or len(word) > _CHARACTERS_MAX:
        return ""
    names = {name.lower(): name for name in valid}
    close = difflib.get_close_matches(word.lower(), names, n=1)
    return f"; did you mean {quote(names[close[0]])}?" if close else ""
