"""A file as blocks of lines: any block size, any start, any line, the same lines."""

import gzip
import hashlib
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors import line_file
from connectors.errors import FileProblem
from connectors.line_file import BEGINNING, BLOCK_BYTES, LineFile, Position
from operators import heads as heads_module
from operators.heads import LINE_BYTES, LineReader
from operators.lines import Lines
from operators.rejections import KEPT_BYTES

READER = LineReader(future_ms=0, now_ms=1 << 50)
EVENT = b'{"timestamp":"2026-01-01T00:00:00Z","userId":"a"}'
LONG = b"l" * 100
MIB = 1 << 20

PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


class Row(NamedTuple):
    raw: bytes
    customer: str
    line: int
    offset: int
    rejection: Any


def rows(lines: Lines) -> list[Row]:
    return [
        Row(lines.raw[i], lines.customers[i], line, offset, lines.rejected.get(i))
        for i, (_, line, offset) in enumerate(lines.places.T.tolist())
    ]


def read_all(
    path: Path, *, position: Position = BEGINNING, block_bytes: int = BLOCK_BYTES
) -> list[Row]:
    file = LineFile(str(path), 0, READER, position=position, block_bytes=block_bytes)
    found: list[Row] = []
    try:
        while (lines := file.read()) is not None:
            assert len(lines)
            found += rows(lines)
    finally:
        file.close()
    return found


def expected_rows(content: bytes, longest: int, kept: int) -> list[Row]:
    """Split the naive way and read each line alone."""
    contents = content.split(b"\n")
    if not contents[-1]:
        contents.pop()
    found, offset = [], 0
    for number, line in enumerate(contents, 1):
        [row] = rows(READER.read(line, file=0, line=number, offset=offset))
        if len(line) > longest:
            assert row.raw == line[:kept]
            assert row.rejection.length == len(line)
            assert row.rejection.sha256 == hashlib.sha256(line).hexdigest()
        else:
            assert row.raw == line
        found.append(row)
        offset += len(line) + 1
    return found


LINES = st.lists(
    st.sampled_from([EVENT, EVENT[:-2] + b'b"}', b"", b"{}", b"x", b"\xff", b"\0", LONG]),
    max_size=8,
)


@contextmanager
def short_limits(longest: int, kept: int) -> Iterator[None]:
    """Let shorter lines be overlong, so that small examples have such lines."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (line_file, heads_module):
            patch.setattr(module, "LINE_BYTES", longest)
            patch.setattr(module, "KEPT_BYTES", kept)
        yield


@settings(deadline=None, max_examples=200)
@given(
    st.builds(
        lambda lines, newline, last: newline.join(lines) + (last and newline),
        LINES,
        st.sampled_from([b"\n", b"\r\n"]),
        st.sampled_from([b"", b"\n"]),
    ),
    st.sampled_from(sorted(PACK)),
    st.integers(1, 200),
)
@example(b"\n".join([LONG, EVENT, EVENT, b""]), "", 30)
@example(b"\n".join([LONG, EVENT, b"", b"", b""]), "", 200)
@example(LONG, "", 1)
def test_any_block_size_and_any_start_give_the_lines_of_the_file(
    tmp_path_factory: pytest.TempPathFactory,
    content: bytes,
    suffix: str,
    block_bytes: int,
) -> None:
    path = tmp_path_factory.mktemp("lines") / f"events.jsonl{suffix}"
    path.write_bytes(PACK[suffix](content))
    with short_limits(60, 7):
        expected = expected_rows(content, 60, 7)
        assert read_all(path, block_bytes=block_bytes) == expected
        for start, row in enumerate(expected):
            position = Position(row.line, row.offset)
            assert read_all(path, position=position, block_bytes=block_bytes) == expected[start:]


@pytest.mark.parametrize("suffix", sorted(PACK))
@pytest.mark.parametrize("last_newline", [b"", b"\n"])
def test_a_file_may_be_resumed_after_its_last_line(
    tmp_path: Path, suffix: str, last_newline: bytes
) -> None:
    path = tmp_path / f"events.jsonl{suffix}"
    path.write_bytes(PACK[suffix](EVENT + last_newline))
    assert read_all(path, position=Position(2, len(EVENT) + 1)) == []


def test_a_file_that_has_grown_goes_on_where_it_had_no_newline(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(EVENT)
    after = Position(2, len(EVENT) + 1)
    path.write_bytes(EVENT + b"\n" + EVENT + b"\n")
    assert [(row.raw, row.line, row.offset) for row in read_all(path, position=after)] == [
        (EVENT, 2, len(EVENT) + 1)
    ]


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    for suffix, pack in PACK.items():
        path = tmp_path / f"events.jsonl{suffix}"
        path.write_bytes(pack(b""))
        assert read_all(path) == []


def test_a_line_of_exactly_the_longest_length_is_read(tmp_path: Path) -> None:
    filler = b" " * (LINE_BYTES - len(EVENT))
    longest = EVENT[:-1] + filler + b"}"
    path = tmp_path / "events.jsonl"
    for contents in ([longest], [longest, b""], [EVENT, longest, EVENT]):
        path.write_bytes(b"\n".join(contents))
        assert [row.customer for row in read_all(path)] == ["a"] * len([*filter(None, contents)])
    path.write_bytes(b" " + longest + b"\n" + EVENT)
    one, two = read_all(path)
    assert one.rejection.reason == f"the line is longer than {LINE_BYTES} bytes"
    assert (one.rejection.length, len(one.raw)) == (LINE_BYTES + 1, KEPT_BYTES)
    assert (two.customer, two.line, two.offset) == ("a", 2, LINE_BYTES + 2)


@pytest.mark.parametrize("block_bytes", [BLOCK_BYTES, 1000 * 1000])
@pytest.mark.parametrize("after", [b"", b"\n", b"\n" + EVENT, b"\n" + EVENT + b"\n"])
def test_an_overlong_line_is_one_dead_letter_with_its_length_and_digest(
    tmp_path: Path, after: bytes, block_bytes: int
) -> None:
    content = EVENT + b"\n" + b"l" * (3 * MIB) + after
    path = tmp_path / "events.jsonl"
    path.write_bytes(content)
    assert read_all(path, block_bytes=block_bytes) == expected_rows(content, LINE_BYTES, KEPT_BYTES)


@pytest.mark.parametrize("suffix", sorted(PACK))
def test_a_very_long_line_needs_little_memory(tmp_path: Path, suffix: str) -> None:
    length = 80 * MIB
    path = tmp_path / f"events.jsonl{suffix}"
    path.write_bytes(PACK[suffix](b"l" * length + b"\n" + EVENT))
    tracemalloc.start()
    try:
        first, second = read_all(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (first.rejection.length, second.customer) == (length, "a")
    assert peak < 40 * MIB


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match=r"none.jsonl: cannot be opened: No such file"):
        read_all(tmp_path / "none.jsonl")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="cannot be opened: Is a directory"):
        read_all(tmp_path)


@pytest.mark.parametrize("suffix", sorted(PACK))
def test_a_file_that_is_shorter_than_what_was_read_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"events.jsonl{suffix}"
    path.write_bytes(PACK[suffix](EVENT + b"\n"))
    size = len(EVENT) + 1
    with pytest.raises(
        FileProblem, match=f"has {size} bytes, but {size + 2} were read from it before"
    ):
        read_all(path, position=Position(9, size + 2))


@pytest.mark.parametrize("suffix", sorted(PACK))
def test_bytes_read_are_those_of_the_file_itself(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"events.jsonl{suffix}"
    path.write_bytes(PACK[suffix]((EVENT + b"\n") * 1000))
    file = LineFile(str(path), 0, READER)
    while file.read() is not None:
        assert file.bytes_read() <= path.stat().st_size
    assert file.bytes_read() == path.stat().st_size
    file.close()
