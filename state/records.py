"""One record per customer, decoded in a bounded cache and written back when it changed.

A cached record belongs to one of two generations. When the younger one is full, changed records
are written, the older generation is dropped and the younger one becomes it: records in use stay,
at the price of one dict look-up each.
"""

from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Generic, TypeVar

from state.keyvalue import KeyValue
from state.prefixes import Prefix

T = TypeVar("T")

RECORD_BYTES = 16
"""How many bytes stand for a customer in a record's key."""


class Records(Generic[T]):
    """The records of one kind in one shard.

    Attributes:
        hits: how many records were found in memory.
        misses: how many were looked up on disk, also in vain.

    Args:
        keyvalue: where the records are kept.
        prefix: the kind.
        encode: turns a record into bytes.
        decode: turns bytes into a record.
        capacity: how many decoded records are kept, over both generations.
    """

    def __init__(
        self,
        keyvalue: KeyValue,
        prefix: Prefix,
        *,
        encode: Callable[[T], bytes],
        decode: Callable[[bytes], T],
        capacity: int,
    ) -> None:
        self._keyvalue = keyvalue
        self._prefix = prefix.key
        self._encode = encode
        self._decode = decode
        self._generation_size = max(1, capacity // 2)
        self._young: dict[str, T] = {}
        self._old: dict[str, T] = {}
        self._changed: dict[str, T] = {}
        self.hits = 0
        self.misses = 0

    def edit(self, customers: Iterable[str]) -> dict[str, T]:
        """Load the records of these customers, to be changed until the next call.

        Every record that is returned counts as changed. Customers without a record are left out.
        """
        if len(self._young) > self._generation_size:
            self._turn()
        young, old, changed = self._young, self._old, self._changed
        records: dict[str, T] = {}
        missing: list[str] = []
        for customer in customers:
            record = young.get(customer)
            if record is None:
                record = old.pop(customer, None)
                if record is None:
                    missing.append(customer)
                    continue
                young[customer] = record
            records[customer] = changed[customer] = record
        self.hits += len(records)
        if missing:
            self.misses += len(missing)
            values = self._keyvalue.get_many([self._key(customer) for customer in missing])
            for customer, value in zip(missing, values, strict=True):
                if value is not None:
                    record = self._decode(value)
                    records[customer] = changed[customer] = young[customer] = record
        return records

    def stored_after(self, key: bytes, limit: int) -> tuple[list[T], bytes]:
        """Go through all that is stored, a few records at a time, as it was last written.

        Args:
            key: where the last call has come to, empty at the beginning.
            limit: how many at most.

        Returns:
            Records to look at, not to change, none at the end; and where this call has come to.
        """
        start = key + b"\0" if key else self._prefix
        keys = self._keyvalue.keys(start, self._prefix, limit)
        values = self._keyvalue.get_many(keys)
        records = [self._decode(value) for value in values if value is not None]
        return records, keys[-1] if keys else key

    def insert(self, customer: str, record: T) -> T:
        """Add the record of a customer who has none, as ``edit`` has said."""
        is_new = customer not in self._young and customer not in self._old
        assert is_new, "a customer has one record"
        self._young[customer] = self._changed[customer] = record
        return record

    def delete(self, customer: str) -> None:
        """Remove the record of a customer who has one and whom the last ``edit`` returned."""
        del self._young[customer]
        self._changed.pop(customer, None)
        self._keyvalue.delete(self._key(customer))

    def flush(self) -> None:
        """Write every changed record."""
        encode, put = self._encode, self._keyvalue.put
        for customer, record in self._changed.items():
            put(self._key(customer), encode(record))
        self._changed.clear()

    def _turn(self) -> None:
        self.flush()
        self._old = self._young
        self._young = {}

    def _key(self, customer: str) -> bytes:
        return self._prefix + _digest(customer)


def record_key(prefix: Prefix, customer: str) -> bytes:
    """Return the key under which a customer's record stands."""
    return prefix.key + _digest(customer)


def _digest(customer: str) -> bytes:
    return blake2b(customer.encode(), digest_size=RECORD_BYTES).digest()
