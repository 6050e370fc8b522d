"""Follows the paths of customers into lines that may hold anything there.

All bytes were looked at when the head was decoded: they are JSON, and not nested too deeply.
"""

from typing import Any

import msgspec

from operators.identity_plan import CustomerPath
from operators.rejections import Rejection

_KINDS = {
    **dict.fromkeys(b"-0123456789", "a number"),
    **dict.fromkeys(b"tf", "a boolean"),
    ord('"'): "a string",
    ord("["): "an array",
    ord("{"): "an object",
    ord("n"): "null",
}
"""What a JSON value is by its first byte."""

_NULL = msgspec.Raw(b"null")

_texts = msgspec.json.Decoder(str)
_lists = msgspec.json.Decoder(list[msgspec.Raw])


class _Entry(msgspec.Struct, gc=False):
    id: msgspec.Raw = _NULL
    type: msgspec.Raw = _NULL


_entries = msgspec.json.Decoder(_Entry)


class LoosePath:
    """Finds a customer in the head of any line.

    Attributes:
        field: as dead letters name it.

    Args:
        path: where it stands.
    """

    def __init__(self, path: CustomerPath) -> None:
        self.field = ".".join([*path.path, path.type] if path.type else path.path)
        self._parts = path.path
        self._type = path.type
        self._steps: list[msgspec.json.Decoder[Any]] = [
            msgspec.json.Decoder(
                msgspec.defstruct("Step", [("value", msgspec.Raw, _NULL)], rename={"value": part})
            )
            for part in path.path[1:]
        ]

    def value(self, head: Any) -> Any:
        """Return what stands there; None where nothing does, a Rejection where it is no text.

        Args:
            head: with what stands below its roots still as bytes.
        """
        value = getattr(head, self._parts[0])
        if not self._steps:
            return value
        for depth, step in enumerate(self._steps, 1):
            if _kind(value) == "null":
                return None
            if _kind(value) != "an object":
                return _wrong("an object", value, ".".join(self._parts[:depth]))
            value = step.decode(value).value
        return self._external(value) if self._type else self._text(value)

    def _text(self, value: msgspec.Raw) -> str | Rejection | None:
        kind = _kind(value)
        if kind == "null":
            return None
        return _texts.decode(value) if kind == "a string" else _wrong("a string", value, self.field)

    def _external(self, value: msgspec.Raw) -> str | Rejection | None:
        """Return the id of the first entry of the type; what is no entry is passed over."""
        kind = _kind(value)
        if kind == "null":
            return None
        if kind != "an array":
            return _wrong("an array", value, ".".join(self._parts))
        for each in _lists.decode(value):
            entry = _entries.decode(each) if _kind(each) == "an object" else _Entry()
            if _kind(entry.type) == "a string" and _texts.decode(entry.type) == self._type:
                return self._text(entry.id)
        return None


def _kind(value: msgspec.Raw) -> str:
    return _KINDS[memoryview(value)[0]]


def _wrong(expected: str, value: msgspec.Raw, field: str) -> Rejection:
    return Rejection("route", f"expected {expected}, got {_kind(value)}", field)
