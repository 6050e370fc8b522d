"""What must hold between the keys of triggers, and of what holds for all their messages.

A part of ``checks``; the same rules: plain values in, and what is wrong in itself is passed over.
"""

from collections.abc import Iterable, Iterator, Mapping

from config.arbitration import CALENDAR
from config.plain import KEY, Finding, Path, mapping_at
from config.values import ANY_EVENT
from config.wording import quote, suggestion

DURATIONS = ("after", "again", "expires", "retract")
"""The keys of a trigger with durations that must be below the retention."""


def check_triggers(config: object) -> Iterator[Finding]:
    """Give the path of each key that does not go with others, of triggers and their limits."""
    segments = mapping_at(config, "segments")
    for name, trigger in mapping_at(config, "triggers").items():
        path, keys = ("triggers", name), mapping_at(trigger)
        on = keys.get("on")
        yield from _on(path, keys, segments)
        for where, step in steps_of(path, keys):
            for place, cancel in cancels_of(where, step):
                yield from _cancel(place, cancel, on if where == path else None)
                yield from _segment(place, cancel, segments)
    yield from _limits(config)
    quiet = mapping_at(config, "quiet_hours")
    if "from" in quiet and quiet["from"] == quiet.get("to"):
        yield ("quiet_hours", "to"), f"found {quiet['to']} as in from, expected another time"


def durations_of_triggers(config: object) -> Iterator[Path]:
    """Give the paths of what must be below the retention."""
    for name, trigger in mapping_at(config, "triggers").items():
        path = ("triggers", name)
        for where, _ in steps_of(path, mapping_at(trigger)):
            yield from ((*where, key) for key in DURATIONS)
    for number, _ in enumerate(_listed(config, "limits")):
        yield ("limits", number, "per")


def steps_of(path: Path, trigger: Mapping[str, object]) -> Iterator[tuple[Path, dict[str, object]]]:
    """Give the plain values of a trigger and of its further steps, with their paths."""
    yield path, dict(trigger)
    for number, step in enumerate(_listed(trigger, "then")):
        yield (*path, "then", number), mapping_at(step)


def cancels_of(path: Path, step: Mapping[str, object]) -> Iterator[tuple[Path, object]]:
    """Give each event or mapping that cancels a step, with its path."""
    cancel = step.get("cancel")
    if isinstance(cancel, list):
        yield from (((*path, "cancel", number), each) for number, each in enumerate(cancel))
    elif cancel is not None:
        yield (*path, "cancel"), cancel


def _listed(config: object, key: str) -> list[object]:
    found = config.get(key) if isinstance(config, Mapping) else None
    return found if isinstance(found, list) else []


def _on(path: Path, trigger: Mapping[str, object], segments: Iterable[str]) -> Iterator[Finding]:
    on = trigger.get("on")
    if not isinstance(on, dict):
        return
    yield from _segment((*path, "on"), on, segments)
    if "key" in trigger and trigger["key"] is not None:
        start = next(iter(on), "")
        yield (
            (*path, "key", KEY),
            f"found with {start}, goes with an event or any only: there is no event to look into",
        )


def _segment(path: Path, occurrence: object, segments: Iterable[str]) -> Iterator[Finding]:
    """Find a segment that there is not."""
    for key in ("enter", "leave"):
        name = mapping_at(occurrence).get(key)
        if isinstance(name, str) and name not in segments:
            near = suggestion(name, segments)
            yield (*path, key), f"there is no segment {quote(name)}{near}"


def _cancel(path: Path, cancel: object, on: object) -> Iterator[Finding]:
    event = mapping_at(cancel).get("on") if isinstance(cancel, dict) else cancel
    place = (*path, "on") if isinstance(cancel, dict) else path
    if event == ANY_EVENT:
        yield place, "found any, expected the name of one event"
    elif event is not None and event == on and not mapping_at(cancel).get("where"):
        yield place, "the event that starts the trigger cannot cancel it too"


def _limits(config: object) -> Iterator[Finding]:
    known = _known(config)
    for number, limit in enumerate(_listed(config, "limits")):
        keys = mapping_at(limit)
        for kind, names in known.items():
            name = keys.get(kind)
            if isinstance(name, str) and name not in names:
                of = "there is no trigger" if kind == "trigger" else f"no trigger has the {kind}"
                message = f"{of} {quote(name)}{suggestion(name, names)}"
                yield ("limits", number, kind), message
        per = keys.get("per")
        if "zone" in keys and isinstance(per, str) and per not in CALENDAR:
            yield (
                ("limits", number, "zone", KEY),
                f"found with per: {per}, goes with {' and '.join(CALENDAR)} only",
            )


def channels_of(config: object) -> set[str]:
    """Give the names of all channels through which triggers send something."""
    return {str(step["channel"]) for step in _steps(config) if "channel" in step}


def _steps(config: object) -> list[dict[str, object]]:
    return [
        step
        for name, trigger in mapping_at(config, "triggers").items()
        for _, step in steps_of(("triggers", name), mapping_at(trigger))
    ]


def _known(config: object) -> dict[str, set[str]]:
    """Give what limits may name, by their keys."""
    return {
        "channel": channels_of(config),
        "trigger": set(mapping_at(config, "triggers")),
        "tag": {str(tag) for step in _steps(config) for tag in _listed(step, "tags")},
    }
