"""Cuts an anonymous event down to what the rules read of it, before it is kept."""

from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any

import msgspec

from operators.consent import Consent
from operators.consent_plan import ConsentPlan
from operators.event_plans import EventPlans
from operators.fields import Body, Path
from operators.forget_events import FORGET
from operators.joins import KeptEvent
from operators.rejections import RejectedError
from operators.times import AFTER_ALL, BEFORE_ALL, EventTime

_ARRAY = "[]"
_NULL = msgspec.Raw(b"null")
_SAID = (("context", "consent", "categoryPreferences"), ("context", "consentManagement"))

_bodies = msgspec.json.Decoder(Body)
_objects = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)
_arrays = msgspec.json.Decoder(list[msgspec.Raw] | None)
_encode = msgspec.json.Encoder().encode

Tree = dict[str, "Tree | None"]
"""Which parts of an object are kept: of each name the parts below it, None for all."""


class Cutter:
    """Cuts events down; what is left of one is read as the whole of it is.

    Args:
        events: what the rules read of events, by their names.
        consent: where events say what their customers permit, None where nobody is asked.
    """

    def __init__(self, events: EventPlans, consent: ConsentPlan | None) -> None:
        self._events = events
        paths = [*_SAID, consent.region, consent.gpc] if consent else []
        self._said = [path for path in paths if path]
        self._trees: dict[int, Tree] = {}
        self._of_consent = _tree(self._said)

    def cut(self, line: bytes) -> bytes | None:
        """Return what the rules read of an event, None of what is none for them."""
        try:
            body = _bodies.decode(line)
            plan = self._events.get(body)
            plan.read(body)
        except (msgspec.DecodeError, RecursionError, RejectedError):
            return None
        if body.type == FORGET:  # it is a dead letter
            return None
        tree = self._trees.get(id(plan))
        if tree is None:
            tree = self._trees[id(plan)] = _tree(
                [*(each.path for each in plan.wanted), *self._said]
            )
        return _cut(body, tree)

    def body(self, line: bytes) -> Body:
        """Read what is left of an event."""
        return _bodies.decode(line)

    def said(self, line: bytes) -> bytes:
        """Return nothing of an event but what it says of consent, and its name."""
        return _cut(_bodies.decode(line), self._of_consent)


def _cut(body: Body, tree: Tree) -> bytes:
    left: dict[str, Any] = {"type": body.type}
    if body.event is not None:
        left["event"] = body.event
    if body.messageId is not None:
        left["messageId"] = body.messageId
    for name, parts in tree.items():
        raw: msgspec.Raw = getattr(body, name)
        if raw != _NULL:
            left[name] = _part(raw, parts)
    return _encode(left)


def _part(raw: msgspec.Raw, parts: "Tree | None") -> msgspec.Raw | dict[str, Any] | list[Any]:
    if parts is None:
        return raw
    try:
        if _ARRAY in parts:
            return [_part(each, parts[_ARRAY]) for each in _arrays.decode(raw) or ()]
        found: Mapping[str, msgspec.Raw] = _objects.decode(raw) or {}
    except (msgspec.DecodeError, RecursionError):
        return raw  # of consent: what cannot be read is told as that
    return {name: _part(found[name], parts[name]) for name in parts if name in found}


def _tree(paths: Iterable[Path]) -> Tree:
    """Put paths together; an array's own name stands above its items."""
    tree: Tree = {}
    for path in paths:
        parts = [
            part
            for each in path
            for part in ((each.removesuffix(_ARRAY), _ARRAY) if each.endswith(_ARRAY) else (each,))
        ]
        _plant(tree, parts)
    return tree


def _plant(tree: Tree, parts: list[str]) -> None:
    for part in parts[:-1]:
        below = tree.setdefault(part, {})
        if below is None:
            return  # all of it is kept
        tree = below
    tree[parts[-1]] = None


def said_before(consent: Consent, plan: ConsentPlan, before: EventTime) -> list[KeptEvent]:
    """Say once more what was said of consent before a time, by events that are not kept any more.

    Args:
        consent: all that was said.
        plan: where events say it.
        before: the time of the earliest event that is kept.
    """
    told: list[tuple[EventTime, dict[str, Any]]] = []
    for purpose, stretches in consent.purposes.items():
        for each in stretches:
            said = {"consent": {"categoryPreferences": {purpose: each.says}}}
            told += [(time, {"context": said}) for time in {each.first, each.last}]
    for each in consent.regions:
        said = _nested(plan.region, each.says)
        told += [(time, said) for time in {each.first, each.last}]
    return [
        KeptEvent(time, BEFORE_ALL, AFTER_ALL, _encode({"type": "identify", **said}), is_bare=True)
        for time, said in sorted(told, key=itemgetter(0))
        if BEFORE_ALL < time < before
    ]


def _nested(path: Path, value: object) -> dict[str, Any]:
    for part in reversed(path):
        value = {part: value}
    return value if isinstance(value, dict) else {}
