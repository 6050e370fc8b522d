"""The rules that the oracle understands, as plain data, and which fields of events they read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, NotRequired, TypedDict

Accepts = Literal["number", "value", "key"]
Again = Literal["always", "never"] | int


class Use(NamedTuple):
    """Events with this name (None: all) have a field read, which must be of a kind.

    `number` is a JSON number, `value` a string, number or boolean, `key` a string or number.
    """

    event: str | None
    path: str
    accepts: Accepts


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

    def uses(self) -> list[Use]:
        """List every field that some rule reads, and on which events."""
        uses: list[Use] = []
        for spec in self.collect.values():
            kind, argument = kind_of(spec)
            if kind in {"sum", "min", "max"}:
                uses.append(Use(spec.get("of"), argument, "number"))
            elif kind != "count":
                uses.append(Use(spec.get("of"), argument, "value"))
        for trigger in self.triggers.values():
            if path := trigger.get("key"):
                uses += [Use(name, path, "key") for name in (trigger["on"], *cancels_of(trigger))]
        return uses

    def as_config(self) -> dict[str, Any]:
        """Write the same rules as the content of a config file."""
        return {
            "name": "shop",
            **({} if self.retention_ms is None else {"retention": f"{self.retention_ms}ms"}),
            "time": {"disorder": f"{self.disorder_ms}ms", "future": f"{self.future_ms}ms"},
            "session": {
                "gap": f"{self.gap_ms}ms",
                "collect": {name: dict(spec) for name, spec in self.collect.items()},
            },
            "triggers": {name: _trigger_config(one) for name, one in self.triggers.items()},
        }


def kind_of(spec: Mapping[str, str]) -> tuple[str, str]:
    """Split what is collected into its kind and argument: `{sum: properties.price, of: …}`."""
    [(kind, argument)] = [item for item in spec.items() if item[0] != "of"]
    return kind, argument


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
