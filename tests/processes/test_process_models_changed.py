"""A state goes on with a model more, with one less, and not with one that has learned otherwise."""

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from models_replayed import CONFIG, MODELS, assert_same_with_models, scores, shop

from operators.models.watch import pairs_of
from replaying import Replay, model_records, output_bytes, outputs, simulate, stop

TREE = CONFIG.partition("  tree:")[2].partition("  churn:")[0]
WITHOUT_TREE = CONFIG.replace(f"  tree:{TREE}", "").replace(", tree: score.tree", "")


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(tmp_path_factory.mktemp("some") / "some.jsonl", events=6_000, users=500)


@pytest.fixture(scope="module")
def one(some: Path, tmp_path_factory: pytest.TempPathFactory) -> Replay:
    """A replay from the beginning to the end."""
    replay = shop(tmp_path_factory.mktemp("one"), some)
    replay.done()
    return replay


@pytest.fixture(scope="module")
def made(some: Path, one: Replay, tmp_path_factory: pytest.TempPathFactory) -> Replay:
    """A replay that was stopped in the middle."""
    replay = shop(tmp_path_factory.mktemp("stopped"), some)
    assert stop(replay, output_bytes(one.out) // 3).exit_code == 0
    return replay


@pytest.fixture
def stopped(made: Replay, tmp_path: Path) -> Replay:
    """A copy of it, to go on with."""
    shutil.copytree(made.folder, tmp_path / "copy")
    return shop(tmp_path / "copy", made.events[0])


def change(replay: Replay, config: str) -> None:
    assert replay.config is not None
    replay.config.write_text(config)


def refused(replay: Replay, exit_code: int = 1) -> str:
    """Run it, which must be refused with one line and leave everything as it was."""

    def contents() -> dict[Path, bytes]:
        files = [each for each in replay.folder.rglob("*") if each.is_file()]
        return {each: each.read_bytes() for each in files if not each.name.endswith("lock")}

    before = contents()
    ended = replay.run()
    assert ended.exit_code == exit_code, ended.stderr
    assert contents() == before
    return ended.message


def info(replay: Replay) -> dict[str, dict[str, Any]]:
    """What ``cartwheel state info`` tells of the models, by name."""
    replay_command = replay.command()
    words = [*replay_command[: replay_command.index("replay")], "state", "info"]
    with replay.started_as([*words, str(replay.state), "--json"]) as running:
        ended = running.wait()
    told = msgspec.json.decode(ended.stdout)
    assert ended.exit_code == len(told["problems"])
    return {each["model"]: {**each, "problems": told["problems"]} for each in told["models"]}


def test_a_state_goes_on_with_a_model_more_which_begins_there(
    some: Path, one: Replay, tmp_path: Path
) -> None:
    replay = shop(tmp_path, some, config=WITHOUT_TREE)
    assert stop(replay, output_bytes(one.out) // 3).exit_code == 0
    said_before = len(scores(replay.out, "intent"))
    assert info(replay).keys() == {"intent", "churn", "worth"}
    change(replay, CONFIG)
    replay.done()
    for model in ("intent", "churn"):
        assert scores(replay.out, model) == scores(one.out, model)
    begun = scores(replay.out, "intent")[said_before]["time"]
    trees = scores(replay.out, "tree")
    assert begun <= trees[0]["time"]
    assert trees[0]["data"]["score"] == 0.5
    assert len({each["data"]["score"] for each in trees}) > 2
    everything = [each for each in scores(one.out, "tree") if each["time"] >= trees[0]["time"]]
    assert [each["time"] for each in trees] == [each["time"] for each in everything]
    told = info(replay)
    assert told.keys() == set(MODELS)
    assert told["tree"]["ticks"] == told["intent"]["ticks"]


def left_out(replay: Replay) -> str:
    """Go on for a while without the tree; return what was said."""
    change(replay, WITHOUT_TREE)
    ended = stop(replay, output_bytes(replay.out) * 3 // 2)
    assert ended.exit_code == 0
    assert (replay.state / "import-tree").exists()
    assert info(replay).keys() == {"intent", "churn", "worth"}
    change(replay, CONFIG)
    return ended.stderr


def test_what_a_model_has_learned_outlasts_a_config_without_it(
    stopped: Replay, one: Replay
) -> None:
    learned = pairs_of(model_records(stopped.state)["model-tree"][b"\twatch"])
    assert (
        f"model tree is not in the config any more: what it has learned from {learned:,} pairs is"
        f" kept in {stopped.state}/import-tree. It goes on with that when it comes back; remove"
        " the file to forget it\n"
    ) in left_out(stopped)
    said = len(scores(stopped.out, "tree"))
    assert stopped.done().stderr == ""
    assert scores(stopped.out, "intent") == scores(one.out, "intent")
    again = scores(stopped.out, "tree")[said:]
    assert again[0]["data"]["score"] != 0.5  # which is what one says that has learned nothing
    assert not (stopped.state / "import-tree").exists()
    now = model_records(stopped.state)["model-tree"]
    assert pairs_of(now[b"\twatch"]) > learned > 0


def test_what_was_put_aside_is_for_the_same_definition_only(stopped: Replay, one: Replay) -> None:
    left_out(stopped)
    change(stopped, CONFIG.replace("within: 1h", "within: 2h"))
    message = refused(stopped)
    assert message.startswith(f"{stopped.state}/import-tree holds what model tree has learned by")
    assert "remove the file" in message
    change(stopped, CONFIG.replace("within: 1h", "within: 1d"))
    said = len(scores(stopped.out, "tree"))
    (stopped.state / "import-tree").unlink()
    stopped.done()
    assert scores(stopped.out, "tree")[said]["data"]["score"] == 0.5
    assert scores(stopped.out, "intent") == scores(one.out, "intent")


def test_a_supervisor_may_die_while_it_removes_a_model_that_is_put_aside(stopped: Replay) -> None:
    learned = model_records(stopped.state)["model-tree"]
    folder = stopped.state / "model-tree"
    shutil.copytree(folder, stopped.folder / "tree")
    left_out(stopped)
    change(stopped, WITHOUT_TREE)
    shutil.copytree(stopped.folder / "tree", folder)
    shutil.rmtree(folder / (folder / "committed").read_text())
    before = (stopped.state / "import-tree").read_bytes()
    stopped.done()
    assert (stopped.state / "import-tree").read_bytes() == before
    assert learned[b"\tlearner"] in before
    assert not folder.exists()


def test_a_damaged_model_can_be_left_out_and_that_is_told(stopped: Replay) -> None:
    folder = stopped.state / "model-tree"
    version = folder / (folder / "committed").read_text()
    (version / "CURRENT").write_bytes(b"")
    change(stopped, WITHOUT_TREE)
    message = stopped.done().message
    assert message.startswith("model tree is not in the config any more, and what it has learned")
    assert f"is lost: {version} is missing or damaged" in message
    assert not folder.exists()


def test_what_names_the_score_of_a_model_that_is_gone_is_a_mistake_of_the_config(
    stopped: Replay,
) -> None:
    change(stopped, CONFIG.replace(f"  tree:{TREE}", ""))
    ended = stopped.run()
    assert ended.exit_code == 2
    assert "score.tree" in ended.stderr
    assert (stopped.state / "model-tree").is_dir()


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("from: [views_1h, session.views, orders]", "from: [views_1h, session.views]"),
        ("within: 1h", "within: 2h"),
        ("tree.HoeffdingTreeClassifier", "tree.HoeffdingAdaptiveTreeClassifier"),
        ("{count: Product Viewed, over: 1h}", "{count: Product Viewed, over: 2h}"),
    ],
    ids=["inputs", "target", "kind", "a feature that it looks at"],
)
def test_a_model_that_was_changed_is_a_refusal_with_a_way_out(
    written: str, instead: str, stopped: Replay
) -> None:
    assert CONFIG.count(written) == 1
    change(stopped, CONFIG.replace(written, instead))
    message = refused(stopped)
    assert "has learned by another definition" in message
    assert "another name" in message
    assert message.startswith("model ")


def test_a_refused_state_goes_on_with_the_definition_of_before(
    stopped: Replay, one: Replay
) -> None:
    change(stopped, CONFIG.replace("within: 1h", "within: 2h"))
    refused(stopped)
    change(stopped, CONFIG)
    stopped.done()
    assert_same_with_models(one, stopped)


def test_a_model_that_leaves_the_shadow_keeps_what_it_has_learned(
    stopped: Replay, one: Replay
) -> None:
    out_of_it = CONFIG.replace("    shadow: true\n", "    threshold: 0.9\n")
    assert out_of_it != CONFIG
    change(stopped, out_of_it)
    stopped.done()

    def said(replay: Replay) -> list[float]:
        return [each["data"]["score"] for each in scores(replay.out, "churn")]

    assert said(stopped) == said(one)
    assert "shadow" not in scores(stopped.out, "churn")[-1]["data"]


@pytest.mark.parametrize("lost", ["folder", "version"])
def test_a_lost_model_is_a_refusal_never_a_fresh_start(
    lost: str, stopped: Replay, one: Replay, tmp_path: Path
) -> None:
    folder = stopped.state / "model-intent"
    version = folder / (folder / "committed").read_text()
    away = folder if lost == "folder" else version
    away.rename(tmp_path / "away")
    message = refused(stopped)
    assert message.startswith(f"{version} is missing")
    assert "backup" in message
    (tmp_path / "away").rename(away)
    if lost == "version":
        stopped.done()
        assert_same_with_models(one, stopped)


def test_models_that_were_exchanged_are_a_refusal(stopped: Replay) -> None:
    folders = [stopped.state / f"model-{name}" for name in ("intent", "tree")]
    one, other = (folder / (folder / "committed").read_text() for folder in folders)
    one.rename(stopped.folder / "one")
    other.rename(folders[0] / one.name)
    (stopped.folder / "one").rename(folders[1] / other.name)
    ended = stopped.run()
    assert ended.exit_code == 1
    assert "folders were mixed up" in ended.message


def test_a_damaged_model_is_a_refusal_and_state_info_names_it(stopped: Replay) -> None:
    folder = stopped.state / "model-tree"
    version = folder / (folder / "committed").read_text()
    (version / "CURRENT").write_bytes(b"")
    ended = stopped.run()
    assert ended.exit_code == 1
    assert ended.message.startswith(f"{version} cannot be opened")
    told = info(stopped)
    assert told.keys() == set(MODELS)
    (problem,) = told["tree"]["problems"]
    assert problem.startswith(f"{version} is missing or damaged")


def test_a_copy_of_a_stopped_state_goes_on_as_the_state_does(stopped: Replay, one: Replay) -> None:
    """Which is what a backup is."""
    told = info(stopped)
    assert told.keys() == set(MODELS)
    assert outputs(stopped.out)["scores.jsonl"]
    stopped.options = [*stopped.options, "--workers", "2"]
    stopped.done()
    assert_same_with_models(one, stopped)
