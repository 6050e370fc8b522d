"""Reads the fields that the rules use out of an event, and says where a type is wrong."""

import re
from collections.abc import Sequence
from enum import Enum
from typing import Any

import msgspec

from operators.lines import NAME_CHARACTERS, Name
from operators.rejections import RejectedError, Rejection

Path = tuple[str, ...]
"""Where a field stands: ``("properties", "cart_id")``."""

ROOTS = ("properties", "context", "traits")

_NOTHING = msgspec.Raw(b"null")


class FieldType(Enum):
    """What a rule expects of a field; null and missing always pass, as missing."""

    NUMBER = "a number"
    KEY = "a string or a number"
    SCALAR = "a string, a number or a boolean"


_TYPES: dict[FieldType, Any] = {
    FieldType.NUMBER: float,
    FieldType.KEY: Name | int | float,
    FieldType.SCALAR: Name | bool | int | float,
}


Field = tuple[Path, FieldType]


class Body(msgspec.Struct, gc=False):
    """An event, with what the rules may use still as bytes."""

    type: Name
    event: Any = None
    messageId: Name | None = None  # noqa: N815 (the Segment spec's name)
    properties: msgspec.Raw = _NOTHING
    context: msgspec.Raw = _NOTHING
    traits: msgspec.Raw = _NOTHING

    @property
    def name(self) -> str:
        """The event's name: ``event`` of a track call, else its type (I3).

        Raises:
            RejectedError: it has none.
        """
        name = self.event if self.type == "track" else self.type
        if type(name) is not str or not 0 < len(name) <= NAME_CHARACTERS:
            field = "event" if self.type == "track" else "type"
            reason = f"expected a string of 1 to {NAME_CHARACTERS} characters"
            raise RejectedError(Rejection("profile", reason, field))
        return name


class Fields:
    """Reads certain fields of an event; made once, used for many.

    Args:
        wanted: the fields, each with the type it must have.
    """

    def __init__(self, wanted: Sequence[Field]) -> None:
        self._readers = [
            (group[0][0][0], msgspec.json.Decoder(_struct(group, 1) | None))
            for group in _groups(wanted)
        ]
        places = {
            field: (number, [_attribute(part) for part in field[0][1:]])
            for number, group in enumerate(_groups(wanted))
            for field in group
        }
        self._places = [places[field] for field in wanted]

    def read(self, body: Body) -> list[Any]:
        """Return the values, in the order in which they were wanted, None where missing.

        Raises:
            RejectedError: a value has another type than its rule expects.
        """
        decoded: list[object] = []
        for root, decoder in self._readers:
            try:
                decoded.append(decoder.decode(getattr(body, root)))
            except (msgspec.DecodeError, RecursionError) as error:
                raise RejectedError(wrong_type(error, root)) from None
        return [_follow(decoded[number], attributes) for number, attributes in self._places]


def wrong_type(error: Exception, root: str = "") -> Rejection:
    """Turn a decoder's complaint into a rejection with the path of the field."""
    if isinstance(error, RecursionError):
        return Rejection("profile", "nested too deeply", root)
    missing = re.fullmatch(r"Object missing required field `(\w+)`", str(error))
    if missing:
        return Rejection("profile", "missing", missing[1])
    reason, _, place = str(error).partition(" - at `$")
    path = (root + place.rstrip("`")).removeprefix(".")
    return Rejection("profile", reason.replace("`", ""), path)


def _follow(value: object, attributes: Sequence[str]) -> object:
    for attribute in attributes:
        if value is None:
            return None
        value = getattr(value, attribute)
    return value


def _groups(wanted: Sequence[Field]) -> list[list[Field]]:
    """Put fields together that one decoder can read: the same root, no contradicting types."""
    groups: list[list[Field]] = []
    for field in dict.fromkeys(wanted):
        for group in groups:
            if all(_agree(field, other) for other in group):
                group.append(field)
                break
        else:
            groups.append([field])
    return groups


def _agree(one: Field, other: Field) -> bool:
    """Tell whether two different fields have one root and none lies inside the other."""
    length = min(len(one[0]), len(other[0]))
    return one[0][0] == other[0][0] and one[0][:length] != other[0][:length]


def _struct(fields: Sequence[Field], depth: int) -> type[msgspec.Struct]:
    """Build the type whose fields are the parts of the paths at a depth."""
    members: dict[str, list[Field]] = {}
    for field in fields:
        members.setdefault(field[0][depth], []).append(field)
    types: list[tuple[str, Any, Any]] = []
    for part, inner in members.items():
        is_leaf = len(inner[0][0]) == depth + 1
        member = _TYPES[inner[0][1]] if is_leaf else _struct(inner, depth + 1)
        types.append((_attribute(part), member | None, None))
    names = {_attribute(part): part for part in members}
    return msgspec.defstruct("Fields", types, rename=names, gc=False)


def _attribute(part: str) -> str:
    """Name an attribute after any JSON name."""
    return "f" + part.encode().hex()
