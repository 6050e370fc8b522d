"""What ``models:`` may say: what is predicted from what, and how the model learns.

One section for each group of kinds. What must hold between several keys, and what River says of
its classes, is in ``model_checks``.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from config.forms import TEXT
from config.model_values import (
    BASELINE,
    LOGISTIC,
    MOMENTS,
    RFM,
    RFM_PARTS,
    BaselineKind,
    EventOrNone,
    LogisticKind,
    Moves,
    OneEvent,
    Parameter,
    Penalty,
    Rate,
    RfmKind,
    RiverKind,
    Share,
    StepMs,
    Weight,
    Within,
    predicted,
)
from config.occurrences import Brief
from config.section import Section
from config.values import Identifier, PropertyPath, Yes, expected, one_of, read_by, whole

MOST_MODELS = 50
MOST_INPUTS = 100
MOST_EVENTS = 100
MOST_PARAMETERS = 50

_WORD, _MAPPING = "<word>", "<mapping>"
"""Tags of the two ways of writing; in <> so that none is taken for a key."""


def _name(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise expected("a name such as views_1h or session.duration")
    return str(value)


OneInput = Annotated[str, read_by(_name, TEXT)]


class SumTarget(Section):
    """The sum of a number over the events of one name."""

    path: PropertyPath = Field(alias="sum")
    """Where in the event the number stands."""
    event: OneEvent = Field(alias="of")
    """The events' name."""


class Moving(Section):
    """Only scores that moved are written."""

    moves: Moves
    """By more than this, since the last that was written."""


class ClassWeight(Section):
    """How much examples count."""

    positive: Weight
    """An example in which the event came; one in which it did not counts 1."""


class LogisticParameters(Brief):
    """How a logistic regression learns."""

    learning_rate: Rate = 0.01
    """How far one example moves the weights."""
    l1: Penalty = 0.0
    """How strongly weights are pulled to exactly 0."""
    l2: Penalty = 0.0
    """How strongly weights are kept small."""
    class_weight: ClassWeight = ClassWeight(positive=1.0)
    """How much the rarer outcome counts."""
    categories: Annotated[Literal["one_hot", "hashed"], one_of("one_hot", "hashed")] = "one_hot"
    """Whether each category has its own weight, or shares one with all of the same hash."""
    at_most: Annotated[int, whole(1, 100_000)] = 1_000
    """How many weights the categories of one input have at most."""


class RfmInputs(Section):
    """What customers are held against each other by."""

    recency: OneInput
    """A time: of the last order."""
    frequency: OneInput
    """A number: how many orders."""
    monetary: OneInput
    """A number: what was spent."""


_NAMES = Annotated[list[TEXT], Field(min_length=1)]


def _form(value: object) -> str:
    return _WORD if isinstance(value, str) else _MAPPING


def _word_or_mapping(what: str) -> BeforeValidator:
    """Refuse what is neither a text nor a mapping."""

    def read(value: object) -> object:
        if not isinstance(value, str | dict | Section):
            raise expected(what)
        return value

    return BeforeValidator(read)


def _list(value: object) -> object:
    if not isinstance(value, list | tuple):
        raise expected("a list of names")
    if not value:
        raise expected("at least one name")
    return value


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))


Predicts = Annotated[
    Annotated[EventOrNone, Tag(_WORD)] | Annotated[SumTarget, Tag(_MAPPING)],
    Discriminator(_form),
    _word_or_mapping("an event's name, no and an event's name, or {sum: FIELD, of: EVENT}"),
]
Emit = Annotated[
    Annotated[str, one_of(MOMENTS), Tag(_WORD)] | Annotated[Moving, Tag(_MAPPING)],
    Discriminator(_form),
    _word_or_mapping("moments or {moves: NUMBER}"),
]
Events = Annotated[
    tuple[OneEvent, ...],
    Field(max_length=MOST_EVENTS),
    BeforeValidator(_list, json_schema_input_type=_NAMES),
    AfterValidator(_sorted),
]
"""Sorted, each once."""
Inputs = Annotated[
    tuple[OneInput, ...],
    Field(max_length=MOST_INPUTS),
    BeforeValidator(_list, json_schema_input_type=_NAMES),
]


class Model(Brief):
    """Base of all models.

    How the scores are used is no part of the definition (``exclude``): so a model that leaves the
    shadow, or is written less often, keeps its version and with it what it has learned.
    """

    kind: str
    """What learns."""
    at: Events = ()
    """The events at which it scores; without it every event."""
    step_ms: StepMs = Field(60_000, alias="step")
    """In which steps of event time it learns."""
    emit: Emit = Field(MOMENTS, exclude=True)
    """Which scores are written."""
    shadow: Yes = Field(False, exclude=True)
    """Whether it steers nothing."""

    @property
    def looks_at(self) -> tuple[str, ...]:
        """The names of its inputs, in their order."""
        return ()

    @property
    def moves(self) -> float | None:
        """By how much more than this a score has to move to be written, None for each."""
        return self.emit.moves if isinstance(self.emit, Moving) else None

    @property
    def told_parameters(self) -> Mapping[str, Any]:
        """The parameters of its kind, with every default that is cartwheel's own."""
        return {}


class PredictingModel(Model):
    """Base of those that learn what becomes of their moments."""

    predicts: Predicts
    """What comes: an event, ``no`` event of a name, or the sum of a number of such events."""
    within_ms: Within = Field(alias="within")
    """How long after the moment it counts: a duration, or the rest of the session."""
    inputs: Inputs = Field((), alias="from")
    """What it looks at."""
    threshold: Share = Field(0.5, exclude=True)
    """From which score on its metrics take the event for predicted."""
    calibrate: Yes = False
    """Whether its scores are made to fit how often the event came."""

    @property
    def looks_at(self) -> tuple[str, ...]:
        """As given."""
        return self.inputs

    @property
    def event(self) -> str:
        """The event that it waits for."""
        predicts = self.predicts
        return predicts.event if isinstance(predicts, SumTarget) else predicted(predicts)[0]

    @property
    def is_absence(self) -> bool:
        """Whether the prediction is that the event does not come."""
        return isinstance(self.predicts, str) and predicted(self.predicts)[1]

    @property
    def path(self) -> str:
        """Where the number stands whose sum is predicted, empty where it is whether one comes."""
        return self.predicts.path if isinstance(self.predicts, SumTarget) else ""


class BaselineModel(PredictingModel):
    """The rate so far, or the mean so far; it looks at nothing."""

    kind: BaselineKind


class LogisticModel(PredictingModel):
    """A logistic regression that learns from each outcome."""

    kind: LogisticKind
    parameters: LogisticParameters = LogisticParameters()
    """How it learns."""
    inputs: Inputs = Field(alias="from")
    """What it looks at."""

    @property
    def told_parameters(self) -> Mapping[str, Any]:
        """All of ``LogisticParameters``, the class weights as a mapping."""
        told = {name: getattr(self.parameters, name) for name in LogisticParameters.model_fields}
        return told | {"class_weight": {"positive": self.parameters.class_weight.positive}}


class RfmModel(Model):
    """Tiers of how recently, how often and for how much customers have bought."""

    kind: RfmKind
    parts: RfmInputs = Field(alias="from")
    """What it looks at."""

    @property
    def looks_at(self) -> tuple[str, ...]:
        """In the order of RFM_PARTS."""
        return tuple(getattr(self.parts, part) for part in RFM_PARTS)


class RiverModel(PredictingModel):
    """A classifier or a regressor of River."""

    kind: RiverKind
    parameters: Mapping[str, Parameter] = Field({}, max_length=MOST_PARAMETERS)
    """Of the class."""
    at: Events
    """The events at which it scores; such kinds are too slow for every event."""
    inputs: Inputs = Field(alias="from")
    """What it looks at."""

    @property
    def told_parameters(self) -> Mapping[str, Any]:
        """As given."""
        return self.parameters


MODEL_KINDS: Mapping[str, type[Model]] = {
    "<logistic_regression>": LogisticModel,
    "<baseline>": BaselineModel,
    "<rfm>": RfmModel,
    "<river>": RiverModel,
}


def _tag(value: Any) -> str:
    """Tell which section a model is; a kind that reads like none is said in the first."""
    if isinstance(value, Model):
        return next(tag for tag, kind in MODEL_KINDS.items() if isinstance(value, kind))
    kind = value.get("kind")
    if kind in (BASELINE, RFM):
        return f"<{kind}>"
    is_dotted = isinstance(kind, str) and "." in kind
    return "<river>" if is_dotted else f"<{LOGISTIC}>"


def _mapping(value: object) -> object:
    if not isinstance(value, dict | Model):
        raise expected("a mapping with kind, predicts, within and from")
    return value


AnyModel = Annotated[
    Annotated[LogisticModel, Tag("<logistic_regression>")]
    | Annotated[BaselineModel, Tag("<baseline>")]
    | Annotated[RfmModel, Tag("<rfm>")]
    | Annotated[RiverModel, Tag("<river>")],
    Discriminator(_tag),
    BeforeValidator(_mapping),
]
Models = Annotated[Mapping[Identifier, AnyModel], Field(max_length=MOST_MODELS)]
