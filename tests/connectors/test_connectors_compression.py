"""Compressed files: whole ones are read, truncated or damaged ones are errors, never shorter."""

import gzip
import io
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.compression import decompressed
from connectors.errors import FileProblem
from connectors.line_file import BEGINNING, LineFile
from operators.heads import LineReader

EVENT = b'{"timestamp":"2026-01-01T00:00:00Z","userId":"a"}\n'
READER = LineReader(future_ms=0, now_ms=1 << 50)
PACK = {".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}
SKIPPABLE_FRAME = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"notes"

each_kind = pytest.mark.parametrize("suffix", sorted(PACK))


def contents(path: Path) -> bytes:
    with path.open("rb") as raw:
        return decompressed(path.name, raw).read()


def lines_of(path: Path) -> int:
    """Count the lines, to the problem if there is one."""
    file = LineFile(str(path), 0, READER, position=BEGINNING, block_bytes=1000)
    count = 0
    try:
        while (lines := file.read()) is not None:
            count += len(lines)
    finally:
        file.close()
    return count


@each_kind
@settings(deadline=None, max_examples=50)
@given(parts=st.lists(st.binary(max_size=200), min_size=1, max_size=4))
def test_several_members_one_after_the_other_are_one_file(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, parts: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("packed") / f"x{suffix}"
    path.write_bytes(b"".join(map(PACK[suffix], parts)))
    assert contents(path) == b"".join(parts)


@each_kind
def test_the_first_bytes_say_what_the_name_does_not(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(PACK[suffix](EVENT))
    assert contents(path) == EVENT


def test_a_plain_file_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    for content in (b"", b"\x1f", b"{}", b"\x28\xb5\x2f"):
        path.write_bytes(content)
        assert contents(path) == content


def test_zstd_frames_that_hold_no_data_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "x.zst"
    packed = PACK[".zst"](EVENT)
    for content in (SKIPPABLE_FRAME + packed, packed + SKIPPABLE_FRAME, packed + PACK[".zst"](b"")):
        path.write_bytes(content)
        assert contents(path) == EVENT


@each_kind
def test_a_file_that_is_cut_anywhere_is_an_error_and_never_a_shorter_file(
    tmp_path: Path, suffix: str
) -> None:
    packed = PACK[suffix](EVENT)
    path = tmp_path / f"x{suffix}"
    for length in range(len(packed)):
        path.write_bytes(packed[:length])
        with pytest.raises(FileProblem, match=r"ends too early|damaged after line 0"):
            lines_of(path)


@each_kind
def test_a_second_member_that_is_cut_is_an_error(tmp_path: Path, suffix: str) -> None:
    first, second = PACK[suffix](EVENT), PACK[suffix](EVENT)
    path = tmp_path / f"x{suffix}"
    for length in range(1, len(second)):
        path.write_bytes(first + second[:length])
        with pytest.raises(FileProblem, match=r"ends too early|damaged after line"):
            lines_of(path)


@each_kind
def test_a_truncated_file_names_the_file_and_the_last_line_before(
    tmp_path: Path, suffix: str
) -> None:
    packed = PACK[suffix](b"".join(EVENT.replace(b"a", b"%d" % n) for n in range(200_000)))
    path = tmp_path / f"x{suffix}"
    path.write_bytes(packed[: len(packed) * 9 // 10])
    with pytest.raises(FileProblem) as caught:
        lines_of(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: the compressed file ends too early, after line ")
    last = int(message.split("after line ", 1)[1].split(";", 1)[0])
    assert 100_000 < last < 200_000
    assert message.endswith("; it was truncated; fetch it again")  # not every command has --state


@each_kind
def test_damaged_bytes_in_the_middle_are_an_error(tmp_path: Path, suffix: str) -> None:
    packed = bytearray(PACK[suffix](b"".join(b"%d\n" % (n * n) for n in range(20_000))))
    packed[len(packed) // 2] ^= 0xFF
    packed[len(packed) // 2 + 7] ^= 0xFF
    path = tmp_path / f"x{suffix}"
    path.write_bytes(packed)
    if suffix == ".gz":
        with pytest.raises(FileProblem, match=r"damaged after line|ends too early"):
            lines_of(path)
    else:
        with_checksum = zstandard.ZstdCompressor(write_checksum=True)
        checked = bytearray(with_checksum.compress(b"%d\n" * 20_000))
        checked[-1] ^= 0xFF
        path.write_bytes(checked)
        with pytest.raises(FileProblem, match="damaged after line"):
            lines_of(path)


@each_kind
def test_a_plain_file_under_a_compressed_name_says_so(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(EVENT * 3)
    with pytest.raises(FileProblem, match="damaged after line 0, or not compressed as its name"):
        lines_of(path)


@each_kind
def test_what_follows_the_compressed_data_is_an_error(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(PACK[suffix](EVENT) + b"garbage")
    with pytest.raises(FileProblem, match="damaged after line"):
        lines_of(path)


@each_kind
def test_small_reads_give_the_same_bytes_as_one(tmp_path: Path, suffix: str) -> None:
    data = bytes(range(256)) * 3000
    path = tmp_path / f"x{suffix}"
    path.write_bytes(PACK[suffix](data[:300_000]) + PACK[suffix](data[300_000:]))
    with path.open("rb") as raw:
        stream = decompressed(path.name, raw)
        copy = io.BytesIO()
        while block := stream.read(777):
            copy.write(block)
    assert copy.getvalue() == data
