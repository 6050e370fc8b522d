"""Models that learn from recorded events: byte for byte as in a replay, and put in all or none."""

import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from models_replayed import CONFIG, MODELS, assert_same_with_models, scores, shop, unpickled

from cartwheel.app import main
from config import load
from flows.job import plans_of
from flows.model_files import KEYS, entries, open_learned, read_model
from replaying import (
    NOW,
    Replay,
    leftover,
    model_records,
    output_bytes,
    outputs,
    simulate,
    stop,
)
from state.folder import StateFolder
from state.prefixes import Prefix

OF_BEFORE = CONFIG.replace("within: 2h", "within: 26h")
CHANGED = OF_BEFORE.replace(
    "{count: Product Viewed, over: 1h}", "{count: Product Viewed, over: 2h}"
)
"""Of what intent and tree look at; churn looks at nothing."""
RFM = "worth"
"""It predicts nothing, so there is nothing to be measured."""
SAYS_SO = ["cartwheel: a worker was killed (SIGKILL); going on from the last commit"]


def command(replay: Replay, state: Path, *options: str) -> list[str]:
    """Let the models of a replay learn from its events."""
    words = [sys.executable, "-m", "cartwheel", "models", "train", str(replay.config)]
    words += ["--events", *map(str, replay.events), "--now", NOW, "--json"]
    return [*words, "--state", str(state), *options]


def here(command: Sequence[str]) -> None:
    """Run a command in this process, its workers in theirs."""
    assert main(command[3:]) == 0


def learned(replay: Replay, state: Path) -> dict[str, dict[str, bytes]]:
    """Read what lies beside a state for its models to begin with."""
    assert replay.config is not None
    found = {}
    for plan in plans_of(load(replay.config))[1].models:
        file = StateFolder(state).imported(plan.name)
        if file.exists():
            parts = entries(file.read_bytes(), plan)
            found[plan.name] = {name: parts[key] for name, key in KEYS.items() if key in parts}
    return found


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(tmp_path_factory.mktemp("some") / "some.jsonl", events=3_000, users=250)


@pytest.fixture(scope="module")
def one(some: Path, tmp_path_factory: pytest.TempPathFactory) -> Replay:
    """A replay from the beginning to the end."""
    replay = shop(tmp_path_factory.mktemp("one"), some, config=OF_BEFORE)
    here(replay.command())
    return replay


@pytest.fixture(scope="module")
def trained(one: Replay) -> Path:
    """A new state whose models have learned from the same events."""
    state = one.folder / "trained"
    here(command(one, state))
    return state


def assert_learned_as_in(one: Replay, state: Path) -> None:
    found, records = learned(one, state), model_records(one.state)
    assert found.keys() == set(MODELS)
    for model, parts in found.items():
        assert parts.keys() == ({"learner"} if model == RFM else KEYS.keys())
        for name in parts:
            wanted = records[f"model-{model}"][KEYS[name]]
            same = parts[name] == wanted or unpickled(parts[name]) == unpickled(wanted)
            assert same, f"{name} of {model} differs"


def test_the_models_learn_what_a_replay_of_the_events_has_learned_byte_for_byte(
    one: Replay, trained: Path
) -> None:
    assert len({each["data"]["score"] for each in scores(one.out, "tree")}) > 3
    assert_learned_as_in(one, trained)


def test_nothing_else_is_in_the_state(trained: Path) -> None:
    found = {each.name for each in trained.iterdir()}
    assert found == {"lock", *(f"import-{name}" for name in MODELS)}


def test_a_worker_that_is_killed_changes_no_weight(
    one: Replay,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    struck = tmp_path / "struck"
    monkeypatch.setenv("CARTWHEEL_KILL_AT", f"between-checkpoint-and-commit:3:{struck}")
    state = tmp_path / "state"
    here(command(one, state))
    assert struck.exists()
    assert capfd.readouterr().err.splitlines() == SAYS_SO
    assert_learned_as_in(one, state)


def test_whoever_stops_it_finds_the_state_as_it_was(one: Replay, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with one.started_as(command(one, state)) as running:
        assert running.wait_until((state / "training" / "run.json").exists)
        running.signal(signal.SIGTERM)
        ended = running.wait()
    assert not leftover(state / "training")
    assert ended.exit_code == 1
    assert ended.message == "stopped; no model was put into the state"
    assert [each.name for each in state.iterdir()] == ["lock"]


@pytest.fixture(scope="module")
def made(one: Replay, some: Path, tmp_path_factory: pytest.TempPathFactory) -> Replay:
    """A replay that was stopped in the middle, and whose config has changed then."""
    slow = ["--tick", "10"]  # so that it is not at its end before it is stopped
    replay = shop(tmp_path_factory.mktemp("stopped"), some, *slow, config=OF_BEFORE)
    assert stop(replay, output_bytes(one.out) // 3).exit_code == 0
    assert replay.config is not None
    replay.config.write_text(CHANGED)
    return replay


def copy(made: Replay, folder: Path) -> Replay:
    shutil.copytree(made.folder, folder)
    return shop(folder, made.events[0], config=CHANGED)


@pytest.fixture(scope="module")
def replaced(made: Replay, tmp_path_factory: pytest.TempPathFactory) -> Replay:
    """A copy of it whose models were trained anew, and which went on to the end."""
    replay = copy(made, tmp_path_factory.mktemp("replaced") / "copy")
    before = outputs(replay.out)
    here(command(replay, replay.state, "--replace"))
    assert outputs(replay.out) == before  # nothing was written
    assert not list(replay.state.glob("model-*"))
    here(replay.command())
    assert not list(replay.state.glob("import-*"))
    return replay


def test_nothing_that_was_seen_by_the_old_definition_is_learned(
    made: Replay, replaced: Replay
) -> None:
    """Such a pair has no score in what the models have learned by: only the baseline counts it."""
    before = model_records(made.state)
    for name in ("intent", "churn"):  # there is what might be
        assert any(key.startswith(Prefix.GIVEN_SCORES.key) for key in before[f"model-{name}"])
    assert replaced.config is not None
    unmeasured = {}
    for plan in plans_of(load(replaced.config))[1].models:
        if plan.name == RFM:
            continue
        _, found = read_model(StateFolder(replaced.state), plan)
        _, rate = msgspec.msgpack.decode(found[KEYS["baseline"]])
        learned_from, _ = msgspec.msgpack.decode(rate)
        report: dict[str, Any] = open_learned(found, plan).watch.report(plan.threshold)
        unmeasured[plan.name] = learned_from - report["all_time"]["n"]
    assert (unmeasured["intent"], unmeasured["tree"]) == (0, 0)
    assert unmeasured["churn"] > 0  # what waited is of the same definition still


def test_a_command_that_is_killed_while_it_replaces_models_has_replaced_all(
    made: Replay, replaced: Replay, tmp_path: Path
) -> None:
    replay = copy(made, tmp_path / "copy")
    words = command(replay, replay.state, "--replace")
    kill = f"while-placing:2:{tmp_path}/struck"
    with replay.started_as(words, CARTWHEEL_KILL_AT=kill) as running:
        ended = running.wait()
    assert not leftover(replay.state / "training")
    assert ended.exit_code == -signal.SIGKILL
    assert len(list(replay.state.glob("model-*"))) == len(MODELS) - 1
    assert len(list(replay.state.glob("import-*"))) == 1
    with replay.started() as running:
        assert running.wait_for_output(output_bytes(replaced.out) // 2)
        running.kill_supervisor()
    here(replay.command())
    assert_same_with_models(replaced, replay)
