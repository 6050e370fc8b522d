"""A snapshot of an epoch that never committed is not resurrected (Bytewax would keep it)."""

import os
import pickle
import shutil
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from flows import recovery
from flows.shard_keys import shard_key
from replaying import Replay, assert_same

ENOUGH_FOR_AN_EPOCH_S = 1.5

Row = tuple[str, str, int]


def stale_rows(folder: Path) -> list[Row]:
    """Return step, key and epoch of the snapshots that no resume may see."""
    epoch = recovery.resume_epoch(folder)
    with closing(sqlite3.connect(folder / "part-0.sqlite3")) as database:
        query = "SELECT step_id, state_key, snap_epoch FROM snaps WHERE snap_epoch >= ?"
        return database.execute(query, (epoch,)).fetchall()


def add_row(folder: Path, row: Row, state: bytes) -> None:
    with closing(sqlite3.connect(folder / "part-0.sqlite3")) as database, database:
        database.execute(
            "INSERT INTO snaps (step_id, state_key, snap_epoch, ser_change) VALUES (?, ?, ?, ?)",
            (*row, pickle.dumps(state)),
        )


def break_off(replay: Replay, size: int) -> None:
    """Kill a run when one worker has its snapshot of an epoch and another has not."""
    with replay.started() as running:
        assert running.wait_for_output(size)
        assert running.wait_for_commit()
        os.kill(running.workers()[-1], signal.SIGSTOP)
        time.sleep(ENOUGH_FOR_AN_EPOCH_S)
        running.kill_supervisor()


def test_a_snapshot_of_an_epoch_that_never_committed_is_gone_and_changes_nothing(
    events: Path, untouched: Replay, tmp_path: Path
) -> None:
    replay = Replay(tmp_path, [events], ["--workers", "3"])
    break_off(replay, 1 << 20)
    folder = replay.state / "recovery"
    epoch = recovery.resume_epoch(folder)
    left = stale_rows(folder)
    assert left
    lost = ("cartwheel.profile", shard_key(3), epoch + 1000)
    add_row(folder, lost, recovery.rows(folder)["cartwheel.profile", shard_key(2)] + b"lost")

    served = recovery.rows(folder)  # what a resume would get that does not purge
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    recovery.purge(copy, epoch)
    right = recovery.rows(copy)
    assert served.keys() == right.keys()
    different = {row for row, state in right.items() if served[row] != state}
    assert different >= {lost[:2]} | {row[:2] for row in left}

    break_off(replay, 2 << 20)
    assert lost not in stale_rows(folder)
    replay.done()
    assert not stale_rows(folder)
    assert_same(untouched, replay)
