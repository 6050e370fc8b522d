"""What each kind of value looks like in the file, for its JSON Schema.

Weaker than the validators: a value that they take always fits, but not every value that fits is
taken. A reference to the environment may stand anywhere.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

_REFERENCE = r"\$\{"


def text_like(pattern: str) -> Any:
    """Describe text of which a part matches, or a reference to the environment."""
    return Annotated[str, Field(pattern=f"(?:{pattern})|{_REFERENCE}")]


REFERENCE = Annotated[str, Field(pattern=_REFERENCE)]
TEXT = Annotated[str, Field(min_length=1)]
DURATION = text_like("^[0-9]{1,15}(?:ms|s|m|h|d)$")
SIZE = int | text_like("^[0-9]{1,15}(?:B|KB|MB|GB)$")
YES = bool | REFERENCE
PATH = text_like(r"^(?:properties|context|traits)\..")


def words(*allowed: str) -> Any:
    """Describe a choice of words."""
    return Literal[allowed] | REFERENCE


def number(least: int, most: int) -> Any:
    """Describe a whole number between two bounds."""
    return Annotated[int, Field(ge=least, le=most)] | REFERENCE


def duration_or(*allowed: str) -> Any:
    """Describe a duration, or a word in its place."""
    return Literal[allowed] | DURATION
