"""From pydantic's errors to a mapping's mistakes: where, what was found, what was expected."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NoReturn

from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from connectors.importing.mapping_text import MappingText, Mistake, Path
from connectors.importing.wording import described, suggestion

KeysAt = Callable[[Path], Iterable[str]]
"""Gives the keys that the section at a path may have."""

Conflict = tuple[Path, str]
"""Where in its section a key stands that does not go with another, and the message."""

_EXPECTED = {
    "string_type": "text (try it in quotes)",
    "string_too_short": "text that is not empty",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}
_KEY = "[key]"  # the last part of pydantic's path where a key is wrong rather than its value


def expected(what: str, near: str = "") -> PydanticCustomError:
    """Make the error of a value that is not ``what``; ``near`` is a suggestion to end with."""
    return PydanticCustomError("expected", "expected {what}", {"what": what, "near": near})


def refuse(conflicts: Iterable[Conflict]) -> None:
    """Raise the error of keys that do not go together, if there are any: each with its message."""
    found = list(conflicts)
    if found:
        raise PydanticCustomError("conflicts", "keys in conflict", {"conflicts": found})


def fail(error: ValidationError, source: MappingText, keys_at: KeysAt) -> NoReturn:
    """Raise the error that tells all of pydantic's in terms of the file."""
    details = error.errors(include_url=False)
    raise source.error(
        mistake for detail in details for mistake in _mistakes(detail, source, keys_at)
    ) from error


def _mistakes(detail: ErrorDetails, source: MappingText, keys_at: KeysAt) -> Iterator[Mistake]:
    kind, path, context = detail["type"], detail["loc"], detail.get("ctx", {})
    spot = source.locate(path)
    if kind == "conflicts":
        for inner, message in context["conflicts"]:
            at = source.locate([*path, *inner])
            yield Mistake(at.value, f"{at.name}: {message}" if at.path else message)
    elif kind == "extra_forbidden":
        valid = list(keys_at(path[:-1]))
        near = suggestion(path[-1], valid) or f"; the keys here are {', '.join(valid)}"
        yield Mistake(spot.key, f"{spot.name}: unknown key{near}")
    elif kind == "missing":
        at_section = f"{spot.name}: " if spot.path else ""
        yield Mistake(spot.key, f'{at_section}the key "{path[-1]}" is missing')
    elif path[-1] == _KEY or kind == "invalid_key":
        found = described(detail["input"])
        yield Mistake(
            spot.key, f"{spot.name}: found {found} as a key, expected text (try it in quotes)"
        )
    else:
        found = described(detail["input"])
        message = f"found {found}, expected {_what(detail)}"
        yield Mistake(spot.value, f"{spot.name}: {message}")


def _what(detail: ErrorDetails) -> str:
    """Say what was expected, and which valid name is near."""
    kind, path, context = detail["type"], detail["loc"], detail.get("ctx", {})
    if kind == "expected":
        return str(context["what"]) + str(context["near"])
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", context["expected"])
        return f"{', '.join(choices[:-1])} or {choices[-1]}{suggestion(detail['input'], choices)}"
    if path[0] == "constants" and len(path) > 1:
        return "text, a number, true or false"
    if path[0] == "properties" and len(path) > 1 and kind == "model_type":
        return "a column's name, or a mapping with column and type"
    return _EXPECTED.get(kind) or detail["msg"]
