"""The number of processes, of shards and of files, and compression, change nothing."""

import subprocess
import sys
from pathlib import Path
from zlib import crc32

import msgspec
import pytest

from replaying import PROJECT, Replay, assert_same, output_sets, outputs, summary

FEW_FILES = ("sh", "-c", 'ulimit -n 1024; exec "$@"', "sh")


@pytest.fixture(scope="module")
def closed(events: Path, tmp_path_factory: pytest.TempPathFactory) -> Replay:
    """A replay that ends every session and instance, so that nothing depends on who ends last."""
    replay = Replay(tmp_path_factory.mktemp("closed"), [events], ["--close"])
    replay.done()
    return replay


@pytest.fixture(scope="module")
def unequal(events: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The same events in four files: most, some, few, none; each customer in one of them."""
    folder = tmp_path_factory.mktemp("unequal")
    files = [folder / f"{name}.jsonl" for name in ("few", "most", "none", "some")]
    lines: list[list[bytes]] = [[] for _ in files]
    for line in events.read_bytes().splitlines(keepends=True):
        event = msgspec.json.decode(line)
        slot = crc32((event.get("userId") or event["anonymousId"]).encode()) % 20
        lines[0 if slot == 0 else 3 if slot < 5 else 1].append(line)
    for file, part in zip(files, lines, strict=True):
        file.write_bytes(b"".join(part))
    assert not lines[2]
    assert all(lines[number] for number in (0, 1, 3))
    return files


@pytest.mark.parametrize("workers", [2, 3])
def test_any_number_of_processes_gives_the_same_bytes(
    workers: int, events: Path, untouched: Replay, tmp_path: Path
) -> None:
    replay = Replay(tmp_path, [events], ["--workers", str(workers)])
    assert replay.done().summary == summary(untouched.out)
    assert_same(untouched, replay)
    written = outputs(untouched.out)["sessions.jsonl"].count(b"\n")
    assert written == summary(untouched.out)["sessions"]


def test_the_number_of_processes_may_change_at_each_start(
    events: Path, untouched: Replay, tmp_path: Path
) -> None:
    replay = Replay(tmp_path, [events])
    for workers, size in ((1, 1 << 20), (3, 2 << 20), (2, 3 << 20)):
        replay.options = ["--workers", str(workers)]
        with replay.started() as running:
            assert running.wait_for_output(size)
            running.kill_supervisor()
    replay.done()
    assert_same(untouched, replay)


def test_one_reader_merges_unequal_files_to_the_same_bytes_in_any_number_of_processes(
    unequal: list[Path], closed: Replay, tmp_path: Path
) -> None:
    one = Replay(tmp_path / "1", unequal, ["--close"])
    one.done()
    three = Replay(tmp_path / "3", unequal, ["--close", "--workers", "3"])
    three.done()
    assert_same(one, three)
    assert summary(one.out)["read"] == summary(closed.out)["read"]


@pytest.mark.parametrize(("readers", "workers"), [(2, 2), (3, 3), (3, 1), (4, 3)])
def test_several_readers_of_unequal_files_give_the_same_set(
    readers: int, workers: int, unequal: list[Path], tmp_path: Path, by_file: dict[str, list[bytes]]
) -> None:
    """Each customer is in one file; late is what its own reader says, so one file a reader."""
    options = ["--close", "--readers", str(readers), "--workers", str(workers)]
    replay = Replay(tmp_path, unequal, options)
    ended = replay.done()
    assert ended.summary["read"] == 30_000
    assert ended.stderr == ""
    if readers == len(unequal):
        assert output_sets(replay.out) == by_file
    else:
        again = Replay(tmp_path / "again", unequal, [*options, "--tick", "2000"])
        again.done()
        assert output_sets(again.out) == output_sets(replay.out)
        assert summary(again.out) == summary(replay.out)


@pytest.fixture(scope="module")
def by_file(
    unequal: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[bytes]]:
    """What replays of each file alone give together."""
    together: dict[str, list[bytes]] = {}
    for file in unequal:
        replay = Replay(tmp_path_factory.mktemp(file.stem), [file], ["--close"])
        replay.done()
        for name, lines in output_sets(replay.out).items():
            together[name] = sorted(together.get(name, []) + lines)
    return together


@pytest.mark.parametrize("shards", [1, 48])
def test_any_number_of_shards_gives_the_same_set_with_few_open_files(
    shards: int, events: Path, untouched: Replay, tmp_path: Path
) -> None:
    replay = Replay(tmp_path, [events], ["--shards", str(shards)], before=FEW_FILES)
    assert replay.done().summary == summary(untouched.out)
    assert output_sets(replay.out) == output_sets(untouched.out)


def test_the_usual_number_of_shards_runs_with_few_open_files_and_goes_on_so(
    events: Path, untouched: Replay, tmp_path: Path
) -> None:
    replay = Replay(tmp_path, [events], before=FEW_FILES)
    with replay.started() as running:
        assert running.wait_for_output(2 << 20)
        running.kill_supervisor()
    replay.done()
    assert_same(untouched, replay)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_compressed_events_give_the_same_bytes_also_from_the_middle_on(
    suffix: str, events: Path, untouched: Replay, tmp_path: Path
) -> None:
    packed = tmp_path / f"events.jsonl{suffix}"
    subprocess.run([sys.executable, "-c", PACK, str(events), str(packed)], cwd=PROJECT, check=True)
    replay = Replay(tmp_path, [packed])
    with replay.started() as running:
        assert running.wait_for_output(2 << 20)
        running.kill_supervisor()
    replay.done()
    assert_same(untouched, replay)


PACK = """
import sys
from pathlib import Path
from connectors.importing.output import written_whole
with written_whole(Path(sys.argv[2])) as file:
    file.write(Path(sys.argv[1]).read_bytes())
"""
