"""What may be kept of a customer's events: one model a kind, for sessions and for features alike.

Which windows a feature may add to them is in ``features``.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    model_serializer,
)

from config.forms import TEXT
from config.section import Section
from config.values import AnyEvent, expected, given, whole
from config.wording import nearest
from config.written import EventCondition, EventValue

BOUNDS = {"distinct": (64, 1_000), "recent": (10, 100)}
"""The usual and the largest ``at_most`` of the kinds that have one."""

_ELSEWHERE = {
    **dict.fromkeys(("avg", "average"), "mean"),
    **dict.fromkeys(("unique", "uniques", "count_distinct", "distinct_count"), "distinct"),
    **dict.fromkeys(("total", "add"), "sum"),
    **dict.fromkeys(("latest", "newest"), "last"),
    **dict.fromkeys(("least", "minimum"), "min"),
    **dict.fromkeys(("largest", "maximum"), "max"),
}
"""What other tools call some kinds."""

_NEVER_SPELLED_OUT = frozenset({"where", "over", "pane", "per", "zone", "within", "since"}) | {
    "half_life"
}
"""Keys that a definition leaves out when they are not given; it has ``of`` always."""


class Measure(Section):
    """Base of all kinds."""

    kind: ClassVar[str]
    event: str | None
    """Only events of this name; None: every event."""
    where: Annotated[EventCondition | None, given("a condition, as text", TEXT)] = None
    """Only events, or items of an array, for which this is true."""

    @property
    def value(self) -> Any:
        """What is taken of the event, an expression; None for a kind that takes nothing."""
        return getattr(self, "argument", None)

    @property
    def event_key(self) -> str:
        """Under which key the event stands in the file."""
        return type(self).model_fields["event"].alias or "event"

    @property
    def bound(self) -> int:
        """The largest number of values that are kept, 0 for a kind without a bound."""
        return int(getattr(self, "at_most", 0))

    @model_serializer(mode="wrap")
    def _brief(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        told: dict[str, Any] = handler(self)
        return {
            key: value
            for key, value in told.items()
            if value is not None or key.removesuffix("_ms") not in _NEVER_SPELLED_OUT
        }


class Count(Measure):
    """How many events, or items of their arrays."""

    kind: ClassVar[str] = "count"
    event: AnyEvent = Field(alias="count")


class LatestTime(Measure):
    """When the last event was."""

    kind: ClassVar[str] = "time"
    event: AnyEvent = Field(alias="time")


class OverValues(Measure):
    """Base of what is kept of the values of an expression over the event."""

    event: Annotated[AnyEvent, given("an event's name", TEXT)] = Field(None, alias="of")


class Sum(OverValues):
    """The sum of numbers."""

    kind: ClassVar[str] = "sum"
    argument: EventValue = Field(alias="sum")


class Min(OverValues):
    """The least number."""

    kind: ClassVar[str] = "min"
    argument: EventValue = Field(alias="min")


class Max(OverValues):
    """The largest number."""

    kind: ClassVar[str] = "max"
    argument: EventValue = Field(alias="max")


class Mean(OverValues):
    """The mean of numbers."""

    kind: ClassVar[str] = "mean"
    argument: EventValue = Field(alias="mean")


class First(OverValues):
    """The value of the first event that has one."""

    kind: ClassVar[str] = "first"
    argument: EventValue = Field(alias="first")


class Last(OverValues):
    """The value of the last event that has one."""

    kind: ClassVar[str] = "last"
    argument: EventValue = Field(alias="last")


class Distinct(OverValues):
    """How many different values; exact up to ``at_most``."""

    kind: ClassVar[str] = "distinct"
    argument: EventValue = Field(alias="distinct")
    at_most: Annotated[int, whole(1, BOUNDS["distinct"][1])] = BOUNDS["distinct"][0]


class Recent(OverValues):
    """The values of the last events that have one, the newest last."""

    kind: ClassVar[str] = "recent"
    argument: EventValue = Field(alias="recent")
    at_most: Annotated[int, whole(1, BOUNDS["recent"][1])] = BOUNDS["recent"][0]


COLLECT_KINDS: Mapping[str, type[Measure]] = {
    model.kind: model
    for model in (Count, Sum, Min, Max, Mean, First, Last, LatestTime, Distinct, Recent)
}


def kinds_in(spec: Mapping[str, object], kinds: Mapping[str, type[Measure]]) -> list[str]:
    """Give the keys of a spec that say what is kept; exactly one is right."""
    return [key for key in spec if key in kinds]


def one_kind(kinds: Mapping[str, type[Measure]]) -> Callable[[object], object]:
    """Make the validator of a mapping that has exactly one of the kinds as a key."""
    others = {key for model in kinds.values() for key in keys_of(model)} - set(kinds)

    def check(spec: object) -> object:
        what = f"exactly one of {', '.join(kinds)}"
        if not isinstance(spec, dict):
            raise expected(f"a mapping with {what}")
        found = kinds_in(spec, kinds)
        if len(found) > 1:
            raise expected(what, key=found[1])
        if not found:
            near = ((_meant(key, kinds), key) for key in spec if key not in others)
            name, key = next(((name, key) for name, key in near if name), (None, None))
            raise expected(what, near=name, key=key)
        return spec

    return check


def _meant(key: str, kinds: Mapping[str, type[Measure]]) -> str | None:
    """Give the kind that a key was probably meant to be: another word, or no space behind ``:``."""
    name, colon, value = key.partition(":")
    if colon and name in kinds:
        return f"{name}: {value.strip()}"
    return _ELSEWHERE.get(key.lower()) or nearest(key, kinds)


def keys_of(section: type[Section]) -> list[str]:
    """Give the keys of a section as they are written in the file."""
    return [field.alias or name for name, field in section.model_fields.items()]


def tag_of(kinds: Mapping[str, type[Measure]]) -> Discriminator:
    """Tell pydantic which model a spec is for; tags are in <> so that none is taken for a key."""

    def tag(spec: Any) -> str:
        return f"<{spec.kind}>" if isinstance(spec, Measure) else f"<{kinds_in(spec, kinds)[0]}>"

    return Discriminator(tag)


Collect = Annotated[
    Annotated[Count, Tag("<count>")]
    | Annotated[Sum, Tag("<sum>")]
    | Annotated[Min, Tag("<min>")]
    | Annotated[Max, Tag("<max>")]
    | Annotated[Mean, Tag("<mean>")]
    | Annotated[First, Tag("<first>")]
    | Annotated[Last, Tag("<last>")]
    | Annotated[LatestTime, Tag("<time>")]
    | Annotated[Distinct, Tag("<distinct>")]
    | Annotated[Recent, Tag("<recent>")],
    tag_of(COLLECT_KINDS),
    BeforeValidator(one_kind(COLLECT_KINDS)),
]
