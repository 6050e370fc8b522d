"""What starts or cancels a trigger: an event, entering or leaving a segment, the end of a session.

An event may stand as its name alone; everything else is a mapping with one key.
"""

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    model_serializer,
)

from config.forms import TEXT
from config.section import Section
from config.values import EventName, Identifier, expected, given, one_of
from config.versions import definition
from config.wording import nearest
from config.written import Condition
from expressions import normalized

STARTS = ("enter", "leave", "session")
CANCELS = ("on", "enter", "leave")

_EVENT, _MAPPING = "<event>", "<mapping>"
"""Tags of the two ways of writing; in <> so that none is taken for a key."""


def _one_key(keys: Iterable[str]) -> dict[str, Any]:
    """Describe, for a JSON Schema, a mapping with exactly one of some keys."""
    return {"oneOf": [{"required": [key]} for key in keys]}


class Brief(Section):
    """Base of what is defined by what it says besides the defaults.

    So a key that a later release brings leaves the versions of the rules without it as they are.
    """

    always_told: ClassVar[frozenset[str]] = frozenset()
    """What stands in the definition even where it is the default."""

    @model_serializer(mode="wrap")
    def _brief(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        told: dict[str, Any] = handler(self)
        usual = {
            key
            for name, field in type(self).model_fields.items()
            if name not in self.always_told and getattr(self, name) == field.default
            for key in (name, field.alias)
        }
        return {key: value for key, value in told.items() if key not in usual}


class Start(Brief):
    """What starts a trigger, where it is no event."""

    model_config = ConfigDict(json_schema_extra=_one_key(STARTS))

    enter: Annotated[Identifier | None, given("a segment's name", TEXT)] = None
    """Entering this segment."""
    leave: Annotated[Identifier | None, given("a segment's name", TEXT)] = None
    """Leaving this segment."""
    session: Annotated[Literal["closed"] | None, one_of("closed")] = None
    """The end of a session."""

    def __str__(self) -> str:
        return " ".join(f"{key} {value}" for key, value in self.model_dump().items())


class Cancel(Brief):
    """What ends the wait without a message, where it is no event's name alone."""

    model_config = ConfigDict(json_schema_extra=_one_key(CANCELS))

    event: Annotated[EventName | None, given("an event's name", TEXT)] = Field(None, alias="on")
    """An event of this name."""
    where: Annotated[Condition | None, given("a condition, as text", TEXT)] = None
    """Which of these events: a condition over the event and the customer after it."""
    enter: Annotated[Identifier | None, given("a segment's name", TEXT)] = None
    """Entering this segment."""
    leave: Annotated[Identifier | None, given("a segment's name", TEXT)] = None
    """Leaving this segment."""

    def __str__(self) -> str:
        if self.event and self.where:
            return f"{self.event} where {normalized(self.where)}"
        return f"enter {self.enter}" if self.enter else f"leave {self.leave}"


def _form(value: object) -> str:
    return _EVENT if isinstance(value, str) else _MAPPING


def _one_of(value: object, keys: tuple[str, ...], kind: type[Section]) -> object:
    """Refuse what is neither an event nor a mapping with exactly one of some keys."""
    what = f"exactly one of {', '.join(keys)}"
    if not isinstance(value, str | dict | kind):
        raise expected(f"an event's name, or a mapping with {what}")
    if isinstance(value, dict):
        found = [key for key in value if key in keys]
        if len(found) > 1:
            raise expected(what, key=found[1])
        if found and found != ["on"] and "where" in value:
            raise expected("a where beside on only: the others have no event", key="where")
        if not found:
            near = ((nearest(key, keys), key) for key in value if key != "where")
            name, key = next(((name, key) for name, key in near if name), (None, None))
            raise expected(what, near=name, key=key)
    return value


def _shortest(cancel: str | Cancel) -> str | Cancel:
    """Take an event without a condition for its name."""
    if isinstance(cancel, Cancel) and cancel.event and not cancel.where:
        return cancel.event
    return cancel


def _as_list(value: object) -> object:
    if not isinstance(value, str | dict | Cancel | list | tuple):
        raise expected("an event's name, a mapping, or a list of them")
    return value if isinstance(value, list | tuple) else [value]


def _sorted(cancels: Iterable[str | Cancel]) -> tuple[str | Cancel, ...]:
    names = sorted({each for each in cancels if isinstance(each, str)})
    others = {definition(each): each for each in cancels if isinstance(each, Cancel)}
    return (*names, *(others[text] for text in sorted(others)))


On = Annotated[
    Annotated[EventName, Tag(_EVENT)] | Annotated[Start, Tag(_MAPPING)],
    Discriminator(_form),
    BeforeValidator(lambda value: _one_of(value, STARTS, Start)),
]
"""An event's name, ``any``, or a mapping."""
_OneCancel = Annotated[
    Annotated[EventName, Tag(_EVENT)] | Annotated[Cancel, Tag(_MAPPING)],
    Discriminator(_form),
    BeforeValidator(lambda value: _one_of(value, CANCELS, Cancel)),
    AfterValidator(_shortest),
]
Cancels = Annotated[
    tuple[_OneCancel, ...],
    BeforeValidator(_as_list, json_schema_input_type=TEXT | Cancel | list[TEXT | Cancel]),
    AfterValidator(_sorted),
]
"""None, one or several, sorted; one may stand without a list."""
