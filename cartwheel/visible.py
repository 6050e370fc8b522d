"""Texts that come from outside, and numbers, as they are shown."""

import json

import msgspec

_KILO = 1000


def visible(text: str) -> str:
    """Show what is no visible character by its number: events are not to steer the terminal."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def visible_lines(text: str) -> str:
    """Show the same of a text of several lines."""
    return "\n".join(map(visible, text.split("\n")))


def print_json(value: object) -> None:
    """Print a value as one line of JSON; what is no visible character in it is escaped."""
    text = msgspec.json.encode(value).decode()
    if not text.isprintable():
        text = "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)
    print(text)


def counted(count: int, noun: str) -> str:
    """Put a number before a noun."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def size(count: int) -> str:
    """Write a number of bytes in powers of 1000, as the config does."""
    shown = float(count)
    for unit in ("B", "KB", "MB"):
        if shown < _KILO:
            return f"{shown:.0f} {unit}" if unit == "B" else f"{shown:.1f} {unit}"
        shown /= _KILO
    return f"{shown:.1f} GB"
