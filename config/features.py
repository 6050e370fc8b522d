"""What ``features:``, ``segments:`` and ``attributes:`` may say: models, with every default.

A feature is a kind of ``measures`` and a window, which says what of the past counts. Rules over
several keys are in ``rule_checks``, those about the names in expressions in ``name_checks``.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, ConfigDict, Field, Tag

from config.forms import DURATION, TEXT
from config.measures import (
    Count,
    Distinct,
    First,
    Last,
    LatestTime,
    Max,
    Mean,
    Measure,
    Min,
    Recent,
    Sum,
    one_kind,
    tag_of,
)
from config.section import Section
from config.values import (
    AnyEvent,
    ColumnName,
    DurationMs,
    EventName,
    FilePath,
    GapMs,
    HalfLifeMs,
    HeaderName,
    OverMs,
    expected,
    given,
    one_of,
)
from config.written import Condition
from expressions import normalized

USUAL_PANES = 60
PANES = (60, 1_440)
"""The fewest and the most panes of a sliding window."""
PERIODS_MS = {"1h": 3_600_000, "1d": 86_400_000, "1w": 604_800_000}
WINDOW_KEYS = ("over", "per", "within", "since", "half_life")
"""At most one of them may be given; without any, all time counts."""

Zone = Literal["utc", "customer"]


def usual_pane_ms(over_ms: int) -> int:
    """Give the pane of a window whose rule names none: 60 to the window, seldom one more."""
    return max(1, over_ms // USUAL_PANES)


def _usual_pane_ms(validated: Mapping[str, Any]) -> int | None:
    over_ms = validated.get("over_ms")
    return over_ms and usual_pane_ms(over_ms)


def _usual_zone(validated: Mapping[str, Any]) -> Zone | None:
    return "customer" if validated.get("per") else None


class Rate(Measure):
    """How many events per day, since the customer was first seen."""

    kind: ClassVar[str] = "rate"
    event: AnyEvent = Field(alias="rate")


def _one_window(schema: dict[str, Any]) -> None:
    """Add to a JSON Schema that a feature has at most one window."""
    keys = [key for key in WINDOW_KEYS if key in schema["properties"]]
    schema["dependentSchemas"] = {
        key: {"properties": {other: False for other in keys if other != key}} for key in keys
    }
    schema["dependentRequired"] = {"pane": ["over"], "zone": ["per"]}


class Windowed(Measure):
    """Base of the features that may look at a part of the past."""

    model_config = ConfigDict(json_schema_extra=_one_window)

    over_ms: Annotated[OverMs | None, given("a duration such as 24h", DURATION)] = Field(
        None, alias="over"
    )
    """Only what is no older than this."""
    pane_ms: Annotated[GapMs | None, given("a duration such as 1m", DURATION)] = Field(
        default_factory=_usual_pane_ms, alias="pane"
    )
    """In which steps the window of ``over`` moves on."""
    per: Annotated[Literal["1h", "1d", "1w"] | None, one_of("1h", "1d", "1w")] = None
    """Only the current hour, day or week."""
    zone: Annotated[Zone | None, one_of("utc", "customer")] = Field(default_factory=_usual_zone)
    """Whose hours, days and weeks these are."""
    within: Annotated[Literal["session"] | None, one_of("session")] = None
    """Only the customer's current session."""
    since: Annotated[EventName | None, given("an event's name", TEXT)] = None
    """Only what came after the last event of this name."""


class Decaying(Windowed):
    """Base of the features whose values may fade."""

    half_life_ms: Annotated[HalfLifeMs | None, given("a duration such as 7d", DURATION)] = Field(
        None, alias="half_life"
    )
    """After how long a value counts half."""


class CountFeature(Count, Decaying):
    """How many events, or items of their arrays."""


class SumFeature(Sum, Decaying):
    """The sum of numbers."""


class MinFeature(Min, Windowed):
    """The least number."""


class MaxFeature(Max, Windowed):
    """The largest number."""


class MeanFeature(Mean, Windowed):
    """The mean of numbers."""


class FirstFeature(First, Windowed):
    """The value of the first event that has one."""


class LastFeature(Last, Windowed):
    """The value of the last event that has one."""


class TimeFeature(LatestTime, Windowed):
    """When the last event was."""


class DistinctFeature(Distinct, Windowed):
    """How many different values."""


class RecentFeature(Recent, Windowed):
    """The values of the last events that have one, the newest last."""


FEATURE_KINDS: Mapping[str, type[Measure]] = {
    model.kind: model
    for model in (
        *(CountFeature, SumFeature, MinFeature, MaxFeature, MeanFeature, FirstFeature),
        *(LastFeature, TimeFeature, Rate, DistinctFeature, RecentFeature),
    )
}

Feature = Annotated[
    Annotated[CountFeature, Tag("<count>")]
    | Annotated[SumFeature, Tag("<sum>")]
    | Annotated[MinFeature, Tag("<min>")]
    | Annotated[MaxFeature, Tag("<max>")]
    | Annotated[MeanFeature, Tag("<mean>")]
    | Annotated[FirstFeature, Tag("<first>")]
    | Annotated[LastFeature, Tag("<last>")]
    | Annotated[TimeFeature, Tag("<time>")]
    | Annotated[Rate, Tag("<rate>")]
    | Annotated[DistinctFeature, Tag("<distinct>")]
    | Annotated[RecentFeature, Tag("<recent>")],
    tag_of(FEATURE_KINDS),
    BeforeValidator(one_kind(FEATURE_KINDS)),
]


class Segment(Section):
    """A named group of customers: who meets a condition, with a delay if wanted."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["when"], "properties": {"enter": False, "leave": False}},
                {"required": ["enter", "leave"], "properties": {"when": False}},
            ]
        }
    )

    when: Annotated[Condition | None, given("a condition, as text", TEXT)] = None
    """Who is in it."""
    enter: Annotated[Condition | None, given("a condition, as text", TEXT)] = None
    """Who enters, where leaving has a condition of its own."""
    leave: Annotated[Condition | None, given("a condition, as text", TEXT)] = None
    """Who leaves."""
    for_ms: DurationMs = Field(0, alias="for")
    """How long the condition must have held before a customer enters."""
    hold_ms: DurationMs = Field(0, alias="hold")
    """How long a customer stays after leaving is due."""

    @property
    def written(self) -> Mapping[str, str]:
        """The one text of each condition, by its key."""
        told = {"when": self.when, "enter": self.enter, "leave": self.leave}
        return {key: normalized(tree) for key, tree in told.items() if tree}


def _when(value: object) -> object:
    if not isinstance(value, str | dict | Segment):
        raise expected("a condition, as text, or a mapping with when, or with enter and leave")
    return {"when": value} if isinstance(value, str) else value


SegmentOrCondition = Annotated[
    Segment, BeforeValidator(_when, json_schema_input_type=TEXT | Segment)
]
"""A condition may stand for the segment."""


class Attributes(Section):
    """A file of customers with columns that segments may look at."""

    file: FilePath
    customer: HeaderName
    """The column with the customers' ids."""
    columns: Annotated[
        Mapping[ColumnName, Annotated[str, one_of("text", "number", "true_false")]],
        Field(min_length=1, max_length=100),
    ]
    """What each column holds."""
