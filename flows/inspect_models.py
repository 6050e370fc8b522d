"""Looks at what models have learned, and how good they are, also while a run goes on.

What is read is the committed version of each model's store. It is changed by nothing here.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from math import isfinite, log
from typing import Any

import msgspec

from config import Config, PredictingModel, format_duration
from flows.drift_report import DriftReport, drift_report
from flows.explanation import Explanation
from flows.inspect_rfm import RfmReport, rfm_report
from flows.inspect_state import inspect_state
from flows.model_files import KEYS, open_learned, read_model, told_of
from operators.consent_plan import NO_PURPOSE
from operators.models.learner import Learner
from operators.models.parts import Value
from operators.models.plan import InputKind, ModelPlan
from operators.models.rfm import Rfm
from operators.models.store import ModelStateError
from operators.plans import DecidePlan
from operators.rows import READ
from operators.times import AFTER_ALL, BEFORE_ALL, EventTime, format_time, parse_time
from state.folder import StateFolder
from state.reading import bytes_on_disk

MOST_IMPORTANT = 20
"""How many weights are told of."""

_DECIMALS = 6


class LearnedReport(msgspec.Struct, frozen=True):
    """What a model has learned from.

    Attributes:
        pairs: how many outcomes of moments that it had scored.
        positives: of how many the event came (or, for ``no``, did not), None for sums.
        until: all that was known before this time is learned; None before the first, and after a
            replay that has told everything (``--close``).
    """

    pairs: int
    positives: int | None
    until: str | None


class ModelReport(msgspec.Struct, frozen=True):
    """One model.

    Attributes:
        kind: what learns.
        version: of its definition.
        predicts: as the config has it.
        within: likewise.
        at: the events that are its moments, empty for every event.
        inputs: what it looks at, each with how.
        shadow: whether it steers nothing.
        calibrate: whether its scores are made to fit.
        store: the committed version of what it has learned, None where there is none yet.
        bytes: of its folder.
        learned: from how much.
        learned_bytes: what was learned takes; it is in memory, and written at each commit.
        quality: of the scores that were given, as ``Watch.report`` has it.
        drift: the changes that were told.
        importance: the greatest weights (either way), by name; empty for kinds that cannot say.
        scores: how many were written, None while a run goes on, and before the first run.
        errors: how many moments had no score and examples were left out, likewise.
    """

    kind: str
    version: str
    predicts: str
    within: str
    at: list[str]
    inputs: dict[str, InputKind]
    shadow: bool
    calibrate: bool
    store: str | None
    bytes: int
    learned: LearnedReport
    learned_bytes: int
    quality: dict[str, Any]
    drift: DriftReport
    importance: dict[str, float]
    scores: int | None
    errors: int | None


class InputExplained(msgspec.Struct, frozen=True):
    """What a model sees of a customer, and what it adds to the log-odds of the score.

    Attributes:
        value: None is missing; of a time the seconds since then, of an instant the text.
        adds: None for kinds that cannot say.
        tier: of rfm models: 1 to 5, None where it is missing.
    """

    value: Value
    adds: float | None
    tier: int | msgspec.UnsetType | None = msgspec.UNSET


class ScoreExplained(msgspec.Struct, frozen=True):
    """What a model says of a customer.

    Attributes:
        score: the last that it gave, by which rules go; None before the first, and in the shadow.
        now: what it would say of the customer's row as it is, with what it has learned; None where
            it cannot say.
        rest: what is added to the log-odds of ``now`` whatever the inputs.
        inputs: by name; their ``adds`` and ``rest`` add up to the log-odds of ``now``.
    """

    score: float | None
    now: float | None
    rest: float | None
    inputs: dict[str, InputExplained]


def inspect_models(
    folder: StateFolder,
    config: Config,
    plans: Iterable[ModelPlan],
    threshold: float | None = None,
) -> dict[str, ModelReport | RfmReport]:
    """Look at models.

    Args:
        folder: the state.
        config: that the plans were made from.
        plans: the models.
        threshold: from which score on an event counts as predicted, None for each one's own.

    Raises:
        StateError: the state cannot be read.
        ModelStateError: a model has learned by another definition, or with other libraries.
    """
    progress = inspect_state(folder).progress if folder.exists() else None
    counts = progress.counts if progress else None
    found: dict[str, ModelReport | RfmReport] = {}
    for plan in plans:
        model = config.models[plan.name]
        if isinstance(model, PredictingModel):
            found[plan.name] = _report(folder, model, plan, threshold, counts)
        else:
            found[plan.name] = rfm_report(folder, plan, counts)
    return found


def explain_scores(
    folder: StateFolder, plan: DecidePlan, explanation: Explanation
) -> dict[str, ScoreExplained]:
    """Say what models say of a customer, and why.

    Args:
        folder: the state.
        plan: with the models; one that has learned by another definition says nothing, and one
            whose purpose the customer does not permit is left out.
        explanation: of the customer.

    Raises:
        StateError: the state cannot be read.
    """
    if explanation.time is None:
        return {}
    values = {name: each.value for name, each in explanation.features.items()}
    now = parse_time(explanation.time)
    return {
        model.name: _explained(folder, model, values, now)
        for model in plan.models
        if all(explanation.consent[each].permitted for each in _needed(plan, model))
    }


def _needed(plan: DecidePlan, model: ModelPlan) -> set[str]:
    """Name the purposes without which a model scores nobody."""
    if plan.consent is None:
        return set()
    of_model = plan.consent.models.get(model.name, NO_PURPOSE)
    return {plan.consent.profiling, of_model} - {NO_PURPOSE}


def _report(
    folder: StateFolder,
    model: PredictingModel,
    plan: ModelPlan,
    threshold: float | None,
    counts: Mapping[str, int] | None,
) -> ModelReport:
    version, found = read_model(folder, plan)
    opened = open_learned(found, plan)
    quality: dict[str, Any] = opened.watch.report(
        plan.threshold if threshold is None else threshold
    )
    importance = islice(opened.learner.importance().items(), MOST_IMPORTANT)
    return ModelReport(
        kind=plan.kind,
        version=plan.version,
        predicts=_predicts(model),
        within="session" if model.within_ms is None else format_duration(model.within_ms),
        at=list(plan.at),
        inputs={each.name: each.kind for each in plan.inputs},
        shadow=plan.is_shadow,
        calibrate=plan.calibrate,
        store=version or None,
        bytes=bytes_on_disk(folder.model(plan.name)),
        learned=_learned(quality["all_time"], opened.learned_until),
        learned_bytes=sum(len(found[key]) for key in KEYS.values() if key in found),
        quality=quality,
        drift=drift_report(told_of(found, plan)),
        importance={name: round(each, _DECIMALS) for name, each in importance},
        scores=None if counts is None else counts.get(f"scores {plan.name}", 0),
        errors=None if counts is None else counts.get(f"model errors {plan.name}", 0),
    )


def _predicts(model: PredictingModel) -> str:
    """Say what a model predicts, as the config has it."""
    if model.path:
        return f"the sum of {model.path} of {model.event}"
    return f"no {model.event}" if model.is_absence else model.event


def _learned(figures: Mapping[str, Any], until: EventTime) -> LearnedReport:
    positives = None
    if "true_positives" in figures:
        positives = figures["true_positives"] + figures["false_negatives"]
    is_time = until not in (BEFORE_ALL, AFTER_ALL)
    return LearnedReport(figures["n"], positives, format_time(until) if is_time else None)


def _explained(
    folder: StateFolder, plan: ModelPlan, values: Mapping[str, Any], now: EventTime
) -> ScoreExplained:
    row = [_seen(values.get(each.name), each.kind, now) for each in plan.inputs]
    learner = _learner(folder, plan)
    said, adds = _said(learner, row) if learner else (None, None)
    if not plan.predicts:
        tiers = learner.tiers(row) if isinstance(learner, Rfm) else [None] * len(row)
        return ScoreExplained(
            score=values.get(f"score.{plan.name}"),
            now=None if said is None else round(said, _DECIMALS),
            rest=None,
            inputs={
                each.name: InputExplained(values.get(each.name), None, tier)
                for each, tier in zip(plan.inputs, tiers, strict=True)
            },
        )
    return ScoreExplained(
        score=values.get(f"score.{plan.name}"),
        now=None if said is None else round(said, _DECIMALS),
        rest=_rest(said, adds),
        inputs={
            each.name: InputExplained(value, round(adds[each.name], _DECIMALS) if adds else None)
            for each, value in zip(plan.inputs, row, strict=True)
        },
    )


def _learner(folder: StateFolder, plan: ModelPlan) -> Learner | None:
    """Open what a model has learned; None where the next run will refuse it."""
    try:
        _, found = read_model(folder, plan)
        return open_learned(found, plan).learner
    except ModelStateError:  # all else can be explained
        return None


def _said(learner: Learner, row: Sequence[Value]) -> tuple[float | None, dict[str, float] | None]:
    """Return what a model would say of a row, and what each input adds; None where it cannot."""
    try:
        (score,) = learner.predict([row])
        return (score, learner.contributions(row)) if isfinite(score) else (None, None)
    except Exception:  # noqa: BLE001 (whatever a kind of model raises)
        return None, None


def _seen(value: Any, kind: InputKind, now: EventTime) -> Value:
    """Return what a model sees of a value of an explanation, where times are texts."""
    is_time = kind in {"time", "instant"} and value is not None
    return READ[kind](parse_time(value) if is_time else value, now)


def _rest(score: float | None, adds: Mapping[str, float] | None) -> float | None:
    """Return what the inputs do not add to a score's log-odds."""
    if score is None or adds is None or not 0 < score < 1:
        return None
    return round(log(score / (1 - score)) - sum(adds.values()), _DECIMALS)
