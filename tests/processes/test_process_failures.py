"""What the user sees and finds when a worker cannot go on."""

import sys
from pathlib import Path

from replaying import Replay, assert_same

KILLED = "cartwheel: a worker was killed (SIGKILL); going on from the last commit"


def test_a_worker_that_is_killed_again_and_again_ends_the_run(
    events: Path, untouched: Replay, tmp_path: Path
) -> None:
    replay = Replay(tmp_path, [events])
    killed: set[int] = set()

    with replay.started() as running:

        def kill_whoever_comes() -> bool:
            for worker in set(running.workers()) - killed:
                killed.add(worker)
                running.kill(worker)
            return False

        running.wait_until(kill_whoever_comes)
        ended = running.wait()
    assert ended.exit_code == 1
    *again, last = ended.stderr.splitlines()
    assert again == [KILLED] * 4
    assert "for the 5th time before anything was committed; the state is unharmed" in last
    assert len(killed) == 5
    replay.done()
    assert_same(untouched, replay)


def test_a_port_that_somebody_took_in_the_meantime_is_tried_again(
    events: Path, untouched: Replay, tmp_path: Path
) -> None:
    """Ports are chosen by the supervisor and opened by the workers a moment later."""
    replay = Replay(tmp_path, [events], ["--workers", "2"])
    command = replay.command()
    taking = [sys.executable, "-c", TAKE_THE_FIRST_PORT, *command[command.index("replay") :]]
    with replay.started_as(taking) as running:
        ended = running.wait()
    assert ended.exit_code == 0, ended.stderr
    assert ended.message == (
        "a worker's port was taken by another program; going on from the last commit"
    )
    assert_same(untouched, replay)


TAKE_THE_FIRST_PORT = """
import socket, sys
from cartwheel.app import main
from flows import processes
choose, taken = processes._free_addresses, []
def choose_and_lose(count):
    addresses = choose(count)
    if not taken:
        host, port = addresses[0].split(":")
        taken.append(socket.create_server((host, int(port))))
    return addresses
processes._free_addresses = choose_and_lose
sys.exit(main())
"""
