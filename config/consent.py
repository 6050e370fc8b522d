"""What ``consent:`` and ``purposes:`` may say: what customers have agreed to, and what needs it.

Rules over several keys are in ``consent_checks``.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from config.forms import TEXT
from config.section import Section
from config.values import (
    ConfigName,
    Identifier,
    PropertyPath,
    expected,
    given,
    one_of,
    read_by,
)

MOST_REGIONS = 500
MOST_REFUSED = 100
MAX_PURPOSE_CHARACTERS = 200

Default = Annotated[Literal["deny", "allow"], one_of("deny", "allow")]


def _name(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_PURPOSE_CHARACTERS:
        raise expected(f"a name, as text of 1 to {MAX_PURPOSE_CHARACTERS} characters")
    return str(value)


PurposeName = Annotated[str, read_by(_name, TEXT)]
"""Of a purpose, as events call it: the category of a consent management platform."""
RegionName = Annotated[str, read_by(_name, TEXT)]


def _names(value: object) -> object:
    if not isinstance(value, list) or not value:
        raise expected("a list of purposes")
    return value


class Gpc(Section):
    """Global Privacy Control: a signal of the browser, by which a customer refuses."""

    path: PropertyPath
    """Where events carry it."""
    refuses: Annotated[
        tuple[PurposeName, ...],
        Field(max_length=MOST_REFUSED),
        BeforeValidator(_names, json_schema_input_type=list[PurposeName]),
    ]
    """The purposes that it refuses."""


class Consent(Section):
    """What holds for customers who have said nothing."""

    default: Default
    """Whether what they never spoke of is permitted."""
    regions: Annotated[Mapping[RegionName, Default], Field(max_length=MOST_REGIONS)] = Field({})
    """The same by where the customer is, where that is another than ``default``."""
    region: PropertyPath | None = None
    """Where events say where the customer is."""
    gpc: Annotated[Gpc | None, given("a mapping")] = None


class Purposes(Section):
    """Which purpose must be permitted for what; what names none needs none."""

    profiling: Annotated[PurposeName | None, given("a purpose's name", TEXT)] = None
    """Without it nothing is kept of a customer's events."""
    channels: Mapping[ConfigName, PurposeName] = Field({}, max_length=1_000)
    """Without it no message goes out through the channel."""
    triggers: Mapping[ConfigName, PurposeName] = Field({}, max_length=1_000)
    """Without it no message of the trigger goes out."""
    models: Mapping[Identifier, PurposeName] = Field({}, max_length=100)
    """Without it the model neither scores a customer nor learns from one."""

    @property
    def named(self) -> tuple[str, ...]:
        """All purposes, each once, in the order of the file."""
        mappings = (self.channels, self.triggers, self.models)
        names = [name for mapping in mappings for name in mapping.values()]
        return tuple(dict.fromkeys([self.profiling, *names] if self.profiling else names))
