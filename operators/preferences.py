"""Reads out of an event what its customer permits and refuses, and where the customer is (N1).

Preferences come in two spellings:

- Segment's consent object, ``context.consent.categoryPreferences``: true or false for each category
  (https://www.twilio.com/docs/segment/privacy/consent-management/consent-in-segment-connections);
- RudderStack's ``context.consentManagement`` with the lists ``allowedConsentIds`` and
  ``deniedConsentIds``
  (https://www.rudderstack.com/docs/data-governance/consent-management/passing-consent/).

Global Privacy Control (https://www.w3.org/TR/gpc/) has no place of its own in either: the config
says where events carry it. Its header has the value 1, its property in browsers is true.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from operators.consent_plan import ConsentPlan
from operators.fields import (
    Body,
    Field,
    FieldType,
    Path,
    Read,
    field_reader,
    getter,
    struct_of,
)
from operators.rejections import RejectedError

_SPELLINGS = ("consent", "consentManagement")
_SIGNALS = (True, "1", "true")
"""What stands for the signal of Global Privacy Control; 1 is equal to the first."""


class Said(NamedTuple):
    """What an event says of consent.

    Attributes:
        purposes: whether each that it speaks of is permitted.
        region: where the customer is, None where it does not say.
        is_readable: whether all of it could be read.
    """

    purposes: dict[str, bool]
    region: str | None
    is_readable: bool


NOTHING_SAID = Said({}, None, is_readable=True)
"""What nearly every event says that does not carry preferences; not to be changed."""


_object = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)
_array = msgspec.json.Decoder(list[msgspec.Raw] | None)
_text = msgspec.json.Decoder(str)
_FALSE = msgspec.Raw(b"false")


class _OfRudderStack(msgspec.Struct, gc=False):
    allowedConsentIds: list[Any] | None = None  # noqa: N815 (RudderStack's names)
    deniedConsentIds: list[Any] | None = None  # noqa: N815


class _AtOnce(NamedTuple):
    """Reads contexts of which everything is of the right type, as nearly all are."""

    decode: Callable[[msgspec.Raw], Any]
    gpc: Callable[[object], object]
    region: Callable[[object], object]


class PreferenceReader:
    """Reads the preferences of events.

    Args:
        plan: which purposes there are, and where else to look.
    """

    def __init__(self, plan: ConsentPlan) -> None:
        self._purposes = plan.purposes
        self._gpc_refuses = plan.gpc_refuses
        self._region = _reader(plan.region)
        self._gpc = _reader(plan.gpc)
        self._decode = _decoder(plan.purposes, []).decode
        self._categories = [attrgetter(_attribute(each)) for each in plan.purposes]
        paths = [path for path in (plan.gpc, plan.region) if path]
        self._at_once: _AtOnce | None = None
        if all(_is_beside_preferences(path) for path in paths) and not _overlap(paths):
            decode = _decoder(plan.purposes, paths).decode
            of_gpc, of_region = (
                getter(path) if path else _nothing for path in (plan.gpc, plan.region)
            )
            self._at_once = _AtOnce(decode, of_gpc, of_region)

    def read(self, body: Body) -> Said:
        """Read an event; where preferences are of a wrong type in part, refusals alone count."""
        if self._at_once is None:
            return self._read_one_by_one(body)
        try:
            context = self._at_once.decode(body.context)
        except (msgspec.DecodeError, RecursionError):
            return self._read_one_by_one(body)
        if context is None:
            return NOTHING_SAID
        signal, region = self._at_once.gpc(context), self._at_once.region(context)
        has_none = context.consent is None and context.consentManagement is None
        if has_none and signal is None and region is None:
            return NOTHING_SAID
        return self._said(self._preferences(context), signal, region, is_readable=True)

    def _read_one_by_one(self, body: Body) -> Said:
        """Read what can be read, where not all of it can."""
        purposes: dict[str, bool] = {}
        signal = region = None
        is_readable = True
        try:
            purposes = self._preferences(self._decode(body.context))
        except (msgspec.DecodeError, RecursionError):
            purposes, is_readable = self._refused(body.context), False
        try:
            signal = self._gpc(body)[0] if self._gpc else None
        except RejectedError:
            is_readable = False
        try:
            region = self._region(body)[0] if self._region else None
        except RejectedError:
            is_readable = False
        return self._said(purposes, signal, region, is_readable=is_readable)

    def _said(
        self, purposes: dict[str, bool], signal: object, region: object, *, is_readable: bool
    ) -> Said:
        if signal is not None and signal in _SIGNALS:
            purposes |= dict.fromkeys(self._gpc_refuses, False)
        if region is not None and not isinstance(region, str):
            region, is_readable = None, False
        if is_readable and not purposes and not region:
            return NOTHING_SAID
        return Said(purposes, region or None, is_readable)

    def _preferences(self, context: Any) -> dict[str, bool]:
        """Read both spellings of a context; a refusal in one wins."""
        said: dict[str, bool] = {}
        if context is None:
            return said
        if context.consent is not None and context.consent.categoryPreferences is not None:
            categories = context.consent.categoryPreferences
            for purpose, permitted_by in zip(self._purposes, self._categories, strict=True):
                permitted = permitted_by(categories)
                if permitted is not None:
                    said[purpose] = permitted
        if context.consentManagement is not None:
            self._take_in(said, context.consentManagement)
        return said

    def _refused(self, context: msgspec.Raw) -> dict[str, bool]:
        """Read the refusals in preferences of which not all are of the right type.

        What such an event permits does not count: what could not be read may have refused it.
        """
        parts = _objects(context)
        categories = _objects(_objects(parts.get("consent")).get("categoryPreferences"))
        lists = _objects(parts.get("consentManagement"))
        allowed = _texts(lists.get("allowedConsentIds"))
        denied = _texts(lists.get("deniedConsentIds")) or ()
        return {
            purpose: False
            for purpose in self._purposes
            if categories.get(purpose) == _FALSE
            or (allowed is not None and purpose not in allowed)
            or purpose in denied
        }

    def _take_in(self, said: dict[str, bool], lists: _OfRudderStack) -> None:
        """Put what RudderStack's lists say to what the other spelling says."""
        if lists.allowedConsentIds is not None:
            for purpose in self._purposes:
                said[purpose] = purpose in lists.allowedConsentIds and said.get(purpose, True)
        for purpose in self._purposes if lists.deniedConsentIds else ():
            if purpose in (lists.deniedConsentIds or ()):
                said[purpose] = False


def _decoder(purposes: Sequence[str], paths: Sequence[Path]) -> "msgspec.json.Decoder[Any]":
    """Make what reads the preferences out of a context, and what stands at some paths in it.

    Other categories are passed over.
    """
    categories = msgspec.defstruct(
        "Categories",
        [(_attribute(each), bool | None, None) for each in purposes],
        rename={_attribute(each): each for each in purposes},
        gc=False,
    )
    of_segment = msgspec.defstruct(
        "OfSegment", [("categoryPreferences", categories | None, None)], gc=False
    )
    context = msgspec.defstruct(
        "Context",
        [("consent", of_segment | None, None), ("consentManagement", _OfRudderStack | None, None)],
        bases=(struct_of([Field(path, FieldType.SCALAR) for path in paths]),) if paths else (),
        gc=False,
    )
    return msgspec.json.Decoder(context | None)


def _is_beside_preferences(path: Path) -> bool:
    """Tell whether a path lies in the context, and not in what the two spellings have there."""
    return path[0] == "context" and len(path) > 1 and path[1] not in _SPELLINGS


def _overlap(paths: Sequence[Path]) -> bool:
    """Tell whether one of two paths lies in the other."""
    return len(paths) > 1 and all(a == b for a, b in zip(*paths, strict=False))


def _objects(raw: msgspec.Raw | None) -> dict[str, msgspec.Raw]:
    """Read an object's values one by one, whatever the others are; none of what is no object."""
    try:
        return (_object.decode(raw) or {}) if raw is not None else {}
    except (msgspec.DecodeError, RecursionError):
        return {}


def _texts(raw: msgspec.Raw | None) -> set[str] | None:
    """Read the texts of a list, whatever else is in it; None of what is no list."""
    try:
        items = _array.decode(raw) if raw is not None else None
    except (msgspec.DecodeError, RecursionError):
        return None
    if items is None:
        return None
    return {text for each in items if (text := _text_of(each)) is not None}


def _text_of(raw: msgspec.Raw) -> str | None:
    try:
        return _text.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None


def _nothing(_context: object) -> None:
    """Stand for a path that is not looked at."""


def _attribute(purpose: str) -> str:
    """Name an attribute after any purpose."""
    return "p" + purpose.encode().hex()


def _reader(path: tuple[str, ...]) -> Read | None:
    return field_reader([Field(path, FieldType.SCALAR)]) if path else None
