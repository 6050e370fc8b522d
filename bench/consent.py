"""Measures what asking for consent costs, and writes its part of ``bench/RESULTS.md``.

``python -m bench.consent [--events N]``. The example shop is held against the same with consent to
profiling and to channels, side by side in one process, a tick each in turn: once with events that
say nothing of consent, once with events that all carry preferences.
"""

import argparse
import gc
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

from bench.models import together
from bench.results import write_part
from bench.running import SHOP, simulate

SEED = 7
USERS = 3_000
PURPOSES = ("Functional", "Advertising")
CONSENT = """
consent:
  default: allow
  gpc: {path: context.gpc, refuses: [Advertising]}
purposes:
  profiling: Functional
  channels: {email: Advertising, push: Advertising}
"""

Section = Iterator[str]


def main() -> int:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(prog="python -m bench.consent", description=__doc__)
    parser.add_argument("--events", type=int, default=150_000)
    print(measure(parser.parse_args().events))
    return 0


def measure(events: int) -> str:
    """Measure everything; return the part of the results, which is written."""
    with tempfile.TemporaryDirectory(prefix="cartwheel-bench-") as name:
        folder = Path(name)
        silent = simulate(
            folder / "silent.jsonl", events=events, users=USERS, seed=SEED, anonymous=0
        )
        inputs = {"say nothing of consent": silent, "all carry preferences": spoken(silent)}
        asks = folder / "asks.yaml"
        asks.write_text(SHOP.read_text() + CONSENT)
        lines = [f"## The example shop: {events:,} simulated events, side by side", ""]
        lines += [
            f"{USERS:,} customers, in one thread without Bytewax and without garbage collection."
        ]
        lines += ["Throughput is beside the shop's without consent, by CPU time."]
        for number, (what, path) in enumerate(inputs.items()):
            lines += ["", f"Events that {what}:", ""]
            configs = {"without consent": SHOP, "with consent": asks}
            lines += _side_by_side(configs, path, folder / str(number))
    return write_part("Consent", lines)


def spoken(silent: Path) -> Path:
    """Write the same events, each with what its customer permits."""
    path = silent.with_name("spoken.jsonl")
    categories = ",".join(f'"{each}":true' for each in PURPOSES)
    said = b'"context":{"consent":{"categoryPreferences":{%b}},' % categories.encode()
    with silent.open("rb") as lines, path.open("wb") as out:
        for line in lines:
            assert line.count(b'"context":{') == 1, "every event of the simulation has one"
            out.write(line.replace(b'"context":{', said))
    return path


def _side_by_side(configs: dict[str, Path], events: Path, folder: Path) -> Section:
    gc.disable()  # it would go through what all of them hold, whoever's turn it is
    runs = together(configs, events, folder)
    gc.enable()
    first = next(iter(runs.values()))
    yield "| | CPU µs an event | of that profile | throughput | of a tick: median | middle half |"
    yield "|---|---|---|---|---|---|"
    for name, run in runs.items():
        shares = [one / own for one, own in zip(first.cpu_s, run.cpu_s, strict=True)]
        low, _, high = quantiles(shares, n=4)
        profile = run.pipeline.watch.spent["profile"] / run.events * 1e6
        yield (
            f"| {name} | {run.cpu_us:.1f} | {profile:.2f} | {first.cpu_us / run.cpu_us:.3f}"
            f" | {median(shares):.3f} | {low:.3f} to {high:.3f} |"
        )


if __name__ == "__main__":
    sys.exit(main())
