"""What a large state costs: how long a run on it takes to its first tick, and then per event."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

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


class Resumed(NamedTuple):
    """A second run on a state: seconds to its first tick, and from there wall µs an event."""

    first_tick_s: float
    event_us: float


def resume(files: Sequence[Path], work: Path) -> Resumed:
    """Read the first file and a little of the second, stop, start again and read to the end."""
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

    def run_until(reached: Callable[[int], bool]) -> list[tuple[float, int]]:
        """Run until so many events were read; return when how many were."""
        started = time.monotonic()
        reports: list[tuple[float, int]] = []

        def report(_bytes_read: int, events: int) -> None:
            reports.append((time.monotonic() - started, events))
            if reached(events):
                os.kill(os.getpid(), signal.SIGTERM)

        Supervisor(folder, identity, job, report=report, say=print).run()
        return reports

    with OutFolder(work / "out").claim(identity.id, fresh=True, names=[]):
        run_until(lambda events: events > first)
        reports = run_until(lambda _events: False)
    (start_s, start), (end_s, end) = reports[0], reports[-1]
    return Resumed(start_s, (end_s - start_s) / (end - start) * 1e6)
