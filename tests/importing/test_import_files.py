"""Files in and out: compression, truncation, standard input, an output that is whole or absent."""

import gzip
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

Run = Callable[..., Any]
"""Runs one import and gives its outcome: exit_code, stderr and events."""

ROWS = [f"u{n},{1_569_888_000 + n},view,p{n},9.90\n" for n in range(1000)]
LOG = ("who,when,what,item,price\n" + "".join(ROWS)).encode()


def two_zstd_frames(data: bytes) -> bytes:
    return zstandard.compress(data[:5000]) + zstandard.compress(data[5000:])


def zstd_without_size(data: bytes) -> bytes:
    compressor = zstandard.ZstdCompressor().compressobj()
    return compressor.compress(data) + compressor.flush()


def two_gzip_members(data: bytes) -> bytes:
    return gzip.compress(data[:5000]) + gzip.compress(data[5000:])


@pytest.mark.parametrize(
    "compress", [bytes, gzip.compress, two_gzip_members, two_zstd_frames, zstd_without_size]
)
@pytest.mark.parametrize("source", ["file", "stdin"])
def test_compression_makes_no_difference(
    run_import: Run,
    shop_mapping: Path,
    tmp_path: Path,
    compress: Callable[[bytes], bytes],
    source: str,
) -> None:
    data = compress(LOG)
    path = tmp_path / "log"
    path.write_bytes(data)
    if source == "stdin":
        outcome = run_import("csv", "-", "--mapping", shop_mapping, stdin=data)
    else:
        outcome = run_import("csv", path, "--mapping", shop_mapping)
    assert outcome.exit_code == 0
    assert [event["userId"] for event in outcome.events] == [f"u{n}" for n in range(1000)]


@pytest.mark.parametrize("name", ["log.csv.gz", "log.csv.zst"])
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.99])
def test_a_truncated_file_is_an_error_and_writes_nothing(
    run_import: Run, shop_mapping: Path, tmp_path: Path, name: str, kept: float
) -> None:
    data = gzip.compress(LOG) if name.endswith("gz") else zstd_without_size(LOG)
    path = tmp_path / name
    path.write_bytes(data[: int(len(data) * kept)])
    outcome = run_import("csv", path, "--mapping", shop_mapping)
    assert outcome.exit_code == 1
    assert f"{path}: the compressed file ends too early" in outcome.stderr
    assert {path.name for path in tmp_path.iterdir()} == {name, "mapping.yaml"}


@pytest.mark.parametrize("name", ["log.csv.gz", "log.csv.zst"])
def test_a_file_that_is_not_compressed_as_its_name_says_is_an_error(
    run_import: Run, shop_mapping: Path, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(LOG)
    outcome = run_import("csv", path, "--mapping", shop_mapping)
    assert outcome.exit_code == 1
    assert "not compressed as its name says" in outcome.stderr


def test_a_missing_input_is_an_error(run_import: Run, shop_mapping: Path, tmp_path: Path) -> None:
    outcome = run_import("csv", tmp_path / "none.csv", "--mapping", shop_mapping)
    assert outcome.exit_code == 1
    assert "none.csv: cannot be opened: No such file" in outcome.stderr


def test_a_line_beyond_all_measure_is_rejected_and_the_next_one_read(
    run_import: Run, shop_mapping: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("opening", "rows"):
        monkeypatch.setattr(f"connectors.importing.{module}.LINE_BYTES_MAX", 50)
    path = tmp_path / "log.csv"
    path.write_bytes(LOG[:25] + b"x" * 120 + b"\n" + ROWS[0].encode() + b"x" * 49 + b"\n")
    outcome = run_import("csv", path, "--mapping", shop_mapping)
    assert len(outcome.events) == 1
    assert "log.csv:2: the line is longer than 50 bytes" in outcome.stderr
    assert "log.csv:4: the line is longer than 50 bytes" in outcome.stderr


def test_several_inputs_become_one_stream_in_time_order(
    run_import: Run, shop_mapping: Path, tmp_path: Path
) -> None:
    head, rows = LOG.splitlines(keepends=True)[0], [row.encode() for row in ROWS]
    late, early = tmp_path / "a.csv", tmp_path / "b.csv"
    late.write_bytes(head + b"".join(rows[500:]))
    early.write_bytes(head + b"".join(rows[:500]))
    outcome = run_import("csv", late, early, "--mapping", shop_mapping)
    assert [event["userId"] for event in outcome.events] == [f"u{n}" for n in range(1000)]


@pytest.mark.parametrize(
    ("name", "decompress"),
    [
        ("out.jsonl.gz", gzip.decompress),
        ("out.jsonl.zst", lambda data: zstandard.ZstdDecompressor().stream_reader(data).read()),
    ],
)
def test_an_output_is_compressed_as_its_name_says(
    run_import: Run,
    shop_mapping: Path,
    tmp_path: Path,
    name: str,
    decompress: Callable[[bytes], bytes],
) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(LOG)
    run_import("csv", path, "--mapping", shop_mapping)
    run_import("csv", path, "--mapping", shop_mapping, out=tmp_path / name)
    assert decompress((tmp_path / name).read_bytes()) == (tmp_path / "out.jsonl").read_bytes()


def test_a_failed_import_leaves_the_earlier_output_alone(
    run_import: Run, shop_mapping: Path, tmp_path: Path
) -> None:
    (tmp_path / "out.jsonl").write_text("{}\n")
    path = tmp_path / "log.csv.gz"
    path.write_bytes(gzip.compress(LOG)[:-9])
    assert run_import("csv", path, "--mapping", shop_mapping).exit_code == 1
    assert (tmp_path / "out.jsonl").read_text() == "{}\n"


def test_an_input_is_never_overwritten(run_import: Run, shop_mapping: Path, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(LOG)
    outcome = run_import("csv", path, "--mapping", shop_mapping, out=path)
    assert outcome.exit_code == 2
    assert "is an input as well" in outcome.stderr
    assert path.read_bytes() == LOG


def test_an_output_without_a_folder_is_refused_before_reading(
    run_import: Run, shop_mapping: Path, tmp_path: Path
) -> None:
    outcome = run_import("csv", "x", "--mapping", shop_mapping, out=tmp_path / "no" / "out.jsonl")
    assert outcome.exit_code == 2
    assert "there is no folder" in outcome.stderr


def test_a_device_is_written_and_not_replaced(
    run_import: Run, shop_mapping: Path, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    path = tmp_path / "log.csv"
    path.write_bytes(LOG)
    with subprocess.Popen(["/bin/cat", pipe], stdout=subprocess.PIPE) as reader:
        assert run_import("csv", path, "--mapping", shop_mapping, out=pipe).exit_code == 0
        assert reader.stdout is not None
        assert len(reader.stdout.read().splitlines()) == 1000
    assert pipe.is_fifo()


COMMAND = (
    "import argparse, sys; from cartwheel import import_; p = argparse.ArgumentParser();"
    "import_.add_arguments(p); sys.exit(import_.run(p.parse_args()))"
)


def test_standard_output_gets_the_events_and_nothing_else(
    run_import: Run, shop_mapping: Path, tmp_path: Path
) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(LOG)
    words = ["csv", "-", "--mapping", str(shop_mapping), "--out", "-"]
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *words], input=LOG, capture_output=True, check=True
    )
    run_import("csv", path, "--mapping", shop_mapping)
    assert done.stdout == (tmp_path / "out.jsonl").read_bytes()
    assert b"1,000 events to standard output" in done.stderr


def test_a_reader_that_stops_early_is_no_traceback(shop_mapping: Path, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(LOG[:25] + b"".join(row.encode() for row in ROWS * 20))
    words = ["csv", str(path), "--mapping", str(shop_mapping), "--out", "-"]
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as importing:
        assert isinstance(importing.stdout, io.BufferedReader)
        assert importing.stderr is not None
        importing.stdout.readline()
        importing.stdout.close()
        assert importing.stderr.read() == b""
        assert importing.wait() == 1
