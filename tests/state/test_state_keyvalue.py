"""One suite over both stores: what is in memory for tests does what RocksDB does."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from state.keyvalue import KeyValue, MemoryKeyValue
from state.rocks import RocksKeyValue, settings_for

ROCKS = settings_for(12, "lz4")

SHORT = st.binary(max_size=2).map(lambda data: bytes(byte % 4 or byte for byte in data))
"""Few different keys, so that operations meet, but any byte in them."""

OPERATIONS = st.one_of(
    st.tuples(st.just("put"), SHORT, st.binary(max_size=3)),
    st.tuples(st.just("delete"), SHORT),
    st.tuples(st.just("get_many"), st.lists(SHORT, max_size=4)),
    st.tuples(st.just("keys"), SHORT, SHORT, st.integers(0, 4)),
)


@pytest.fixture(params=["memory", "rocks"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyValue]:
    if request.param == "memory":
        yield MemoryKeyValue()
        return
    rocks = RocksKeyValue(tmp_path / "rocks", ROCKS)
    yield rocks
    rocks.close()


def test_a_key_has_its_last_value(store: KeyValue) -> None:
    store.put(b"k", b"one")
    store.put(b"k", b"two")
    assert store.get_many([b"k"]) == [b"two"]


def test_missing_keys_are_none_and_keys_may_repeat(store: KeyValue) -> None:
    store.put(b"k", b"")
    assert store.get_many([b"x", b"k", b"k", b"x"]) == [None, b"", b"", None]
    assert store.get_many([]) == []


def test_a_deleted_key_is_missing_and_deleting_nothing_is_fine(store: KeyValue) -> None:
    store.put(b"k", b"v")
    store.delete(b"k")
    store.delete(b"k")
    assert store.get_many([b"k"]) == [None]
    assert store.keys(b"", b"", 10) == []


def test_keys_are_in_order_of_their_bytes(store: KeyValue) -> None:
    for key in (b"b", b"a\xff", b"a", b"a\0", b"\xff", b"\0"):
        store.put(key, b"")
    assert store.keys(b"", b"", 10) == [b"\0", b"a", b"a\0", b"a\xff", b"b", b"\xff"]


def test_keys_stop_at_the_end_of_the_prefix_and_at_the_limit(store: KeyValue) -> None:
    for key in (b"a9", b"b1", b"b2", b"b3", b"c0"):
        store.put(key, b"")
    assert store.keys(b"b", b"b", 10) == [b"b1", b"b2", b"b3"]
    assert store.keys(b"b2", b"b", 10) == [b"b2", b"b3"]
    assert store.keys(b"b", b"b", 2) == [b"b1", b"b2"]
    assert store.keys(b"b", b"b", 0) == []
    assert store.keys(b"b4", b"b", 10) == []


def test_keys_may_start_before_or_after_all_that_have_the_prefix(store: KeyValue) -> None:
    for key in (b"a", b"b", b"c"):
        store.put(key, b"")
    assert store.keys(b"", b"b", 10) == [b"b"]
    assert store.keys(b"c", b"b", 10) == []


@settings(deadline=None, max_examples=60)
@given(st.lists(OPERATIONS, max_size=25))
@example([("put", b"b", b""), ("keys", b"", b"b", 9)])
def test_both_stores_answer_the_same_to_any_operations(
    tmp_path_factory: pytest.TempPathFactory, operations: list[tuple[Any, ...]]
) -> None:
    memory = MemoryKeyValue()
    rocks = RocksKeyValue(tmp_path_factory.mktemp("rocks") / "db", ROCKS)
    try:
        for name, *arguments in operations:
            assert getattr(rocks, name)(*arguments) == getattr(memory, name)(*arguments), name
        assert rocks.keys(b"", b"", 1000) == sorted(memory.entries)
    finally:
        rocks.close()


@pytest.fixture
def reopened(tmp_path: Path) -> Callable[[RocksKeyValue], RocksKeyValue]:
    """Give what a checkpoint holds."""

    def reopen(rocks: RocksKeyValue) -> RocksKeyValue:
        rocks.checkpoint(tmp_path / "checkpoint")
        rocks.close()
        return RocksKeyValue(tmp_path / "checkpoint", ROCKS)

    return reopen


def test_a_checkpoint_holds_what_was_put_and_not_what_was_deleted(
    tmp_path: Path, reopened: Callable[[RocksKeyValue], RocksKeyValue]
) -> None:
    rocks = RocksKeyValue(tmp_path / "live", ROCKS)
    for number in range(1000):
        rocks.put(b"%d" % number, b"value %d" % number)
    for number in range(0, 1000, 2):
        rocks.delete(b"%d" % number)
    copy = reopened(rocks)
    assert copy.keys(b"", b"", 2000) == sorted(b"%d" % n for n in range(1, 1000, 2))
    assert copy.get_many([b"7", b"8"]) == [b"value 7", None]
    copy.close()


def test_only_puts_and_deletes_since_the_last_checkpoint_count_as_changes(tmp_path: Path) -> None:
    rocks = RocksKeyValue(tmp_path / "live", ROCKS)
    assert not rocks.changed
    rocks.get_many([b"k"])
    rocks.keys(b"", b"", 1)
    assert not rocks.changed
    rocks.put(b"k", b"v")
    assert rocks.changed
    rocks.checkpoint(tmp_path / "one")
    assert not rocks.changed
    rocks.delete(b"k")
    assert rocks.changed
    rocks.close()
