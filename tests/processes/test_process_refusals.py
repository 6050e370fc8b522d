"""What cannot go on says why in one line, exits with 1 or 2, and leaves the state as it was."""

import fcntl
import shutil
from pathlib import Path

import pytest

from replaying import CONFIG, Replay, assert_same, output_bytes, outputs, stop

IGNORED = ("lock", "workers.lock")


@pytest.fixture(scope="module")
def made(events: Path, untouched: Replay, tmp_path_factory: pytest.TempPathFactory) -> Replay:
    """A replay that was stopped in the middle."""
    replay = Replay(tmp_path_factory.mktemp("stopped"), [events])
    assert stop(replay, output_bytes(untouched.out) // 3).exit_code == 0
    return replay


@pytest.fixture
def stopped(made: Replay, tmp_path: Path) -> Replay:
    """A copy of it, to be damaged."""
    shutil.copytree(made.folder, tmp_path / "copy")
    return Replay(tmp_path / "copy", made.events)


def contents(folder: Path) -> dict[str, bytes]:
    """Return all that is in a folder."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and file.name not in IGNORED
    }


def refused(replay: Replay, exit_code: int = 1) -> str:
    """Run it, which must be refused with one line; return that. Nothing may have changed."""
    before = contents(replay.folder)
    ended = replay.run()
    assert ended.exit_code == exit_code, ended.stderr
    assert ended.stdout == ""
    assert contents(replay.folder) == before
    return ended.message


def version_of(replay: Replay, shard: str) -> Path:
    folder = replay.state / shard
    return folder / (folder / "committed").read_text()


@pytest.fixture(scope="module")
def few(events: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few events, where it does not matter what comes of them."""
    file = tmp_path_factory.mktemp("few") / "few.jsonl"
    file.write_bytes(b"".join(events.read_bytes().splitlines(keepends=True)[:1000]))
    return file


def test_a_refused_state_goes_on_when_the_cause_is_removed(
    stopped: Replay, untouched: Replay, tmp_path: Path
) -> None:
    """Every refusal here leaves the folder as it was, byte by byte; so one shall do for all."""
    version = version_of(stopped, "shard-05")
    version.rename(tmp_path / "away")
    refused(stopped)
    (tmp_path / "away").rename(version)
    stopped.done()
    assert_same(untouched, stopped)


def test_a_lost_shard_folder_is_a_refusal(stopped: Replay) -> None:
    version = version_of(stopped, "shard-05")
    shutil.rmtree(stopped.state / "shard-05")
    message = refused(stopped)
    assert message.startswith(f"{version} is missing")
    assert "backup" in message


def test_a_lost_version_is_a_refusal(stopped: Replay) -> None:
    version = version_of(stopped, "shard-11")
    shutil.rmtree(version)
    assert refused(stopped).startswith(f"{version} is missing")


@pytest.mark.parametrize(
    ("damaged", "says"),
    [("CURRENT", "cannot be opened: "), ("MANIFEST-*", ""), ("*.sst", "")],
)
def test_a_damaged_version_is_a_refusal(
    damaged: str, says: str, stopped: Replay, untouched: Replay
) -> None:
    version = version_of(stopped, "shard-04")
    file = max(version.glob(damaged))
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    ended = stopped.run()
    assert ended.exit_code == 1
    assert ended.message.startswith(f"{version} {says}")
    file.write_bytes(whole)
    if damaged == "CURRENT":
        stopped.done()
        assert_same(untouched, stopped)


@pytest.mark.parametrize("lost", ["recovery", "everything but state.json and run.json"])
def test_a_lost_recovery_folder_is_a_refusal_never_a_fresh_start(
    lost: str, stopped: Replay
) -> None:
    shutil.rmtree(stopped.state / "recovery")
    if lost != "recovery":
        for shard in stopped.state.glob("shard-*"):
            shutil.rmtree(shard)
    assert refused(stopped).startswith(f"{stopped.state / 'recovery'} is missing")


def test_a_recovery_folder_of_another_state_is_a_refusal(
    stopped: Replay, untouched: Replay
) -> None:
    shutil.rmtree(stopped.state / "recovery")
    shutil.copytree(untouched.state / "recovery", stopped.state / "recovery")
    message = refused(stopped)
    assert message.startswith(f"{stopped.state / 'recovery'} belongs to another state")


def test_a_recovery_folder_without_its_database_is_a_refusal(stopped: Replay) -> None:
    (stopped.state / "recovery" / "part-0.sqlite3").unlink()
    assert refused(stopped).startswith(f"{stopped.state / 'recovery'} is incomplete")


@pytest.mark.parametrize("garbage", [b"", b"no database " * 1000])
def test_a_damaged_recovery_database_is_a_refusal(garbage: bytes, stopped: Replay) -> None:
    database = stopped.state / "recovery" / "part-0.sqlite3"
    database.write_bytes(garbage)
    assert refused(stopped).startswith(f"{database} cannot be read")


def test_shards_of_another_state_are_a_refusal(stopped: Replay) -> None:
    """Two shards' folders were exchanged: the versions have each other's contents."""
    one, other = (version_of(stopped, shard) for shard in ("shard-01", "shard-02"))
    assert one.name == other.name
    one.rename(stopped.folder / "one")
    other.rename(one)
    (stopped.folder / "one").rename(other)
    ended = stopped.run()
    assert ended.exit_code == 1
    assert "folders were mixed up" in ended.message


@pytest.mark.parametrize(
    "text", ["", "garbage", '{"format": 1}', '{"format": 1, "id": 5}', "[1, 2]"]
)
def test_a_damaged_state_json_is_a_refusal(text: str, stopped: Replay) -> None:
    (stopped.state / "state.json").write_text(text)
    assert refused(stopped).startswith(f"{stopped.state / 'state.json'} cannot be read")


def test_a_state_of_another_format_is_a_refusal(stopped: Replay) -> None:
    file = stopped.state / "state.json"
    file.write_text(file.read_text().replace('"format":1', '"format":99'))
    message = refused(stopped)
    assert message == f"{stopped.state} has format 99, this program reads format 1"


def test_a_folder_with_other_things_is_not_made_a_state(tmp_path: Path, events: Path) -> None:
    replay = Replay(tmp_path, [events])
    replay.state.mkdir()
    (replay.state / "photos").write_text("mine")
    message = refused(replay)
    assert message.startswith(f"{replay.state} is no state and not empty (it holds photos)")


def test_a_state_in_use_is_a_refusal_and_its_user_goes_on(
    events: Path, untouched: Replay, tmp_path: Path
) -> None:
    replay = Replay(tmp_path, [events])
    with replay.started() as running:
        assert running.wait_for_output(1)
        with running.paused():
            other = Replay(tmp_path / "other", [events], state=replay.state)
            ended = other.run_beside()
        assert ended.exit_code == 1
        assert ended.message.startswith(f"{replay.state} is in use by another process")
        assert running.wait().exit_code == 0
    assert_same(untouched, replay)


def test_an_output_folder_in_use_is_a_refusal(stopped: Replay) -> None:
    with (stopped.out / ".cartwheel").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        message = refused(stopped)
    assert message.startswith(f"{stopped.out} is being written by another process")


def test_a_worker_that_will_not_go_is_a_refusal(stopped: Replay) -> None:
    with (stopped.state / "workers.lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        message = refused(stopped)
    assert message.startswith(f"a worker of {stopped.state} still runs")


@pytest.mark.parametrize(("option", "number", "has"), [("--shards", 6, 12), ("--readers", 2, 1)])
def test_another_number_of_shards_or_readers_is_a_refusal(
    option: str, number: int, has: int, stopped: Replay
) -> None:
    stopped.options = [option, str(number)]
    message = refused(stopped, exit_code=2)
    assert message.startswith(f"{stopped.state} was made with {option} {has}, not {number}")


def test_another_configs_name_is_a_refusal(stopped: Replay) -> None:
    assert stopped.config is not None
    stopped.config.write_text(CONFIG.replace("name: shop", "name: bakery"))
    message = refused(stopped, exit_code=2)
    assert message.startswith(f"{stopped.state} belongs to the config 'shop', not to 'bakery'")


def test_other_files_than_before_are_a_refusal(stopped: Replay) -> None:
    more = stopped.folder / "more.jsonl"
    more.write_text("")
    before = stopped.events
    stopped.events = [*before, more]
    message = refused(stopped)
    assert message.startswith(f"{more} cannot be added")
    assert "`cartwheel run`" in message
    stopped.events = [more]
    assert "has read other files" in refused(stopped)


def test_another_order_of_files_is_a_refusal(stopped: Replay) -> None:
    stopped.options = ["--order", "name"]
    assert "in order of time, not name" in refused(stopped)


def test_a_file_that_was_longer_before_is_a_refusal(stopped: Replay) -> None:
    short = stopped.folder / "short.jsonl"
    short.write_bytes(stopped.events[0].read_bytes())
    replay = Replay(stopped.folder / "short", [short])
    assert stop(replay, 1 << 20).exit_code == 0
    short.write_bytes(short.read_bytes()[:1000])
    ended = replay.run()
    assert ended.exit_code == 1
    assert ended.message.startswith(f"{short}: has 1000 bytes, but ")


def test_an_output_folder_of_another_state_is_a_refusal(stopped: Replay, untouched: Replay) -> None:
    theirs = contents(untouched.out)
    stopped.out = untouched.out
    assert refused(stopped).startswith(f"{untouched.out} holds the outputs of another state")
    assert contents(untouched.out) == theirs


def test_another_output_folder_than_before_is_a_refusal(stopped: Replay) -> None:
    stopped.out = stopped.folder / "another"
    message = refused(stopped)
    assert message.startswith(f"{stopped.out} does not hold the outputs of this state")


def test_a_file_that_cartwheel_has_not_written_is_never_touched(tmp_path: Path, few: Path) -> None:
    replay = Replay(tmp_path, [few])
    replay.out.mkdir()
    (replay.out / "late.jsonl").write_text("mine")
    ended = replay.run()
    assert ended.exit_code == 1
    assert ended.message.startswith(f"{replay.out / 'late.jsonl'} is there already")
    assert contents(replay.out) == {"late.jsonl": b"mine"}
    (replay.out / "late.jsonl").unlink()
    replay.done()


def test_a_new_state_replaces_the_outputs_of_an_earlier_one_and_nothing_else(
    tmp_path: Path, events: Path, untouched: Replay
) -> None:
    first = Replay(tmp_path, [events], state=tmp_path / "first")
    first.out.mkdir()
    (first.out / "notes.txt").write_text("mine")
    assert stop(first, 1).exit_code == 0
    sessions_only = tmp_path / "sessions-only.yaml"
    sessions_only.write_text(CONFIG.partition("features:")[0])
    second = Replay(tmp_path, [events], state=tmp_path / "second", config=sessions_only)
    second.done()
    assert (first.out / "notes.txt").read_text() == "mine"
    assert outputs(second.out).keys() == {"sessions.jsonl", "late.jsonl", "dead-letters.jsonl"}
    expected = outputs(untouched.out)["sessions.jsonl"]
    assert outputs(second.out)["sessions.jsonl"] == expected
    assert "another state" in first.run().message


@pytest.mark.parametrize("damage", ["shorter", "gone"])
def test_an_output_that_was_cut_off_is_a_refusal(
    damage: str, stopped: Replay, untouched: Replay
) -> None:
    file = stopped.out / "sessions.jsonl"
    whole = file.read_bytes()
    if damage == "shorter":
        file.write_bytes(whole[:-1])
    else:
        file.unlink()
    ended = stopped.run()
    assert ended.exit_code == 1
    assert ended.message.startswith(f"{file} has {len(whole) - 1 if damage == 'shorter' else 0}")
    file.write_bytes(whole)
    if damage == "shorter":
        stopped.done()
        assert_same(untouched, stopped)


@pytest.mark.parametrize("which", ["out", "state"])
def test_a_folder_that_cannot_be_written_is_a_refusal(
    which: str, tmp_path: Path, few: Path
) -> None:
    """Below a regular file nobody can make a folder, not even root."""
    (tmp_path / "file").write_text("")
    replay = Replay(tmp_path, [few])
    setattr(replay, which, tmp_path / "file" / which)
    ended = replay.run()
    assert ended.exit_code == 1
    assert ended.message.startswith(str(tmp_path / "file"))
    assert "cannot be written: Not a directory" in ended.message
    setattr(replay, which, tmp_path / which)
    replay.done()


def test_a_missing_events_file_is_a_refusal_and_makes_no_state(tmp_path: Path) -> None:
    replay = Replay(tmp_path, [tmp_path / "nothing.jsonl"])
    assert refused(replay) == f"{tmp_path / 'nothing.jsonl'}: no such file"
    assert not replay.state.exists()
    assert not replay.out.exists()


def test_a_config_with_mistakes_names_each_with_its_line(tmp_path: Path, events: Path) -> None:
    config = tmp_path / "mistakes.yaml"
    config.write_text("name: shop\nsesion: {gap: 30m}\ntriggers:\n  nudge: {on: 5, after: soon}\n")
    replay = Replay(tmp_path, [events], config=config)
    ended = replay.run()
    assert ended.exit_code == 2
    for line in (2, 4):
        assert f"{config}:{line}:" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not replay.state.exists()
