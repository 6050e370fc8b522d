"""The kinds of keys in a shard's RocksDB, told apart by their first byte.

The numbers are part of the format on disk: never change or reuse one.
"""

from enum import IntEnum


class Prefix(IntEnum):
    """First byte of a key."""

    ABOUT = 0
    PROFILE = 1
    SESSION_TIMER = 2
    EXPIRY_TIMER = 3
    CUSTOMER = 4
    INSTANCE_TIMER = 5
    ROW_TIMER = 6
    SEGMENT_TIMER = 7
    ATTRIBUTES = 8
    MODEL = 9
    GIVEN_SCORES = 10
    WAITING_OUTCOME = 11
    COUNTED_VALUES = 12
    SUPPRESSED = 13
    NAME = 14
    NAME_TIMER = 15

    @property
    def key(self) -> bytes:
        """The prefix as bytes."""
        return bytes((self,))
