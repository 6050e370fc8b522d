"""Measures what the documentation claims, and writes ``bench/RESULTS.md``.

``python -m bench [--events N] [--few N] [--rounds N]``; the defaults take about an hour. The
engine is measured with ``small.yaml``, features, segments and models with the example shop: see
``features``, ``models``, ``consent`` and ``identity``, which can be run alone. Drift of models is
measured on made-up visits, and with ``--data DIR --ecom FILE`` how well intent is predicted: see
``intent``.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import msgspec

from bench import consent, features, identity, models
from bench.intent import drift
from bench.intent.__main__ import measure_all
from bench.phases import phases
from bench.results import write_part
from bench.resuming import resume
from bench.running import RULES, Cost, replay, simulate, size_on_disk_mb, with_epoch

SEED = 7
KNOWN = (10_000, 100_000, 1_000_000)
VISITS = 6_000
EPOCHS = ("500ms", "1s", "2s", "5s")

Section = Iterator[str]


def main() -> int:
    """Measure everything and write the results."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--few", type=int, default=100_000, help="events for one more feature")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", type=Path, help="the folder of the recorded sets")
    parser.add_argument("--ecom", type=Path, help="ecom.csv.gz of retentioneering")
    arguments = parser.parse_args()
    lines = [f"Rounds: {arguments.rounds}. {RULES}"]
    with tempfile.TemporaryDirectory(prefix="cartwheel-bench-") as folder:
        bench = Bench(Path(folder), arguments.events, arguments.rounds)
        for section in (bench.speed, bench.where, bench.known_customers, bench.epochs):
            with _timed(section):
                lines += ["", *section()]
    print(write_part("The engine, from files", lines))
    print(features.measure(arguments.events, arguments.few, arguments.rounds))
    print(models.measure(arguments.events // 3, arguments.rounds))
    print(consent.measure(arguments.events // 3))
    print(identity.measure(arguments.events // 3))
    print(drift.measure_all(VISITS, arguments.rounds))
    if arguments.data and arguments.ecom:
        print(measure_all(arguments.data, arguments.ecom))
    else:
        print("INTENT IS NOT MEASURED: that takes --data and --ecom", file=sys.stderr)
    return 0


class Bench:
    """All measurements on one set of simulated events."""

    def __init__(self, folder: Path, events: int, rounds: int) -> None:
        self._folder = folder
        self._events = events
        self._rounds = rounds
        options = {"seed": SEED, "users": events // 10, "anonymous": 0}
        self._all = simulate(folder / "all.jsonl", events=events, **options)
        self._halves = [
            simulate(folder / f"half-{seed}.jsonl", events=events // 2, **{**options, "seed": seed})
            for seed in (SEED + 1, SEED + 2)
        ]

    def speed(self) -> Section:
        """One process, two processes, two readers: in turn, so that ratios hold."""
        cases: dict[str, Callable[[], Cost]] = {
            "1 process, 1 core": lambda: replay([self._all], self._work),
            "2 processes, 2 cores, 1 reader": lambda: replay(
                [self._all], self._work, workers=2, cpus=(0, 1)
            ),
            "2 processes, 2 cores, 2 readers": lambda: replay(
                self._halves, self._work, workers=2, readers=2, cpus=(0, 1)
            ),
        }
        costs: dict[str, list[Cost]] = {name: [] for name in cases}
        for _ in range(self._rounds):
            for name, run in cases.items():
                costs[name].append(run())
        first = costs["1 process, 1 core"]
        yield f"## Speed: {self._events:,} simulated events, {self._events // 10:,} customers"
        yield ""
        yield "| | events/s, median (range) | times one process | CPU µs an event | peak MB |"
        yield "|---|---|---|---|---|"
        for name, each in costs.items():
            rates = [cost.rate for cost in each]
            ratio = median(a.rate / b.rate for a, b in zip(each, first, strict=True))
            cpu_us = median(cost.cpu_s for cost in each) / self._events * 1e6
            peak = max(cost.peak_mb for cost in each)
            yield (
                f"| {name} | {median(rates):,.0f} ({min(rates):,.0f} to {max(rates):,.0f})"
                f" | {ratio:.2f} | {cpu_us:.1f} | {peak:.0f} |"
            )

    def where(self) -> Section:
        """Where the time goes, without Bytewax."""
        spent = phases(self._all, self._folder / "phases")
        total = spent.total_us
        yield "## Where the time goes: CPU µs an event, in one thread without Bytewax"
        yield ""
        yield "| | µs | share |"
        yield "|---|---|---|"
        for name, each in spent.us.items():
            yield f"| {name} | {each:.2f} | {each / total:.0%} |"
        yield f"| together | {total:.2f} | 100% |"

    def known_customers(self) -> Section:
        """What many known customers cost, when the same number is active."""
        active = simulate(
            self._folder / "2-active.jsonl",
            users=10_000,
            events=self._events // 4,
            seed=SEED,
            anonymous=0,
            start="2026-06-01T00:00:00Z",
        )
        yield f"## Cost by known customers: {self._events // 4:,} events of 10,000 active ones"
        yield ""
        yield "| known | wall µs an event | CPU µs an event | s to resume, first tick | state MB |"
        yield "|---|---|---|---|---|"
        for known in KNOWN:
            past = self._folder / f"1-known-{known}.jsonl"
            _write_known(past, known)
            work = self._folder / "resume"
            runs = [resume([past, active], work) for _ in range(self._rounds)]
            wall_us, cpu_us, first_s = (
                median(getattr(run, name) for run in runs)
                for name in ("event_us", "cpu_us", "first_tick_s")
            )
            size = size_on_disk_mb(work / "state")
            yield f"| {known:,} | {wall_us:.1f} | {cpu_us:.1f} | {first_s:.2f} | {size:.0f} |"
            past.unlink()

    def epochs(self) -> Section:
        """What committing more or less often costs."""
        yield "## Cost of an epoch: the same events, one process"
        yield ""
        yield "| epoch | events/s, median |"
        yield "|---|---|"
        rates: dict[str, list[float]] = {every: [] for every in EPOCHS}
        for _ in range(self._rounds):
            for every in EPOCHS:
                config = with_epoch(self._folder, every)
                rates[every].append(replay([self._all], self._work, config=config).rate)
        for every, each in rates.items():
            yield f"| {every} | {median(each):,.0f} |"

    @property
    def _work(self) -> Path:
        return self._folder / "work"


def _write_known(path: Path, known: int) -> None:
    """Write one event of each of many customers, long before the active ones' events."""
    with path.open("wb") as file:
        for number in range(known):
            second = number * 86_400 // known
            event = {
                "type": "track",
                "event": "Product Viewed",
                "messageId": f"known-{number}",
                "userId": f"k{number}",
                "timestamp": datetime.fromtimestamp(1_767_225_600 + second, UTC).strftime(
                    "%Y-%m-%dT%H:%M:%S.000Z"
                ),
                "properties": {"product_id": f"p{number % 1000}"},
            }
            file.write(msgspec.json.encode(event) + b"\n")


@contextmanager
def _timed(section: Callable[[], Section]) -> Iterator[None]:
    started = time.monotonic()
    yield
    print(f"{section.__name__}: {time.monotonic() - started:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
