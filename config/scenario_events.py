"""Which events of scenarios look like slips of the pen: no rule knows them, and one is near.

Any name is allowed, as in a config: an event that no rule knows still counts in sessions.
"""

import re
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher

from config.event_names import SPEC_EVENTS, meant_by_another
from config.models import Config
from config.plain import Finding, items_at
from config.warnings import event_names
from config.wording import quote

_CLOSE = 0.85
"""From which share of equal characters on; "Product Add" has 0.92 of "Product Added"."""


def events_of(config: Config) -> frozenset[str]:
    """Give the names of all events that the rules of a config know."""
    plain = config.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return frozenset(name for _, name in event_names(config, plain))


def doubtful_events(file: object, known: Iterable[str]) -> Iterator[Finding]:
    """Give the path of each event's name that is nearly one of those known, and which.

    Args:
        file: the plain values of a scenario file.
        known: the names that rules know.
    """
    names = sorted(known)
    near: dict[str, str | None] = {}
    for number, scenario in items_at(file, "scenarios"):
        for place, event in items_at(scenario, "events"):
            name = event.get("event")
            if not isinstance(name, str) or name in names:
                continue
            if name not in near:
                near[name] = _near(name, names)
            if meant := near[name]:
                path = ("scenarios", number, "events", place, "event")
                yield path, f"no rule knows {quote(name)}; did you mean {quote(meant)}?"


def _near(name: str, known: list[str]) -> str | None:
    others = [each for each in known if not {name, each} <= set(SPEC_EVENTS)]
    if another := meant_by_another(name, others):
        return another
    shares = {
        each: SequenceMatcher(None, name.lower(), each.lower()).ratio()
        for each in others
        if re.findall(r"\d", each) == re.findall(r"\d", name)  # Step 1, Step 2
    }
    closest = max(shares, key=lambda each: shares[each], default=None)
    return closest if closest and shares[closest] >= _CLOSE else None
