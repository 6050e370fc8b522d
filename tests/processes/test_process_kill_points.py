"""Killed at each named point of the state's life: the run goes on as if nothing had been."""

import signal
from pathlib import Path

import pytest

from replaying import Replay, assert_same

SHARDS = 12
SAYS_SO = ["cartwheel: a worker was killed (SIGKILL); going on from the last commit"]


def kill_at(point: str, count: int, struck: Path) -> dict[str, str]:
    """Let the process die that reaches a point for the n-th time; ``struck`` is made then."""
    return {"CARTWHEEL_KILL_AT": f"{point}:{count}:{struck}"}


@pytest.fixture(scope="module")
def untouched(events: Path, tmp_path_factory: pytest.TempPathFactory) -> Replay:
    """A replay in small ticks, which take longer, so that there are more commits to die in."""
    replay = Replay(tmp_path_factory.mktemp("small-ticks"), [events], ["--tick", "100"])
    replay.done()
    return replay


@pytest.mark.parametrize(
    ("point", "workers"),
    [
        ("before-write", 1),
        ("between-checkpoint-and-commit", 1),
        ("between-checkpoint-and-commit", 3),
    ],
)
def test_a_worker_may_die_before_the_first_commit_ever(
    point: str, workers: int, events: Path, untouched: Replay, tmp_path: Path
) -> None:
    replay = Replay(tmp_path, [events], ["--tick", "100", "--workers", str(workers)])
    struck = tmp_path / "struck"
    ended = replay.done(**kill_at(point, 1, struck))
    assert struck.exists()
    assert ended.stderr.splitlines() == SAYS_SO
    assert_same(untouched, replay)


@pytest.mark.parametrize(
    ("point", "count"),
    [
        ("before-write", SHARDS + 7),
        ("between-write-and-checkpoint", SHARDS + 5),
        ("between-checkpoint-and-commit", SHARDS),  # all have theirs, none is committed
        ("after-commit", SHARDS + 3),
        ("while-purging", 3),
    ],
)
def test_a_worker_may_die_at_any_point_of_a_commit(
    point: str, count: int, events: Path, untouched: Replay, tmp_path: Path
) -> None:
    replay = Replay(tmp_path, [events], ["--tick", "100"])
    struck = tmp_path / "struck"
    ended = replay.done(**kill_at(point, count, struck))
    assert struck.exists()
    assert ended.stderr.splitlines() == SAYS_SO
    assert_same(untouched, replay)


def test_one_of_three_workers_may_die_between_checkpoint_and_commit(
    events: Path, untouched: Replay, tmp_path: Path
) -> None:
    replay = Replay(tmp_path, [events], ["--tick", "100", "--workers", "3"])
    struck = tmp_path / "struck"
    ended = replay.done(**kill_at("between-checkpoint-and-commit", 6, struck))
    assert struck.exists()
    assert ended.stderr.splitlines() == SAYS_SO
    assert_same(untouched, replay)


def test_the_supervisor_may_die_while_it_purges_again_and_again(
    events: Path, untouched: Replay, tmp_path: Path
) -> None:
    replay = Replay(tmp_path, [events], ["--tick", "100"])
    ended = replay.run(**kill_at("while-purging", 1, tmp_path / "struck"))
    assert ended.exit_code == -signal.SIGKILL  # before the first worker was started
    with replay.started() as running:
        assert running.wait_for_commit()
        assert running.wait_for_output(1 << 20)
        running.kill_supervisor()
    left = len(list(replay.state.glob("shard-*/live-*")))
    assert left == SHARDS
    for count in (1, 2, 3, SHARDS):
        struck = tmp_path / f"struck-{count}"
        ended = replay.run(**kill_at("while-purging", count, struck))
        assert ended.exit_code == -signal.SIGKILL
        assert struck.exists()
    assert 0 < len(list(replay.state.glob("shard-*/live-*"))) < SHARDS
    replay.done()
    assert_same(untouched, replay)
