"""From the triggers of a config, and what holds for their messages, to plans."""

from collections.abc import Iterable, Iterator

from config import (
    EVENT_SCOPE,
    Cancel,
    Config,
    Limit,
    Start,
    Step,
    Template,
    Trigger,
    event_and_customer,
    rule_version,
    scope_of,
)
from expressions import Scope, Tree, Type, check, names
from expressions.templates import names_in
from operators.arbitration import ZONE
from operators.plans import (
    ALWAYS_MS,
    NEVER_MS,
    HoldoutPlan,
    LimitPlan,
    Occurrence,
    PayloadField,
    QuietPlan,
    StepPlan,
    TriggerPlan,
)

_TIMES = frozenset({Type.TIME, Type.DURATION})
"""What is kept in milliseconds and written in another way."""
_AGAIN = {"always": ALWAYS_MS, "never": NEVER_MS}


def trigger_plans(config: Config) -> tuple[TriggerPlan, ...]:
    """Compile the triggers of a config, in its order."""
    compiler = _Compiler(config)
    return tuple(compiler.trigger(name, each) for name, each in config.triggers.items())


def used_by_triggers(config: Config, triggers: Iterable[TriggerPlan]) -> set[str]:
    """Give the names of rows that triggers, limits and quiet hours look at; segments too.

    Args:
        config: what holds for all messages.
        triggers: its triggers, compiled.
    """
    used = {name for each in triggers for name in _used(each)}
    of_customers = {name for name in used if EVENT_SCOPE.resolve(name) is None}
    if config.triggers and _looks_at_zone(config):
        of_customers.add(ZONE)
    return of_customers


def limit_plans(config: Config) -> tuple[LimitPlan, ...]:
    """Compile how many messages a customer may get."""
    return tuple(_limit(each) for each in config.limits)


def quiet_plan(config: Config) -> QuietPlan | None:
    """Compile when no messages are sent."""
    quiet = config.quiet_hours
    if quiet is None:
        return None
    return QuietPlan(quiet.from_ms, quiet.to_ms, quiet.zone, hold=quiet.then == "hold")


def holdout_plan(config: Config) -> HoldoutPlan | None:
    """Compile which customers get no messages."""
    holdout = config.holdout
    if holdout is None:
        return None
    return HoldoutPlan(holdout.share_millionths, holdout.salt or config.name)


class _Compiler:
    """Compiles triggers with the names that one config has."""

    def __init__(self, config: Config) -> None:
        self._customer = scope_of(config)
        self._both = event_and_customer(self._customer)

    def trigger(self, name: str, trigger: Trigger) -> TriggerPlan:
        again = trigger.again
        return TriggerPlan(
            name=name,
            version=rule_version(trigger),
            on=self._start(trigger),
            key=tuple(trigger.key.split(".")) if trigger.key else (),
            steps=(
                self._step(trigger.after_ms, trigger, trigger),
                *(self._step(each.after_ms, each, trigger) for each in trigger.then),
            ),
            again_ms=_AGAIN[again] if isinstance(again, str) else again,
            restart=trigger.restart,
            enabled=trigger.enabled,
            priority=trigger.priority,
            tags=trigger.tags,
            expires_ms=trigger.expires_ms,
            retract_ms=trigger.retract_ms,
        )

    def _start(self, trigger: Trigger) -> Occurrence:
        on = trigger.on
        if isinstance(on, Start):
            where = trigger.where and _condition(trigger.where, self._customer)
            if on.session:
                return Occurrence("session", where=where)
            return _of_segment(on.enter, on.leave, where)
        where = trigger.where and _condition(trigger.where, self._both)
        return Occurrence("any", where=where) if on == "any" else Occurrence("event", on, where)

    def _step(self, after_ms: int, step: Step | Trigger, trigger: Trigger) -> StepPlan:
        """Compile a step, with what it takes over from its trigger."""
        when = step.when or trigger.when
        cancels = dict.fromkeys([*trigger.cancel, *step.cancel])
        payload = trigger.payload if step.payload is None else step.payload
        return StepPlan(
            after_ms=after_ms,
            when=when and _condition(when, self._customer),
            cancel=tuple(map(self._cancel, cancels)),
            channel=step.channel or trigger.channel or "",
            payload=tuple(self._field(name, each) for name, each in payload.items()),
        )

    def _cancel(self, cancel: str | Cancel) -> Occurrence:
        if isinstance(cancel, str):
            return Occurrence("event", cancel)
        if cancel.event:
            where = cancel.where and _condition(cancel.where, self._both)
            return Occurrence("event", cancel.event, where)
        return _of_segment(cancel.enter, cancel.leave, None)

    def _field(self, name: str, value: Tree | Template) -> PayloadField:
        if isinstance(value, Template):
            kinds = {each: self._both.resolve(each) for each in names_in(value.template)}
            types = {each: kind for each, kind in kinds.items() if kind in _TIMES}
            return PayloadField(name, template=value.template, types=types)
        checked = check(value, self._both)
        assert not checked.problems, "checked when the config was loaded"
        return PayloadField(name, checked.tree, type=checked.type)


def _of_segment(enter: str | None, leave: str | None, where: Tree | None) -> Occurrence:
    if enter:
        return Occurrence("enter", enter, where)
    assert leave, "checked when the config was loaded"
    return Occurrence("leave", leave, where)


def _condition(tree: Tree, scope: Scope) -> Tree:
    checked = check(tree, scope, Type.BOOLEAN)
    assert not checked.problems, "checked when the config was loaded"
    return checked.tree


def _used(trigger: TriggerPlan) -> Iterator[str]:
    """Give the names that a trigger's conditions and payloads look at."""
    trees = [trigger.on.where]
    for step in trigger.steps:
        trees += [step.when, *(each.where for each in step.cancel)]
        trees += [each.value for each in step.payload]
        for each in step.payload:
            yield from names_in(each.template) if each.template else ()
    for tree in trees:
        yield from names(tree) if tree else ()


def _looks_at_zone(config: Config) -> bool:
    of_limits = any(isinstance(each.per, str) and each.zone is None for each in config.limits)
    return of_limits or (config.quiet_hours is not None and config.quiet_hours.zone is None)


def _limit(limit: Limit) -> LimitPlan:
    return LimitPlan(
        at_most=limit.at_most,
        period="rolling" if isinstance(limit.per, int) else limit.per,
        per_ms=limit.per if isinstance(limit.per, int) else 0,
        zone=limit.zone,
        channel=limit.channel,
        trigger=limit.trigger,
        tag=limit.tag,
        written=limit.written,
    )
