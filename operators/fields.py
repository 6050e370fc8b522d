"""Reads the fields that the rules use out of an event, and says where a type is wrong."""

import re
from collections.abc import Callable, Sequence
from enum import Enum
from functools import lru_cache
from operator import attrgetter
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

from operators.head_types import Name
from operators.rejections import RejectedError, Rejection

Path = tuple[str, ...]
"""Where a field stands: ``("properties", "cart_id")``.

One part may be an array, ``("properties", "products[]", "price")``: such a field has a list of
values, one for each item, None where the item has none.
"""

ITEMS = 1000
"""At most so many items of an array are looked at, the first ones."""

_ARRAY = "[]"
_NOTHING = msgspec.Raw(b"null")
_FLAT = 2  # parts


class FieldType(Enum):
    """What a rule expects of a field; null and missing always pass, as missing."""

    NUMBER = "a number"
    KEY = "a string or a number"
    SCALAR = "a string, a number or a boolean"


_Whole = Annotated[int, Meta(ge=-(1 << 63), le=(1 << 63) - 1)]  # what the store's integers can hold

_TYPES: dict[FieldType, Any] = {
    FieldType.NUMBER: float,
    FieldType.KEY: Name | _Whole | float,
    FieldType.SCALAR: Name | bool | _Whole | float,
}


class Field(NamedTuple):
    """A field that some rule wants, and what it must be there."""

    path: Path
    type: FieldType


class Body(msgspec.Struct, gc=False):
    """An event, with what the rules may use still as bytes."""

    type: Name
    event: Any = None
    messageId: Name | None = None  # noqa: N815 (the Segment spec's name)
    properties: msgspec.Raw = _NOTHING
    context: msgspec.Raw = _NOTHING
    traits: msgspec.Raw = _NOTHING


Read = Callable[[Body], Sequence[Any]]
"""Returns the wanted values of an event, in order, None where missing; raises RejectedError."""


def read_nothing(_body: Body) -> Sequence[Any]:
    """Read no field."""
    return ()


def field_reader(wanted: Sequence[Field]) -> Read:
    """Make a function that reads certain fields of an event.

    Args:
        wanted: the fields, at least one.
    """
    groups = _groups(wanted)
    decodes = [_decoder(group) for group in groups]
    if len(groups) == 1 and all(_is_flat(field.path) for field in wanted):
        return _flat_reader(decodes[0], [_attribute(field.path[1]) for field in wanted])
    places = [
        (number, getter(field.path))
        for field in wanted
        for number, group in enumerate(groups)
        if field in group
    ]

    def read(body: Body) -> Sequence[Any]:
        decoded = [decode(body) for decode in decodes]
        return [get(decoded[number]) for number, get in places]

    return read


def _flat_reader(decode: Callable[[Body], object], attributes: list[str]) -> Read:
    """Read fields that stand side by side; the most usual case, so made quick."""
    values = attrgetter(*attributes, attributes[0])  # a tuple even of one
    missing = (None,) * len(attributes)

    def read(body: Body) -> Sequence[Any]:
        decoded = decode(body)
        return missing if decoded is None else values(decoded)

    return read


def getter(path: Path) -> Callable[[object], object]:
    """Make a function that gets one field of what a decoder of ``struct_of`` has made."""
    attributes = [_attribute(part) for part in path[1:]]
    if _is_flat(path):
        value = attrgetter(*attributes)
        return lambda decoded: None if decoded is None else value(decoded)
    array = _array_at(path)
    if array is None:
        return lambda decoded: _follow(decoded, attributes)
    to_array, in_item = attributes[:array], attributes[array:]

    def get(decoded: object) -> object:
        items = _follow(decoded, to_array)
        if not isinstance(items, list):
            return None
        return [_follow(item, in_item) for item in items[:ITEMS]]

    return get


def _is_flat(path: Path) -> bool:
    """Tell whether a field stands right below its root: ``properties.price``."""
    return len(path) == _FLAT and _array_at(path) is None


def _array_at(path: Path) -> int | None:
    """Return where in a path the array stands, None without one."""
    places = [place for place, part in enumerate(path) if part.endswith(_ARRAY)]
    assert len(places) <= 1, path
    return places[0] if places else None


def _decoder(group: Sequence[Field]) -> Callable[[Body], object]:
    """Make a function that decodes all fields of a group, which have one root."""
    root = group[0].path[0]
    raw = attrgetter(root)
    decode_json = _json_decoder(tuple(group)).decode

    def decode(body: Body) -> object:
        try:
            return decode_json(raw(body))
        except (msgspec.DecodeError, RecursionError) as error:
            raise RejectedError(wrong_type(error, root)) from None

    return decode


@lru_cache(maxsize=1_000)
def _json_decoder(group: tuple[Field, ...]) -> msgspec.json.Decoder[Any]:
    # making types is slow: who tries one config's rules many times needs each but once
    return msgspec.json.Decoder(struct_of(group, 1) | None)


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
    """Tell whether two different fields have one root and none lies inside the other.

    A part that is an array in one and an object in the other has no one type.
    """
    for part, other_part in zip(one.path, other.path, strict=False):
        if part != other_part:
            same_name = part.removesuffix(_ARRAY) == other_part.removesuffix(_ARRAY)
            return one.path[0] == other.path[0] and not same_name
    return False


def struct_of(fields: Sequence[Field], depth: int = 1) -> type[msgspec.Struct]:
    """Build the type whose fields are the parts of the paths at a depth, without what is before.

    No path may lie inside another.
    """
    members: dict[str, list[Field]] = {}
    for field in fields:
        members.setdefault(field.path[depth], []).append(field)
    types: list[tuple[str, Any, Any]] = []
    for part, inner in members.items():
        is_leaf = len(inner[0].path) == depth + 1
        member = _TYPES[inner[0].type] if is_leaf else struct_of(inner, depth + 1)
        if part.endswith(_ARRAY):
            member = list[member | None]  # type: ignore[valid-type]
        types.append((_attribute(part), member | None, None))
    names = {_attribute(part): part.removesuffix(_ARRAY) for part in members}
    return msgspec.defstruct("Fields", types, rename=names, gc=False)


def _attribute(part: str) -> str:
    """Name an attribute after any JSON name."""
    return "f" + part.encode().hex()
