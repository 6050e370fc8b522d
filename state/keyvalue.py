"""What the state needs of a store, a sorted map of bytes, and its twin in memory for tests."""

from collections.abc import Sequence
from typing import Protocol


class KeyValue(Protocol):
    """A sorted map of bytes to bytes."""

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the values of these keys, None where there is none."""
        ...

    def put(self, key: bytes, value: bytes) -> None:
        """Set a key."""
        ...

    def delete(self, key: bytes) -> None:
        """Remove a key; nothing happens where there is none."""
        ...

    def keys(self, start: bytes, prefix: bytes, limit: int) -> list[bytes]:
        """Return up to ``limit`` keys with this prefix, from ``start`` on, in order."""
        ...

    def leave_no_trace(self) -> None:
        """Ask that nothing of what is deleted is left on disk from the next version on."""
        ...


class MemoryKeyValue:
    """A KeyValue in a dict, for tests; ``entries`` is all it holds."""

    def __init__(self, entries: dict[bytes, bytes] | None = None) -> None:
        self.entries: dict[bytes, bytes] = dict(entries or {})

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """See KeyValue."""
        return [self.entries.get(key) for key in keys]

    def put(self, key: bytes, value: bytes) -> None:
        """See KeyValue."""
        self.entries[key] = value

    def delete(self, key: bytes) -> None:
        """See KeyValue."""
        self.entries.pop(key, None)

    def keys(self, start: bytes, prefix: bytes, limit: int) -> list[bytes]:
        """See KeyValue."""
        return sorted(key for key in self.entries if key >= start and key.startswith(prefix))[
            :limit
        ]

    def leave_no_trace(self) -> None:
        """See KeyValue; a dict leaves none."""
