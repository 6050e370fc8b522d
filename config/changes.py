"""What two configs say differently about their rules, by the path of each key.

Compared is what the rules are, not how they are written: with defaults filled in, durations as
lengths of time and conditions in their one form, as for versions. Where events come from, where
results go and how a run is set up is left out.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Any, NamedTuple

from config.models import Config
from config.plain import Path
from config.values import format_duration
from config.wording import dotted

NO_RULES = frozenset({"name", "source", "sinks", "epoch", "state", "http"})
"""The keys that say nothing of what comes out."""
DURATIONS = frozenset(
    {"disorder", "idle", "grace", "future", "gap", "retention", "within", "after", "again"}
    | {"expires", "retract", "over", "pane", "half_life", "for", "hold", "per", "step"}
)
"""The keys whose numbers are milliseconds."""
TIMES_OF_DAY = frozenset({"from", "to"})
"""The keys whose numbers are milliseconds since midnight."""
_VALUE_CHARACTERS = 100
_MINUTE_MS = 60_000

_ABSENT = object()


class Change(NamedTuple):
    """One key that is not the same in both.

    Attributes:
        path: of the key, such as ``triggers.cart.after``; of what stands in a list, by its place in
            the new config, or in the old one where it is not in the new.
        old: what stood there, cut where it is long; None where there was no such key.
        new: what stands there now, likewise.
    """

    path: str
    old: str | None
    new: str | None


def changes_of(old: Config, new: Config) -> Iterator[Change]:
    """Give all that differs between the rules of two configs, in their order."""
    yield from _compared((), _rules(old), _rules(new))


def _rules(config: Config) -> dict[str, Any]:
    told: dict[str, Any] = config.model_dump(mode="json", by_alias=True, exclude=set(NO_RULES))
    holdout = config.holdout
    if holdout:  # who is in it depends on the config's name, which is of no other effect
        told["holdout"] = {"share": holdout.written, "salt": holdout.salt or config.name}
    return told


def _compared(path: Path, old: Any, new: Any) -> Iterator[Change]:
    """Compare two values at a path; None, as any key that is not given, is not there."""
    old, new = (_ABSENT if each is None else each for each in (old, new))
    if old == new and type(old) is type(new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*old, *new)):
            yield from _compared((*path, key), old.get(key), new.get(key))
    elif _are_sections(old) and _are_sections(new):
        yield from _listed(path, old, new)
    else:
        yield _change(path, old, new)


def _are_sections(value: Any) -> bool:
    """Tell whether a value is a list of limits or of steps, whose items are compared each."""
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


def _listed(path: Path, old: Sequence[Any], new: Sequence[Any]) -> Iterator[Change]:
    """Compare two lists of sections; those that are in both in the same order are passed over."""
    texts = [[_written(each) for each in side] for side in (old, new)]
    matcher = SequenceMatcher(None, texts[0], texts[1])
    for kind, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if kind == "equal":
            continue
        both = min(old_to - old_from, new_to - new_from)
        for number in range(both):
            at = (*path, new_from + number)
            yield from _compared(at, old[old_from + number], new[new_from + number])
        for number in range(old_from + both, old_to):
            yield from _compared((*path, number), old[number], None)
        for number in range(new_from + both, new_to):
            yield from _compared((*path, number), None, new[number])


def _change(path: Path, old: Any, new: Any) -> Change:
    """Write a change; of two long texts that begin alike what comes shortly before they part."""
    key = str(path[-1])
    sides = [None if each is _ABSENT else _written(each, key) for each in (old, new)]
    pairs = zip(*(each or "" for each in sides), strict=False)
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    if alike > _VALUE_CHARACTERS // 2:
        sides = ["…" + each[alike - _VALUE_CHARACTERS // 4 :] for each in sides if each]
    return Change(dotted(path), *(each and _cut(each) for each in sides))


def _cut(text: str) -> str:
    return text if len(text) <= _VALUE_CHARACTERS else text[: _VALUE_CHARACTERS - 1] + "…"


def _written(value: Any, key: str = "") -> str:
    """Write a value much as the file has it; of a section what is given."""
    if isinstance(value, Mapping):
        given = {name: each for name, each in value.items() if each not in (None, [], {})}
        pairs = (f"{name}: {_written(each, name)}" for name, each in given.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{', '.join(_written(each) for each in value)}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and key in DURATIONS:
        return format_duration(value)
    if isinstance(value, int) and key in TIMES_OF_DAY:
        return "{:02}:{:02}".format(*divmod(value // _MINUTE_MS, 60))
    text = str(value)
    return text if text.isprintable() else json.dumps(text)[1:-1]
