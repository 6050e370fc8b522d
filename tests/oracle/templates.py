"""Templates of messages: text with ``{{ name }}`` in it, and nothing more."""

import re
from collections.abc import Mapping
from typing import Any

_PLACE = re.compile(r"{{ *([a-z_0-9.]+) *}}")


def names_in_template(template: str) -> list[str]:
    """Return the names that a template uses, in order."""
    return _PLACE.findall(template)


def filled(template: str, values: Mapping[str, Any]) -> str:
    """Put the values in their places: what is missing is nothing, a whole number has no point."""
    return _PLACE.sub(lambda place: _text(values[place[1]]), template)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    is_whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if is_whole else value)
