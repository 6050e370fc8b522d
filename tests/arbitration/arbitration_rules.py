"""What a config says of messages, read from its file anew: nothing here knows the engine's reader.

Only what can be judged by outputs is read. A condition that is more than a segment's name is kept
as None: then nobody can say by the outputs whether it held.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

DAY_MS = 86_400_000
_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": DAY_MS}
_CUSTOMERS = {None, "context.timezone", "customer"}


@dataclass(frozen=True)
class When:
    """A condition that is a segment's name, or the opposite of one."""

    segment: str
    inside: bool


@dataclass(frozen=True)
class Step:
    """One message of a trigger.

    Attributes:
        after_ms: how long it waits.
        channel: how it goes out.
        has_when: whether it has a condition.
        when: that condition, where outputs can tell whether it held.
    """

    after_ms: int
    channel: str | None
    has_when: bool
    when: When | None


@dataclass(frozen=True)
class Rule:
    """A trigger.

    Attributes:
        kind: ``event``, ``any``, ``enter``, ``leave`` or ``session``: what starts it.
        name: of the event or the segment.
        key: the path of what it is about.
        starts_all: whether each such thing starts it.
        again_ms: how soon the next first message may go out; 0 is at once, None never.
    """

    trigger: str
    kind: str
    name: str
    key: tuple[str, ...]
    starts_all: bool
    steps: tuple[Step, ...]
    again_ms: int | None
    restart: bool
    enabled: bool
    priority: int
    tags: frozenset[str]
    expires_ms: int


@dataclass(frozen=True)
class Limit:
    """At most so many messages in some time; ``period`` is ``rolling``, ``day`` or ``week``."""

    channel: str | None
    trigger: str | None
    tag: str | None
    at_most: int
    period: str
    per_ms: int
    zone: str | None

    def is_about(self, trigger: str, channel: str | None, tags: frozenset[str]) -> bool:
        """Tell whether it counts such a message."""
        return (
            self.channel in {None, channel}
            and self.trigger in {None, trigger}
            and (self.tag is None or self.tag in tags)
        )


@dataclass(frozen=True)
class Quiet:
    """When nothing is sent: minutes since local midnight; ``zone`` None is the customer's."""

    from_minute: int
    to_minute: int
    zone: str | None
    hold: bool


@dataclass(frozen=True)
class Rules:
    """All of it."""

    triggers: dict[str, Rule]
    limits: tuple[Limit, ...]
    quiet: Quiet | None
    held_out_millionths: int
    salt: str
    disorder_ms: int


def read_rules(path: Path) -> Rules:
    """Read a config, which must be a good one."""
    config: dict[str, Any] = YAML(typ="safe", pure=True).load(path)
    holdout = config.get("holdout", "0%")
    given = holdout if isinstance(holdout, dict) else {"share": holdout}
    return Rules(
        triggers={name: _rule(name, each) for name, each in config.get("triggers", {}).items()},
        limits=tuple(_limit(each) for each in config.get("limits", [])),
        quiet=_quiet(config.get("quiet_hours")),
        held_out_millionths=round(float(given["share"].removesuffix("%")) * 10_000),
        salt=given.get("salt", config["name"]),
        disorder_ms=milliseconds(config.get("time", {}).get("disorder", "5s")),
    )


def milliseconds(duration: str) -> int:
    """Read a duration such as ``30m``."""
    match = re.fullmatch(r"([0-9]+)(ms|s|m|h|d)", duration)
    assert match, f"not a duration: {duration}"
    return int(match[1]) * _UNITS_MS[match[2]]


def _rule(trigger: str, given: dict[str, Any]) -> Rule:
    on = given["on"]
    if isinstance(on, dict):
        ((kind, name),) = on.items()
    else:
        kind, name = ("any", "") if on == "any" else ("event", on)
    again = given.get("again", "always")
    return Rule(
        trigger=trigger,
        kind=kind,
        name=name,
        key=tuple(given["key"].split(".")) if "key" in given else (),
        starts_all="where" not in given,
        steps=tuple(_step(each, given) for each in [given, *given.get("then", [])]),
        again_ms={"always": 0, "never": None}[again]
        if again in {"always", "never"}
        else milliseconds(again),
        restart=given.get("restart", True),
        enabled=given.get("enabled", True),
        priority=given.get("priority", 0),
        tags=frozenset(given.get("tags", [])),
        expires_ms=milliseconds(given.get("expires", "24h")),
    )


def _step(step: dict[str, Any], trigger: dict[str, Any]) -> Step:
    when = step.get("when", trigger.get("when"))
    named = re.fullmatch(r"(not )?segment\.(\w+)", when.strip()) if when else None
    return Step(
        after_ms=milliseconds(step.get("after", "0s")),
        channel=step.get("channel", trigger.get("channel")),
        has_when=when is not None,
        when=When(named[2], named[1] is None) if named else None,
    )


def _limit(given: dict[str, Any]) -> Limit:
    per = given["per"]
    is_calendar = per in {"day", "week"}
    return Limit(
        channel=given.get("channel"),
        trigger=given.get("trigger"),
        tag=given.get("tag"),
        at_most=given["at_most"],
        period=per if is_calendar else "rolling",
        per_ms=0 if is_calendar else milliseconds(per),
        zone=_zone(given),
    )


def _quiet(given: dict[str, Any] | None) -> Quiet | None:
    if given is None:
        return None
    hold = given.get("then", "hold") == "hold"
    return Quiet(_minute(given["from"]), _minute(given["to"]), _zone(given), hold)


def _zone(given: dict[str, Any]) -> str | None:
    zone: str | None = given.get("zone")
    return None if zone in _CUSTOMERS else zone


def _minute(time_of_day: str) -> int:
    hours, minutes = time_of_day.split(":")
    return int(hours) * 60 + int(minutes)
