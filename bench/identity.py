"""Measures what identity costs, and writes its part of ``bench/RESULTS.md``.

``python -m bench.identity [--events N]``. The example shop is held against the same with
anonymous ids linked, and with consent asked for too, side by side in one process, a tick each in
turn: once with events that all name their customers, once with visits of which some begin
anonymous and then log in.
"""

import argparse
import gc
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

from bench.consent import CONSENT
from bench.models import Run, together
from bench.results import write_part
from bench.running import SHOP, simulate

SEED = 7
USERS = 3_000
IDENTITY = "\nidentity: {}\n"
SHARES = {
    "Events that all name their customers:": 0,
    "Of the visits 15% are by strangers, and 12% begin anonymous and then log in:": 0.15,
}

Section = Iterator[str]


def main() -> int:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(prog="python -m bench.identity", description=__doc__)
    parser.add_argument("--events", type=int, default=150_000)
    print(measure(parser.parse_args().events))
    return 0


def measure(events: int) -> str:
    """Measure everything; return the part of the results, which is written."""
    with tempfile.TemporaryDirectory(prefix="cartwheel-bench-") as name:
        folder = Path(name)
        configs = {"without identity": SHOP}
        for what, more in (("with identity", IDENTITY), ("and with consent", IDENTITY + CONSENT)):
            configs[what] = folder / f"{what.replace(' ', '-')}.yaml"
            configs[what].write_text(SHOP.read_text() + more)
        lines = [f"## The example shop: {events:,} simulated events, side by side", ""]
        lines += [
            f"{USERS:,} customers, in one thread without Bytewax and without garbage collection."
        ]
        lines += ["Throughput is beside the shop's without identity, by CPU time."]
        for number, (what, share) in enumerate(SHARES.items()):
            path = folder / f"{number}.jsonl"
            simulate(path, events=events, users=USERS, seed=SEED, anonymous=share)
            lines += ["", what, ""]
            lines += _side_by_side(configs, path, folder / str(number))
    return write_part("Identity", lines)


def _side_by_side(configs: dict[str, Path], events: Path, folder: Path) -> Section:
    gc.disable()  # it would go through what all of them hold, whoever's turn it is
    runs = together(configs, events, folder)
    gc.enable()
    first = next(iter(runs.values()))
    yield (
        "| | CPU µs an event | of that identity | throughput | of a tick: median | middle half"
        " | ids linked |"
    )
    yield "|---|---|---|---|---|---|---|"
    for name, run in runs.items():
        shares = [one / own for one, own in zip(first.cpu_s, run.cpu_s, strict=True)]
        low, _, high = quantiles(shares, n=4)
        yield (
            f"| {name} | {run.cpu_us:.1f} | {_of_identity(run):.2f}"
            f" | {first.cpu_us / run.cpu_us:.3f} | {median(shares):.3f}"
            f" | {low:.3f} to {high:.3f} | {run.pipeline.counts.get('merged', 0):,} |"
        )


def _of_identity(run: Run) -> float:
    return run.pipeline.watch.spent.get("identity", 0.0) / run.events * 1e6


if __name__ == "__main__":
    sys.exit(main())
