"""The number of processes, of shards and of files, and compression, change nothing."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import msgspec
import pytest

from replaying import CONFIG, PROJECT, Replay, assert_same, output_sets, outputs, summary

EVENTS = 30_000
FEW_FILES = ("sh", "-c", 'ulimit -n 1024; exec "$@"', "sh")


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


def test_the_number_of_processes_may_change_at_each_start_with_few_open_files(
    events: Path, untouched: Replay, tmp_path: Path
) -> None:
    replay = Replay(tmp_path, [events], before=FEW_FILES)
    for workers, size in ((1, 1 << 20), (3, 2 << 20)):
        replay.options = ["--workers", str(workers)]
        with replay.started() as running:
            assert running.wait_for_output(size)
            running.kill_supervisor()
    replay.options = ["--workers", "2"]
    replay.done()
    assert_same(untouched, replay)


@pytest.mark.parametrize("shards", [1, 48])
def test_any_number_of_shards_gives_the_same_set_with_few_open_files(
    shards: int, events: Path, untouched: Replay, tmp_path: Path
) -> None:
    config = tmp_path / "slow-epochs.yaml"
    config.write_text(CONFIG.replace("300ms", "1s"))
    options = ["--shards", str(shards)]
    replay = Replay(tmp_path, [events], options, before=FEW_FILES, config=config)
    assert replay.done().summary == summary(untouched.out)
    assert output_sets(replay.out) == output_sets(untouched.out)


def test_one_reader_merges_unequal_files_to_the_same_bytes_in_any_number_of_processes(
    unequal: list[Path], tmp_path: Path
) -> None:
    one = Replay(tmp_path / "1", unequal)
    three = Replay(tmp_path / "3", unequal, ["--workers", "3"])
    assert one.done().summary["read"] == EVENTS
    three.done()
    assert_same(one, three)


@pytest.mark.parametrize(("readers", "workers"), [(2, 2), (3, 1), (3, 3)])
def test_several_readers_of_unequal_files_give_the_same_set(
    readers: int,
    workers: int,
    unequal: list[Path],
    alone: Callable[[list[Path]], Replay],
    tmp_path: Path,
) -> None:
    """Each customer is in one file, and all ends: so a reader's speed has no say in anything."""
    options = ["--close", "--readers", str(readers), "--workers", str(workers)]
    replay = Replay(tmp_path, unequal, options)
    assert replay.done().summary["read"] == EVENTS
    expected: dict[str, list[bytes]] = {}
    for reader in range(readers):
        for name, lines in output_sets(alone(unequal[reader::readers]).out).items():
            expected[name] = sorted(expected.get(name, []) + lines)
    assert output_sets(replay.out) == expected


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[Path]], Replay]:
    """Replay one reader's files for themselves, once."""
    done: dict[str, Replay] = {}

    def replay(files: list[Path]) -> Replay:
        name = "-".join(file.stem for file in files)
        if name not in done:
            done[name] = Replay(tmp_path_factory.mktemp(name), files, ["--close"])
            done[name].done()
        return done[name]

    return replay


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
