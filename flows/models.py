"""From the models of a config to plans."""

from dataclasses import replace

from config import Config, Model, PredictingModel, rule_version, scope_of
from expressions import Scope, Type
from operators.models.plan import NOTHING, InputKind, InputPlan, ModelPlan, TargetPlan
from operators.models.rfm import PARTS
from operators.plans import SlotPlan

SCORE = "score."

_KINDS: dict[Type, InputKind] = {
    Type.NUMBER: "number",
    Type.DURATION: "number",
    Type.TIME: "time",
    Type.BOOLEAN: "boolean",
    Type.TEXT: "category",
    Type.ANY: "category",
}
"""How a model looks at values; what may hold anything counts as the text that it holds."""


def model_plans(config: Config) -> tuple[ModelPlan, ...]:
    """Compile the models of a config, in its order."""
    scope = scope_of(config)
    return tuple(_model(name, each, scope) for name, each in config.models.items())


def score_slots(models: tuple[ModelPlan, ...]) -> tuple[SlotPlan, ...]:
    """Give the slots of rows that hold scores, and the tiers behind theirs: a shadow has none (M8).

    A model of another definition scores differently, so what the one before has said is forgotten.
    """
    return tuple(
        SlotPlan(name, None, f"{name} {each.definition}")
        for each in models
        if not each.is_shadow
        for name in _names(each)
    )


def _names(model: ModelPlan) -> list[str]:
    name = f"{SCORE}{model.name}"
    return [name] if model.predicts else [name, *(f"{name}.{part}" for part in PARTS)]


def _model(name: str, model: Model, scope: Scope) -> ModelPlan:
    plan = ModelPlan(
        name=name,
        version=rule_version(model),
        kind=model.kind,
        target=NOTHING,
        inputs=(),
        parameters=model.told_parameters,
        at=model.at,
        step_ms=model.step_ms,
        moves=model.moves,
        is_shadow=model.shadow,
    )
    if not isinstance(model, PredictingModel):
        kinds: list[InputKind] = ["instant", "number", "number"]
        pairs = zip(model.looks_at, kinds, strict=True)
        return replace(plan, inputs=tuple(InputPlan(each, kind) for each, kind in pairs))
    return replace(
        plan,
        target=TargetPlan(
            event=model.event,
            is_absence=model.is_absence,
            within_ms=model.within_ms,
            value=tuple(model.path.split(".")) if model.path else (),
        ),
        inputs=tuple(InputPlan(each, _input_kind(each, scope)) for each in model.inputs),
        calibrate=model.calibrate,
        threshold=model.threshold,
    )


def _input_kind(name: str, scope: Scope) -> InputKind:
    kind = scope.resolve(name)
    assert kind in _KINDS, "checked when the config was loaded"
    return _KINDS[kind]
