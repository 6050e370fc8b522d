"""Versions of a shard: cloned on start, committed, and removed when nobody can want them."""

import os
from pathlib import Path

import pytest

from state.about import FORMAT, About, Layout, View, read_about, write_about
from state.errors import StateError
from state.keyvalue import MemoryKeyValue
from state.prefixes import Prefix
from state.rocks import RocksKeyValue, settings_for
from state.shard import ShardStore
from state.versions import (
    NO_VERSION,
    Version,
    Versions,
    clone,
    number_of,
    read_committed,
    remove_versions,
    write_committed,
)

ROCKS = settings_for(12, "lz4")


def open_shard(folder: Path, run: str, version: Version = NO_VERSION) -> ShardStore:
    return ShardStore(folder, run=run, version=version, settings=ROCKS)


def on_disk(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"committed"}


def make_versions(shard: ShardStore, count: int, *, commit: bool) -> list[Version]:
    """Make versions, each with one more key; commit each, if asked to, before the next is made."""
    made = []
    for _ in range(count):
        number = len(shard.keyvalue.keys(b"k", b"k", 1000))
        shard.keyvalue.put(b"k%03d" % number, b"")
        made.append(shard.checkpoint([number + 1], 7))
        if commit:
            shard.committed(made[-1])
    return made


def test_a_resume_finds_what_its_version_holds_and_nothing_later(tmp_path: Path) -> None:
    shard = open_shard(tmp_path / "s", "aa")
    first, second = make_versions(shard, 2, commit=False)
    shard.keyvalue.put(b"k-unwritten", b"")
    shard.close()
    for version, keys in ((first, [b"k000"]), (second, [b"k000", b"k001"])):
        resumed = open_shard(tmp_path / "s", f"b{len(keys)}", version)
        assert resumed.keyvalue.keys(b"k", b"k", 10) == keys
        assert (resumed.about.ticks, resumed.about.watermark) == ([len(keys)], 7)
        resumed.close()


def test_changes_after_a_resume_leave_the_version_as_it_was(tmp_path: Path) -> None:
    shard = open_shard(tmp_path / "s", "aa")
    [version] = make_versions(shard, 1, commit=False)
    shard.close()
    for run in ("b1", "b2"):
        resumed = open_shard(tmp_path / "s", run, version)
        assert resumed.keyvalue.keys(b"k", b"k", 10) == [b"k000"]
        for number in range(200):
            resumed.keyvalue.put(b"k%d" % number, b"x" * 100)
        resumed.keyvalue.delete(b"k000")
        resumed.checkpoint([9], 8)
        resumed.close()


def test_nothing_written_is_the_same_version_again(tmp_path: Path) -> None:
    shard = open_shard(tmp_path / "s", "aa")
    assert shard.checkpoint([5], 7) == NO_VERSION
    [version] = make_versions(shard, 1, commit=False)
    assert shard.checkpoint([6], 7) == version
    shard.close()


def test_version_numbers_go_on_after_a_resume_and_name_their_run(tmp_path: Path) -> None:
    shard = open_shard(tmp_path / "s", "aa")
    versions = make_versions(shard, 2, commit=True)
    shard.close()
    resumed = open_shard(tmp_path / "s", "bb", versions[-1])
    assert versions + make_versions(resumed, 1, commit=True) == [
        "v000001-aa",
        "v000002-aa",
        "v000003-bb",
    ]
    resumed.close()


def test_the_committed_version_the_one_before_and_the_latest_stay(tmp_path: Path) -> None:
    shard = open_shard(tmp_path / "s", "aa")
    one, two, three = make_versions(shard, 3, commit=True)
    assert on_disk(tmp_path / "s") == {two, three, "live-aa"}
    four, five = make_versions(shard, 2, commit=False)
    shard.committed(four)
    assert read_committed(tmp_path / "s") == four
    assert on_disk(tmp_path / "s") == {three, four, five, "live-aa"}
    assert one not in on_disk(tmp_path / "s")
    shard.close()


def test_a_commit_removes_versions_and_live_folders_of_lost_runs_alone(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    lost = open_shard(folder, "aa")
    base, abandoned = make_versions(lost, 2, commit=False)
    lost.close()
    (folder / "notes").mkdir()
    shard = open_shard(folder, "bb", base)
    [version] = make_versions(shard, 1, commit=True)
    assert on_disk(folder) == {base, version, "live-bb", "notes"}
    assert abandoned not in on_disk(folder)
    shard.close()


def test_before_the_first_version_nothing_is_committed_or_removed(tmp_path: Path) -> None:
    shard = open_shard(tmp_path / "s", "aa")
    shard.committed(NO_VERSION)
    assert read_committed(tmp_path / "s") == NO_VERSION
    assert on_disk(tmp_path / "s") == {"live-aa"}
    shard.close()


def test_a_missing_version_is_refused_and_nothing_is_made(tmp_path: Path) -> None:
    shard = open_shard(tmp_path / "s", "aa")
    make_versions(shard, 1, commit=True)
    shard.close()
    before = on_disk(tmp_path / "s")
    with pytest.raises(StateError, match=r"v000007-aa is missing: .* Restore it from a backup"):
        open_shard(tmp_path / "s", "bb", Version("v000007-aa"))
    assert on_disk(tmp_path / "s") == before


def test_a_version_under_another_ones_name_is_refused(tmp_path: Path) -> None:
    shard = open_shard(tmp_path / "s", "aa")
    [version] = make_versions(shard, 1, commit=False)
    shard.close()
    (tmp_path / "s" / version).rename(tmp_path / "s" / "v000002-aa")
    with pytest.raises(StateError, match=r"says that it is version 'v000001-aa'"):
        open_shard(tmp_path / "s", "bb", Version("v000002-aa"))


@pytest.mark.parametrize("name", ["v1-aa", "v000001", "live-aa", "v000001-aa/../x", "v000001-AA"])
def test_what_is_no_version_name_is_refused(name: str) -> None:
    with pytest.raises(StateError, match="not the name of a version"):
        number_of(Version(name))


def test_version_names_have_a_number_of_six_digits_or_more() -> None:
    assert number_of(Version("v000123-5f0c9a12")) == 123
    assert number_of(Version("v1234567-0")) == 1_234_567


def test_a_clone_shares_finished_tables_and_copies_the_rest(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "000009.sst").write_bytes(b"table")
    (source / "CURRENT").write_bytes(b"current")
    clone(source, tmp_path / "target")
    assert os.path.samefile(source / "000009.sst", tmp_path / "target" / "000009.sst")  # noqa: PTH121
    (tmp_path / "target" / "CURRENT").write_bytes(b"changed")
    assert (source / "CURRENT").read_bytes() == b"current"


def test_the_committed_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    write_committed(tmp_path, Version("v000001-aa"))
    write_committed(tmp_path, Version("v000002-aa"))
    assert read_committed(tmp_path) == "v000002-aa"
    assert [path.name for path in tmp_path.iterdir()] == ["committed"]


def test_removing_versions_may_be_repeated(tmp_path: Path) -> None:
    for name in ("v000001-aa", "v000002-aa", "live-aa", "live-bb", "other"):
        (tmp_path / name).mkdir()
    for _ in range(2):
        remove_versions(tmp_path, keep={Version("v000002-aa")}, live="live-bb")
        assert on_disk(tmp_path) == {"v000002-aa", "live-bb", "other"}


def test_a_live_folder_of_the_same_run_is_never_reused(tmp_path: Path) -> None:
    Versions(tmp_path, "aa").open(NO_VERSION)
    with pytest.raises(FileExistsError):
        Versions(tmp_path, "aa").open(NO_VERSION)


def test_about_is_read_as_it_was_written() -> None:
    keyvalue = MemoryKeyValue()
    assert read_about(keyvalue, "here") == About()
    about = About(
        version="v000001-aa",
        ticks=[3, 4],
        layouts=[Layout(["a = b"], []), Layout([], ["c = d"], since=5)],
        views=[View(["c = d"], ["s"], ["c > 0"], since=5)],
    )
    write_about(keyvalue, about)
    assert read_about(keyvalue, "here") == about


@pytest.mark.parametrize(
    "written",
    [b"\x81\xa6format\x63", b"\x82\xa6format\x63\xa5ticks\x80"],
    ids=["same fields", "a field of another type"],
)
def test_a_shard_of_another_format_is_refused(written: bytes) -> None:
    keyvalue = MemoryKeyValue({Prefix.ABOUT.key: written})
    with pytest.raises(StateError, match=f"here has format 99, this program reads format {FORMAT}"):
        read_about(keyvalue, "here")


def test_a_shard_of_another_format_is_refused_when_it_is_opened(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    version = folder / "v000001-aa"
    folder.mkdir()
    rocks = RocksKeyValue(tmp_path / "db", ROCKS)
    write_about(rocks, About(format=FORMAT + 1, version=version.name))
    rocks.checkpoint(version)
    rocks.close()
    with pytest.raises(StateError, match=f"has format {FORMAT + 1}, this program reads"):
        open_shard(folder, "bb", Version(version.name))
