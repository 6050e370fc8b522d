"""Measures how well intent is predicted, and writes its part of the results and the pictures.

``python -m bench.intent --data DIR --ecom FILE``; about five minutes. DIR holds the recorded set
``rees46``, FILE is ``datasets/ecom.csv.gz`` of retentioneering's package. Figures are all that is
written of what they hold.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from bench.intent import figures
from bench.intent.measured import BASELINE, ONLINE, Measured, measure, picture, tried
from bench.intent.sets import all_sets
from bench.results import write_part
from bench.running import ROOT

TITLE = "How well intent is predicted"
PICTURES = ROOT / "docs" / "pictures"
DRAWN = ("rees46", "ecom")
TRIED_ON = ("rees46", "ecom", "shop")
"""Sets with enough orders, and something to be learned."""

Section = Iterator[str]


def main() -> int:
    """Measure, write and draw."""
    parser = argparse.ArgumentParser(prog="python -m bench.intent", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the recorded sets")
    parser.add_argument("--ecom", type=Path, required=True, help="ecom.csv.gz of retentioneering")
    arguments = parser.parse_args()
    print(measure_all(arguments.data, arguments.ecom))
    return 0


def measure_all(data: Path, ecom: Path) -> str:
    """Measure everything; return the part of the results, which is written."""
    found: list[Measured] = []
    with tempfile.TemporaryDirectory(prefix="cartwheel-bench-") as name:
        folder = Path(name)
        for events in all_sets(data, ecom, folder):
            started = time.monotonic()
            found.append(measure(events, folder))
            print(f"{events.name}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    for each in found:
        if each.events.name in DRAWN:
            path = PICTURES / f"models-{each.events.name}.svg"
            path.write_text(picture(each))
    lines = [*sets(found), "", *judged(found), "", *ways([m for m in found if _is_tried(m)])]
    return write_part(TITLE, lines)


def sets(found: Sequence[Measured]) -> Section:
    """Tell what there is to learn from; and the figures of all pairs, as `models show` has them."""
    yield "## The sets"
    yield ""
    yield (
        "| set | what it is | pairs | ended in an order | first part (orders) | rest (orders)"
        " | AUC of all | log loss of all | of the baseline |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for each in found:
        labels = np.array([pair.label for pair in each.pairs])
        auc = figures.weighted_auc(each.online[ONLINE], labels, np.ones(len(labels)))
        loss, usual = (figures.losses(each.online[n], labels).mean() for n in (ONLINE, BASELINE))
        first, rest = (
            f"{len(part):,} ({sum(pair.label for pair in part):.0f})"
            for part in (each.first, each.rest)
        )
        yield (
            f"| {each.events.name} | {each.events.said} | {len(labels):,} | {labels.mean():.1%}"
            f" | {first} | {rest} | {auc:.3f} | {loss:.4f} | {usual:.4f} |"
        )


def judged(found: Sequence[Measured]) -> Section:
    """Tell how good each model is on the rest."""
    yield "## On the rest: with the range of 95% of 1,000 draws of customers"
    yield ""
    yield "| set | model | AUC | log loss | above that of the online logistic regression |"
    yield "|---|---|---|---|---|"
    for each in found:
        for name, of_model in each.judged.items():
            more = of_model.behind.text(4, signed=True) if name != ONLINE else ""
            yield (
                f"| {each.events.name} | {name} | {of_model.auc.text(3)}"
                f" | {of_model.log_loss.text(4)} | {more} |"
            )


def ways(found: Sequence[Measured]) -> Section:
    """Tell what was tried."""
    tables = [tried(each) for each in found]
    yield "## What was tried: AUC and log loss on the rest"
    yield ""
    yield f"| | {' | '.join(each.events.name for each in found)} |"
    yield f"|---|{'---|' * len(found)}"
    for name in tables[0]:
        cells = (f"{auc:.3f}, {loss:.4f}" for auc, loss in (table[name] for table in tables))
        yield f"| {name} | {' | '.join(cells)} |"


def _is_tried(measured: Measured) -> bool:
    return measured.events.name in TRIED_ON


if __name__ == "__main__":
    sys.exit(main())
