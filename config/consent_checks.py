"""What must hold between the keys of consent and purposes, and those that they are about.

A part of ``checks`` and of ``warnings``; the same rules: plain values in, and what is wrong in
itself is passed over.
"""

from collections.abc import Iterator

from config.plain import KEY, Finding, mapping_at
from config.trigger_checks import channels_of
from config.wording import quote, suggestion


def check_consent(config: object) -> Iterator[Finding]:
    """Give the path of each key of consent and purposes that does not go with another."""
    keys, consent = mapping_at(config), mapping_at(config, "consent")
    if "purposes" in keys and "consent" not in keys:
        yield ("purposes", KEY), "goes with consent only: what holds by default?"
    for key, other in (("regions", "region"), ("region", "regions")):
        if consent.get(key) and not consent.get(other):
            yield ("consent", key, KEY), f"goes with {other} only"
    yield from _subjects(config)
    yield from _refused(config)


def warnings_of_consent(plain: object) -> Iterator[Finding]:
    """Find consent that nothing asks for."""
    if "consent" in mapping_at(plain) and not _purposes(plain):
        yield ("consent", KEY), "no purpose is named under purposes, so nothing asks for consent"


def _subjects(config: object) -> Iterator[Finding]:
    """Find channels, triggers and models that there are not."""
    known = {
        "channels": ("no trigger has the channel", channels_of(config)),
        "triggers": ("there is no trigger", set(mapping_at(config, "triggers"))),
        "models": ("there is no model", set(mapping_at(config, "models"))),
    }
    for kind, (told, names) in known.items():
        for name in mapping_at(config, "purposes", kind):
            if name not in names:
                message = f"{told} {quote(name)}{suggestion(name, names)}"
                yield ("purposes", kind, name, KEY), message


def _refused(config: object) -> Iterator[Finding]:
    refused = mapping_at(config, "consent", "gpc").get("refuses")
    purposes = _purposes(config)
    for number, name in enumerate(refused if isinstance(refused, list) else ()):
        if isinstance(name, str) and name not in purposes:
            message = f"nothing under purposes names {quote(name)}{suggestion(name, purposes)}"
            yield ("consent", "gpc", "refuses", number), message


def _purposes(config: object) -> set[str]:
    purposes = mapping_at(config, "purposes")
    found = [purposes.get("profiling")]
    for kind in ("channels", "triggers", "models"):
        found += mapping_at(purposes, kind).values()
    return {name for name in found if isinstance(name, str)}
