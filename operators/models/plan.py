"""A model as its steps read it, compiled from the config."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

InputKind = Literal["number", "time", "instant", "boolean", "category"]


@dataclass(frozen=True)
class InputPlan:
    """One value of a customer that a model looks at.

    Attributes:
        name: as rules name it: ``views_1h``, ``session.views``, ``device``.
        kind: how it is looked at. Of a time a model sees how long ago it was, in seconds; of an
            instant when it was, in ms.
    """

    name: str
    kind: InputKind


@dataclass(frozen=True)
class TargetPlan:
    """What a model predicts.

    Attributes:
        event: the name of the event that is looked for after the moment.
        is_absence: whether the prediction is that it does not come.
        within_ms: how long after the moment it counts, None for the rest of the session.
        value: the field whose sum over these events is predicted, empty where it is whether
            one comes.
    """

    event: str
    is_absence: bool
    within_ms: int | None
    value: tuple[str, ...] = ()


NOTHING = TargetPlan("", is_absence=False, within_ms=None)
"""The target of a model that predicts nothing; no event has this name."""


@dataclass(frozen=True)
class ModelPlan:
    """One model.

    Attributes:
        name: of the model.
        version: of its definition, as rules have one (T10).
        kind: ``logistic_regression``, ``baseline``, ``rfm``, or a class of River by its dotted
            name.
        parameters: of that kind.
        target: what it predicts, NOTHING for one that learns what customers are like.
        at: the names of the events that are its moments, empty for every event.
        inputs: what it looks at, in the order of the config.
        step_ms: outcomes are learned once the watermark is past such a stretch of event time.
        moves: a score is written when it differs by more from the last written; None for each.
        is_shadow: whether it steers nothing.
        calibrate: whether its scores are made to fit the rate at which the event came.
        threshold: at which score its metrics take the event for predicted.
        definition: text that changes when what it has learned is of no use any more: its version,
            and the definitions of its inputs.
    """

    name: str
    version: str
    kind: str
    target: TargetPlan
    inputs: tuple[InputPlan, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    at: tuple[str, ...] = ()
    step_ms: int = 60_000
    moves: float | None = None
    is_shadow: bool = False
    calibrate: bool = False
    threshold: float = 0.5
    definition: str = ""

    @property
    def predicts(self) -> bool:
        """Whether it waits for what becomes of its moments; else it counts each customer once."""
        return self.target != NOTHING
