"""Hypothesis strategies: what customers say of consent, in streams and rules that exist."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from oracle.drawn_triggers import drawn
from oracle.input import time_of
from oracle.rules import Rules

PURPOSES = ("Analytics", "Advertising", "Reminders")
REGIONS: dict[str, str] = {"DE": "deny", "US": "allow"}


def _said() -> st.SearchStrategy[dict[str, Any]]:
    """Draw what stands in an event's context, in all spellings, right and wrong."""
    value = drawn([True, True, False, False, None])
    categories = st.dictionaries(drawn([*PURPOSES, "Other"]), value, max_size=3)
    ids = st.lists(drawn([*PURPOSES, "Other"]), max_size=3, unique=True)
    of_segment = categories.map(lambda found: {"consent": {"categoryPreferences": found}})
    allowed = ids.map(lambda found: {"consentManagement": {"allowedConsentIds": found}})
    denied = ids.map(lambda found: {"consentManagement": {"deniedConsentIds": found}})
    wrong: list[dict[str, Any]] = [
        {"consent": "yes"},
        {"consent": {"categoryPreferences": {"Analytics": "no"}}},
        {"consent": {"categoryPreferences": {"Analytics": "no", "Advertising": False}}},
        {"consent": 1, "consentManagement": {"deniedConsentIds": ["Analytics"]}},
        {"consentManagement": {"allowedConsentIds": "Analytics", "deniedConsentIds": None}},
        {"consentManagement": []},
        {"gpc": False},
        {"region": "FR"},
    ]
    one = st.one_of(of_segment, of_segment, allowed, denied)
    region = drawn(["DE", "US"]).map(lambda name: {"region": name})
    both = st.tuples(one, one).map(lambda pair: pair[0] | pair[1])
    return st.one_of(one, one, both, region, st.just({"gpc": True}), drawn(wrong))


def in_order(streams: st.SearchStrategy[list[bytes]]) -> st.SearchStrategy[list[bytes]]:
    """Put streams in the order of time, to the millisecond: none of their events is late."""
    return streams.map(lambda lines: sorted(lines, key=lambda line: time_of(_timestamp(line))))


def _timestamp(line: bytes) -> object:
    return json.loads(line)["timestamp"]


ALL_GRANTED = {"consent": {"categoryPreferences": dict.fromkeys(PURPOSES, True)}}


@st.composite
def spoken(draw: st.DrawFn, streams: st.SearchStrategy[list[bytes]]) -> list[bytes]:
    """Draw a stream in which some events say what their customer permits."""
    lines = draw(streams)
    what = st.one_of(st.none(), st.none(), st.none(), st.just(ALL_GRANTED), _said())
    return with_contexts(lines, draw(st.lists(what, min_size=len(lines), max_size=len(lines))))


def with_contexts(lines: Sequence[bytes], contexts: Sequence[dict[str, Any] | None]) -> list[bytes]:
    """Put more into the contexts of some events."""
    return [
        _with_context(line, context) if context else line
        for line, context in zip(lines, contexts, strict=True)
    ]


def _with_context(line: bytes, more: dict[str, Any]) -> bytes:
    event = json.loads(line)
    event["context"] = (event.get("context") or {}) | more
    return json.dumps(event, separators=(",", ":")).encode()


@st.composite
def asking(draw: st.DrawFn, rules: st.SearchStrategy[Rules]) -> Rules:
    """Draw rules that ask for consent."""
    found = draw(rules)
    consent: dict[str, Any] = {"default": draw(drawn(["allow", "allow", "deny"]))}
    if draw(st.booleans()):
        consent |= {"regions": REGIONS, "region": "context.region"}
    purposes: dict[str, Any] = {}
    if draw(drawn([True, True, False])):
        purposes["profiling"] = "Analytics"
    if draw(st.booleans()):
        purposes["channels"] = {"email": "Advertising"}
    if draw(st.booleans()) or not purposes:
        purposes["triggers"] = {"first": "Reminders"}
    if draw(st.booleans()):
        named = [purposes.get("profiling"), *purposes.get("channels", {}).values()]
        named += purposes.get("triggers", {}).values()
        refused = draw(drawn([each for each in named if each]))
        consent["gpc"] = {"path": "context.gpc", "refuses": [refused]}
    return replace(found, consent=consent, purposes=purposes)
