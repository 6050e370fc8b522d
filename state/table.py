"""A table of customers by shard, written as a whole before a run; workers read their shards' parts.

It is a RocksDB folder: writing it takes little memory however long it is, it finds a customer that
comes twice, and a part is read without going through the rest.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from rocksdict import AccessType, Options, Rdict

from state.errors import StateError
from state.prefixes import Prefix
from state.records import record_key
from state.rocks import Compression, RocksKeyValue, settings_for

_BUILDING = "building"
_LINE_BYTES = 8
_OPEN_FILES = 50


class TableRow(NamedTuple):
    """One customer's entry.

    Attributes:
        shard: of the customer.
        customer: the id.
        line: where it was found.
        value: the entry.
    """

    shard: int
    customer: str
    line: int
    value: bytes


class NewTable:
    """A table that is being written."""

    def __init__(self, keyvalue: RocksKeyValue) -> None:
        self._keyvalue = keyvalue

    def add(self, rows: Sequence[TableRow]) -> list[tuple[TableRow, int]]:
        """Add some rows, better many at once.

        Returns:
            Those whose customers have a row already, each with that one's line; they are left out.
        """
        keys = [_prefix(row.shard) + record_key(Prefix.ATTRIBUTES, row.customer) for row in rows]
        lines: dict[bytes, int] = {}
        twice: list[tuple[TableRow, int]] = []
        for row, key, before in zip(rows, keys, self._keyvalue.get_many(keys), strict=True):
            first = lines.get(key)
            if before is not None:
                first = int.from_bytes(before[:_LINE_BYTES], "big")
            if first is not None:
                twice.append((row, first))
                continue
            lines[key] = row.line
            self._keyvalue.put(key, row.line.to_bytes(_LINE_BYTES, "big") + row.value)
        return twice


@contextmanager
def writing_table(path: Path, compression: Compression) -> Iterator[NewTable]:
    """Write a table; it is there once this is left without an error, and then complete.

    Args:
        path: its folder.
        compression: on disk.

    Raises:
        StateError: it cannot be written.
    """
    beside = path.with_name(_BUILDING)
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(beside, ignore_errors=True)
    try:
        keyvalue = RocksKeyValue(beside, settings_for(1, compression))
        try:
            yield NewTable(keyvalue)
            keyvalue.checkpoint(path)
        finally:
            keyvalue.close()
    except Exception as error:
        if type(error) is Exception:  # rocksdict raises nothing more special
            raise StateError(f"{path} cannot be written: {error}") from error
        raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def read_table(path: Path, shard: int) -> Iterator[tuple[bytes, bytes]]:
    """Give the key and the value of each entry of a shard, as they stand in the shard's store.

    Raises:
        StateError: the table is not there or cannot be read.
    """
    options = Options(raw_mode=True)
    options.create_if_missing(create_if_missing=False)
    options.set_max_open_files(_OPEN_FILES)
    try:
        database = Rdict(str(path), options, access_type=AccessType.read_only())
    except Exception as error:  # rocksdict raises nothing more special
        raise StateError(
            f"{path} is missing or damaged; the next start of the command makes it anew"
        ) from error
    try:
        prefix = _prefix(shard)
        iterator = database.iter()
        iterator.seek(prefix)
        while iterator.valid():
            key: bytes = iterator.key()
            if not key.startswith(prefix):
                break
            value: bytes = iterator.value()
            yield key[len(prefix) :], value[_LINE_BYTES:]
            iterator.next()
        iterator.status()
    finally:
        database.close()


def remove_tables(folder: Path, *, keep: str) -> None:
    """Remove every table in a folder, and what an interrupted command has left, but for one."""
    with suppress(FileNotFoundError):
        for entry in folder.iterdir():
            if entry.name != keep:
                shutil.rmtree(entry)


def _prefix(shard: int) -> bytes:
    return shard.to_bytes(2, "big")
