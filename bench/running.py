"""Runs the command as a user would, and reads off what it cost."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from config import load
from connectors.replay import Order
from flows.job import Job, ReplayOptions, replay_job
from operators.times import parse_time

ROOT = Path(__file__).parent.parent
CONFIG = Path(__file__).parent / "small.yaml"
"""What the engine itself is measured with: few rules, the same ones as ever."""
SHOP = ROOT / "examples" / "shop" / "shop.yaml"
"""What features and segments are measured with."""
RULES = "Rules: `bench/small.yaml` (a session with four values, one trigger, no features)."
NOW = "2027-01-01T00:00:00Z"
NOW_MS = parse_time(NOW)
SHARDS = 12
TICK_LINES = 4096


@dataclass(frozen=True)
class Cost:
    """What one run of the command cost.

    Attributes:
        summary: as the command printed it.
        wall_s: from start to end of the command.
        cpu_s: of all its processes.
        peak_mb: of its largest process.
    """

    summary: dict[str, float]
    wall_s: float
    cpu_s: float
    peak_mb: float

    @property
    def rate(self) -> float:
        """Events per second, without the start of the processes."""
        return self.summary["events_per_s"]


def simulate(path: Path, **options: object) -> Path:
    """Make events, unless that was done before."""
    if not path.exists():
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        _run(["simulate", *words, "--out", str(path)], cpus=None)
    return path


def replay(  # noqa: PLR0913 (each is one thing that is varied)
    events: Sequence[Path],
    work: Path,
    *,
    config: Path = CONFIG,
    workers: int = 1,
    readers: int = 1,
    cpus: Sequence[int] = (0,),
    order: str = "time",
) -> Cost:
    """Replay events into a new state ``work/state`` on certain processors."""
    subprocess.run(["rm", "-rf", str(work)], check=True)  # noqa: S607
    words = ["replay", str(config), "--events", *map(str, events), "--order", order]
    words += ["--out", str(work / "out"), "--state", str(work / "state"), "--json", "--now", NOW]
    words += ["--workers", str(workers), "--readers", str(readers)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    output = _run(words, cpus)
    wall_s = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(json.loads(output), wall_s, cpu_s, after.ru_maxrss / 1024)


def job_of(config: Path, files: Sequence[Path], out: Path, order: Order) -> Job:
    """Compile a config into a job for one worker and one reader."""
    options = ReplayOptions(
        files=list(files),
        out=out,
        order=order,
        shards=SHARDS,
        readers=1,
        workers=1,
        tick_lines=TICK_LINES,
        now_ms=NOW_MS,
        close=False,
    )
    return replay_job(load(config), options)


def with_epoch(folder: Path, every: str) -> Path:
    """Write the small config with another epoch."""
    path = folder / f"epoch-{every}.yaml"
    path.write_text(f"{CONFIG.read_text()}\nepoch: {{every: {every}}}\n")
    return path


def size_on_disk_mb(folder: Path) -> float:
    """Return what a folder takes, counting hard-linked files once."""
    files = {
        stat.st_ino: stat.st_blocks * 512
        for path in folder.rglob("*")
        if (stat := path.stat()) and path.is_file()
    }
    return sum(files.values()) / 1e6


def _run(words: Sequence[str], cpus: Sequence[int] | None) -> str:
    def pin() -> None:
        if cpus:
            os.sched_setaffinity(0, cpus)

    process = subprocess.run(
        [sys.executable, "-m", "cartwheel", *words],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=pin,
    )
    return process.stdout
