"""Kill -9 at random moments: nothing is lost, nothing comes twice, nothing is left behind."""

import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from replaying import Replay, Running, assert_same, output_bytes

ROUNDS_IN_SUITE = 5
ROUNDS_IN_TORTURE = 30
SAYS_SO = "cartwheel: a worker was killed (SIGKILL); going on from the last commit"
VICTIMS = ("one worker of three", "the only worker", "the supervisor")


@dataclass
class Score:
    """What happened over all rounds."""

    rounds: int = 0
    kills: dict[str, int] = field(default_factory=lambda: dict.fromkeys(VICTIMS, 0))
    recovered_s: list[float] = field(default_factory=list)
    gone_s: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        def least_to_most(seconds: list[float]) -> str:
            ordered = sorted(seconds) or [0.0]
            return f"{ordered[0]:.2f} / {ordered[len(ordered) // 2]:.2f} / {ordered[-1]:.2f} s"

        return (
            f"{self.rounds} rounds, kills: {self.kills}, no difference;"
            f" kill to first new output (least / median / most): {least_to_most(self.recovered_s)};"
            f" supervisor's death to no process left: {least_to_most(self.gone_s)}"
        )


@pytest.fixture(scope="module")
def score(request: pytest.FixtureRequest) -> Iterator[Score]:
    score = Score()
    yield score
    capture = request.config.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():
        sys.stdout.write(f"\nkill -9: {score}\n")


@pytest.mark.parametrize("seed", range(ROUNDS_IN_SUITE))
def test_kill_9_at_a_random_moment_changes_nothing(
    seed: int, events: Path, untouched: Replay, tmp_path: Path, score: Score
) -> None:
    one_round(seed, 1, _replay(seed, events, tmp_path), untouched, score)


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(100, 100 + ROUNDS_IN_TORTURE))
def test_kill_9_many_times_changes_nothing(
    seed: int, events: Path, untouched: Replay, tmp_path: Path, score: Score
) -> None:
    one_round(seed, 3, _replay(seed, events, tmp_path), untouched, score)


def _replay(seed: int, events: Path, folder: Path) -> Replay:
    workers = {"one worker of three": 3, "the only worker": 1}.get(VICTIMS[seed % 3], 1 + seed % 2)
    return Replay(folder, [events], ["--workers", str(workers)])


AT_ONCE = 0.0
"""As soon as there is a worker."""


def one_round(seed: int, kills: int, replay: Replay, untouched: Replay, score: Score) -> None:
    """Kill at so many moments, spread over the run, then let it end and compare."""
    random = Random(seed)
    total = output_bytes(untouched.out)
    moments = sorted(random.uniform(-0.2, 0.9) for _ in range(kills))
    score.rounds += 1
    victim = VICTIMS[seed % 3]
    kill = _kill_supervisor if victim == "the supervisor" else _kill_workers
    killed = kill(replay, moments, total, random, score)
    if not killed:  # the run was over before; so once more, and at once
        shutil.rmtree(replay.state)
        shutil.rmtree(replay.out)
        killed = kill(replay, [AT_ONCE], total, random, score)
    assert killed > 0
    score.kills[victim] += killed
    assert_same(untouched, replay)


def _kill_supervisor(
    replay: Replay, moments: list[float], total: int, random: Random, score: Score
) -> int:
    killed = 0
    for moment in moments:
        with replay.started() as running:
            if _wait_for(running, moment, total, random):
                score.gone_s.append(running.kill_supervisor())
                killed += 1
    replay.done()
    return killed


def _kill_workers(
    replay: Replay, moments: list[float], total: int, random: Random, score: Score
) -> int:
    with replay.started() as running:
        killed = sum(_kill_worker(running, moment, total, random, score) for moment in moments)
        ended = running.wait()
    assert ended.exit_code == 0, ended.stderr
    assert ended.stderr.splitlines() == [SAYS_SO] * killed
    return killed


def _wait_for(running: Running, moment: float, total: int, random: Random) -> bool:
    """Wait until a share of all output is written; below 0: for a time, however far it is."""
    if moment == AT_ONCE:
        return running.wait_until(lambda: bool(running.workers()))
    if moment < 0:
        time.sleep(random.uniform(0.2, 1.2))
        return running.process.poll() is None
    there = running.wait_for_output(int(moment * total))
    time.sleep(random.uniform(0, 0.05))
    return there and running.process.poll() is None


def _kill_worker(running: Running, moment: float, total: int, random: Random, score: Score) -> bool:
    if not _wait_for(running, moment, total, random) or not (workers := running.workers()):
        return False
    out = running.replay.out
    running.kill(random.choice(workers))
    killed = time.monotonic()
    running.wait_until(lambda: not set(workers) & set(running.workers()))
    before = output_bytes(out)
    if running.wait_until(lambda: output_bytes(out) > before):
        score.recovered_s.append(time.monotonic() - killed)
    return True
