"""The kinds of value that a key may take: durations, sizes, names, paths, numbers.

Each is a pydantic type that reads what stands in the file and says what it expected instead. What
was found, and where, is added by the loader, which knows the file.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, PlainValidator
from pydantic_core import PydanticCustomError, PydanticUndefined

from config.environment import Substituted
from config.forms import DURATION, PATH, SIZE, TEXT, YES, duration_or, text_like
from config.forms import number as number_form
from config.forms import words as words_form
from config.scalars import resolve
from config.wording import nearest
from expressions.durations import meant_duration
from expressions.text import write_duration
from expressions.tokens import UNITS_MS

MAX_DURATION_MS = 3_650 * 86_400_000
MAX_NAME_CHARACTERS = 100
MAX_EVENT_CHARACTERS = 200
MAX_PATH_PARTS = 8
ANY_EVENT = "any"
"""Stands for every event."""
PATH_ROOTS = ("properties", "context", "traits")

_DURATION = re.compile(r"([0-9]{1,15})(ms|s|m|h|d)")
_UNITS_BYTES = {"B": 1, "KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}
_SIZE = re.compile(r"([0-9]{1,15})(B|KB|MB|GB)")
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")


def expected(what: str, *, near: str | None = None, key: str | None = None) -> PydanticCustomError:
    """Make the error of a value that is something else.

    Args:
        what: what should stand there.
        near: the valid name that was most likely meant.
        key: the key inside the value at fault, if it is not the value as a whole.
    """
    return PydanticCustomError(
        "expected", "expected {what}", {"what": what, "near": near, "key": key}
    )


def read_by(read: Callable[[Any], object], form: Any) -> PlainValidator:
    """Take what a function makes of a value.

    Args:
        read: raises the error of ``expected``.
        form: what the value looks like, see ``forms``.
    """
    return PlainValidator(read, json_schema_input_type=form)


def parse_duration(text: str) -> int:
    """Read ``250ms``, ``90s``, ``30m``, ``24h`` or ``7d``: a whole number and its unit.

    Returns:
        Milliseconds.

    Raises:
        ValueError: the text is no such duration, or one above ten years (3650d).
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError("a duration such as 250ms, 90s, 30m, 24h or 7d")
    duration_ms = int(match[1]) * UNITS_MS[match[2]]
    if duration_ms > MAX_DURATION_MS:
        raise ValueError("a duration of at most ten years (3650d)")
    return duration_ms


def format_duration(duration_ms: int) -> str:
    """Write a duration in the largest unit that keeps it a whole number: 1800000 is ``30m``."""
    return write_duration(duration_ms)


def _duration(least_ms: int = 0, most_ms: int = MAX_DURATION_MS) -> Callable[[object], int]:
    def read(value: object) -> int:
        try:
            duration_ms = parse_duration(value if isinstance(value, str) else "")
        except ValueError as error:
            raise expected(str(error), near=_meant(value)) from None
        if duration_ms < least_ms:
            raise expected(f"a duration of at least {format_duration(least_ms)}")
        if duration_ms > most_ms:
            raise expected(f"a duration of at most {format_duration(most_ms)}")
        return duration_ms

    return read


def _meant(value: object) -> str | None:
    meant = meant_duration(value) if isinstance(value, str) else None
    return meant if meant and _DURATION.fullmatch(meant) and meant != value else None


def _durations(least_ms: int = 0, most_ms: int = MAX_DURATION_MS) -> PlainValidator:
    return read_by(_duration(least_ms, most_ms), DURATION)


def _idle(value: object) -> int | None:
    if value == "off":
        return None
    try:
        return parse_duration(value if isinstance(value, str) else "")
    except ValueError as error:
        near = nearest(value, ("off",)) if isinstance(value, str) else None
        near = near or _meant(value)
        raise expected(f"off or {error}", near=near) from None


def given(what: str, form: Any = PydanticUndefined) -> BeforeValidator:
    """Refuse a key without a value, where None stands for a key that is not there.

    Args:
        what: what is expected.
        form: what it looks like, see ``forms``.
    """

    def read(value: object) -> object:
        if value is None:
            raise expected(what)
        return value

    return BeforeValidator(read, json_schema_input_type=form)


def _again(value: object) -> str | int:
    if value in ("always", "never"):
        return str(value)
    try:
        return parse_duration(value if isinstance(value, str) else "")
    except ValueError as error:
        near = nearest(value, ("always", "never")) if isinstance(value, str) else None
        near = "never" if value == "once" else near
        near = near or _meant(value)
        raise expected(f"always, never or {error}", near=near) from None


def _size(value: object) -> int:
    value = _unquoted(value)
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    size_bytes = int(match[1]) * _UNITS_BYTES[match[2]] if match else value
    if isinstance(size_bytes, bool) or not isinstance(size_bytes, int):
        raise expected("a number of bytes or a size such as 64KB, 256MB or 1GB")
    if not _UNITS_BYTES["KB"] <= size_bytes <= 64 * _UNITS_BYTES["GB"]:
        raise expected("a size from 1KB to 64GB")
    return size_bytes


def whole(least: int, most: int) -> PlainValidator:
    """Read a whole number between two bounds, both allowed."""

    def read(value: object) -> int:
        number = _unquoted(value)
        in_bounds = isinstance(number, int) and least <= number <= most
        if isinstance(number, bool) or not isinstance(number, int) or not in_bounds:
            raise expected(f"a whole number from {least} to {most}")
        return number

    return read_by(read, number_form(least, most))


def one_of(*words: str) -> PlainValidator:
    """Read one of a few words."""

    def read(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            near = nearest(value, words) if isinstance(value, str) else None
            one = "one of " if len(words) > 1 else ""
            raise expected(f"{one}{', '.join(words)}", near=near)
        return str(value)

    return read_by(read, words_form(*words))


def _yes(value: object) -> bool:
    answer = _unquoted(value)
    if not isinstance(answer, bool):
        raise expected("true or false")
    return answer


def _unquoted(value: object) -> object:
    """What the environment gave for a number or a yes is read as if it stood in the file."""
    return resolve(value) if isinstance(value, Substituted) else value


def _matching(pattern: re.Pattern[str], what: str) -> PlainValidator:
    def read(value: object) -> str:
        if (
            not isinstance(value, str)
            or len(value) > MAX_NAME_CHARACTERS
            or not pattern.fullmatch(value)
        ):
            raise expected(f"{what}, 1 to {MAX_NAME_CHARACTERS} characters")
        return str(value)

    return read_by(read, text_like(f"^{pattern.pattern}$"))


def _file_pattern(value: object) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        raise expected("a path, as text")
    return str(value)


def _event(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_EVENT_CHARACTERS:
        raise expected(f"an event's name, as text of 1 to {MAX_EVENT_CHARACTERS} characters")
    return str(value)


def _any_event(value: object) -> str | None:
    return None if value == ANY_EVENT else _event(value)


def _header(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_EVENT_CHARACTERS:
        raise expected(f"a column's name, as text of 1 to {MAX_EVENT_CHARACTERS} characters")
    return str(value)


def read_path(value: object) -> str:
    """Read a path into an event.

    Raises:
        PydanticCustomError: the value is something else.
    """
    what = (
        f"a path such as properties.cart_id: {', '.join(PATH_ROOTS[:-1])} or {PATH_ROOTS[-1]},"
        f" then names after dots, at most {MAX_PATH_PARTS} parts"
    )
    if not isinstance(value, str):
        raise expected(what)
    parts = value.split(".")
    if parts[0] not in PATH_ROOTS:
        root = nearest(parts[0], PATH_ROOTS)
        raise expected(what, near=".".join([root, *parts[1:]]) if root and parts[1:] else None)
    if not 1 < len(parts) <= MAX_PATH_PARTS or not all(map(is_part, parts)):
        raise expected(what)
    return str(value)


def _field_path(value: object) -> str:
    parts = value.split(".") if isinstance(value, str) else []
    names = [part.removesuffix("[]") for part in parts]
    if not 1 <= len(parts) <= MAX_PATH_PARTS or not all(map(is_part, names)):
        raise expected(
            "a path such as properties.email, traits.* or userId: names of fields with dots between"
            f" them, at most {MAX_PATH_PARTS}"
        )
    if "*" in names[:-1] or names[0] == "*":
        raise expected("a * as the last part only, for all names there, as in traits.*")
    return ".".join(names)


def is_part(part: str) -> bool:
    """Tell whether a text may stand between the dots of a path."""
    return part == part.strip() != "" and part.isprintable() and len(part) <= MAX_NAME_CHARACTERS


def as_list(value: object) -> object:
    """Put a single text into a list."""
    return [value] if isinstance(value, str) else value


def _at_least_one(value: object) -> object:
    if not value or not isinstance(value, str | list):
        raise expected("a path or a list of paths")
    return as_list(value)


_TEXTS = TEXT | list[TEXT]

DurationMs = Annotated[int, _durations()]
IdleMs = Annotated[int | None, read_by(_idle, duration_or("off"))]
"""None: never."""
GapMs = Annotated[int, _durations(least_ms=1)]
OverMs = Annotated[int, _durations(UNITS_MS["h"], 365 * UNITS_MS["d"])]
HalfLifeMs = Annotated[int, _durations(UNITS_MS["m"], 365 * UNITS_MS["d"])]
EveryMs = Annotated[int, _durations(least_ms=300)]
GraceMs = Annotated[int, _durations(most_ms=30 * UNITS_MS["d"])]
SizeBytes = Annotated[int, read_by(_size, SIZE)]
Yes = Annotated[bool, read_by(_yes, YES)]
ConfigName = Annotated[str, _matching(_NAME, "a name of letters, digits, _, - and .")]
Identifier = Annotated[str, _matching(_IDENTIFIER, "a name of a-z, 0-9 and _, no digit first")]
ColumnName = Annotated[str, _matching(_COLUMN, "a name of letters, digits and _, no digit first")]
EventName = Annotated[str, read_by(_event, TEXT)]
AnyEvent = Annotated[str | None, read_by(_any_event, TEXT)]
"""None: every event, written ``any``."""
HeaderName = Annotated[str, read_by(_header, TEXT)]
PropertyPath = Annotated[str, read_by(read_path, PATH)]
"""Of a field that rules read."""
FieldPath = Annotated[str, read_by(_field_path, TEXT)]
"""Of any field, or of all below one; lists are gone through."""
FilePath = Annotated[str, read_by(_file_pattern, TEXT)]
FilePaths = Annotated[
    tuple[FilePath, ...], BeforeValidator(_at_least_one, json_schema_input_type=_TEXTS)
]
"""One or several; one may stand without a list."""
Again = Annotated[Literal["always", "never"] | int, read_by(_again, duration_or("always", "never"))]
"""A word, or milliseconds."""
