"""What ``triggers:`` may say: who gets which message when.

What holds for all messages together is in ``arbitration``; rules over several keys are in
``trigger_checks``, those about names in expressions in ``trigger_names``.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field

from config.forms import TEXT
from config.occurrences import Brief, Cancels, On
from config.payloads import PayloadValue
from config.values import (
    Again,
    ConfigName,
    DurationMs,
    GapMs,
    PropertyPath,
    Yes,
    expected,
    given,
    whole,
)
from config.written import Condition

THEN_MOST = 5
"""Messages after the first one."""
MOST_TAGS = 20
MOST_VALUES = 50
DAY_MS = 86_400_000

Payload = Annotated[Mapping[ConfigName, PayloadValue], Field(max_length=MOST_VALUES)]


def _tags(value: object) -> object:
    if not isinstance(value, list):
        raise expected("a list of names")
    return value


def _sorted(tags: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(tags)))


Tags = Annotated[
    tuple[ConfigName, ...],
    Field(max_length=MOST_TAGS),
    BeforeValidator(_tags, json_schema_input_type=list[ConfigName]),
    AfterValidator(_sorted),
]


class Step(Brief):
    """A further message of a trigger, after the one before."""

    always_told: ClassVar[frozenset[str]] = frozenset({"after_ms"})

    after_ms: GapMs = Field(alias="after")
    """How long it waits since the message before."""
    when: Annotated[Condition | None, given("a condition, as text", TEXT)] = None
    """Asked when it is due; None: the trigger's."""
    cancel: Cancels = ()
    """What ends its wait, besides what cancels the trigger."""
    channel: Annotated[ConfigName | None, given("a name", TEXT)] = None
    """How it goes out; None: the trigger's."""
    payload: Annotated[Payload | None, given("a mapping of names to values")] = None
    """What it holds; None: the trigger's."""


class Trigger(Brief):
    """A rule that starts on something, waits, may be cancelled, and then sends a message."""

    always_told: ClassVar[frozenset[str]] = frozenset(
        {"on", "key", "after_ms", "cancel", "again", "restart"}
    )

    on: On
    """What starts it."""
    key: PropertyPath | None = None
    """One instance for each value at this path; None: one for each customer."""
    where: Annotated[Condition | None, given("a condition, as text", TEXT)] = None
    """Which starts count: a condition over the event and the customer after it."""
    after_ms: DurationMs = Field(0, alias="after")
    """How long it waits."""
    cancel: Cancels = ()
    """What ends the wait without a message."""
    when: Annotated[Condition | None, given("a condition, as text", TEXT)] = None
    """Asked of the customer when the message is due."""
    then: tuple[Step, ...] = Field((), max_length=THEN_MOST)
    """Further messages, one after the other."""
    again: Again = "always"
    """How soon the same customer may get another: always, never, or after a duration."""
    restart: Yes = True
    """Whether a further start begins the wait again."""
    enabled: Yes = True
    """Whether anything is sent."""
    priority: Annotated[int, whole(0, 1_000)] = 0
    """Which message comes first where several of a customer are due at one time: the higher."""
    channel: Annotated[ConfigName | None, given("a name", TEXT)] = None
    """How the message goes out."""
    tags: Tags = ()
    """Names by which limits may mean several triggers."""
    expires_ms: DurationMs = Field(DAY_MS, alias="expires")
    """How long after it was due quiet hours may hold a message."""
    retract_ms: DurationMs = Field(0, alias="retract")
    """How long after it was sent a message is taken back for an event that comes late."""
    payload: Payload = Field({})
    """What the message holds."""
