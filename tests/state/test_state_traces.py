"""What is deleted without a trace is gone from a shard's folder when the next epoch begins."""

from pathlib import Path

from state.rocks import settings_for
from state.shard import ShardStore
from state.versions import NO_VERSION, Version

MARKER = b"qxzzy-4711"


def store_at(folder: Path, run: str, version: Version) -> ShardStore:
    return ShardStore(folder, run=run, version=version, settings=settings_for(1, "none"))


def traces(folder: Path) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path.relative_to(folder)) for path in files if MARKER in path.read_bytes()]


def epoch(store: ShardStore, tick: int) -> Version:
    """End an epoch, and begin the next."""
    version = store.checkpoint([tick], tick)
    store.committed(version)
    return version


def test_nothing_is_left_when_the_next_epoch_begins(tmp_path: Path) -> None:
    folder = tmp_path / "shard-00"
    store = store_at(folder, "aaaa", NO_VERSION)
    for number in range(2000):
        store.keyvalue.put(b"\x01%06d" % number, b"somebody else's")
    store.keyvalue.put(b"\x02" + MARKER, b"")  # as a timer: the id is in the key
    store.keyvalue.put(b"\x01~", MARKER)
    epoch(store, 1)
    store.keyvalue.put(b"\x01more", b"x")
    epoch(store, 2)
    store.keyvalue.delete(b"\x02" + MARKER)
    store.keyvalue.delete(b"\x01~")
    store.keyvalue.leave_no_trace()
    assert len(traces(folder)) > 2
    version = epoch(store, 3)
    assert traces(folder) == []
    assert sorted(each.name for each in folder.iterdir()) == ["committed", "live-aaaa-1", version]
    store.keyvalue.put(b"\x01again", b"x")
    version = epoch(store, 4)
    store.close()
    later = store_at(folder, "bbbb", version)
    assert len(later.keyvalue.keys(b"\x01", b"\x01", 9000)) == 2002
    assert later.keyvalue.get_many([b"\x01~", b"\x02" + MARKER]) == [None, None]
    assert later.keyvalue.get_many([b"\x01more", b"\x01again"]) == [b"x", b"x"]
    later.close()


def test_it_is_done_also_where_nothing_was_there(tmp_path: Path) -> None:
    """What was deleted before, as others are, may have left a trace."""
    folder = tmp_path / "shard-00"
    store = store_at(folder, "aaaa", NO_VERSION)
    store.keyvalue.put(b"\x02" + MARKER, b"")
    epoch(store, 1)
    store.keyvalue.delete(b"\x02" + MARKER)
    epoch(store, 2)
    assert traces(folder)
    store.keyvalue.leave_no_trace()
    epoch(store, 3)
    assert traces(folder) == []
    store.close()
