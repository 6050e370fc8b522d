"""What a large state costs: how long a run on it takes to its first tick, and then per event."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.running import CONFIG, NOW_MS, SHARDS, shop_job
from config import load
from connectors.out_folder import OutFolder
from flows import recovery
from flows.reports import ReaderReport, Report
from flows.supervisor import Supervisor
from state.folder import StateFolder


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
    identity = folder.create(name=load(CONFIG).name, shards=SHARDS, readers=1, now_ms=NOW_MS)
    recovery.create(folder.recovery, identity.id)
    job = shop_job(files, work / "out", "name")

    def run_until(reached: Callable[[int], bool]) -> list[tuple[float, int]]:
        """Run until so many events were read; return when how many were."""
        started = time.monotonic()
        reports: list[tuple[float, int]] = []

        def report(report: Report) -> None:
            if not isinstance(report, ReaderReport):
                return
            reports.append((time.monotonic() - started, report.events))
            if reached(report.events):
                os.kill(os.getpid(), signal.SIGTERM)

        Supervisor(folder, identity, job, report=report, say=print).run()
        return reports

    with OutFolder(work / "out").claim(identity.id, fresh=True, names=[]):
        run_until(lambda events: events > first)
        reports = run_until(lambda _events: False)
    (start_s, start), (end_s, end) = reports[0], reports[-1]
    return Resumed(start_s, (end_s - start_s) / (end - start) * 1e6)
