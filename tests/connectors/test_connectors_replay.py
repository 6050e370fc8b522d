"""The merge of several files against the naive one: always the file whose next line is earliest."""

import gzip
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors import replay
from connectors.errors import FileProblem
from connectors.line_file import BEGINNING, LineFile, Position
from connectors.replay import OPEN_FILES, Replay
from operators.heads import LineReader
from operators.lines import Lines
from operators.times import EventTime, format_time

READER = LineReader(future_ms=0, now_ms=1 << 50)
BASE = -6
"""Some events lie before 1970, as times below zero."""

File = list[int | None]
"""The times of a file's lines, None for a line that is no event."""

Place = tuple[int, int]
"""A line: its file, and its number from 0."""

FILES = st.lists(
    st.lists(st.one_of(st.integers(0, 12), st.integers(0, 12), st.none()), max_size=10),
    min_size=1,
    max_size=5,
)


def event(time: int | None, place: Place) -> bytes:
    """Write a line that says where it stands, with some padding so that lengths differ."""
    if time is None:
        return b"bad %d" % place[1]
    text = format_time(EventTime(BASE + time))
    return b'{"timestamp":"%s","userId":"%d-%d"%s}' % (text.encode(), *place, b" " * (time % 3))


def write(folder: Path, files: Sequence[File], *, newline_at_end: int = 1) -> list[str]:
    """Write the files; every other one is compressed, some have no newline at the end."""
    paths = []
    for number, times in enumerate(files):
        content = b"\n".join(event(time, (number, line)) for line, time in enumerate(times))
        if times and (number + newline_at_end) % 2:
            content += b"\n"
        path = folder / (f"{number:03d}.jsonl" + (".gz" if number % 2 else ""))
        path.write_bytes(gzip.compress(content) if number % 2 else content)
        paths.append(str(path))
    return paths


def naive_merge(files: Sequence[File]) -> list[Place]:
    """Take, again and again, the line of the file whose next line is earliest, ties by file."""
    merged = []
    following = [0] * len(files)
    while candidates := [n for n, file in enumerate(files) if following[n] < len(file)]:

        def time_of_next(number: int) -> tuple[float, int]:
            time = files[number][following[number]]
            return (float("-inf") if time is None else time), number

        chosen = min(candidates, key=time_of_next)
        merged.append((chosen, following[chosen]))
        following[chosen] += 1
    return merged


def places(lines: Lines) -> list[Place]:
    return [(file, line - 1) for file, line in lines.places[:2].T.tolist()]


@contextmanager
def small_blocks(block_bytes: int) -> Iterator[None]:
    def open_file(*arguments: Any, **named: Any) -> LineFile:
        named["block_bytes"] = min(block_bytes, named["block_bytes"])
        return LineFile(*arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replay, "LineFile", open_file)
        yield


def take_all(merge: Replay, sizes: Iterator[int]) -> list[Place]:
    """Take everything, in shares of these sizes; a share is short only at the end."""
    found = []
    while not merge.ended:
        size = next(sizes)
        lines = merge.take(size)
        assert len(lines) == size or merge.ended
        found += places(lines)
    assert len(merge.take(5)) == 0
    merge.close()
    return found


def random_sizes(seed: int) -> Iterator[int]:
    rng = random.Random(seed)
    while True:
        yield rng.choice([1, 1, 2, 3, 5, 50])


@settings(deadline=None, max_examples=200)
@given(FILES, st.integers(1, 200), st.integers(0, 1), st.integers(0, 1000))
@example([[9], [None, 0]], 1 << 20, 0, 0)
@example([[5, None, 10], [6]], 1 << 20, 0, 3)
def test_the_merge_is_the_naive_one_for_any_files_blocks_and_shares(
    tmp_path_factory: pytest.TempPathFactory,
    files: list[File],
    block_bytes: int,
    newline_at_end: int,
    seed: int,
) -> None:
    paths = write(tmp_path_factory.mktemp("merge"), files, newline_at_end=newline_at_end)
    with small_blocks(block_bytes):
        merge = Replay(paths, READER, order="time", positions=[BEGINNING] * len(files))
        assert take_all(merge, random_sizes(seed)) == naive_merge(files)


@settings(deadline=None, max_examples=60)
@given(FILES, st.integers(1, 200), st.integers(0, 1), st.sampled_from(["time", "name"]))
@example([[5, None, 10], [6]], 1 << 20, 0, "time")
@example([[1], [2, 3]], 1 << 20, 0, "time")
def test_a_resume_at_any_point_goes_on_as_reading_on_would(
    tmp_path_factory: pytest.TempPathFactory,
    files: list[File],
    block_bytes: int,
    newline_at_end: int,
    order: Any,
) -> None:
    paths = write(tmp_path_factory.mktemp("resume"), files, newline_at_end=newline_at_end)
    lines = [(number, line) for number, file in enumerate(files) for line in range(len(file))]
    expected = naive_merge(files) if order == "time" else lines
    with small_blocks(block_bytes):
        for count in range(len(expected) + 1):
            merge = Replay(paths, READER, order=order, positions=[BEGINNING] * len(files))
            assert places(merge.take(count)) == expected[:count]
            positions = merge.positions().positions
            merge.close()
            resumed = Replay(paths, READER, order=order, positions=positions)
            assert take_all(resumed, random_sizes(count)) == expected[count:]


def test_positions_say_what_was_taken_and_no_more(tmp_path: Path) -> None:
    paths = write(tmp_path, [[1, 3], [2]])
    merge = Replay(paths, READER, order="time", positions=[BEGINNING] * 2)
    assert merge.positions().positions == [BEGINNING] * 2
    first = merge.take(1)
    assert merge.positions().positions == [Position(2, len(first.raw[0]) + 1), BEGINNING]
    merge.take(1)
    assert [position.line for position in merge.positions().positions] == [2, 2]
    merge.take(1)
    assert [position.line for position in merge.positions().positions] == [3, 2]
    merge.close()


def test_by_name_files_follow_each_other_whatever_their_times(tmp_path: Path) -> None:
    paths = write(tmp_path, [[9, 8], [], [None, 1], [5]])
    shuffled = [paths[2], paths[0], paths[3], paths[1]]
    merge = Replay(shuffled, READER, order="name", positions=[BEGINNING] * 4)
    assert take_all(merge, random_sizes(1)) == [(1, 0), (1, 1), (0, 0), (0, 1), (2, 0)]


def test_no_files_and_empty_files_end_at_once(tmp_path: Path) -> None:
    several: list[list[File]] = [[], [[]], [[], [], []]]
    for files in several:
        merge = Replay(
            write(tmp_path, files), READER, order="time", positions=[BEGINNING] * len(files)
        )
        assert len(merge.take(10)) == 0
        assert merge.ended


def test_a_resume_at_the_end_of_everything_ends_at_once(tmp_path: Path) -> None:
    for newline_at_end in (0, 1):
        paths = write(tmp_path, [[1, 3], [2]], newline_at_end=newline_at_end)
        merge = Replay(paths, READER, order="time", positions=[BEGINNING] * 2)
        merge.take(3)
        merge.close()
        assert (
            take_all(
                Replay(paths, READER, order="time", positions=merge.positions().positions),
                random_sizes(1),
            )
            == []
        )


def test_a_hundred_files_may_overlap_in_time_and_one_more_is_refused(tmp_path: Path) -> None:
    files: list[File] = [[0, 12] for _ in range(OPEN_FILES + 1)]
    paths = write(tmp_path, files)
    merge = Replay(paths[:OPEN_FILES], READER, order="time", positions=[BEGINNING] * OPEN_FILES)
    assert take_all(merge, iter([1000])) == naive_merge(files[:OPEN_FILES])
    refused = Replay(paths, READER, order="time", positions=[BEGINNING] * len(paths))
    taken = refused.take(1000)
    assert places(taken) == naive_merge(files)[: len(taken)]
    with pytest.raises(FileProblem, match="more than 100 files overlap in time; merge some"):
        refused.take(1000)
    refused.close()


def test_any_number_of_files_may_follow_each_other(tmp_path: Path) -> None:
    files: list[File] = [[2 * n, 2 * n + 1] for n in range(2 * OPEN_FILES)]
    paths = write(tmp_path, files)
    merge = Replay(paths, READER, order="time", positions=[BEGINNING] * len(paths))
    assert take_all(merge, iter([150, 1000, 1])) == naive_merge(files)


def test_what_comes_before_a_problem_is_taken_first(tmp_path: Path) -> None:
    paths = write(tmp_path, [[1, 2], [3, 4]])
    broken = Path(paths[1])
    broken.write_bytes(broken.read_bytes()[:-6])
    merge = Replay(paths, READER, order="name", positions=[BEGINNING] * 2)
    assert places(merge.take(1)) == [(0, 0)]
    assert places(merge.take(100)) == [(0, 1)]
    for _ in range(2):
        with pytest.raises(FileProblem, match=r"001.jsonl.gz: the compressed file ends too early"):
            merge.take(1)
    assert [position.line for position in merge.positions().positions] == [3, 1]
    assert not merge.ended
    merge.close()


def test_a_missing_file_is_found_before_anything_is_taken(tmp_path: Path) -> None:
    paths = [*write(tmp_path, [[1]]), str(tmp_path / "none.jsonl")]
    with pytest.raises(FileProblem, match=r"none.jsonl: cannot be opened"):
        Replay(paths, READER, order="time", positions=[BEGINNING] * 2)


def test_all_bytes_are_counted_as_read_at_the_end(tmp_path: Path) -> None:
    paths = write(tmp_path, [[1, 5], [2, 3], [7]])
    merge = Replay(paths, READER, order="time", positions=[BEGINNING] * 3)
    take_all(merge, random_sizes(3))
    assert merge.bytes_read() == sum(Path(path).stat().st_size for path in paths)
