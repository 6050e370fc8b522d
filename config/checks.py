"""What must hold between several keys of a config.

Works on the plain values of the file, not on the models: so it also finds what is wrong with the
good parts of a file that has bad ones, and everything can be reported at once. Values that are
wrong in themselves are passed over here.
"""

from collections.abc import Iterator

from config.models import Config, Session
from config.values import format_duration, parse_duration

RESERVED = ("session_id", "start", "end", "duration_s", "events", "revision")
"""The fixed fields of a session's record; collected values stand beside them."""

KEY = "[key]"
"""What a path ends with, here as in pydantic's errors, when it means a key and not its value."""

Path = tuple[str | int, ...]


def check_all(config: object) -> Iterator[tuple[Path, str]]:
    """Give the path of each value or key that does not go with another, and why."""
    yield from _durations_below_retention(config)
    yield from _collected_names(config)
    yield from _no_trigger_cancels_itself(config)


def _durations_below_retention(config: object) -> Iterator[tuple[Path, str]]:
    retention_ms = _duration_ms(config, "retention", default_ms=_default_ms("retention_ms"))
    if retention_ms is None:
        return
    limit = f"expected less than retention ({format_duration(retention_ms)})"
    paths: list[tuple[str, ...]] = [("session", "gap")]
    for name in _mapping(config, "triggers"):
        paths += [("triggers", name, "after"), ("triggers", name, "again")]
    for path in paths:
        duration_ms = _duration_ms(config, *path)
        if duration_ms is not None and duration_ms >= retention_ms:
            yield path, f"found {format_duration(duration_ms)}, {limit}"
    gap_ms = Session().gap_ms
    if "gap" not in _mapping(config, "session") and gap_ms >= retention_ms:
        more = f"expected more than session.gap (by default {format_duration(gap_ms)})"
        yield ("retention",), f"found {format_duration(retention_ms)}, {more}"


def _collected_names(config: object) -> Iterator[tuple[Path, str]]:
    collect = _mapping(config, "session", "collect")
    for name in collect:
        if name in RESERVED:
            yield (
                ("session", "collect", name, KEY),
                f"every session record has a field {name}: choose another name",
            )
        distinct = name.removesuffix("_exact")
        if distinct != name and "distinct" in _mapping(collect, distinct):
            yield (
                ("session", "collect", name, KEY),
                f"the distinct {distinct} brings a field {name} of its own: choose another name",
            )


def _no_trigger_cancels_itself(config: object) -> Iterator[tuple[Path, str]]:
    for name, trigger in _mapping(config, "triggers").items():
        on, cancel = _mapping(trigger).get("on"), _mapping(trigger).get("cancel")
        path = ("triggers", name, "cancel")
        if not isinstance(on, str):
            continue
        message = "the event that starts the trigger cannot cancel it too"
        if isinstance(cancel, list):
            for index, event in enumerate(cancel):
                if event == on:
                    yield (*path, index), message
        elif cancel == on:
            yield path, message


def _mapping(value: object, *path: str) -> dict[str, object]:
    """Give the mapping at a path, an empty one if there is something else or nothing."""
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _duration_ms(config: object, *path: str, default_ms: int | None = None) -> int | None:
    *outer, last = path
    found = _mapping(config, *outer)
    if last not in found:
        return default_ms
    value = found[last]
    try:
        return parse_duration(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _default_ms(field: str) -> int:
    default = Config.model_fields[field].default
    assert isinstance(default, int)
    return default
