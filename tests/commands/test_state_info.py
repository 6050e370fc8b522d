"""`cartwheel state info`: what it tells of a state, and that it changes nothing."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cartwheel.app import main
from flows import recovery
from flows.inspect_state import _features, inspect_state
from operators.times import BEFORE_ALL
from state.about import About, Layout
from state.folder import StateFolder
from state.reading import bytes_on_disk, while_unused
from state.versions import read_committed

COMMAND = [sys.executable, "-m", "cartwheel", "replay", "shop.yaml", "--events", "events.jsonl"]
COMMAND += ["--out", "out", "--state", "state", "--shards", "4"]
PATIENCE_S = 60


def event(number: int, customer: str = "u1", name: str = "Product Added") -> dict[str, object]:
    minute, second = divmod(number, 60)
    return {
        "type": "track",
        "event": name,
        "messageId": f"m{number}",
        "userId": customer,
        "timestamp": f"2026-01-01T10:{minute:02d}:{second:02d}.000Z",
    }


def make(folder: Path) -> Path:
    (folder / "shop.yaml").write_text(
        "name: shop\n"
        "session: {gap: 1m, collect: {adds: {count: Product Added}}}\n"
        "triggers: {soon: {on: Product Added, after: 2s}}\n"
    )
    write(folder / "events.jsonl", [event(n, f"u{n % 5}") for n in range(1000)])
    return folder


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return make(tmp_path)


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make(tmp_path_factory.mktemp("replayed"))
    replay(folder)
    return folder


@pytest.fixture
def finished(replayed: Path, tmp_path: Path) -> Path:
    """A copy of a state that has read everything, and its output."""
    shutil.copytree(replayed, tmp_path, dirs_exist_ok=True)
    return tmp_path


def write(path: Path, events: list[dict[str, object]]) -> None:
    path.write_bytes(b"\n".join(map(msgspec.json.encode, events)) + b"\n")


def replay(shop: Path, *options: str) -> None:
    subprocess.run(
        [*COMMAND, "--now", "2026-01-02T00:00:00Z", *options],
        cwd=shop,
        check=True,
        capture_output=True,
        timeout=PATIENCE_S,
    )


def info(shop: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, Any, str]:
    capsys.readouterr()
    exit_code = main(["state", "info", str(shop / "state"), "--json"])
    out, err = capsys.readouterr()
    return exit_code, json.loads(out) if out else None, err


def files(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_finished_state_is_told_in_full(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code, told, err = info(finished, capsys)
    assert (exit_code, err) == (0, "")
    assert told["config"] == "shop"
    assert told["id"] == StateFolder(finished / "state").identity().id
    assert told["clock"] == "2026-01-02T00:00:00.000Z"
    assert (told["running"], told["finished"], told["problems"]) == (False, True, [])
    summary = json.loads((finished / "out/summary.json").read_bytes())
    counts = told["progress"]["counts"]
    assert counts["sent soon"] == summary["triggers"]["soon"] > 0
    for name in ("read", "applied", "customers"):
        assert counts[name] == summary[name] > 0
    assert told["progress"]["watermark"] == "2026-01-01T10:16:34.000Z"
    assert told["progress"]["readers"] == [
        {"files": ["events.jsonl"], "tick": 1, "events": 1000, "ended": True}
    ]
    assert told["layouts"] == [['adds = {"count":"Product Added"}']]
    assert [shard["shard"] for shard in told["shards"]] == [0, 1, 2, 3]
    for number, shard in enumerate(told["shards"]):
        folder = StateFolder(finished / "state").shard(number)
        assert shard["ticks"] == [1]
        assert shard["version"] == (read_committed(folder) or None)
        assert shard["bytes"] == bytes_on_disk(folder)
    assert told["bytes"] > sum(shard["bytes"] for shard in told["shards"]) > 0


def test_a_look_changes_nothing_in_the_state(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(finished / "state")
    assert info(finished, capsys)[0] == 0
    assert files(finished / "state") == before


def test_the_table_names_what_the_json_has(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["state", "info", str(finished / "state")]) == 0
    rows = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if line]
    facts = {row[0]: row[1].strip() for row in rows}
    assert facts["config"] == "shop"
    assert facts["events"] == "1000"
    assert facts["condition"] == "finished: all events were read"
    assert facts["collects"] == "adds"
    assert facts["reader"] == "0      tick 1, 1000 events, ended"


def test_values_of_an_earlier_config_are_listed_too(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The layouts of all configs that records were written under."""
    write(shop / "events.jsonl", [event(n, f"u{n % 5}") for n in range(3000)])
    stopped = stop_when_committed(shop)
    assert stopped == 0
    config = (shop / "shop.yaml").read_text()
    (shop / "shop.yaml").write_text(config.replace("{adds:", "{all: {sum: properties.n}, adds:"))
    replay(shop, "--tick", "1000")
    _, told, _ = info(shop, capsys)
    assert told["finished"] is True
    assert [[each.split(" = ")[0] for each in one] for one in told["layouts"]] == [
        ["adds"],
        ["all", "adds"],
    ]


def stop_when_committed(shop: Path) -> int:
    """Run in small ticks and short epochs, and stop with SIGTERM after the first commit."""
    with running(shop) as process:
        wait_for_commit(shop, process)
        process.terminate()
        return process.wait(PATIENCE_S)


class running:  # noqa: N801 (used like a function)
    """A replay that takes a while; gone at the end of the block, with its workers."""

    def __init__(self, shop: Path) -> None:
        config = shop / "shop.yaml"
        config.write_text(config.read_text() + "epoch: {every: 300ms}\n")
        self.command = [*COMMAND, "--tick", "1", "--now", "2026-01-02T00:00:00Z"]
        self.shop = shop

    def __enter__(self) -> subprocess.Popen[bytes]:
        self.process = subprocess.Popen(self.command, cwd=self.shop, stderr=subprocess.DEVNULL)
        return self.process

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(PATIENCE_S)


def wait_for_commit(shop: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not list((shop / "state").glob("shard-*/committed")):
        assert process.poll() is None, "the replay ended before it was looked at"
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_while_a_run_goes_on_committed_versions_tell_what_they_can(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [event(n % 3600, f"u{n % 50}") for n in range(20_000)]
    write(shop / "events.jsonl", events)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("Bytewax's SQLite was opened while a run goes on")

    with running(shop) as process:
        wait_for_commit(shop, process)
        with monkeypatch.context() as patch:
            patch.setattr("sqlite3.connect", refuse)
            patch.setattr("shutil.copytree", refuse)
            seen = []
            for _ in range(5):
                exit_code, told, err = info(shop, capsys)
                assert (exit_code, err) == (0, "")
                seen.append(told)
                time.sleep(0.2)
        assert process.poll() is None, "the replay ended before it was looked at"
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    for told in seen:
        assert (told["running"], told["finished"], told["progress"]) == (True, None, None)
        assert told["problems"] == []
        assert any(shard["version"] for shard in told["shards"])
    ticks = [max(shard["ticks"] or [0] for shard in told["shards"]) for told in seen]
    assert ticks == sorted(ticks)
    assert ticks[-1] > ticks[0]
    _, after, _ = info(shop, capsys)
    assert (after["running"], after["finished"]) == (False, False)
    assert after["progress"]["readers"][0]["events"] >= ticks[-1][0]


@pytest.fixture
def held(finished: Path) -> Iterator[Path]:
    with StateFolder(finished / "state").lock():
        yield finished


def test_a_state_that_is_locked_counts_as_running(
    held: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, told, _ = info(held, capsys)
    assert told["running"] is True
    assert [shard["ticks"] for shard in told["shards"] if shard["version"]]


def test_a_look_waits_for_another_look(finished: Path) -> None:
    folder = StateFolder(finished / "state")
    with while_unused(folder) as unused:
        assert unused
        with while_unused(folder) as second:
            assert not second  # the first never ended: not told from a run
    with while_unused(folder) as again:
        assert again


def test_a_state_in_which_nothing_was_committed_is_told(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = StateFolder(shop / "state")
    with folder.lock():
        folder.create(name="shop", shards=2, readers=1, now_ms=0)
    recovery.create(folder.recovery, folder.identity().id)
    exit_code, told, _ = info(shop, capsys)
    assert exit_code == 0
    assert told["finished"] is False
    assert told["progress"] == {
        "epoch": 1,
        "readers": [{"files": [], "tick": 0, "events": 0, "ended": False}],
        "watermark": None,
        "counts": {},
    }
    assert [shard["version"] for shard in told["shards"]] == [None, None]


def test_what_is_missing_is_named_and_the_exit_code_is_1(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    version = next((finished / "state").glob("shard-*/v*"))
    (version / "CURRENT").unlink()
    (finished / "state/recovery/cartwheel-id").rename(finished / "id")
    exit_code, told, err = info(finished, capsys)
    assert exit_code == 1
    assert len(told["problems"]) == 2
    assert "recovery is missing" in told["problems"][0]
    assert told["problems"][1].startswith(f"{version} is missing or damaged")
    assert all(problem in err for problem in told["problems"])
    (finished / "id").rename(finished / "state/recovery/cartwheel-id")
    exit_code, told, _ = info(finished, capsys)
    assert (exit_code, len(told["problems"])) == (1, 1)
    assert told["progress"]["counts"]["read"] == 1000


def test_a_damaged_recovery_file_is_named_by_its_own_path(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = next((finished / "state/recovery").glob("part-*.sqlite3"))
    file.write_bytes(b"no database at all, however long it may be " * 100)
    exit_code, told, _ = info(finished, capsys)
    assert exit_code == 1
    assert told["problems"][0].startswith(f"{file} cannot be read")


def test_a_folder_that_is_no_state_is_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code, told, err = info(tmp_path, capsys)
    assert (exit_code, told) == (1, None)
    assert "holds no state" in err
    assert not (tmp_path / "state").exists()


def test_a_backup_that_cannot_be_written_can_be_looked_at(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = info(finished, capsys)
    folders = [
        finished / "state",
        *(path for path in (finished / "state").rglob("*") if path.is_dir()),
    ]
    for folder in folders:
        folder.chmod(0o500)
    try:
        assert os.access(finished / "state", os.W_OK) is (os.geteuid() == 0)
        assert info(finished, capsys) == expected
    finally:
        for folder in folders:
            folder.chmod(0o700)


def test_a_file_with_two_names_counts_once(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"x" * 100)
    (tmp_path / "two").hardlink_to(tmp_path / "one")
    (tmp_path / "three").write_bytes(b"x" * 10)
    assert bytes_on_disk(tmp_path) == 110


def test_the_report_is_the_same_in_python(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, told, _ = info(finished, capsys)
    assert msgspec.to_builtins(inspect_state(StateFolder(finished / "state"))) == told


def test_features_that_began_later_are_filling_until_their_window_is_behind_them() -> None:
    hour, day = 3_600_000, 86_400_000
    names = ("always", "new", "recent", "daily")
    rules = (
        '{"count":"A","of":null}',
        '{"count":"A"}',
        f'{{"count":"A","over":{hour}}}',
        '{"count":"A","per":"1d"}',
    )
    always, *others = (f"{name} = {rule}" for name, rule in zip(names, rules, strict=True))
    about = About(
        layouts=[Layout([], [always], BEFORE_ALL), Layout([], [always, *others], 10 * day)],
        watermark=10 * day + 2 * hour,
    )
    told = {name: (each.since, each.filling) for name, each in _features(about).items()}
    since = "1970-01-11T00:00:00.000Z"
    assert told == {
        "always": (None, False),
        "new": (since, True),
        "recent": (since, False),
        "daily": (since, True),
    }
    about.layouts.append(Layout([], [always], 11 * day))
    about.layouts.append(Layout([], [always, others[1]], 12 * day))
    again = _features(about)
    assert (again["recent"].since, again["recent"].filling) == ("1970-01-13T00:00:00.000Z", True)
