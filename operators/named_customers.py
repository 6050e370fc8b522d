"""Finds out who a line is of that was rejected, as far as it can be told; it need not be JSON."""

import re

import msgspec

_NAMED = re.compile(rb'"(userId|anonymousId)"\s*:\s*("(?:[^"\\]|\\.)*")')


def named_customers(event: bytes) -> set[str]:
    """Return who an event that was rejected says that it is of; it need not be JSON."""
    return {name for _, name in _named(event)}


def named_customer(event: bytes) -> str:
    """Return the customer of an event that was rejected, as far as it can be told; else empty."""
    named = sorted(_named(event), key=lambda each: each[0] != b"userId")
    return next((name for _, name in named if name), "")


def _named(event: bytes) -> list[tuple[bytes, str]]:
    named: list[tuple[bytes, str]] = []
    for field, text in _NAMED.findall(event):
        try:
            named.append((field, msgspec.json.decode(text, type=str)))
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return named
