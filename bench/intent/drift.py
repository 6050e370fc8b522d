"""Measures how soon a change is told, and how soon the loss is as low as before.

``python -m bench.intent.drift [--visits N] [--seeds N]``: replays streams of visits whose customers
change halfway, and reads what the engine writes. It writes its part of the results.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any, NamedTuple

import msgspec
import numpy as np

from bench.intent import figures
from bench.intent.changing import (
    CHANGES,
    KINDS,
    LINEAR,
    TREE,
    USUAL,
    Visit,
    Ways,
    config_with,
    known_between,
    write_visits,
)
from bench.intent.sets import run as run_command
from bench.results import write_part
from bench.running import NOW
from operators.times import EventTime, parse_time

TITLE = "How soon a change is told"
SPANS = {"before": (-1000, 0), "300 after": (0, 300), "next 700": (300, 1000), "last 1,000": None}
"""Visits from the change on, of which the loss is told; None: the last ones."""
_MS_AN_HOUR = 3_600_000


class Found(NamedTuple):
    """What one replay has told.

    Attributes:
        losses: by model, of each span; of ``truth`` the least that is possible.
        told: by model, each change: of what, after how many known outcomes since the true change
            (0 or less: before it), and after how many hours.
    """

    losses: Mapping[str, Sequence[float]]
    told: Mapping[str, Sequence[tuple[str, int, float]]]


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m bench.intent.drift", description=__doc__)
    parser.add_argument("--visits", type=int, default=6_000)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    print(measure_all(arguments.visits, arguments.seeds))
    return 0


def measure_all(visits: int, seeds: int) -> str:
    """Measure every change; return the part of the results, which is written.

    Args:
        visits: of a stream.
        seeds: how many streams there are for each change.
    """
    found: dict[str, list[Found]] = {}
    with tempfile.TemporaryDirectory(prefix="cartwheel-bench-") as name:
        for change, after in CHANGES.items():
            for seed in range(seeds):
                folder = Path(name) / f"{len(found)}-{seed}"
                run = measure(folder, visits, after, seed, KINDS)
                found.setdefault(change, []).append(run)
                print(f"{change}, seed {seed}", file=sys.stderr)
    said = (
        f"{visits:,} visits, one each 10 s; from the middle on customers are others. Medians and"
        f" means of {seeds} streams. The truth is the chance by which orders were drawn."
    )
    return write_part(TITLE, [said, "", *_detected(found), "", *_losses(found)])


def measure(folder: Path, visits: int, after: Ways, seed: int, models: Iterable[str]) -> Found:
    """Replay one stream; its customers change halfway."""
    folder.mkdir()
    changed = visits // 2
    stream = write_visits(folder / "events.jsonl", visits, changed, after, seed)
    config = folder / "changing.yaml"
    config.write_text(config_with(models))
    words = ["replay", config, "--events", folder / "events.jsonl", "--out", folder / "out"]
    run_command([*words, "--state", folder / "state", "--now", NOW])
    scores: dict[str, dict[str, float]] = {name: {} for name in models}
    for record in records(folder / "out" / "scores.jsonl"):
        scores[record["data"]["model"]][record["subject"]] = record["data"]["score"]
    losses = {name: _spans(_losses_of(stream, each), changed) for name, each in scores.items()}
    losses["truth"] = _spans(_losses_of(stream, {v.customer: v.chance for v in stream}), changed)
    told: dict[str, list[tuple[str, int, float]]] = {name: [] for name in models}
    for record in records(folder / "out" / "models.jsonl"):
        time = parse_time(record["time"])
        change = record["data"]["what"], *since_change(stream, changed, time)
        told[record["data"]["model"]].append(change)
    return Found(losses, told)


def since_change(stream: Sequence[Visit], changed: int, time: EventTime) -> tuple[int, float]:
    """Return how many outcomes since the change were known by a time, and how many hours it is."""
    began = stream[changed].known
    return known_between(stream, changed, time), (time - began) / _MS_AN_HOUR


def records(path: Path) -> list[Any]:
    """Read a file of records; of none where there is none."""
    lines = path.read_bytes().splitlines() if path.exists() else []
    return [msgspec.json.decode(line) for line in lines]


def _losses_of(stream: Sequence[Visit], scores: Mapping[str, float]) -> figures.Numbers:
    labels = np.array([float(visit.label) for visit in stream])
    return figures.losses(np.array([scores[visit.customer] for visit in stream]), labels)


def _spans(losses: figures.Numbers, changed: int) -> list[float]:
    ends = (
        span or (len(losses) - changed - 1000, len(losses) - changed) for span in SPANS.values()
    )
    return [float(losses[changed + start : changed + end].mean()) for start, end in ends]


def _detected(found: Mapping[str, Sequence[Found]]) -> Iterator[str]:
    yield "## Told by `cartwheel.model.drift`: after how many outcomes, and hours of event time"
    yield ""
    yield "| what changes | model | of the error | of the label | told without a change |"
    yield "|---|---|---|---|---|"
    for change, runs in found.items():
        is_steady = change == next(iter(CHANGES))
        for model in (LINEAR, TREE):
            told = [each.told[model] for each in runs]
            early = [sum(t[1] <= 0 or is_steady for t in each) for each in told]
            cells = ["", ""] if is_steady else [_first(told, what) for what in ("error", "label")]
            yield f"| {change} | {model} | {' | '.join(cells)} | {sum(early)} in {len(runs)} |"


def _first(told: Sequence[Sequence[tuple[str, int, float]]], what: str) -> str:
    """Write when the first change of one thing was told, the median of some runs."""
    never = float("inf")
    firsts = [
        min(((n, hours) for name, n, hours in each if name == what and n > 0), default=(never,) * 2)
        for each in told
    ]
    n, hours = (median(each[place] for each in firsts) for place in (0, 1))
    return "never" if n == never else f"{n:.0f}, {hours:.1f} h"


def _losses(found: Mapping[str, Sequence[Found]]) -> Iterator[str]:
    yield "## Log loss: before the change, and after it"
    yield ""
    yield f"| what changes | model | {' | '.join(SPANS)} |"
    yield f"|---|---|{'---|' * len(SPANS)}"
    for change, runs in found.items():
        for model in (LINEAR, TREE, USUAL, "truth"):
            means = [
                mean(each.losses[model][place] for each in runs) for place in range(len(SPANS))
            ]
            yield f"| {change} | {model} | {' | '.join(f'{each:.3f}' for each in means)} |"


if __name__ == "__main__":
    sys.exit(main())
