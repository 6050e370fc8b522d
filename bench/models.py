"""Measures what models cost, and writes its part of ``bench/RESULTS.md``.

``python -m bench.models [--events N] [--rounds N]``; ``python -m bench`` does it too. The example
shop is held against the same with two models: all of them go through the same events side by side
in one process, a tick each in turn, so that what else the machine does falls on all alike.
"""

import argparse
import gc
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

from bench import model_step, rules, scoring
from bench.phases import Pipeline
from bench.results import write_part
from bench.running import SHOP, job_of, replay, simulate

SEED = 7
USERS = 30_000
"""They make 30 events a minute, however many are let through: what is learned goes by the minute,
so the fewer there are in one, the fewer are scored together."""
EPOCH_TICKS = 6
STEP_ROUNDS = 10
EMITS = {"each score written": "moments", "when it moves by 0.05": "{moves: 0.05}"}

Section = Iterator[str]


@dataclass
class Run:
    """What one config has spent, tick by tick.

    Attributes:
        pipeline: what the events go through.
        cpu_s: of this process, of each tick.
        wall_s: from start to end of each tick.
        events: how many there were.
    """

    pipeline: Pipeline
    cpu_s: list[float] = field(default_factory=list)
    wall_s: list[float] = field(default_factory=list)
    events: int = 0

    @property
    def cpu_us(self) -> float:
        """CPU microseconds an event."""
        return sum(self.cpu_s) / self.events * 1e6

    @property
    def wall_us(self) -> float:
        """Microseconds an event."""
        return sum(self.wall_s) / self.events * 1e6


def main() -> int:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(prog="python -m bench.models", description=__doc__)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print(measure(arguments.events, arguments.rounds))
    return 0


def measure(events: int, rounds: int) -> str:
    """Measure everything; return the part of the results, which is written.

    Args:
        events: how many go through the example shop.
        rounds: how often the command is run, and models by themselves.
    """
    with tempfile.TemporaryDirectory(prefix="cartwheel-bench-") as folder:
        bench = ModelBench(Path(folder), events, rounds)
        lines = [f"Rounds: {rounds}."]
        for section in (bench.side_by_side, bench.by_the_command, bench.step, bench.kinds):
            lines += ["", *section()]
    return write_part("What models cost", lines)


class ModelBench:
    """All measurements of models."""

    def __init__(self, folder: Path, events: int, rounds: int) -> None:
        self._folder, self._events, self._rounds = folder, events, rounds
        self._all = simulate(
            folder / "events.jsonl", events=events, users=USERS, seed=SEED, anonymous=0
        )
        self._configs = {"without models": SHOP} | {
            name: rules.write_models(folder / f"models-{number}.yaml", SHOP, emit)
            for number, (name, emit) in enumerate(EMITS.items())
        }

    def side_by_side(self) -> Section:
        """Tell what models take of the example shop's throughput, and where the time goes."""
        gc.disable()  # it would go through what all of them hold, whoever's turn it is
        runs = together(self._configs, self._all, self._folder / "together")
        gc.enable()
        first = next(iter(runs.values()))
        yield f"## The example shop: {self._events:,} simulated events, side by side"
        yield ""
        yield (
            f"{USERS:,} customers, in one thread without Bytewax and without garbage collection."
            " Throughput is beside the shop's without models, by CPU time."
        )
        yield ""
        yield "| | CPU µs an event | wall µs | throughput | of a tick: median | middle half |"
        yield "|---|---|---|---|---|---|"
        for name, run in runs.items():
            shares = [one / own for one, own in zip(first.cpu_s, run.cpu_s, strict=True)]
            low, _, high = quantiles(shares, n=4)
            yield (
                f"| {name} | {run.cpu_us:.1f} | {run.wall_us:.1f} | {first.cpu_us / run.cpu_us:.3f}"
                f" | {median(shares):.3f} | {low:.3f} to {high:.3f} |"
            )
        yield ""
        yield f"| CPU µs an event | {' | '.join(runs)} |"
        yield f"|---|{'---|' * len(runs)}"
        spent = [run.pipeline.watch.spent for run in runs.values()]
        for phase in dict.fromkeys(phase for each in spent for phase in each):
            cells = [each.get(phase, 0.0) / first.events * 1e6 for each in spent]
            yield f"| {phase} | {' | '.join(f'{cell:.2f}' for cell in cells)} |"
        yield ""
        yield from _counted(runs)

    def by_the_command(self) -> Section:
        """Tell how fast the command is, with and without models, in turn."""
        rates: dict[str, list[float]] = {name: [] for name in self._configs}
        for _ in range(self._rounds):
            for name, config in self._configs.items():
                rates[name].append(replay([self._all], self._folder / "work", config=config).rate)
        first = rates["without models"]
        yield "## The same by the command, 1 process on 1 core, in turn"
        yield ""
        yield "| | events/s, median (range) | beside the run before without: median (range) |"
        yield "|---|---|---|"
        for name, each in rates.items():
            shares = [own / one for own, one in zip(each, first, strict=True)]
            yield (
                f"| {name} | {median(each):,.0f} ({min(each):,.0f} to {max(each):,.0f})"
                f" | {median(shares):.2f} ({min(shares):.2f} to {max(shares):.2f}) |"
            )

    def step(self) -> Section:
        """Tell how many scores the step of a linear model gives."""
        yield "## The step of a linear model: ticks in, scores out, in one thread"
        yield ""
        yield f"Eight inputs, {model_step.TICK_LINES:,} moments a tick, a tick a minute, in memory."
        yield f"CPU time, the least of {STEP_ROUNDS} rounds."
        yield ""
        yield "| | scores/s |"
        yield "|---|---|"
        for learns, name in (
            (False, "nothing is learned"),
            (True, f"one moment of {model_step.MOMENTS_EACH} is learned from and measured"),
        ):
            found = model_step.scores_per_s(learns=learns, rounds=STEP_ROUNDS)
            yield f"| {name} | {found:,.0f} |"

    def kinds(self) -> Section:
        """Tell what scoring and learning take, by kind."""
        yield "## Scoring and learning by kind: CPU µs a row"
        yield ""
        yield from scoring.table(self._rounds)


def together(configs: Mapping[str, Path], events: Path, folder: Path) -> dict[str, Run]:
    """Let the same events through some configs, a tick each in turn, who is first by turns."""
    runs: dict[str, Run] = {}
    for number, (name, config) in enumerate(configs.items()):
        own = folder / str(number)
        runs[name] = Run(Pipeline(job_of(config, [events], own / "out", "time"), own))
    ticks = deque((run, run.pipeline.run(EPOCH_TICKS)) for run in runs.values())
    is_more = True
    while is_more:
        for run, tick in ticks:
            cpu_s, wall_s = time.process_time(), time.perf_counter()
            lines = next(tick, None)
            is_more = lines is not None
            if lines is not None:
                run.cpu_s.append(time.process_time() - cpu_s)
                run.wall_s.append(time.perf_counter() - wall_s)
                run.events += lines
        ticks.rotate()
    return runs


def _counted(runs: Mapping[str, Run]) -> Section:
    """Say how many scores were written, of how many events, and of how many sessions."""
    for name, run in runs.items():
        counts = run.pipeline.counts
        scores = [
            f"{count:,} {what.removeprefix('scores ')}"
            for what, count in sorted(counts.items())
            if what.startswith("scores ")
        ]
        if scores:
            of = f"{counts['applied']:,} events in {counts['sessions']:,} sessions"
            yield f"- {name}: {', '.join(scores)} of {of}"


if __name__ == "__main__":
    sys.exit(main())
