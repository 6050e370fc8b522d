"""Deadlines of customers, at most one each, in order of time; the nearest are in memory.

Entries below the horizon are all in memory, entries at or above it are only in the store. An entry
that is set and gone between two flushes never touches the store.
"""

from heapq import heapify, heappop, heappush

from state.keyvalue import KeyValue
from state.prefixes import Prefix

_TIME_BIAS = 1 << 63
_BEGINNING = (-_TIME_BIAS, "")
_END = (_TIME_BIAS, "")

DUE_AT_ONCE = 1000
"""How many customers are taken together, and so have their records in memory."""

Entry = tuple[int, str]
"""A deadline in milliseconds and its customer."""


def customer_in(key: bytes) -> bytes:
    """Return the customer whose deadline stands under a key, as UTF-8."""
    return key[9:]


class Timers:
    """The deadlines of one kind in one shard.

    The owner's record remembers where its entry is: ``remove`` what is not there is an error of
    the caller that is not noticed here.

    Args:
        keyvalue: where the entries are kept.
        prefix: the kind.
        capacity: the most entries in memory.
    """

    def __init__(self, keyvalue: KeyValue, prefix: Prefix, *, capacity: int = 8192) -> None:
        assert capacity > 1, "half of them are kept when there are too many"
        self._keyvalue = keyvalue
        self._prefix = prefix.key
        self._capacity = capacity
        self._near: list[Entry] = []  # a heap of what lies below the horizon, removed ones too
        self._removed: set[Entry] = set()  # still in the heap, no longer valid
        self._unwritten: set[Entry] = set()  # in the heap, not yet in the store
        self._horizon = _BEGINNING

    def add(self, time: int, customer: str) -> None:
        """Set the deadline of a customer who has none."""
        entry = (time, customer)
        if entry >= self._horizon:
            self._keyvalue.put(self._key(entry), b"")
            return
        self._unwritten.add(entry)
        if entry in self._removed:
            self._removed.remove(entry)
            return
        heappush(self._near, entry)
        if len(self._near) > self._capacity:
            self._spill()

    def remove(self, time: int, customer: str) -> None:
        """Take back the deadline of a customer who has this one."""
        entry = (time, customer)
        if entry < self._horizon:
            self._removed.add(entry)
        self._forget(entry)

    def due(self, before: int, limit: int = DUE_AT_ONCE) -> list[str]:
        """Take up to ``limit`` customers whose deadlines lie before a time, earliest first."""
        customers: list[str] = []
        while len(customers) < limit:
            if not self._near and self._horizon[0] < before:
                self._load()
                continue
            if not self._near or self._near[0][0] >= before:
                break
            entry = heappop(self._near)
            if entry in self._removed:
                self._removed.remove(entry)
                continue
            self._forget(entry)
            customers.append(entry[1])
        return customers

    def flush(self) -> None:
        """Write every entry that is not yet in the store."""
        for entry in self._unwritten:
            self._keyvalue.put(self._key(entry), b"")
        self._unwritten.clear()

    def _forget(self, entry: Entry) -> None:
        if entry in self._unwritten:
            self._unwritten.remove(entry)
        else:
            self._keyvalue.delete(self._key(entry))

    def _load(self) -> None:
        """Bring the next entries of the store into memory, which has none."""
        limit = self._capacity // 2
        keys = self._keyvalue.keys(self._key(self._horizon), self._prefix, limit)
        self._near = [self._entry(key) for key in keys]
        self._horizon = _after(self._near[-1]) if len(keys) == limit else _END

    def _spill(self) -> None:
        """Leave the later half of the entries to the store."""
        valid = sorted(entry for entry in self._near if entry not in self._removed)
        self._removed.clear()
        keep = self._capacity // 2
        for entry in valid[keep:]:
            if entry in self._unwritten:
                self._unwritten.remove(entry)
                self._keyvalue.put(self._key(entry), b"")
        if len(valid) > keep:
            self._horizon = valid[keep]
        self._near = valid[:keep]
        heapify(self._near)

    def _key(self, entry: Entry) -> bytes:
        return self._prefix + _encode_time(entry[0]) + entry[1].encode()

    def _entry(self, key: bytes) -> Entry:
        return int.from_bytes(key[1:9], "big") - _TIME_BIAS, customer_in(key).decode()


def _encode_time(time: int) -> bytes:
    return min(max(time + _TIME_BIAS, 0), (1 << 64) - 1).to_bytes(8, "big")


def _after(entry: Entry) -> Entry:
    """Return the least entry above this one."""
    return entry[0], entry[1] + "\0"
