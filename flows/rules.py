"""From the rules of a config to plans: where each value of a row comes from, and who looks at it.

A row's slots are the features in the order of the config, then what else segments, triggers and
models look at: traits and context (features too, of which nobody has to write the rule), the
session, the moment, the models' scores, the customers' file. Behind them stand the segments.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast, get_args

from config import (
    EVENT_SCOPE,
    Config,
    Decaying,
    Measure,
    Segment,
    Windowed,
    definition,
    in_order,
    known_value,
    rule_version,
    scope_of,
)
from expressions import Scope, Tree, Type, check, names
from flows.models import model_plans, score_slots
from flows.triggers import trigger_plans, used_by_triggers
from operators.features.kinds import KINDS
from operators.features.plan import FeaturePlan, PeriodName, WindowPlan
from operators.models.plan import ModelPlan
from operators.plans import (
    ClockSlot,
    RowPlan,
    SegmentPlan,
    SessionField,
    SessionSlot,
    SlotPlan,
    TriggerPlan,
)

_PERIODS: Mapping[str, PeriodName] = {"1h": "hour", "1d": "day", "1w": "week"}
_CLOCK: Mapping[str, ClockSlot] = {f"context.{each}": each for each in get_args(ClockSlot)}
_SESSION = "session."
_SEGMENT = "segment."
_ATTRIBUTE = "attribute."
_DIGITS = 16


@dataclass(frozen=True)
class Rules:
    """What a config's features, segments, models and triggers come to.

    Attributes:
        collect: what sessions collect for their records.
        session_features: what sessions keep for rows alone.
        row: where the values of rows come from.
        slots: the same slots by name, for whoever looks at rows, and those of the attributes.
        segments: each after those that it looks at.
        triggers: in the order of the config.
        attributes: the columns of the customers' file that segments and triggers look at.
        models: in the order of the config.
    """

    collect: tuple[FeaturePlan, ...]
    session_features: tuple[FeaturePlan, ...]
    row: RowPlan
    slots: tuple[SlotPlan, ...]
    segments: tuple[SegmentPlan, ...]
    triggers: tuple[TriggerPlan, ...]
    attributes: tuple[str, ...]
    models: tuple[ModelPlan, ...]


def compile_rules(config: Config) -> Rules:
    """Compile what a config says of features, segments, models and triggers."""
    collect = collect_plans(config)
    features = [_feature(name, spec) for name, spec in config.features.items()]
    in_session = tuple(each for each in features if each.window.kind == "session")
    trees = _conditions(config)
    triggers = trigger_plans(config)
    models = model_plans(config)
    used = _used_names(config, trees, triggers, models)
    of_profile = [each for each in features if each.window.kind != "session"]
    of_profile += [_feature(name, known_value(name)) for name in used if _is_known_value(name)]
    of_session = [name for name in used if name.startswith(_SESSION)]
    collected = {f"{_SESSION}{each.name}": each for each in collect}
    names_in_session = [each.name for each in in_session]
    kept = [*collected, *names_in_session]
    clock = [name for name in used if name in _CLOCK]
    attributes = [name for name in used if name.startswith(_ATTRIBUTE)]
    seen = (
        *(_slot(each) for each in of_profile),
        *(_slot(each) for each in in_session),
        *(_slot_of_session(name, collected) for name in of_session),
        *(SlotPlan(name, None, name) for name in clock),
    )
    models = tuple(_defined(each, seen) for each in models)
    slots = (
        *seen,
        *score_slots(models),
        *(SlotPlan(name, None, _attribute_definition(config, name)) for name in attributes),
    )
    return Rules(
        collect=collect,
        session_features=in_session,
        row=RowPlan(
            features=tuple(of_profile),
            session=tuple(_session_slot(name, kept) for name in (*names_in_session, *of_session)),
            clock=tuple(_CLOCK[name] for name in clock),
        ),
        slots=slots,
        segments=tuple(_segments(config, trees, slots)),
        triggers=triggers,
        attributes=tuple(name.removeprefix(_ATTRIBUTE) for name in attributes),
        models=models,
    )


def collect_plans(config: Config) -> tuple[FeaturePlan, ...]:
    """Compile what the config's sessions collect."""
    return tuple(_feature(name, spec) for name, spec in config.session.collect.items())


def _feature(name: str, spec: Measure) -> FeaturePlan:
    value = spec.value and _checked(spec.value, EVENT_SCOPE)
    where = spec.where and _checked(spec.where, EVENT_SCOPE, Type.BOOLEAN)
    return FeaturePlan(
        name=name,
        kind=spec.kind,
        window=_window(spec),
        of=spec.event,
        at_most=spec.bound,
        definition=definition(spec),
        value=value,
        where=where,
        each=_array([tree for tree in (value, where) if tree]),
    )


def _window(spec: Measure) -> WindowPlan:
    if isinstance(spec, Windowed):
        if spec.over_ms:
            assert spec.pane_ms, "it has a default"
            return WindowPlan("sliding", size_ms=spec.over_ms, pane_ms=spec.pane_ms)
        if spec.per:
            assert spec.zone, "it has a default"
            return WindowPlan("tumbling", zone=spec.zone, period=_PERIODS[spec.per])
        if spec.within:
            return WindowPlan("session")
        if spec.since:
            return WindowPlan("since", event=spec.since)
        if isinstance(spec, Decaying) and spec.half_life_ms:
            return WindowPlan("decay", size_ms=spec.half_life_ms)
    return WindowPlan("all")


def _array(trees: Sequence[Tree]) -> tuple[str, ...]:
    """Give the path of the one array that the names of a feature lead into: its items' fields."""
    for tree in trees:
        for name in names(tree):
            array, is_of_items, _ = name.partition("[]")
            if is_of_items:
                return (*array.removeprefix("event.").split(".")[:-1], f"{array.split('.')[-1]}[]")
    return ()


def _checked(tree: Tree, scope: Scope, expected: Type | None = None) -> Tree:
    checked = check(tree, scope, expected)
    assert not checked.problems, "checked when the config was loaded"
    return checked.tree


def _conditions(config: Config) -> dict[str, tuple[Tree, Tree | None]]:
    """Give the conditions of entering and of leaving of each segment."""
    scope = scope_of(config)
    result = {}
    for name, segment in config.segments.items():
        enter = segment.when or segment.enter
        assert enter, "checked when the config was loaded"
        leave = segment.leave and _checked(segment.leave, scope, Type.BOOLEAN)
        result[name] = (_checked(enter, scope, Type.BOOLEAN), leave)
    return result


def _uses(trees: tuple[Tree, Tree | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for tree in trees if tree for name in names(tree)))


def _used_names(
    config: Config,
    trees: Mapping[str, tuple[Tree, Tree | None]],
    triggers: Sequence[TriggerPlan],
    models: Sequence[ModelPlan],
) -> list[str]:
    """Give what rules and models look at besides features and segments, by name."""
    used = {name for each in trees.values() for name in _uses(each)}
    used |= used_by_triggers(config, triggers)
    used |= {each.name for model in models for each in model.inputs}
    return sorted(n for n in used if n not in config.features and not n.startswith(_SEGMENT))


def _is_known_value(name: str) -> bool:
    return name.startswith(("trait.", "context.")) and name not in _CLOCK


def _session_slot(name: str, kept: Sequence[str]) -> SessionSlot:
    """Say where a value of the session comes from, among all that is kept with it."""
    if name in kept:
        return SessionSlot("value", kept.index(name))
    return SessionSlot(cast("SessionField", name.removeprefix(_SESSION)))


def _slot(plan: FeaturePlan) -> SlotPlan:
    return SlotPlan(plan.name, KINDS[plan.kind].empty, plan.definition)


def _slot_of_session(name: str, collected: Mapping[str, FeaturePlan]) -> SlotPlan:
    return SlotPlan(name, None, collected[name].definition if name in collected else name)


def _attribute_definition(config: Config, name: str) -> str:
    assert config.attributes, "checked when the config was loaded"
    return f"{name} {config.attributes.columns[name.removeprefix(_ATTRIBUTE)]}"


def _defined(model: ModelPlan, slots: Sequence[SlotPlan]) -> ModelPlan:
    """Give a model the definition by which it learns."""
    definitions = {each.name: each.definition for each in slots}
    seen = {each.name: definitions[each.name] for each in model.inputs}
    return replace(model, definition=_digest(model.version, seen))


def _segments(
    config: Config,
    trees: Mapping[str, tuple[Tree, Tree | None]],
    slots: Sequence[SlotPlan],
) -> Iterator[SegmentPlan]:
    """Give the plans of the segments, each after those that it looks at."""
    definitions = {each.name: each.definition for each in slots}
    uses = {name: _uses(each) for name, each in trees.items()}
    named = {
        name: [each.removeprefix(_SEGMENT) for each in used if each.startswith(_SEGMENT)]
        for name, used in uses.items()
    }
    for name in in_order(named):
        segment = config.segments[name]
        seen = {each: definitions[each] for each in uses[name]}
        definitions[f"{_SEGMENT}{name}"] = _digest(rule_version(segment), seen)
        yield _segment(name, segment, trees[name], definitions[f"{_SEGMENT}{name}"])


def _segment(
    name: str, segment: Segment, trees: tuple[Tree, Tree | None], definition_: str
) -> SegmentPlan:
    enter, leave = trees
    return SegmentPlan(
        name=name,
        version=rule_version(segment),
        definition=definition_,
        enter=enter,
        leave=leave,
        for_ms=segment.for_ms,
        hold_ms=segment.hold_ms,
        uses=_uses(trees),
    )


def _digest(version: str, seen: Mapping[str, str]) -> str:
    """Make a short text of a segment's version and the definitions of all that it looks at."""
    text = json.dumps([version, seen], sort_keys=True)
    return f"{version} {hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]}"
