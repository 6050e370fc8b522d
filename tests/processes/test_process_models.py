"""Models in processes of their own: neither their number nor a death changes a score."""

import signal
from pathlib import Path
from random import Random

import pytest
from models_replayed import (
    CONFIG,
    MODELS,
    SHARDS,
    assert_same_with_models,
    scores,
    shop,
    unpickled,
)

from replaying import Replay, model_records, output_bytes, outputs, simulate, summary

EVENTS = 6_000
ONE_MODEL = CONFIG.partition("  tree:")[0] + "segments: {hot: score.intent > 0.3}\n"
SAYS_SO = ["cartwheel: a worker was killed (SIGKILL); going on from the last commit"]


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(tmp_path_factory.mktemp("some") / "some.jsonl", events=EVENTS, users=500)


@pytest.fixture(scope="module")
def one(some: Path, tmp_path_factory: pytest.TempPathFactory) -> Replay:
    """A replay in one process from the beginning to the end."""
    replay = shop(tmp_path_factory.mktemp("one"), some)
    assert replay.done().stderr == ""
    return replay


def test_the_shop_shows_enough_to_compare(one: Replay) -> None:
    """Models that never learned would be the same everywhere."""
    for model in MODELS[:2]:
        said = {each["data"]["score"] for each in scores(one.out, model)}
        assert len(said) > 10, model
    assert {each["data"].get("shadow") for each in scores(one.out, "churn")} == {True}
    tiers = {each["data"]["tiers"]["monetary"] for each in scores(one.out, "worth")}
    assert tiers == {None, 1, 2, 3, 4, 5}
    assert summary(one.out)["segments"]["best"] > 0
    assert summary(one.out)["segments"]["hot"] > 0
    assert summary(one.out)["triggers"]["nudge"] > 0
    learned = model_records(one.state)
    assert learned.keys() == {f"model-{name}" for name in MODELS}
    assert unpickled(learned["model-tree"][b"\tlearner"]) is not None


@pytest.mark.parametrize("workers", [2, 3])
def test_any_number_of_processes_gives_the_same_scores_byte_for_byte(
    workers: int, some: Path, one: Replay, tmp_path: Path
) -> None:
    replay = shop(tmp_path, some, "--workers", str(workers))
    assert replay.done().summary == summary(one.out)
    assert_same_with_models(one, replay)


def test_the_number_of_processes_may_change_between_kills(
    some: Path, one: Replay, tmp_path: Path
) -> None:
    total = output_bytes(one.out)
    replay = shop(tmp_path, some)
    before = list(replay.options)
    for workers, share in ((1, 0.2), (3, 0.6)):
        replay.options = [*before, "--workers", str(workers)]
        with replay.started() as running:
            assert running.wait_for_output(int(total * share))
            running.kill_supervisor()
    replay.options = [*before, "--workers", "2"]
    replay.done()
    assert_same_with_models(one, replay)


@pytest.mark.parametrize(("seed", "workers"), [(1, 1), (2, 3)])
def test_a_worker_that_is_killed_at_a_random_moment_changes_no_score(
    seed: int, workers: int, some: Path, one: Replay, tmp_path: Path
) -> None:
    random = Random(seed)
    replay = shop(tmp_path, some, "--workers", str(workers))
    with replay.started() as running:
        assert running.wait_for_output(int(output_bytes(one.out) * random.uniform(0, 0.7)))
        running.kill(random.choice(running.workers()))
        ended = running.wait()
    assert (ended.exit_code, ended.stderr.splitlines()) == (0, SAYS_SO)
    assert_same_with_models(one, replay)


@pytest.fixture(scope="module")
def small(some: Path, tmp_path_factory: pytest.TempPathFactory) -> Replay:
    """One shard and one model: each point of a commit is reached by the one, then by the other."""
    replay = shop(tmp_path_factory.mktemp("small"), some, "--shards", "1", config=ONE_MODEL)
    replay.done()
    return replay


@pytest.mark.parametrize("count", [3, 4])
@pytest.mark.parametrize(
    "point",
    [
        "before-write",
        "between-write-and-checkpoint",
        "between-checkpoint-and-commit",
        "after-commit",
    ],
)
def test_a_worker_may_die_at_any_point_of_a_models_commit(
    point: str, count: int, some: Path, small: Replay, tmp_path: Path
) -> None:
    """Of the second commit, the third and fourth pass are the shard's and the model's."""
    replay = shop(tmp_path, some, "--shards", "1", config=ONE_MODEL)
    struck = tmp_path / "struck"
    ended = replay.done(CARTWHEEL_KILL_AT=f"{point}:{count}:{struck}")
    assert struck.exists()
    assert ended.stderr.splitlines() == SAYS_SO
    assert_same_with_models(small, replay)


def test_the_supervisor_may_die_while_it_clears_a_models_folder(
    some: Path, one: Replay, tmp_path: Path
) -> None:
    replay = shop(tmp_path, some)
    with replay.started() as running:
        assert running.wait_for_output(output_bytes(one.out) // 3)
        running.kill_supervisor()
    left = len(list(replay.state.glob("model-*/live-*")))
    assert left == len(MODELS)
    died = 0
    for count in range(SHARDS + 3, 40):
        ended = replay.run(CARTWHEEL_KILL_AT=f"while-purging:{count}:{tmp_path / str(count)}")
        if ended.exit_code != -signal.SIGKILL:
            break
        died += 1
        if 0 < len(list(replay.state.glob("model-*/live-*"))) < left:
            break
    assert died > 0
    assert 0 < len(list(replay.state.glob("model-*/live-*"))) < left
    replay.done()
    assert_same_with_models(one, replay)


def test_several_shards_give_the_same_set_of_scores(
    some: Path, small: Replay, tmp_path: Path
) -> None:
    replay = shop(tmp_path, some, "--shards", "6", "--workers", "2", config=ONE_MODEL)
    replay.done()
    ours, theirs = outputs(small.out), outputs(replay.out)
    assert ours.keys() == theirs.keys()
    for name, data in ours.items():
        assert sorted(theirs[name].splitlines()) == sorted(data.splitlines()), name
