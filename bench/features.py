"""Measures what features and segments cost, and writes its part of ``bench/RESULTS.md``.

``python -m bench.features [--events N] [--few N] [--rounds N]``; ``python -m bench`` does it too.
The cost of one more feature is that of ten of them, by ten: the same operators and the same
RocksDB in one thread, without Bytewax, each time in a new process, the least of some rounds.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import msgspec

from bench import rules
from bench.phases import Spent, phases
from bench.record_sizes import customer_sizes, feature_sizes
from bench.results import write_part
from bench.running import CONFIG, SHOP, Cost, replay, simulate

SEED = 7
COPIES = 10
EPOCH_TICKS = 6
VALUES = (10, 1_000)
USUAL = {"all": "all time", "sliding": "over", "tumbling": "per", "decay": "half_life"}

Section = Iterator[str]
T = TypeVar("T")


def main() -> int:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(prog="python -m bench.features", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--few", type=int, default=100_000, help="events for one more feature")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print(measure(arguments.events, arguments.few, arguments.rounds))
    return 0


def measure(events: int, few: int, rounds: int) -> str:
    """Measure everything; return the part of the results, which is written.

    Args:
        events: how many go through the whole example shop.
        few: how many go through it with one more of something.
        rounds: how often each is measured.
    """
    with tempfile.TemporaryDirectory(prefix="cartwheel-bench-") as folder:
        bench = FeatureBench(Path(folder), events, few, rounds)
        lines = [f"Rounds: {rounds}."]
        for section in (bench.speed, bench.where, bench.one_more_feature, bench.one_more_segment):
            lines += ["", *section()]
        lines += ["", *bench.feature_bytes(), "", *bench.customer_bytes()]
    return write_part("What features and segments cost", lines)


class FeatureBench:
    """All measurements on two sets of simulated events."""

    def __init__(self, folder: Path, events: int, few: int, rounds: int) -> None:
        self._folder = folder
        self._events, self._few, self._rounds = events, few, rounds
        self._many_events, self._few_events = (
            simulate(
                folder / f"{number}.jsonl",
                events=number,
                users=number // 10,
                seed=SEED,
                anonymous=0,
            )
            for number in (events, few)
        )

    def speed(self) -> Section:
        """Tell how fast the whole example shop is, by the command."""
        cases: dict[str, Callable[[], Cost]] = {
            "1 process, 1 core": lambda: self._replay(1, (0,)),
            "2 processes, 2 cores": lambda: self._replay(2, (0, 1)),
        }
        costs: dict[str, list[Cost]] = {name: [] for name in cases}
        for _ in range(self._rounds):
            for name, run in cases.items():
                costs[name].append(run())
        yield f"## Speed of the example shop: {self._events:,} simulated events"
        yield ""
        yield "| | events/s, median (range) | CPU µs an event | peak MB |"
        yield "|---|---|---|---|"
        for name, each in costs.items():
            rates = [cost.rate for cost in each]
            cpu_us = median(cost.cpu_s for cost in each) / self._events * 1e6
            yield (
                f"| {name} | {median(rates):,.0f} ({min(rates):,.0f} to {max(rates):,.0f})"
                f" | {cpu_us:.1f} | {max(cost.peak_mb for cost in each):.0f} |"
            )

    def where(self) -> Section:
        """Tell where the time goes: without any rules, with few, with the example shop's."""
        bare = self._folder / "bare.yaml"
        bare.write_text(rules.BARE)
        configs = {"no rules": bare, "small.yaml": CONFIG, "example shop": SHOP}
        runs: dict[str, list[Spent]] = {name: [] for name in configs}
        for _ in range(self._rounds):
            for name, config in configs.items():
                runs[name].append(self._alone(phases, self._many_events, self._new(), config))
        least = {name: min(each, key=lambda spent: spent.total_us) for name, each in runs.items()}
        yield "## Where the time goes: CPU µs an event, in one thread without Bytewax"
        yield ""
        yield f"| | {' | '.join(configs)} |"
        yield f"|---|{'---|' * len(configs)}"
        for phase in least["example shop"].us:
            yield _row(phase, [spent.us.get(phase, 0.0) for spent in least.values()])
        yield _row("together", [spent.total_us for spent in least.values()])

    def one_more_feature(self) -> Section:
        """Tell what one more feature of each kind and window costs."""
        configs = {"bare": self._folder / "bare.yaml", "base": self._folder / "base.yaml"}
        configs["bare"].write_text(rules.BARE)
        configs["base"].write_text(rules.ONE_FEATURE)
        named = {f"{kind} {window}": spec for (kind, window), spec in rules.features().items()}
        for name, spec in {**named, **rules.WITH_MORE}.items():
            path = self._folder / f"feature-{len(configs)}.yaml"
            configs[name] = rules.write_features(path, spec, COPIES)
        least = self._least(configs)
        base = least["base"].total_us
        more = {name: (spent.total_us - base) / COPIES for name, spent in least.items()}
        yield f"## One more feature: CPU µs an event, {self._few:,} simulated events"
        yield ""
        yield (
            f"Of `{rules.EVENT}`, which {self._share(rules.EVENT):.0%} of the events are. The first"
            f" feature of all adds {base - least['bare'].total_us:.2f} µs: with it there are rows."
        )
        yield ""
        yield from _by_kind_and_window(lambda key: f"{more[' '.join(key)]:.2f}")
        yield ""
        yield "| further | µs |"
        yield "|---|---|"
        for name in rules.WITH_MORE:
            yield _row(name, [more[name]])

    def one_more_segment(self) -> Section:
        """Tell what one more segment costs."""
        configs = {"base": self._folder / "base.yaml"}
        configs["base"].write_text(rules.ONE_SEGMENT)
        for name, condition in rules.SEGMENTS.items():
            path = self._folder / f"segment-{len(configs)}.yaml"
            configs[name] = rules.write_segments(path, condition, COPIES)
        least = self._least(configs)
        base = least["base"]
        yield f"## One more segment: CPU µs an event, {self._few:,} simulated events"
        yield ""
        yield "| | µs |"
        yield "|---|---|"
        for name in rules.SEGMENTS:
            yield _row(name, [(least[name].total_us - base.total_us) / COPIES])
        changing = least[rules.CHANGING]
        changes = (_changes(changing) - _changes(base)) / self._few
        each_us = (changing.total_us - base.total_us) / changes
        yield _row(f"of the last, for each of {changes / COPIES:.2f} changes an event", [each_us])

    def feature_bytes(self) -> Section:
        """Tell how many bytes of a profile a feature takes."""
        sizes = [
            self._alone(feature_sizes, self._folder / f"sizes-{values}", values)
            for values in VALUES
        ]
        counts = " and ".join(f"{values:,}" for values in VALUES)
        yield f"## Bytes in a customer's profile, by feature, after {counts} values"
        yield ""
        yield "Evenly over 22 hours: windows of 24 hours hold them all, in panes of 24 minutes."
        yield ""
        yield from _by_kind_and_window(
            lambda key: " / ".join(f"{each['_'.join(key)]:,}" for each in sizes)
        )

    def customer_bytes(self) -> Section:
        """Tell how large the records of a customer are on average."""
        yield f"## Bytes of a customer's records, after {self._few:,} events of {self._few // 10:,}"
        yield ""
        yield "| rules | step | mean | 99th percentile | largest |"
        yield "|---|---|---|---|---|"
        for name, config in (("small.yaml", CONFIG), ("example shop", SHOP)):
            found = self._alone(customer_sizes, config, self._few_events, self._new())
            for step, sizes in found.items():
                yield (
                    f"| {name} | {step} | {sizes.mean:,.0f} | {sizes.p99:,} | {sizes.largest:,} |"
                )

    def _replay(self, workers: int, cpus: tuple[int, ...]) -> Cost:
        return replay([self._many_events], self._new(), config=SHOP, workers=workers, cpus=cpus)

    def _least(self, configs: Mapping[str, Path]) -> dict[str, Spent]:
        """Return the cheapest run of each config; they are run in turn."""
        runs: dict[str, list[Spent]] = {name: [] for name in configs}
        for number in range(self._rounds):
            for name, config in configs.items():
                print(f"round {number + 1}: {name}", file=sys.stderr)
                run = self._alone(_phases_of_few, self._few_events, self._new(), config)
                runs[name].append(run)
        return {name: min(each, key=lambda spent: spent.total_us) for name, each in runs.items()}

    def _alone(self, call: Callable[..., T], *arguments: Any) -> T:
        """Call a function in a new process: what ran before leaves nothing behind."""
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
            return processes.submit(call, *arguments).result()

    def _new(self) -> Path:
        """Return a folder for a run, which is not there; that of the run before goes."""
        folder = self._folder / "run"
        shutil.rmtree(folder, ignore_errors=True)
        return folder

    def _share(self, name: str) -> float:
        """Return which share of the events has a name."""
        lines = self._few_events.read_bytes().splitlines()
        named = [line for line in lines if msgspec.json.decode(line).get("event") == name]
        return len(named) / len(lines)


def _phases_of_few(events: Path, folder: Path, config: Path) -> Spent:
    """Spend on what depends on the rules: reading and routing do not."""
    spent = phases(events, folder, config, epoch_ticks=EPOCH_TICKS)
    reading = ("read, find customer and time", "route")
    return spent._replace(us={name: us for name, us in spent.us.items() if name not in reading})


def _changes(spent: Spent) -> int:
    return sum(count for name, count in spent.counts.items() if name.startswith("segment."))


def _row(name: str, values: list[float]) -> str:
    return f"| {name} | {' | '.join(f'{value:.2f}' for value in values)} |"


def _by_kind_and_window(cell: Callable[[tuple[str, str]], str]) -> Section:
    """Give a table of kinds by windows."""
    there = rules.features()
    yield f"| kind | {' | '.join(USUAL.get(window, window) for window in rules.WINDOWS)} |"
    yield f"|---|{'---|' * len(rules.WINDOWS)}"
    for kind in dict.fromkeys(kind for kind, _ in there):
        cells = [
            cell((kind, window)) if (kind, window) in there else "" for window in rules.WINDOWS
        ]
        yield f"| {kind} | {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
