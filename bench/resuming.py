"""What a large state costs: how long a run on it takes to its first tick, and then per event."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import NamedTuple

from bench.running import CONFIG, NOW_MS, SHARDS, job_of
from config import load
from connectors.out_folder import OutFolder
from flows import recovery
from flows.reports import ReaderReport, Report
from flows.supervisor import Supervisor
from state.folder import StateFolder


class Resumed(NamedTuple):
    """A second run on a state.

    Attributes:
        first_tick_s: seconds from its start to its first tick.
        event_us: wall time an event from there on.
        cpu_us: processor time an event, with the start of the worker.
    """

    first_tick_s: float
    event_us: float
    cpu_us: float


def resume(files: Sequence[Path], work: Path) -> Resumed:
    """Read the first file and a little of the second, stop, start again and read to the end."""
    shutil.rmtree(work, ignore_errors=True)
    with files[0].open("rb") as file:
        first = sum(1 for _ in file)
    folder = StateFolder(work / "state")
    folder.path.mkdir(parents=True)
    identity = folder.create(name=load(CONFIG).name, shards=SHARDS, readers=1, now_ms=NOW_MS)
    recovery.create(folder.recovery, identity.id)
    job = job_of(CONFIG, files, work / "out", "name")

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
        before_s = _children_cpu_s()
        reports = run_until(lambda _events: False)
        cpu_s = _children_cpu_s() - before_s
    (start_s, start), (end_s, end) = reports[0], reports[-1]
    events = end - start
    return Resumed(start_s, (end_s - start_s) / events * 1e6, cpu_s / events * 1e6)


def _children_cpu_s() -> float:
    usage = getrusage(RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
