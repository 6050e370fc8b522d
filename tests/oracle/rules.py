"""The rules that the oracle understands, as plain data, and which fields of events they read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NotRequired, TypedDict

from expressions import Tree, names
from oracle.observing import needs_zone, read, uses_of
from oracle.specs import CONTEXT_PATHS, Use

Again = Literal["always", "never"] | int


class Trigger(TypedDict):
    """A trigger that starts on an event."""

    on: str
    key: NotRequired[str | None]
    after_ms: NotRequired[int]
    cancel: NotRequired[list[str]]
    again: NotRequired[Again]
    """A number is a duration in milliseconds."""
    restart: NotRequired[bool]


@dataclass(frozen=True)
class Rules:
    """A config's sessions and triggers; `collect` is written as in the config file."""

    gap_ms: int = 1_800_000
    collect: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    triggers: Mapping[str, Trigger] = field(default_factory=dict)
    disorder_ms: int = 5_000
    future_ms: int = 3_600_000
    retention_ms: int | None = None
    """None: the default, longer than any stream."""
    features: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """As in the config file, like segments."""
    segments: Mapping[str, str | Mapping[str, Any]] = field(default_factory=dict)
    """Each after those that it names."""

    def uses(self) -> list[Use]:
        """List every field that some rule reads, and on which events."""
        uses: list[Use] = []
        for spec in self.kept().values():
            uses += uses_of(spec)
        for trigger in self.triggers.values():
            if path := trigger.get("key"):
                uses += [Use(name, path, "key") for name in (trigger["on"], *cancels_of(trigger))]
        if self.needs_zone():
            uses.append(Use(None, CONTEXT_PATHS["timezone"], "value"))
        return uses

    def needs_zone(self) -> bool:
        """Tell whether anything depends on where the customer is."""
        of_clock = {"context.hour", "context.weekday"} & self.names_in_segments()
        return bool(of_clock) or any(
            map(needs_zone, (*self.collect.values(), *self.features.values()))
        )

    def kept(self) -> dict[str, Mapping[str, Any]]:
        """Return all that is kept of customers and their sessions, by the name in conditions."""
        kept = dict(self.features)
        kept |= {f"session.{name}": spec for name, spec in self.collect.items()}
        for name in self.names_in_segments():
            space, _, rest = name.partition(".")
            if space == "trait":
                kept[name] = {"last": f"traits.{rest}", "of": "identify"}
            if space == "context" and rest in CONTEXT_PATHS:
                kept[name] = {"last": CONTEXT_PATHS[rest]}
        return kept

    def names_in_segments(self) -> set[str]:
        """Return the names that some condition uses."""
        return {name for segment in self.segments.values() for name in names_in(segment)}

    def as_config(self) -> dict[str, Any]:
        """Write the same rules as the content of a config file."""
        features = {name: dict(spec) for name, spec in self.features.items()}
        segments = {
            name: one if isinstance(one, str) else dict(one) for name, one in self.segments.items()
        }
        return {
            "name": "shop",
            **({} if self.retention_ms is None else {"retention": f"{self.retention_ms}ms"}),
            "time": {"disorder": f"{self.disorder_ms}ms", "future": f"{self.future_ms}ms"},
            "session": {
                "gap": f"{self.gap_ms}ms",
                "collect": {name: dict(spec) for name, spec in self.collect.items()},
            },
            **({"features": features} if features else {}),
            **({"segments": segments} if segments else {}),
            "triggers": {name: _trigger_config(one) for name, one in self.triggers.items()},
        }


def conditions_of(segment: str | Mapping[str, Any]) -> tuple[Tree, Tree | None]:
    """Return who enters, and who leaves where that is not everybody else."""
    if isinstance(segment, str):
        return read(segment), None
    enter = read(segment.get("when") or segment["enter"])
    return enter, read(segment["leave"]) if "leave" in segment else None


def names_in(segment: str | Mapping[str, Any]) -> set[str]:
    """Return the names that a segment uses."""
    return {name for tree in conditions_of(segment) if tree for name in names(tree)}


def cancels_of(trigger: Trigger) -> list[str]:
    """Name the events that cancel."""
    return trigger.get("cancel", [])


def _trigger_config(trigger: Trigger) -> dict[str, Any]:
    again = trigger.get("again", "always")
    written = {
        "on": trigger["on"],
        "key": trigger.get("key"),
        "after": f"{trigger.get('after_ms', 0)}ms",
        "cancel": cancels_of(trigger) or None,
        "again": f"{again}ms" if isinstance(again, int) else again,
        "restart": trigger.get("restart", True),
    }
    return {name: value for name, value in written.items() if value is not None}
