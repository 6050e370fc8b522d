"""SIGTERM and Ctrl-C stop at once and lose nothing; the same command goes on."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from replaying import Ended, Replay, assert_same, output_bytes, outputs, summary

STOPPED = ["cartwheel: stopped; the same command goes on from here"]


def stop_at(replay: Replay, share: float, untouched: Replay, number: int) -> Ended:
    """Start it and send it a signal when that share of the output is written."""
    with replay.started() as running:
        assert running.wait_for_output(int(share * output_bytes(untouched.out)))
        if number == signal.SIGINT:
            os.killpg(running.process.pid, number)  # a terminal sends it to every process
        else:
            running.signal(number)
        return running.wait()


@pytest.mark.parametrize(
    ("number", "exit_code", "workers"),
    [(signal.SIGTERM, 0, 1), (signal.SIGTERM, 0, 3), (signal.SIGINT, 130, 3)],
)
def test_a_stopped_replay_goes_on_where_it_was(
    number: signal.Signals,
    exit_code: int,
    workers: int,
    events: Path,
    untouched: Replay,
    tmp_path: Path,
) -> None:
    replay = Replay(tmp_path, [events], ["--workers", str(workers)])
    ended = stop_at(replay, 0.4, untouched, number)
    assert ended.exit_code == exit_code
    assert ended.stderr.splitlines() == STOPPED
    assert 0 < ended.summary["read"] < 30_000
    assert ended.summary == summary(replay.out)
    for name, data in outputs(replay.out).items():
        assert outputs(untouched.out)[name].startswith(data)
    assert replay.done().stderr == ""
    assert_same(untouched, replay)


def test_a_replay_that_is_stopped_as_soon_as_it_starts_again_loses_nothing(
    events: Path, untouched: Replay, tmp_path: Path
) -> None:
    replay = Replay(tmp_path, [events])
    first = stop_at(replay, 0.4, untouched, signal.SIGTERM)
    with replay.started() as running:
        assert running.wait_until(lambda: any(replay.state.glob("shard-*/live-*")))
        running.signal(signal.SIGTERM)
        second = running.wait()
    assert (first.exit_code, second.exit_code) == (0, 0)
    with replay.started() as running:
        assert running.wait_until(lambda: bool(running.workers()))
        running.signal(signal.SIGTERM)
        assert running.wait().exit_code == 0
    replay.done()
    assert_same(untouched, replay)


def test_a_second_ctrl_c_does_not_wait(events: Path, tmp_path: Path) -> None:
    replay = Replay(tmp_path, [events])
    with replay.started() as running:
        assert running.wait_for_output(1)
        (worker,) = running.workers()
        os.kill(worker, signal.SIGSTOP)  # it will never come to an end
        running.signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            running.process.wait(0.5)
        running.signal(signal.SIGINT)
        ended = running.wait()
    assert ended.exit_code == 130


def test_without_a_state_a_stopped_replay_does_not_promise_to_go_on(
    events: Path, tmp_path: Path
) -> None:
    replay = Replay(tmp_path, [events])
    words = replay.command()
    at = words.index("--state")
    del words[at : at + 2]
    with replay.started_as(words) as running:
        assert running.wait_for_output(1)
        running.signal(signal.SIGTERM)
        ended = running.wait()
    assert ended.exit_code == 0
    assert ended.message == "stopped; nothing is kept"


def test_a_finished_state_says_so_and_has_nothing_to_do(
    events: Path, untouched: Replay, tmp_path: Path
) -> None:
    shutil.copytree(untouched.folder, tmp_path / "copy")
    replay = Replay(tmp_path / "copy", [events])
    ended = replay.run()
    assert ended.exit_code == 0
    assert ended.message == f"{replay.state} is finished: all events were read"
    assert ended.summary == summary(untouched.out)
    assert_same(untouched, replay)
