"""``cartwheel simulate`` as one meets it: options, bytes, files and errors."""

import argparse
import gzip
import hashlib
import io
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard

from cartwheel import simulate
from cartwheel.errors import CartwheelError, UsageError

START = (
    "import argparse, sys; from cartwheel import simulate; parser = argparse.ArgumentParser();"
    "simulate.add_arguments(parser); sys.exit(simulate.run(parser.parse_args()))"
)


def command(*options: str) -> int:
    parser = argparse.ArgumentParser()
    simulate.add_arguments(parser)
    return simulate.run(parser.parse_args(options))


def written(path: Path, *options: str) -> bytes:
    assert command("--out", str(path), *options) == 0
    return path.read_bytes()


def test_the_bytes_for_a_seed_never_change(tmp_path: Path) -> None:
    """Recorded files and benchmarks rest on it: a new digest here is a new shop for everybody."""
    found = written(tmp_path / "e.jsonl", "--users", "500", "--events", "20000", "--seed", "42")
    assert hashlib.sha256(found).hexdigest() == (
        "3755b61360301de44d825e59c7913f6ea9a7cb8ef90b30081b542658d937e058"
    )


def test_the_same_seed_gives_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    options = ["--users", "50", "--events", "3000", "--seed", "9", "--spread", "even"]
    here = written(tmp_path / "e.jsonl", *options)
    there = subprocess.run([sys.executable, "-c", START, *options], capture_output=True, check=True)
    assert there.stdout == here
    assert there.stderr == b"", "no progress where there is no terminal"


@pytest.mark.parametrize(
    "other",
    [
        ("--seed", "2"),
        ("--users", "51"),
        ("--start", "2026-01-02"),
        ("--days", "3"),
        ("--products", "10"),
        ("--spread", "even"),
        ("--anonymous", "0.3"),
        ("--disorder", "0.2"),
        ("--late", "0.2"),
        ("--duplicates", "0.1"),
    ],
)
def test_each_option_makes_another_shop(tmp_path: Path, other: tuple[str, str]) -> None:
    options = ["--users", "50", "--events", "1000"]
    plain = written(tmp_path / "a.jsonl", *options)
    changed = written(tmp_path / "b.jsonl", *options, *other)
    assert plain != changed
    assert changed.count(b"\n") == 1000


@pytest.mark.parametrize("events", [1, 2, 999, 20_000])
def test_there_are_exactly_as_many_lines_as_asked_for(
    events: int, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert command("--events", str(events)) == 0
    out = capfdbinary.readouterr().out
    assert out.endswith(b"}\n")
    assert out.count(b"\n") == events


def test_gz_and_zst_hold_the_same_lines(tmp_path: Path) -> None:
    plain = written(tmp_path / "e.jsonl", "--events", "2000")
    packed = written(tmp_path / "e.jsonl.gz", "--events", "2000")
    assert gzip.decompress(packed) == plain
    assert len(packed) < len(plain) / 3
    zst = written(tmp_path / "e.jsonl.zst", "--events", "2000")
    assert zstandard.ZstdDecompressor().stream_reader(io.BytesIO(zst)).read() == plain


def test_gz_is_the_same_every_time(tmp_path: Path) -> None:
    first = written(tmp_path / "a.gz", "--events", "500")
    assert written(tmp_path / "b.gz", "--events", "500") == first


def test_a_reader_that_stops_ends_it_quietly() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", START, "--events", "2000000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b'{"type":')
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 1


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no folder .*nowhere; create it first"):
        command("--out", str(tmp_path / "nowhere" / "e.jsonl"))


def test_a_folder_is_no_output(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder, expected a file's name"):
        command("--out", str(tmp_path))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here that is always full")
def test_a_full_disk_is_an_error_that_names_the_file() -> None:
    with pytest.raises(CartwheelError, match="/dev/full: cannot be written: No space left"):
        command("--out", "/dev/full")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--users", "0"], "found '0', expected a whole number from 1 to"),
        (["--events", "many"], "found 'many', expected a whole number from 1 to"),
        (["--seed", "-1"], "found '-1', expected a whole number from 0 to"),
        (["--days", "0"], "found '0', expected a number of days above 0"),
        (["--days", "nan"], "found 'nan', expected a number of days above 0"),
        (["--duplicates", "0.5"], "found '0.5', expected a share from 0 to 0.4"),
        (["--disorder", "nan"], "found 'nan', expected a share from 0 to 1"),
        (["--start", "tomorrow"], "found 'tomorrow', expected a time such as 2026-01-01T00:00:00Z"),
        (["--start", "2026-02-30"], "found '2026-02-30', expected a time such as"),
        (["--spread", "odd"], "invalid choice: 'odd'"),
    ],
)
def test_a_wrong_option_says_what_was_found_and_expected(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        command(*options)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_disorder_and_late_cannot_be_more_than_all() -> None:
    with pytest.raises(UsageError, match="no more than 1 together"):
        command("--disorder", "0.6", "--late", "0.6")
