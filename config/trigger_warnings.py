"""What is allowed in triggers and yet probably not meant. A part of ``warnings``."""

import re
from collections.abc import Iterable, Iterator

from config.features import Segment
from config.hints import SEGMENT, SESSION
from config.model_warnings import asked_in_vain, chances
from config.models import Config
from config.plain import Finding, Path, duration_at, mapping_at
from config.scopes import event_and_customer, scope_of
from config.trigger_checks import cancels_of, steps_of
from config.trigger_names import Written, written_in
from config.triggers import Trigger
from config.values import ANY_EVENT, format_duration
from config.written import EVENT
from expressions import Scope, Tree, Type, always_true, check, never_true


def warnings_of_triggers(config: Config, plain: object) -> Iterator[Finding]:
    """Give the path of each value of triggers that is probably not what was meant, and why.

    Args:
        config: that is fine.
        plain: the values of its file, in the order of the file.
    """
    empty = set(_empty_segments(config))
    both, scores = event_and_customer(scope_of(config)), chances(config.models)
    for name, trigger in config.triggers.items():
        path, keys = ("triggers", name), mapping_at(plain, "triggers", name)
        texts = list(written_in(path, keys))
        for written in texts:
            if written.tree and written.is_condition:
                tree = check(written.tree, both, Type.BOOLEAN).tree
                never, always = never_true(tree), always_true(tree)
                if never:
                    yield written.path, f"this can never be true: {never}"
                elif always:
                    yield written.path, f"this is always true: {always}"
                for message in asked_in_vain(written.tree, scores):
                    yield written.path, message
            yield from _looks(written, keys, empty)
        yield from _occurrences(path, keys, empty)
        yield from _sessions(keys, texts)
        yield from _braces(texts, both)
        yield from _times(config, path, trigger)


def names_in_triggers(plain: object) -> Iterator[str]:
    """Give the names that triggers look at."""
    for name, trigger in mapping_at(plain, "triggers").items():
        for written in written_in(("triggers", name), mapping_at(trigger)):
            yield from written.places.values()


def events_of_triggers(plain: object) -> Iterator[tuple[Path, str]]:
    """Give every event that triggers name, and where."""
    for name in mapping_at(plain, "triggers"):
        path, keys = ("triggers", name), mapping_at(plain, "triggers", name)
        on = keys.get("on")
        if isinstance(on, str) and on != ANY_EVENT:
            yield (*path, "on"), on
        for where, step in steps_of(path, keys):
            for place, cancel in cancels_of(where, step):
                if isinstance(cancel, str):
                    yield place, cancel
                elif "on" in mapping_at(cancel):
                    yield (*place, "on"), str(mapping_at(cancel)["on"])


def _empty_segments(config: Config) -> Iterator[str]:
    """Give the segments that nobody can ever enter."""
    scope = scope_of(config)
    for name, segment in config.segments.items():
        enter = _entering(segment)
        if never_true(check(enter, scope, Type.BOOLEAN).tree):
            yield name


def _entering(segment: Segment) -> Tree:
    enter = segment.when or segment.enter
    assert enter, "checked when the config was loaded"
    return enter


def _looks(written: Written, keys: dict[str, object], empty: set[str]) -> Iterator[Finding]:
    """Find names that stand for nothing: of segments without members, of an event there is not."""
    has_event = isinstance(keys.get("on"), str)
    for name in dict.fromkeys(written.places.values()):
        if name.removeprefix(SEGMENT) in empty and name.startswith(SEGMENT):
            yield written.path, f"{name} can never be true: nobody can enter this segment"
        if name.startswith(EVENT) and not written.is_condition and not has_event:
            yield written.path, f"{name} is always missing: no event starts this trigger"


def _occurrences(path: Path, keys: dict[str, object], empty: set[str]) -> Iterator[Finding]:
    starts = mapping_at(keys, "on")
    named = [((*path, "on"), starts)]
    for where, step in steps_of(path, keys):
        named += [(place, mapping_at(each)) for place, each in cancels_of(where, step)]
    for place, mapping in named:
        for key in ("enter", "leave"):
            if mapping.get(key) in empty:
                yield (*place, key), "this never happens: nobody can enter this segment"
    for place, cancel in cancels_of(path, keys):
        for key, other in (("enter", "leave"), ("leave", "enter")):
            segment = mapping_at(cancel).get(key)
            if segment is not None and segment == starts.get(key):
                how = "entering" if key == "enter" else "leaving"
                told = f"{how} {segment} starts the trigger, so nothing would ever be sent"
                yield (*place, key), f"{told}: is {other} meant?"


def _sessions(keys: dict[str, object], texts: Iterable[Written]) -> Iterator[Finding]:
    """Find values of a session in messages that go out when it is long over."""
    if "session" not in mapping_at(keys, "on"):
        return
    waits = bool(duration_at(keys, "after"))
    for written in texts:
        names = [name for name in written.places.values() if name.startswith(SESSION)]
        if names and not written.is_condition and (waits or "then" in written.path[2:]):
            over = "after a wait the session that was closed is over"
            yield written.path, f"{names[0]} is missing, or of the next session: {over}"


def _braces(texts: Iterable[Written], scope: Scope) -> Iterator[Finding]:
    """Find names in single braces, which a template leaves as they are."""
    for written in texts:
        for match in _SINGLE.finditer(written.template):
            name = match[1]
            if scope.resolve(name):
                yield written.path, f"{match[0]} stays as it stands: write {{{{ {name} }}}}"


_SINGLE = re.compile(r"(?<![{%])\{ *([a-z_][\w.]*) *\}(?!\})")


def _times(config: Config, path: Path, trigger: Trigger) -> Iterator[Finding]:
    if trigger.retract_ms and not config.time.grace_ms:
        grace = "with time.grace 0s no late event counts"
        yield (*path, "retract"), f"{grace}, so no message is ever taken back"
    quiet = config.quiet_hours
    if quiet and quiet.then == "hold" and trigger.expires_ms < quiet.length_ms:
        found, length = format_duration(trigger.expires_ms), format_duration(quiet.length_ms)
        never = "what is due when they begin is never sent"
        yield (*path, "expires"), f"found {found}, but the quiet hours take {length}: {never}"
