"""Input that cannot be read to its end: what came before is kept, and the repaired file goes on."""

import gzip
from pathlib import Path

import pytest
import zstandard

from replaying import CONFIG, Replay, assert_same, output_sets, summary

PACK = {
    ".gz": lambda data: gzip.compress(data, 1, mtime=0),
    ".zst": lambda data: zstandard.ZstdCompressor(level=3).compress(data),
}


@pytest.mark.parametrize(("suffix", "workers"), [(".gz", 1), (".zst", 3)])
def test_a_truncated_file_keeps_what_was_read_and_goes_on_when_it_is_whole(
    suffix: str, workers: int, events: Path, untouched: Replay, tmp_path: Path
) -> None:
    whole = PACK[suffix](events.read_bytes())
    file = tmp_path / f"events.jsonl{suffix}"
    file.write_bytes(whole[: len(whole) // 2])
    replay = Replay(tmp_path, [file], ["--workers", str(workers)])
    for _ in range(2):  # the second finds nothing more
        ended = replay.run()
        assert ended.exit_code == 1
        assert ended.stdout == ""
        assert ended.message.startswith(f"{file}: the compressed file ends too early, after line ")
    line = int(ended.message.partition("after line ")[2].partition(";")[0])
    kept = output_sets(replay.out)
    assert sum(map(len, kept.values())) > 1000

    file.write_bytes(whole)
    ended = replay.done()
    assert 0 < line < ended.summary["read"] == 30_000
    assert ended.summary == summary(untouched.out)
    assert output_sets(replay.out) == output_sets(untouched.out)


def test_what_was_read_of_a_truncated_file_is_committed(events: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl.gz"
    lines = events.read_bytes().splitlines(keepends=True)
    file.write_bytes(gzip.compress(b"".join(lines), 1)[:-100_000])
    broken = Replay(tmp_path / "broken", [file])
    line = int(broken.run().message.partition("after line ")[2].partition(";")[0])

    plain = tmp_path / "plain.jsonl"
    plain.write_bytes(b"".join(lines[:line]))
    expected = Replay(tmp_path / "plain", [plain])
    expected.done()
    assert output_sets(broken.out) == output_sets(expected.out)
    assert 20_000 < line < 30_000


@pytest.mark.parametrize("suffix", sorted(PACK))
def test_a_file_with_damaged_bytes_is_named(suffix: str, events: Path, tmp_path: Path) -> None:
    data = bytearray(PACK[suffix](events.read_bytes()))
    data[len(data) // 2 : len(data) // 2 + 64] = b"\xff" * 64
    file = tmp_path / f"events.jsonl{suffix}"
    file.write_bytes(data)
    ended = Replay(tmp_path, [file]).run()
    assert ended.exit_code == 1
    assert ended.message.startswith(f"{file}: damaged after line ")


def test_one_of_several_readers_with_a_truncated_file_stops_the_run_and_goes_on_later(
    events: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "a.jsonl"
    cut = tmp_path / "b.jsonl.gz"
    lines = events.read_bytes().splitlines(keepends=True)
    whole.write_bytes(b"".join(lines[:2000]))
    packed = gzip.compress(b"".join(lines[2000:4000]), 1)
    cut.write_bytes(packed[:-500])
    options = ["--readers", "2", "--workers", "2", "--close"]
    replay = Replay(tmp_path / "one", [whole, cut], options)
    ended = replay.run()
    assert ended.exit_code == 1
    assert ended.message.startswith(f"{cut}: the compressed file ends too early")
    cut.write_bytes(packed)
    read = replay.done().summary["read"]
    assert read == 4000


@pytest.mark.parametrize(("blocks", "workers"), [(20, 1), (400, 3)])
def test_a_full_disk_says_so_and_the_run_goes_on_when_there_is_room(
    blocks: int, workers: int, events: Path, untouched: Replay, tmp_path: Path
) -> None:
    """A limit on the size of each file hits the database first, or the outputs."""
    replay = Replay(tmp_path, [events], ["--workers", str(workers)])
    replay.before = ("sh", "-c", f'ulimit -f {blocks}; exec "$@"', "sh")
    ended = replay.run()
    assert ended.exit_code == 1
    place = replay.state / "recovery" if blocks == 20 else replay.out / "sessions.jsonl"
    assert ended.message.startswith(f"{place}")
    assert "cannot be written: " in ended.message
    replay.before = ()
    replay.done()
    assert_same(untouched, replay)


def test_a_full_disk_under_the_state_says_so_and_the_run_goes_on_when_there_is_room(
    events: Path, tmp_path: Path
) -> None:
    """Nothing is written but state: sessions that never end."""
    config = tmp_path / "endless.yaml"
    config.write_text(CONFIG.partition("features:")[0].replace("gap: 30m", "gap: 300d"))
    expected = Replay(tmp_path / "expected", [events], config=config)
    expected.done()
    replay = Replay(tmp_path / "full", [events], config=config)
    replay.before = ("sh", "-c", 'ulimit -f 100; exec "$@"', "sh")
    ended = replay.run()
    assert ended.exit_code == 1
    assert ended.message.startswith(("the state cannot be", "the recovery folder cannot be"))
    replay.before = ()
    replay.done()
    assert_same(expected, replay)
