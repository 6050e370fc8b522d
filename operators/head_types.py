"""What is decoded of a line to find out whose it is, and when it was."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

NAME_CHARACTERS = 1000
"""The longest customer, messageId or key: they are kept in the state."""

Name = Annotated[str, Meta(max_length=NAME_CHARACTERS)]


class Head(msgspec.Struct, frozen=True, gc=False):
    """Of a line that is as it should be."""

    timestamp: str
    userId: Name | None = None  # noqa: N815 (the Segment spec's names)
    anonymousId: Name | None = None  # noqa: N815
    receivedAt: str | None = None  # noqa: N815


class LooseHead(msgspec.Struct, gc=False):
    """Of any line that is an object."""

    timestamp: Any = None
    userId: Any = None  # noqa: N815
    anonymousId: Any = None  # noqa: N815
    receivedAt: Any = None  # noqa: N815


def json_type(value: object) -> str:
    """Name the JSON type of a decoded value."""
    names = {str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), "an array" if isinstance(value, list) else "an object")
