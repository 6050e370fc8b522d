"""The kinds of keys in a shard's RocksDB, told apart by their first byte.

The numbers are part of the format on disk: never change or reuse one.
"""

from enum import IntEnum


class Prefix(IntEnum):
    """First byte of a key."""

    ABOUT = 0
    PROFILE = 1
    PROFILE_TIMER = 2
    CASES = 3
    CASES_TIMER = 4

    @property
    def key(self) -> bytes:
        """The prefix as bytes."""
        return bytes((self,))
