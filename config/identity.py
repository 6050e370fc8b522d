"""What ``identity:`` may say: who an event is of, and what is kept of those who are not known yet.

Rules over several keys are in ``identity_checks``.
"""

from collections.abc import Callable
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from config.forms import TEXT, text_like
from config.section import Section
from config.values import (
    MAX_PATH_PARTS,
    PATH_ROOTS,
    GapMs,
    as_list,
    expected,
    is_part,
    read_by,
    read_path,
    whole,
)
from config.wording import nearest

MOST_PATHS = 20
MOST_BLOCKED = 1_000
MAX_VALUE_CHARACTERS = 1_000
MOST_EVENTS = 10_000

USER_ID = "userId"
PREVIOUS_ID = "previousId"
EXTERNAL_IDS = "context.externalIds"
"""Segment's list of ids that other places know a customer by."""

USUALLY_BLOCKED = (
    "unknown",
    "anonymous",
    "null",
    "undefined",
    "None",
    "NaN",
    "[object Object]",
    "00000000-0000-0000-0000-000000000000",
)
"""What programs write for nobody."""

_FORM = r"^(?:userId$|(?:properties|context|traits)\..)"
_A_PATH = (
    f"{USER_ID}, {EXTERNAL_IDS}.TYPE or a path such as traits.email:"
    f" {', '.join(PATH_ROOTS[:-1])} or {PATH_ROOTS[-1]}, then names after dots,"
    f" at most {MAX_PATH_PARTS} parts"
)
_NO_NAMES = set('[]"\\')
"""What no path may hold: arrays are not looked into, and what JSON escapes cannot be looked for."""
_DAY_MS = 86_400_000


def external_type(path: str) -> str:
    """Give the type of external id that a path names, empty where it names none."""
    return path.removeprefix(f"{EXTERNAL_IDS}.") if path.startswith(f"{EXTERNAL_IDS}.") else ""


def _customer_path(value: object) -> str:
    if not isinstance(value, str):
        raise expected(_A_PATH)
    kind = external_type(value)
    if value == USER_ID or (kind and is_part(kind)):
        return str(value)
    try:
        path = read_path(value)
    except PydanticCustomError:
        raise expected(_A_PATH, near=_meant(value)) from None
    if path == EXTERNAL_IDS or kind or _NO_NAMES & set(path):
        raise expected(_A_PATH)
    return path


def _meant(value: str) -> str | None:
    """Give the path that was most likely meant."""
    root, *rest = value.split(".")
    if not rest:
        return nearest(root, (USER_ID,))
    near = nearest(root, PATH_ROOTS)
    return ".".join([near, *rest]) if near and near != root else None


def _value(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_VALUE_CHARACTERS:
        raise expected(f'text of 1 to {MAX_VALUE_CHARACTERS} characters, in quotes: "null"')
    return str(value)


def _list_of(what: str, least: int) -> Callable[[object], object]:
    def read(value: object) -> object:
        several = as_list(value)
        if not isinstance(several, list) or len(several) < least:
            raise expected(what)
        return several

    return read


CustomerPathText = Annotated[str, read_by(_customer_path, text_like(_FORM))]
BlockedValue = Annotated[str, read_by(_value, TEXT)]


class Keep(Section):
    """How much is kept of an anonymous id until somebody says whose it is."""

    events: Annotated[int, whole(1, MOST_EVENTS)] = 200
    """The last so many events."""
    for_ms: GapMs = Field(30 * _DAY_MS, alias="for")
    """How much older than the newest an event may be and still be kept."""


class Identity(Section):
    """Which customer an anonymous id belongs to."""

    customer: Annotated[
        tuple[CustomerPathText, ...],
        Field(max_length=MOST_PATHS),
        BeforeValidator(
            _list_of("a path or a list of paths", 1),
            json_schema_input_type=CustomerPathText | list[CustomerPathText],
        ),
    ] = (USER_ID,)
    """Where events name their customer; the first one that is there counts."""
    blocked: Annotated[
        tuple[BlockedValue, ...],
        Field(max_length=MOST_BLOCKED),
        BeforeValidator(
            _list_of("a list of values", 0), json_schema_input_type=TEXT | list[BlockedValue]
        ),
    ] = USUALLY_BLOCKED
    """Ids that name nobody."""
    keep: Keep = Keep()
    """What is kept of each anonymous id that is not linked."""
