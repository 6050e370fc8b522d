"""The table of a file is made once, whole or not at all; a shard has exactly one table's part."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from connectors.attributes import AttributesError, CustomersFile
from flows.attributes import check_customers, keep_table, prepare_attributes, take_attributes
from operators.route import shard_of
from state.about import About, Attributes
from state.errors import StateError
from state.folder import StateFolder
from state.keyvalue import MemoryKeyValue
from state.prefixes import Prefix
from state.records import record_key

SHARDS = 3
MANY = 2500
"""More than are written at once."""


def crm(folder: Path, tiers: Sequence[tuple[str, str]]) -> CustomersFile:
    file = folder / "crm.csv"
    file.write_text("id,tier\n" + "".join(f"{name},{tier}\n" for name, tier in tiers))
    return CustomersFile(str(file), "id", {"tier": "text"})


def prepared(folder: StateFolder, file: CustomersFile) -> Attributes:
    return prepare_attributes(folder, file, SHARDS, "lz4")


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    return StateFolder(tmp_path / "state")


def test_every_shard_takes_its_customers_and_no_others(tmp_path: Path, state: StateFolder) -> None:
    names = [f"u{number}" for number in range(MANY)]
    attributes = prepared(state, crm(tmp_path, [(name, "gold") for name in names]))
    for shard in range(SHARDS):
        keyvalue, about = MemoryKeyValue(), About()
        take_attributes(state, shard, keyvalue, about, attributes)
        own = [name for name in names if shard_of(name, SHARDS) == shard]
        assert keyvalue.entries.keys() == {record_key(Prefix.ATTRIBUTES, name) for name in own}
        assert set(keyvalue.entries.values()) == {b"\x91\xa4gold"}
        assert (about.attributes, attributes.columns) == (attributes, ["tier"])


def test_another_table_takes_the_place_of_the_one_before(
    tmp_path: Path, state: StateFolder
) -> None:
    keyvalue, about = MemoryKeyValue({Prefix.CUSTOMER.key + b"1": b"stays"}), About()
    names = [f"u{number}" for number in range(MANY)]
    old = prepared(state, crm(tmp_path, [(name, "gold") for name in names]))
    take_attributes(state, 0, keyvalue, about, old)
    before = dict(keyvalue.entries)
    take_attributes(state, 0, keyvalue, about, old)
    assert keyvalue.entries == before
    customer = next(name for name in names if shard_of(name, SHARDS) == 0)
    new = prepared(state, crm(tmp_path, [(customer, "silver")]))
    take_attributes(state, 0, keyvalue, about, new)
    key = record_key(Prefix.ATTRIBUTES, customer)
    stays = {Prefix.CUSTOMER.key + b"1": b"stays"}
    assert keyvalue.entries == {**stays, key: b"\x91\xa6silver"}
    take_attributes(state, 0, keyvalue, about, None)
    assert keyvalue.entries == stays
    assert about.attributes == Attributes()


def test_a_file_that_is_as_before_is_not_read_again(tmp_path: Path, state: StateFolder) -> None:
    file = crm(tmp_path, [("u1", "gold")])
    first = prepared(state, file)
    [table] = (state.path / "attributes").iterdir()
    made = (table / "CURRENT").stat().st_mtime_ns
    assert prepared(state, crm(tmp_path, [("u1", "gold")])) == first
    assert (table / "CURRENT").stat().st_mtime_ns == made
    other_columns = CustomersFile(file.file, "id", {"id": "text"})
    other = prepared(state, other_columns)
    assert (other.source, other.columns) == (first.source, ["id"])
    assert other.version != first.version
    assert prepared(state, crm(tmp_path, [("u1", "silver")])).version != first.version


@pytest.mark.parametrize("apart", [1, MANY], ids=["close", "far-apart"])
def test_a_customer_who_comes_twice_is_an_error_with_both_lines(
    apart: int, tmp_path: Path, state: StateFolder
) -> None:
    tiers = [(f"u{number}", "gold") for number in range(MANY)]
    tiers.insert(apart, ("u0", "gold"))
    file = crm(tmp_path, tiers)
    with pytest.raises(AttributesError) as caught:
        prepared(state, file)
    assert caught.value.problems == ((2 + apart, "the customer is in line 2 already"),)
    assert list((state.path / "attributes").iterdir()) == []
    with pytest.raises(AttributesError, match=f":{2 + apart}: the customer is in line 2 already"):
        check_customers(file)


def test_what_an_interrupted_command_has_left_is_in_nobodys_way(
    tmp_path: Path, state: StateFolder
) -> None:
    left = state.path / "attributes" / "building"
    left.mkdir(parents=True)
    (left / "CURRENT").write_text(json.dumps("not complete"))
    old = prepared(state, crm(tmp_path, [("u1", "gold")]))
    new = prepared(state, crm(tmp_path, [("u1", "silver")]))
    tables = state.path / "attributes"
    assert {each.name for each in tables.iterdir()} == {old.version, new.version}
    keep_table(state, new)
    assert {each.name for each in tables.iterdir()} == {new.version}
    keep_table(state, None)
    assert list(tables.iterdir()) == []


def test_a_table_that_is_gone_is_an_error_that_names_it(tmp_path: Path, state: StateFolder) -> None:
    attributes = prepared(state, crm(tmp_path, [("u1", "gold")]))
    keep_table(state, None)
    with pytest.raises(StateError, match=f"{attributes.version} is missing or damaged"):
        take_attributes(state, 0, MemoryKeyValue(), About(), attributes)


def test_a_disk_that_cannot_be_written_is_an_error_that_names_the_table(
    tmp_path: Path, state: StateFolder
) -> None:
    file = crm(tmp_path, [("u1", "gold")])
    attributes = prepared(state, file)
    keep_table(state, None)
    (state.path / "attributes" / f"{attributes.version}.tmp").write_text("in the way")
    with pytest.raises(StateError, match=f"{attributes.version} cannot be written: "):
        prepared(state, file)
