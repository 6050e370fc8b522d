"""From the models of a config to plans."""

from config import Config, Model, rule_version, scope_of
from expressions import Scope, Type
from operators.models.plan import InputKind, InputPlan, ModelPlan, TargetPlan
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
    """Give the slots of rows that hold scores: a shadow has none (M8).

    A model of another definition scores differently, so what the one before has said is forgotten.
    """
    return tuple(
        SlotPlan(f"{SCORE}{each.name}", None, f"{SCORE}{each.name} {each.definition}")
        for each in models
        if not each.is_shadow
    )


def _model(name: str, model: Model, scope: Scope) -> ModelPlan:
    return ModelPlan(
        name=name,
        version=rule_version(model),
        kind=model.kind,
        target=TargetPlan(
            event=model.event,
            is_absence=model.is_absence,
            within_ms=model.within_ms,
            value=tuple(model.path.split(".")) if model.path else (),
        ),
        inputs=tuple(InputPlan(each, _input_kind(each, scope)) for each in model.inputs),
        parameters=model.told_parameters,
        at=model.at,
        step_ms=model.step_ms,
        moves=model.moves,
        is_shadow=model.shadow,
        calibrate=model.calibrate,
        threshold=model.threshold,
    )


def _input_kind(name: str, scope: Scope) -> InputKind:
    kind = scope.resolve(name)
    assert kind in _KINDS, "checked when the config was loaded"
    return _KINDS[kind]
