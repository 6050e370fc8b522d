"""A followed folder: every line once, in order of the files' names, however they are written."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import followed
from connectors.errors import FileProblem
from connectors.followed import Followed, FollowedFiles, FollowedPositions
from operators.heads import LINE_BYTES, LineReader

READER = LineReader(future_ms=0, now_ms=1 << 50)
LINE = b'{"timestamp":"2026-01-01T00:00:00Z","userId":"u%d"}\n'


@pytest.fixture(autouse=True)
def _looks_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followed, "_SCAN_EVERY_S", 0.0)


def follow(
    *patterns: Path, positions: FollowedPositions | None = None, idle_ms: int | None = None
) -> Followed:
    source = FollowedFiles([str(pattern) for pattern in patterns])
    return Followed(source, READER, positions, idle_ms=idle_ms)


def drain(source: Followed, count: int = 1000) -> list[tuple[str, bytes]]:
    """Take all there is: the file and the line of each."""
    found = []
    while len(lines := source.take(count)):
        [name] = source.origins
        found += [(Path(str(name)).name, line) for line in lines.raw]
    return found


def users(found: list[tuple[str, bytes]]) -> list[int]:
    return [int(line.split(b':"u')[1].split(b'"')[0]) for _, line in found]


def numbered(*numbers: int) -> bytes:
    return b"".join(LINE % number for number in numbers)


def test_files_are_read_in_order_of_their_names_and_what_is_appended_later(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_bytes(numbered(3))
    (tmp_path / "a.jsonl").write_bytes(numbered(1, 2))
    source = follow(tmp_path)
    assert users(drain(source)) == [1, 2, 3]
    with (tmp_path / "a.jsonl").open("ab") as file:
        file.write(numbered(4))
    (tmp_path / "c.jsonl.gz").write_bytes(gzip.compress(numbered(5)))
    assert drain(source) == [("a.jsonl", numbered(4)[:-1]), ("c.jsonl.gz", numbered(5)[:-1])]
    assert drain(source) == []


def test_only_event_files_count_in_a_folder_and_no_dot_files_anywhere(tmp_path: Path) -> None:
    for name in (".a.jsonl", "b.txt", "c.jsonl.part", "d.jsonl"):
        (tmp_path / name).write_bytes(numbered(1))
    (tmp_path / "e.jsonl").mkdir()
    assert [name for name, _ in drain(follow(tmp_path))] == ["d.jsonl"]
    assert [name for name, _ in drain(follow(tmp_path / "*"))] == [
        "b.txt",
        "c.jsonl.part",
        "d.jsonl",
    ]
    assert drain(follow(tmp_path / "nothing" / "*.jsonl")) == []


def test_a_line_without_its_newline_waits_for_its_rest(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(numbered(1) + numbered(2)[:-9])
    source = follow(tmp_path)
    assert users(drain(source)) == [1]
    path.write_bytes(numbered(1, 2))
    assert users(drain(source)) == [2]


def test_a_compressed_file_waits_until_it_is_whole(tmp_path: Path) -> None:
    whole = gzip.compress(numbered(*range(1000)))
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(whole[: len(whole) // 2])
    source = follow(tmp_path)
    before = users(drain(source))
    path.write_bytes(whole)
    assert before + users(drain(source)) == list(range(1000))
    assert users(drain(follow(tmp_path, positions=source.positions()))) == []


def test_a_line_that_is_too_long_is_one_dead_letter_also_when_it_comes_in_parts(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"x" * (LINE_BYTES + 10))
    source = follow(tmp_path)
    assert not len(source.take(10))
    with path.open("ab") as file:
        file.write(b"x" * 10 + b"\n" + numbered(1))
    first = source.take(1)
    assert [why.length for why in first.rejected.values()] == [LINE_BYTES + 20]
    assert users(drain(source)) == [1]


def test_a_file_that_has_become_shorter_is_an_error_and_one_that_is_gone_is_none(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(numbered(1, 2))
    source = follow(tmp_path)
    drain(source)
    path.unlink()
    assert drain(source) == []
    assert source.positions().positions == {}
    path.write_bytes(numbered(3, 4))
    assert users(drain(source)) == [3, 4]
    path.write_bytes(numbered(5))
    with pytest.raises(FileProblem, match=r"a\.jsonl: has .* bytes, but .* were read from it"):
        source.take(1)


def test_it_is_idle_when_nothing_came_for_a_while(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(numbered(1))
    source = follow(tmp_path, idle_ms=0)
    assert source.take(1)
    assert source.idle() == ()
    source.take(1)
    assert source.idle() == (0,)
    never = follow(tmp_path)
    drain(never)
    assert never.idle() == ()


Write = tuple[str, int]
"""Which file, and how many bytes of what it is to hold are appended."""


@settings(deadline=None, max_examples=100)
@given(
    writes=st.lists(
        st.tuples(st.sampled_from(["a.jsonl", "b.jsonl"]), st.integers(1, 200)), max_size=12
    ),
    count=st.integers(1, 5),
    restarts=st.booleans(),
)
def test_every_line_comes_once_and_in_order_however_files_are_written(
    tmp_path_factory: pytest.TempPathFactory,
    writes: list[Write],
    count: int,
    restarts: bool,  # noqa: FBT001
) -> None:
    folder = tmp_path_factory.mktemp("inbox")
    content = {"a.jsonl": numbered(*range(40)), "b.jsonl": numbered(*range(40, 80))}
    written = dict.fromkeys(content, 0)
    source = follow(folder)
    found: dict[str, list[int]] = {name: [] for name in content}
    for name, size in _with_the_rest(writes, content):
        with (folder / name).open("ab") as file:
            file.write(content[name][written[name] : written[name] + size])
        written[name] += size
        for file_name, line in drain(source, count):
            found[file_name] += users([(file_name, line)])
        if restarts:
            source.close()
            source = follow(folder, positions=source.positions())
    source.close()
    assert found == {"a.jsonl": list(range(40)), "b.jsonl": list(range(40, 80))}


def _with_the_rest(writes: list[Write], content: dict[str, bytes]) -> Iterator[Write]:
    yield from writes
    for name, data in content.items():
        yield name, len(data)
