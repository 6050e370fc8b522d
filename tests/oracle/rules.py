"""The rules that the oracle understands, as plain data, and which fields of events they read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NotRequired, TypedDict

from expressions import Tree, Type, field_types, names
from oracle.observing import DERIVED, ZONED, needs_zone, path_of, read, uses_of
from oracle.specs import CONTEXT_PATHS, Use
from oracle.templates import names_in_template

Again = Literal["always", "never"] | int
Payload = Mapping[str, str | Mapping[str, str]]
"""An expression, or ``{"template": text}``, for each value of a message."""


class Step(TypedDict, total=False):
    """A further message; what it does not say is the trigger's."""

    after_ms: int
    when: str
    cancel: Sequence[str | Mapping[str, str]]
    channel: str
    payload: Payload


class Trigger(TypedDict):
    """A trigger; as in the config file, but for durations, which are in milliseconds."""

    on: str | Mapping[str, str]
    """An event, ``any``, ``{"enter": …}``, ``{"leave": …}`` or ``{"session": "closed"}``."""
    key: NotRequired[str | None]
    where: NotRequired[str]
    after_ms: NotRequired[int]
    cancel: NotRequired[Sequence[str | Mapping[str, str]]]
    """Events, ``{"on": event, "where": …}``, ``{"enter": …}``, ``{"leave": …}``."""
    when: NotRequired[str]
    then: NotRequired[Sequence[Step]]
    again: NotRequired[Again]
    restart: NotRequired[bool]
    enabled: NotRequired[bool]
    priority: NotRequired[int]
    channel: NotRequired[str]
    tags: NotRequired[Sequence[str]]
    expires_ms: NotRequired[int]
    retract_ms: NotRequired[int]
    payload: NotRequired[Payload]


@dataclass(frozen=True)
class Rules:
    """A config's rules; all but times and triggers is written as in the config file."""

    gap_ms: int = 1_800_000
    collect: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    triggers: Mapping[str, Trigger] = field(default_factory=dict)
    disorder_ms: int = 5_000
    future_ms: int = 3_600_000
    grace_ms: int = 0
    retention_ms: int | None = None
    """None: the default, longer than any stream."""
    features: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    segments: Mapping[str, str | Mapping[str, Any]] = field(default_factory=dict)
    """Each after those that it names."""
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    limits: Sequence[Mapping[str, Any]] = ()
    quiet_hours: Mapping[str, str] | None = None
    holdout: str | Mapping[str, str] | None = None
    consent: Mapping[str, Any] | None = None
    purposes: Mapping[str, Any] = field(default_factory=dict)
    identity: Mapping[str, Any] | None = None

    def uses(self) -> list[Use]:
        """List every field that some rule reads, and on which events."""
        uses: list[Use] = []
        for spec in self.kept().values():
            uses += uses_of(spec)
        for trigger in self.triggers.values():
            uses += _uses_of_trigger(trigger)
        uses += _uses_of_models(self.models, uses)
        if self.needs_zone:
            uses.append(Use(None, CONTEXT_PATHS["timezone"], "value"))
        return uses

    @cached_property
    def needs_zone(self) -> bool:
        """Whether anything that is not asked by name depends on where the customer is."""
        if {"context.hour", "context.weekday"} & self.names_used:
            return True
        if any(name in ZONED for one in self.triggers.values() for name in event_names(one)):
            return True
        return any(map(needs_zone, (*self.collect.values(), *self.features.values())))

    def kept(self) -> dict[str, Mapping[str, Any]]:
        """Return all that is kept of customers and their sessions, by the name in conditions."""
        kept = dict(self.features)
        kept |= {f"session.{name}": spec for name, spec in self.collect.items()}
        for name in self.names_used:
            space, _, rest = name.partition(".")
            if space == "trait":
                kept[name] = {"last": f"traits.{rest}", "of": "identify"}
            if space == "context" and rest in CONTEXT_PATHS:
                kept[name] = {"last": CONTEXT_PATHS[rest]}
        return kept

    @cached_property
    def names_used(self) -> set[str]:
        """The names of customers' values that segments, triggers, limits and models look at."""
        used = {name for segment in self.segments.values() for name in names_in(segment)}
        for trigger in self.triggers.values():
            used |= {name for name in names_in_trigger(trigger) if not is_of_event(name)}
        used |= {name for model in self.models.values() for name in looks_at(model)}
        by_calendar = [limit for limit in self.limits if limit["per"] in {"day", "week"}]
        by_calendar += [self.quiet_hours] if self.quiet_hours else []
        if any(one.get("zone", "customer") in CUSTOMERS for one in by_calendar):
            used.add("context.timezone")
        return used

    def looks_at_closings(self) -> bool:
        """Tell whether a trigger starts with the closing of sessions."""
        return any(trigger["on"] == {"session": "closed"} for trigger in self.triggers.values())

    def looks_at_rows(self, trigger: Trigger | None) -> bool:
        """Tell whether a trigger's messages depend on what is known when they are due."""
        own = {"context.timezone", "customer"}
        if self.quiet_hours and self.quiet_hours.get("zone", "customer") in own:
            return True
        by_day = [each for each in self.limits if each["per"] in {"day", "week"}]
        if any(each.get("zone", "customer") in own for each in by_day):
            return True
        steps = [trigger, *trigger.get("then", ())] if trigger else []
        return any(step.get("when") or step.get("payload") for step in steps)

    def as_config(self) -> dict[str, Any]:
        """Write the same rules as the content of a config file."""
        return {
            "name": "shop",
            **({} if self.retention_ms is None else {"retention": f"{self.retention_ms}ms"}),
            "time": {
                "disorder": f"{self.disorder_ms}ms",
                "future": f"{self.future_ms}ms",
                **({"grace": f"{self.grace_ms}ms"} if self.grace_ms else {}),
            },
            "session": {"gap": f"{self.gap_ms}ms", "collect": _plain(self.collect)},
            **({"features": _plain(self.features)} if self.features else {}),
            **({"segments": _plain(self.segments)} if self.segments else {}),
            **({"models": _plain(self.models)} if self.models else {}),
            "triggers": {name: _trigger_config(one) for name, one in self.triggers.items()},
            **({"limits": _plain(self.limits)} if self.limits else {}),
            **({"quiet_hours": _plain(self.quiet_hours)} if self.quiet_hours else {}),
            **({"holdout": _plain(self.holdout)} if self.holdout else {}),
            **({"consent": _plain(self.consent)} if self.consent else {}),
            **({"purposes": _plain(self.purposes)} if self.purposes else {}),
            **({} if self.identity is None else {"identity": _plain(self.identity)}),
        }


def looks_at(model: Mapping[str, Any]) -> list[str]:
    """Return the names that a model looks at, in its order; of RFM its three parts'."""
    named = model.get("from", ())
    if isinstance(named, Mapping):
        return [named["recency"], named["frequency"], named["monetary"]]
    return list(named)


CUSTOMERS = {"customer", "context.timezone"}
"""How a config says that the customer's zone counts."""


def is_of_event(name: str) -> bool:
    """Tell whether a name is of the starting or cancelling event."""
    return name.startswith("event.")


def conditions_of(segment: str | Mapping[str, Any]) -> tuple[Tree, Tree | None]:
    """Return who enters, and who leaves where that is not everybody else."""
    if isinstance(segment, str):
        return read(segment), None
    enter = read(segment.get("when") or segment["enter"])
    return enter, read(segment["leave"]) if "leave" in segment else None


def names_in(segment: str | Mapping[str, Any]) -> set[str]:
    """Return the names that a segment uses."""
    return {name for tree in conditions_of(segment) if tree for name in names(tree)}


def steps_of(trigger: Trigger) -> list[Step]:
    """Return a trigger's messages, each with what it takes from the trigger."""
    first: Step = {"after_ms": trigger.get("after_ms", 0)}
    inherited: Step = {"channel": trigger.get("channel", ""), "payload": trigger.get("payload", {})}
    if "when" in trigger:
        inherited["when"] = trigger["when"]
    further: list[Step] = [{**inherited, **step} for step in trigger.get("then", ())]
    return [{**inherited, **first}, *further]


def cancels_of(trigger: Trigger) -> list[tuple[int | None, Mapping[str, str]]]:
    """Return what cancels, with the number of the step where it is not the whole trigger."""
    given: list[tuple[int | None, str | Mapping[str, str]]] = [
        (None, one) for one in trigger.get("cancel", ())
    ]
    for number, step in enumerate(trigger.get("then", ()), start=2):
        given += [(number, one) for one in step.get("cancel", ())]
    return [(step, {"on": one} if isinstance(one, str) else one) for step, one in given]


def event_of_start(trigger: Trigger) -> str | None:
    """Name the events that start a trigger; None where they are any or none."""
    on = trigger["on"]
    return on if isinstance(on, str) and on != "any" else None


def texts_in_payload(trigger: Trigger) -> Iterator[str | Mapping[str, str]]:
    """Give every value of every message."""
    for step in steps_of(trigger):
        yield from step.get("payload", {}).values()


def names_in_trigger(trigger: Trigger) -> set[str]:
    """Return all names that a trigger uses, the customer's and the events'."""
    texts = [trigger.get("where"), *(step.get("when") for step in steps_of(trigger))]
    texts += [cancel.get("where") for _, cancel in cancels_of(trigger)]
    texts += [text for text in texts_in_payload(trigger) if isinstance(text, str)]
    used = {name for text in texts if text for name in names(read(text))}
    for text in texts_in_payload(trigger):
        if not isinstance(text, str):
            used |= set(names_in_template(text["template"]))
    return used


def event_names(trigger: Trigger) -> set[str]:
    """Return the names of events' values that a trigger uses."""
    return {name for name in names_in_trigger(trigger) if is_of_event(name)}


def fields_of(text: str) -> dict[str, Literal["number", "value"]]:
    """Return the names of events' fields in an expression, with what they must hold."""
    types = field_types(read(text))
    named = {name for name in names(read(text)) if is_of_event(name) and name not in DERIVED}
    return {name: "number" if types[name] is Type.NUMBER else "value" for name in named}


def _uses_of_trigger(trigger: Trigger) -> Iterator[Use]:
    readers: list[tuple[str | None, list[str | None]]] = [
        (cancel["on"], [cancel.get("where")]) for _, cancel in cancels_of(trigger) if "on" in cancel
    ]
    if isinstance(trigger["on"], str):
        texts: list[str | None] = [trigger.get("where")]
        for one in texts_in_payload(trigger):
            texts += [one] if isinstance(one, str) else names_in_template(one["template"])
        readers.append((event_of_start(trigger), texts))
    for event, texts in readers:
        for text in filter(None, texts):
            for name, accepts in fields_of(text).items():
                yield Use(event, path_of(name), accepts)
        if path := trigger.get("key"):
            yield Use(event, path, "key")


def _uses_of_models(models: Mapping[str, Mapping[str, Any]], others: Sequence[Use]) -> list[Use]:
    """List the fields that models sum up: anything but a number is nothing.

    Where something else needs it to be a number, the event must have one.
    """
    uses = []
    for model in models.values():
        if isinstance(model.get("predicts"), Mapping):
            event, path = model["predicts"]["of"], model["predicts"]["sum"]
            if not any(
                (use.path, use.accepts) == (path, "number")
                and use.event in {None, event}
                and use.but != event
                for use in others
            ):
                uses.append(Use(event, path, "value"))
    return uses


def _trigger_config(trigger: Trigger) -> dict[str, Any]:
    again = trigger.get("again", "always")
    written = {
        "after": "0ms",
        **_with_durations(trigger),
        "cancel": _plain(trigger.get("cancel", ())) or None,
        "again": f"{again}ms" if isinstance(again, int) else again,
        "restart": trigger.get("restart", True),
        "then": [_with_durations(step) for step in trigger.get("then", ())] or None,
    }
    return {name: value for name, value in written.items() if value is not None}


def _with_durations(one: Mapping[str, Any]) -> dict[str, Any]:
    """Write milliseconds as the file does, under their own names."""
    return {
        name.removesuffix("_ms"): f"{value}ms" if name.endswith("_ms") else _plain(value)
        for name, value in one.items()
    }


def _plain(value: Any) -> Any:
    """Write lists and mappings as those of a file."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
