"""Finds its way in the bytes of a JSON text, without making anything of them.

For whoever changes a text in a few places and leaves all else byte for byte. It is as strict as it
must be to know where a value ends; whether the text is JSON is for others to say. No pattern looks
at a byte more than a few times, whatever the text is.
"""

import re
from collections.abc import Iterable

import msgspec

_BLANK = rb"[ \t\r\n]*+"
_TEXT = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_WORD = rb'[^\s,:"\[\]{}]++'
_FLAT = rb'[\[{](?:[^\[\]{}"]++|' + _TEXT + rb")*+[\]}]"
_NEAR = rb'[\[{](?:[^\[\]{}"]++|' + _TEXT + rb"|" + _FLAT + rb")*+[\]}]"
"""A container with flat ones in it, and nothing deeper."""

_SPACE = re.compile(_BLANK)
_SCALAR = re.compile(_TEXT + rb"|" + _WORD, re.DOTALL)
_MARKS = re.compile(_TEXT + rb"|[\[\]{}]", re.DOTALL)
_OPENING = (ord("["), ord("{"))
_QUOTE = ord('"')
_BACKSLASH = b"\\"


class UnreadableError(Exception):
    """The text is no JSON, or is nested too deeply."""


def skip_space(text: bytes, at: int) -> int:
    """Return where the next token begins."""
    found = _SPACE.match(text, at)
    assert found, "it matches anything"
    return found.end()


def members_but(names: Iterable[str]) -> re.Pattern[bytes]:
    """Return what passes over members of an object, with their commas, up to one that matters.

    It stops before a member of one of these names, and before any that it cannot be sure of.
    """
    written = b"|".join(re.escape(name.encode()) for name in sorted(names))
    name = rb'"(?!(?:' + written + rb')")[^"\\]*+"'
    value = rb"(?:" + _TEXT + rb"|" + _WORD + rb"|" + _NEAR + rb")"
    member = _BLANK + name + _BLANK + rb":" + _BLANK + value + _BLANK
    return re.compile(rb"(?:" + member + rb",)*+(?:" + member + rb"(?=}))?+", re.DOTALL)


def value_end(text: bytes, at: int) -> int:
    """Return where the value ends that begins at a place.

    Raises:
        UnreadableError: there is none.
    """
    if at < len(text) and text[at] in _OPENING:
        return _container_end(text, at)
    found = _SCALAR.match(text, at)
    if found is None:
        raise UnreadableError
    return found.end()


def string_at(text: bytes, start: int, end: int) -> str:
    """Return what a string says.

    Raises:
        UnreadableError: nobody can tell.
    """
    try:
        if text.find(_BACKSLASH, start, end) < 0:
            return text[start + 1 : end - 1].decode()
        return msgspec.json.decode(text[start:end], type=str)
    except (msgspec.DecodeError, UnicodeError):
        raise UnreadableError from None


def _container_end(text: bytes, at: int) -> int:
    depth = 0
    for found in _MARKS.finditer(text, at):
        mark = text[found.start()]
        if mark in _OPENING:
            depth += 1
        elif mark != _QUOTE:
            depth -= 1
            if not depth:
                return found.end()
    raise UnreadableError
