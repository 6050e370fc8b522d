"""What is allowed and yet probably not meant, in a config that is fine."""

import re
from collections.abc import Iterator

from config.consent_checks import warnings_of_consent
from config.event_names import meant_by_another, meant_by_spec
from config.features import Segment, Windowed
from config.model_checks import events_of_models
from config.model_warnings import asked_in_vain, chances
from config.models import Config
from config.name_checks import CONDITIONS
from config.plain import KEY, Finding, Path
from config.privacy_checks import warnings_of_privacy
from config.scopes import scope_of
from config.trigger_warnings import events_of_triggers, names_in_triggers, warnings_of_triggers
from config.values import PATH_ROOTS
from config.wording import quote
from expressions import Tree, Type, always_true, check, names, never_true
from expressions.durations import meant_duration

_SHOWN = 10
"""At most so many names stand in one warning."""


def warnings_of(config: Config, plain: object) -> Iterator[Finding]:
    """Give the path of each value or key that is probably not what was meant, and why.

    Args:
        config: that is fine.
        plain: the values of its file, in the order of the file.
    """
    yield from _truths(config)
    yield from _unused(config, plain)
    yield from warnings_of_triggers(config, plain)
    yield from warnings_of_consent(plain)
    yield from warnings_of_privacy(plain)
    yield from _events(config, plain)


def _truths(config: Config) -> Iterator[Finding]:
    """Find conditions that have one answer for everybody."""
    scope, scores = scope_of(config), chances(config.models)
    for name, segment in config.segments.items():
        for key, tree in _conditions(segment):
            checked = check(tree, scope, Type.BOOLEAN).tree
            path = ("segments", name, key)
            never, always = never_true(checked), always_true(checked)
            if never:
                yield path, f"this can never be true: {never}"
            elif always:
                yield path, f"this is always true: {always}"
            for message in asked_in_vain(tree, scores):
                yield path, message


def _conditions(segment: Segment) -> list[tuple[str, Tree]]:
    found = [(key, getattr(segment, key)) for key in CONDITIONS]
    return [(key, tree) for key, tree in found if tree]


def _unused(config: Config, plain: object) -> Iterator[Finding]:
    used = {
        name
        for segment in config.segments.values()
        for _, tree in _conditions(segment)
        for name in names(tree)
    }
    used.update(names_in_triggers(plain))
    used.update(name for model in config.models.values() for name in model.looks_at)
    unused = [name for name in config.features if name not in used]
    if not unused:
        return
    shown = ", ".join(unused[:_SHOWN])
    more = f" and {len(unused) - _SHOWN} more" if len(unused) > _SHOWN else ""
    they = "they are" if len(unused) > 1 else "it is"
    kept = f"{they} kept all the same, for explain to show"
    message = f"no segment, trigger or model looks at {shown}{more}; {kept}"
    yield ("features", unused[0], KEY), message


def _events(config: Config, plain: object) -> Iterator[Finding]:
    seen: dict[str, Path] = {}
    for path, name in event_names(config, plain):
        seen.setdefault(name, path)
    fine: list[str] = []
    for name, path in seen.items():
        other_key = _not_an_event(name) or _another_start(config, path, name)
        if other_key:
            yield path, f"found {quote(name)} as the name of an event: {other_key}"
            continue
        meant, other = meant_by_spec(name), meant_by_another(name, fine)
        if meant:
            yield path, f"found {quote(name)}, the Segment spec has {quote(meant)}: is it meant?"
        elif other:
            yield path, f"found {quote(name)}, and elsewhere {quote(other)}: are these two events?"
        else:
            fine.append(name)


def _not_an_event(name: str) -> str | None:
    """Say what was probably meant by a name that reads like a duration, a date or a path."""
    if name.partition(".")[0] in PATH_ROOTS and "." in name:
        return "is sum, mean, last, distinct or another kind meant, which take a path?"
    duration = meant_duration(name)
    if duration:
        return f"is over: {duration} meant, which looks back so long?"
    if _DATE.match(name):
        return "no window begins at a date; over looks back, and where may ask for event.date"
    return None


def _another_start(config: Config, path: Path, name: str) -> str | None:
    """Say what was meant by a name that reads like a list, a segment or a session's end."""
    several = [each.strip() for each in name.split(",")]
    if len(several) > 1 and all(several):
        if "cancel" in path[2:]:
            return f"are these several? A list stands in brackets: [{', '.join(several)}]"
        return "are these several? Here stands one; only cancel takes a list"
    if path[0] == "triggers" and name in config.segments:
        return f"is the segment meant, {{enter: {name}}} or {{leave: {name}}}?"
    if path[0] == "triggers" and _CLOSED.fullmatch(name):
        return "is the end of a session meant, {session: closed}?"
    return None


_CLOSED = re.compile(r"session[ _.:-]*(closed?|end(s|ed)?|over)", re.IGNORECASE)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}")


def event_names(config: Config, plain: object) -> Iterator[tuple[Path, str]]:
    """Give every event that the config names, and where.

    Args:
        config: that is fine.
        plain: the values of its file, in the order of the file.
    """
    for name, each in config.session.collect.items():
        if each.event:
            key = each.event_key
            yield ("session", "collect", name, key), each.event
    for name, feature in config.features.items():
        if feature.event:
            yield ("features", name, feature.event_key), feature.event
        if isinstance(feature, Windowed) and feature.since:
            yield ("features", name, "since"), feature.since
    yield from events_of_triggers(plain)
    yield from events_of_models(plain)
