"""How long it takes from the start of the supervisor to the first tick, on a large state."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.running import CONFIG
from config import load
from connectors.out_folder import OutFolder
from flows import recovery
from flows.job import ReplayOptions, replay_job
from flows.supervisor import Supervisor
from state.folder import StateFolder

_NOW_MS = 1_800_000_000_000
_SHARDS = 12
_TICK_LINES = 4096


def seconds_to_resume(files: Sequence[Path], work: Path) -> float:
    """Read the first file and a little of the second, stop, start again, stop at the first tick.

    Returns:
        Seconds from the start of the second run to its first tick.
    """
    shutil.rmtree(work, ignore_errors=True)
    with files[0].open("rb") as file:
        first = sum(1 for _ in file)
    folder = StateFolder(work / "state")
    folder.path.mkdir(parents=True)
    config = load(CONFIG)
    identity = folder.create(name=config.name, shards=_SHARDS, readers=1, now_ms=_NOW_MS)
    recovery.create(folder.recovery, identity.id)
    options = ReplayOptions(
        files=list(files),
        out=work / "out",
        order="name",
        shards=_SHARDS,
        readers=1,
        workers=1,
        tick_lines=_TICK_LINES,
        now_ms=_NOW_MS,
        close=False,
    )
    job = replay_job(config, options)

    def run_until(reached: Callable[[int], bool]) -> float:
        """Run until so many events were read; return the seconds to the first report."""
        started = time.monotonic()
        seconds: list[float] = []

        def report(_bytes_read: int, events: int) -> None:
            seconds.append(time.monotonic() - started)
            if reached(events):
                os.kill(os.getpid(), signal.SIGTERM)

        Supervisor(folder, identity, job, report=report, say=print).run()
        return seconds[0]

    with OutFolder(work / "out").claim(identity.id, fresh=True, names=[]):
        run_until(lambda events: events > first)
        return run_until(lambda _events: True)
