"""Looks into Bytewax's recovery folder, before workers start and after they have gone.

A worker must never do this: a second SQLite in its process would drop Bytewax's file locks when
it closes. Only what Bytewax 0.21 writes is understood here.

Bytewax commits an epoch when every worker has written its snapshots. A snapshot row of a later
epoch may be there when a run is killed; Bytewax does not remove it and might serve it in a later
run, so it is removed here.
"""

import os
import pickle
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

from bytewax.recovery import RecoveryConfig, init_db_dir

from flows.errors import ResumeError

_PARTITIONS = 1
_ID = "cartwheel-id"
FIRST_EPOCH = 1

_SQLITE_FAILURE = re.compile(r'SqliteFailure\(.*Some\("(.*?)"\)')

Rows = dict[tuple[str, str], bytes]
"""Snapshots by step and key."""


def create(folder: Path, state_id: str) -> None:
    """Make an empty recovery folder that belongs to a state; nothing happens if it is there.

    Raises:
        ResumeError: it cannot be written.
    """
    if folder.exists():
        return
    beside = folder.with_name(folder.name + ".new")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    try:
        with _silence():
            init_db_dir(beside, _PARTITIONS)  # type: ignore[no-untyped-call]
    except BaseException as error:
        reason = sqlite_failure(error)  # a panic, which is no Exception
        if reason is None:
            raise
        raise ResumeError(f"{folder} cannot be written: {reason}") from None
    (beside / _ID).write_text(state_id)
    beside.rename(folder)


def sqlite_failure(error: BaseException) -> str | None:
    """Return what SQLite has said, where an error of Bytewax tells of it."""
    match = _SQLITE_FAILURE.search(str(error))
    return match[1] if match else None


def check(folder: Path, state_id: str) -> None:
    """Check that a recovery folder belongs to a state and is complete.

    Raises:
        ResumeError: it is missing, incomplete or another state's.
    """
    try:
        found = (folder / _ID).read_text()
    except OSError:
        raise ResumeError(
            f"{folder} is missing: the state cannot tell where to go on."
            " Restore the state from a backup, or start a new one"
        ) from None
    if found != state_id:
        raise ResumeError(f"{folder} belongs to another state; restore both from one backup")
    if len(_files(folder)) != _PARTITIONS:
        raise ResumeError(f"{folder} is incomplete; restore the state from a backup")


def config(folder: Path) -> RecoveryConfig:
    """Return what Bytewax needs to use the folder."""
    return RecoveryConfig(folder, timedelta(0))  # type: ignore[no-untyped-call]


def resume_epoch(folder: Path) -> int:
    """Return the epoch that the next run starts with.

    Raises:
        ResumeError: the folder contradicts itself.
    """
    executions: dict[int, tuple[int, int]] = {}
    frontiers: dict[tuple[int, int], int] = {}
    commits = [0]
    for file in _files(folder):
        with closing(_connect(file)) as database:
            for number, workers, epoch in database.execute(
                "SELECT ex_num, worker_count, resume_epoch FROM exs"
            ):
                executions[number] = (workers, epoch)
            for number, worker, epoch in database.execute(
                "SELECT ex_num, worker_index, worker_frontier FROM fronts"
            ):
                key = (number, worker)
                frontiers[key] = max(epoch, frontiers.get(key, 0))
            commits += [epoch for (epoch,) in database.execute("SELECT commit_epoch FROM commits")]
    if not executions:
        return FIRST_EPOCH
    latest = max(executions)
    workers, start = executions[latest]
    epoch = min(max(start, frontiers.get((latest, worker), 0)) for worker in range(workers))
    if max(commits) > epoch:
        raise ResumeError(
            f"{folder} has committed epoch {max(commits)} but would resume at {epoch};"
            " restore the state from a backup"
        )
    return epoch


def purge(folder: Path, epoch: int) -> None:
    """Remove the snapshots of epochs that were never committed."""
    for file in _files(folder):
        with closing(_connect(file)) as database, database:
            database.execute("DELETE FROM snaps WHERE snap_epoch >= ?", (epoch,))


def forget(folder: Path, step: str, key: str) -> None:
    """Remove the snapshots of what a run has no more."""
    for file in _files(folder):
        with closing(_connect(file)) as database, database:
            database.execute("DELETE FROM snaps WHERE step_id = ? AND state_key = ?", (step, key))


def replace(folder: Path, changed: Rows) -> None:
    """Put others in the place of the newest snapshots of some steps and keys, all or none.

    To be called after ``purge``.
    """
    for file in _files(folder):
        with closing(_connect(file)) as database, database:
            database.executemany(
                "UPDATE snaps SET ser_change = ? WHERE step_id = ? AND state_key = ?"
                " AND snap_epoch = (SELECT max(snap_epoch) FROM snaps AS newest"
                " WHERE newest.step_id = snaps.step_id AND newest.state_key = snaps.state_key)",
                [(pickle.dumps(row), step, key) for (step, key), row in changed.items()],
            )


def rows(folder: Path) -> Rows:
    """Return the newest snapshot of every step and key; call it after ``purge``."""
    newest: dict[tuple[str, str], tuple[int, bytes | None]] = {}
    for file in _files(folder):
        with closing(_connect(file)) as database:
            for step, key, epoch, change in database.execute(
                "SELECT step_id, state_key, snap_epoch, ser_change FROM snaps"
            ):
                at = (step, key)
                if at not in newest or newest[at][0] < epoch:
                    newest[at] = (epoch, change)
    return {at: pickle.loads(row) for at, (_, row) in newest.items() if row is not None}  # noqa: S301 (written by our own workers)


@contextmanager
def _silence() -> Iterator[None]:
    """Keep Rust from writing a stack to standard error before it raises a panic."""
    before = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(nowhere)
        os.close(before)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("part-*.sqlite3"))


def _connect(file: Path) -> sqlite3.Connection:
    try:
        database = sqlite3.connect(file, timeout=5)
        database.execute("SELECT count(*) FROM exs")
    except sqlite3.Error as error:
        raise ResumeError(f"{file} cannot be read: {error}; restore the state") from error
    return database
