"""What a scenario file may hold: one model a mapping, as it is written.

What must hold between several keys, and which names the config knows, is in ``scenario_checks``.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainValidator

from config.environment import Substituted
from config.scalars import is_unicode
from config.scenario_checks import MAX_NAME_CHARACTERS
from config.scenario_times import MomentText, StartTime
from config.section import Section
from config.triggers import THEN_MOST
from config.values import EventName, Yes, expected, given, one_of, whole

OUTCOMES = ("sent", "cancelled", "superseded", "suppressed", "expired", "retracted")
"""How an instance may end; and that its message was taken back."""
REASONS = ("consent", "when", "quiet_hours", "again", "limit", "holdout", "paused", "merged")
"""Why a message may be suppressed (T9) where one config runs from the beginning."""
TYPES = ("track", "identify", "page", "screen", "group", "alias")


def _listed(what: str) -> BeforeValidator:
    def read(value: object) -> object:
        if not isinstance(value, list):
            raise expected(what)
        return value

    return BeforeValidator(read)


def _text(what: str) -> PlainValidator:
    def read(value: object) -> str:
        if not isinstance(value, str) or not 1 <= len(value) <= MAX_NAME_CHARACTERS:
            raise expected(f"{what}, as text (in quotes) of 1 to {MAX_NAME_CHARACTERS} characters")
        return str(value)

    return PlainValidator(read)


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise expected("a mapping")
    return {_key(key): _plain(each) for key, each in value.items()}


def _plain(value: Any) -> Any:
    """Take off the mark of texts that came from the environment."""
    if isinstance(value, dict):
        return {_key(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Substituted) else value


def _key(key: str) -> str:
    if not is_unicode(key):
        raise expected("keys of whole characters, not half of a surrogate pair")
    return key


Customer = Annotated[str, _text("a customer's id")]
ScenarioName = Annotated[str, _text("a name")]
Values = Annotated[Mapping[str, Any], PlainValidator(_mapping)]
Value = Annotated[Any, PlainValidator(_plain)]


class WrittenEvent(Section):
    """Something that a customer does."""

    at: MomentText
    customer: Annotated[str | None, _text("a customer's id")] = None
    """Who; None: somebody anonymous."""
    anonymous: Annotated[str | None, _text("an anonymous id")] = None
    """The anonymous id, alone or beside the customer."""
    previous_id: Annotated[str | None, _text("an anonymous id")] = Field(None, alias="previousId")
    """The anonymous id that an alias says to be the customer's."""
    event: Annotated[EventName | None, given("an event's name")] = None
    """Its name; only for the type track."""
    type: Annotated[str, one_of(*TYPES)] = "track"
    message_id: Annotated[str | None, _text("a messageId")] = Field(None, alias="messageId")
    """None: one is made up."""
    properties: Values = Field({})
    context: Values = Field({})
    traits: Values = Field({})


class WrittenExpectation(Section):
    """A decision of a trigger; or a customer's place in a segment, or a feature, at a time."""

    at: MomentText
    customer: Customer
    trigger: Annotated[str | None, _text("a name")] = None
    outcome: Annotated[str, one_of(*OUTCOMES)] = "sent"
    reason: Annotated[str | None, one_of(*REASONS)] = None
    key: Annotated[str | None, _text("a key")] = None
    step: Annotated[int | None, whole(1, 1 + THEN_MOST)] = None
    payload: Values = Field({})
    """Each value that is named must be so; others may be there."""
    segment: Annotated[str | None, _text("a name")] = None
    inside: Yes = Field(True, alias="in")
    feature: Annotated[str | None, _text("a name")] = None
    value: Value = None
    """None: missing."""


class WrittenScenario(Section):
    """Given these events, expect that."""

    name: ScenarioName
    start: Annotated[StartTime | None, given("a time")] = None
    """What short times refer to; None: the file's."""
    attributes: Annotated[Mapping[Customer, Values], BeforeValidator(_mapping)] = {}
    """What the file of customers would say of each, by column."""
    events: Annotated[tuple[WrittenEvent, ...], _listed("a list of events")]
    """In order of arrival."""
    expect: Annotated[tuple[WrittenExpectation, ...], _listed("a list of what is expected")] = ()
    until: Annotated[MomentText | None, given("a time")] = None
    """Up to when the clock is moved, where that is later than all else."""
    partial: Yes = False
    """Whether messages may be sent that are not listed."""


class ScenarioFile(Section):
    """All that one file says."""

    start: Annotated[StartTime | None, given("a time")] = None
    scenarios: Annotated[tuple[WrittenScenario, ...], _listed("a list of scenarios")]
