"""What is other in the rules of one run than in those of the run before, by name.

Rules are compared as the steps read them, since a state keeps no config. What they say is not told:
names of rules are enough for an audit, and a condition may name a person.
"""

from hashlib import blake2b
from typing import Any

import msgspec

Rules = dict[str, Any]

_CALLED = {
    "gap_ms": "session.gap",
    "collect": "session.collect",
    "row": "features",
    "grace_ms": "time.grace",
    "retention_ms": "retention",
    "duplicates_last": "duplicates.last",
    "duplicates_within_ms": "duplicates.within",
    "quiet": "quiet_hours",
    "live_from_ms": "source.kafka.live_from",
}
"""What the config calls what has another name in plans."""
_FOLLOWS = frozenset({"has_rows", "links"})
"""What changes only where something else does."""
_ATTRIBUTE = "attribute."


def rules_of(job: bytes) -> Rules:
    """Return what of a job decides what becomes of customers, by section of its config.

    Args:
        job: as it is written down.
    """
    plans = msgspec.json.decode(job)
    rules: Rules = {**plans["decide"], **plans["profile"]}
    features = [*rules["row"]["features"], *rules.pop("session_features")]
    rules["row"] = [each for each in features if "." not in each["name"]]  # of others no rule tells
    slots = [slot for slot in rules.pop("slots") if slot["name"].startswith(_ATTRIBUTE)]
    rules["attributes"] = [
        {"name": slot["name"].removeprefix(_ATTRIBUTE), "holds": slot["definition"]}
        for slot in slots
    ]
    if plans["route"].get("identity") is not None:
        identity = plans["route"]["identity"]
        rules["identity"] = {**identity, "blocked": sorted(identity["blocked"])}
    if plans.get("privacy") is not None:
        rules["privacy"] = plans["privacy"]
    return {key: _essential(value) for key, value in rules.items()}


def _essential(value: Any) -> Any:
    """Leave out where in the file something stood, and what other rules have to do with it."""
    if isinstance(value, list):
        return [_essential(each) for each in value]
    if not isinstance(value, dict):
        return value
    passed_over = {"start", "end", *(["definition"] if "version" in value else [])}
    return {key: _essential(each) for key, each in value.items() if key not in passed_over}


def digest(rules: Rules) -> str:
    """Return a hash of rules: 64 bits, in hex."""
    text = msgspec.json.encode(rules, order="deterministic")
    return blake2b(text, digest_size=8).hexdigest()


def changed_rules(old: Rules, new: Rules) -> list[str]:
    """Name what differs: ``triggers.cart`` where rules have names, ``retention`` for a setting."""
    changed: set[str] = set()
    for key in {*old, *new} - _FOLLOWS:
        before, now = old.get(key), new.get(key)
        if before != now:
            section = _CALLED.get(key, key)
            by_name = _by_name(before), _by_name(now)
            names = {name for name in {**by_name[0], **by_name[1]} if _differ(name, *by_name)}
            changed |= {f"{section}.{name}" for name in names} or {section}
    return sorted(changed)


def _differ(name: str, old: dict[str, Any], new: dict[str, Any]) -> bool:
    return bool(old.get(name) != new.get(name))


def _by_name(section: Any) -> dict[str, Any]:
    """Return the rules of a section by their names; nothing where they have none."""
    if not isinstance(section, list):
        return {}
    return {each["name"]: each for each in section if isinstance(each, dict) and "name" in each}
