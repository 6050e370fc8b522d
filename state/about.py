"""What a shard's RocksDB says about itself: format, version and the layouts of its records."""

import msgspec

from state.errors import StateError
from state.keyvalue import KeyValue
from state.prefixes import Prefix

FORMAT = 1
"""Raised when the keys or records of a shard change in a way that older ones cannot be read."""

_KEY = Prefix.ABOUT.key


class About(msgspec.Struct):
    """The one record under Prefix.ABOUT.

    Attributes:
        format: the number of the format that wrote the shard.
        shard: the name of the shard's folder, empty before the first version.
        version: the version's name, likewise; other shards have versions of the same name.
        ticks: the last tick of each reader that is in the version.
        layouts: every layout that records were written with; a record names its own by number.
    """

    format: int = FORMAT
    shard: str = ""
    version: str = ""
    ticks: list[int] = []
    layouts: list[list[str]] = []


class _Format(msgspec.Struct):
    """The one field that every format has."""

    format: int


def read_about(keyvalue: KeyValue, place: str) -> About:
    """Read the record; a new shard gets an empty one.

    Raises:
        StateError: the shard was written in another format.
    """
    (value,) = keyvalue.get_many([_KEY])
    if value is None:
        return About()
    about_format = msgspec.msgpack.decode(value, type=_Format).format
    if about_format != FORMAT:
        raise StateError(
            f"{place} has format {about_format}, this program reads format {FORMAT};"
            " use the program that made it, or start a new state"
        )
    return msgspec.msgpack.decode(value, type=About)


def write_about(keyvalue: KeyValue, about: About) -> None:
    """Write the record."""
    keyvalue.put(_KEY, msgspec.msgpack.encode(about))
