"""What is known of customers from a file: read once by the command, looked up by decide.

The command makes a table of the file beside the shards. A shard that has another table takes its
part over when it is opened, so that entries are committed with all else: whatever is killed when,
and whatever becomes of the file in the meantime, a shard has exactly one table.
"""

import hashlib
import json
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from connectors.attributes import CustomersFile, OpenCustomers, open_customers
from operators.route import shard_of
from state.about import About, Attributes
from state.folder import StateFolder
from state.keyvalue import KeyValue
from state.prefixes import Prefix
from state.rocks import Compression
from state.table import TableRow, read_table, remove_tables, writing_table

_DIGITS = 16
_REMOVED_AT_ONCE = 1000
_WRITTEN_AT_ONCE = 1000


def prepare_attributes(
    folder: StateFolder, file: CustomersFile, shards: int, compression: Compression
) -> Attributes:
    """Make the table of a file of customers, unless the state has it already.

    Raises:
        AttributesError: with all that is wrong with the file.
    """
    with open_customers(file) as customers:
        attributes = _attributes(file, customers.source)
        path = _place(folder, attributes.version)
        if not path.exists():
            _write(path, customers, shards, compression)
        return attributes


def check_customers(file: CustomersFile) -> None:
    """Look for all that is wrong with a file of customers.

    Raises:
        AttributesError: with everything that was found.
    """
    with TemporaryDirectory(prefix="cartwheel-") as folder, open_customers(file) as customers:
        _write(Path(folder) / "table", customers, 1, "lz4")


def keep_table(folder: StateFolder, attributes: Attributes | None) -> None:
    """Remove all tables but this one; no worker may be running."""
    remove_tables(_place(folder, ""), keep=attributes.version if attributes else "")


def take_attributes(
    folder: StateFolder,
    shard: int,
    keyvalue: KeyValue,
    about: About,
    attributes: Attributes | None,
) -> None:
    """Let a shard have the entries of a table, or none, if it has others.

    Args:
        folder: the state.
        shard: which.
        keyvalue: of the shard.
        about: what the shard says about itself.
        attributes: the table.

    Raises:
        StateError: the table is missing or damaged.
    """
    wanted = attributes or Attributes()
    if about.attributes == wanted:
        return
    prefix = start = Prefix.ATTRIBUTES.key
    while keys := keyvalue.keys(start, prefix, _REMOVED_AT_ONCE):
        for key in keys:
            keyvalue.delete(key)
        start = keys[-1]
    if wanted.version:
        for key, value in read_table(_place(folder, wanted.version), shard):
            keyvalue.put(key, value)
    about.attributes = wanted


def _attributes(file: CustomersFile, source: str) -> Attributes:
    told = json.dumps([source, list(file.columns.items())])
    version = hashlib.sha256(told.encode()).hexdigest()[:_DIGITS]
    return Attributes(version, source, list(file.columns))


def _place(folder: StateFolder, version: str) -> Path:
    return folder.path / "attributes" / version


def _write(path: Path, customers: OpenCustomers, shards: int, compression: Compression) -> None:
    encode = msgspec.msgpack.Encoder().encode
    with writing_table(path, compression) as table:
        rows = (
            TableRow(shard_of(customer, shards), customer, line, encode(values))
            for line, customer, values in customers.rows()
        )
        while some := list(islice(rows, _WRITTEN_AT_ONCE)):
            for row, first in table.add(some):
                customers.note(row.line, f"the customer is in line {first} already")
        customers.finish()
