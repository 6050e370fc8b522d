"""Measures what models cost by themselves: scoring and learning, by kind and size of batches.

``python -m bench.scoring [--rounds N]``; it prints a table. Eight inputs, a tenth of the values
missing, one thread, the least of some rounds; without profiles, state or Bytewax.
"""

import argparse
import random
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

from operators.models.kinds import make_learner
from operators.models.learner import Learner
from operators.models.parts import Value
from operators.models.plan import InputPlan, ModelPlan, TargetPlan

SEED = 7
EXAMPLES = 1_000
BATCHES = (1, 20, 400)
MISSING = 0.1
MEMBERS = 0.5
KINDS: Mapping[str, Mapping[str, Any]] = {
    "logistic_regression": {},
    "baseline": {},
    "tree.HoeffdingTreeClassifier": {},
    "naive_bayes.GaussianNB": {},
    "forest.ARFClassifier": {"n_models": 3},
}
INPUTS = (
    *(InputPlan(f"count_{number}", "number") for number in range(5)),
    InputPlan("last_order", "time"),
    InputPlan("member", "boolean"),
    InputPlan("device", "category"),
)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.scoring", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    columns = [f"{size} a batch, µs a row" for size in BATCHES]
    print("|".join(["", "kind", *columns, "scores/s", "µs to learn one", ""]))
    print("|".join(["", "---", *("---:" for _ in range(len(columns) + 2)), ""]))
    for kind in KINDS:
        learner, learning = learned(kind, rounds)
        scoring = [scored(learner, size, rounds) for size in BATCHES]
        cells = [*(f"{each:,.2f}" for each in scoring), f"{1e6 / scoring[-1]:,.0f}"]
        print("|".join(["", kind, *cells, f"{learning:,.1f}", ""]))
    return 0


def learned(kind: str, rounds: int) -> tuple[Learner, float]:
    """Return a model that has learned, and the time in µs that one example takes."""
    rows = examples(EXAMPLES)
    target = TargetPlan("Order Completed", is_absence=False, within_ms=None)
    plan = ModelPlan("intent", "0", kind, target, INPUTS, parameters=KINDS[kind])
    spent = []
    for _ in range(rounds):
        learner = make_learner(plan)
        started = perf_counter()
        for row in rows:
            learner.learn(row, float(row[0] is not None and float(row[0]) > 1))
        spent.append(perf_counter() - started)
    return learner, min(spent) / EXAMPLES * 1e6


def scored(learner: Learner, size: int, rounds: int) -> float:
    """Return the time in µs that a row takes in batches of this size."""
    rows = examples(max(BATCHES))
    batches = [rows[start : start + size] for start in range(0, len(rows), size)]
    spent = []
    for _ in range(rounds):
        started = perf_counter()
        for batch in batches:
            learner.predict(batch)
        spent.append(perf_counter() - started)
    return min(spent) / len(rows) * 1e6


def examples(count: int) -> Sequence[Sequence[Value]]:
    """Make rows, a tenth of whose values is missing; the same each time."""
    chance = random.Random(SEED)  # noqa: S311 (no secret)
    found: list[list[Value]] = []
    for _ in range(count):
        row: list[Value] = [chance.gauss(1, 2) for _ in range(5)]
        row += [chance.random() * 86_400, chance.random() < MEMBERS, chance.choice(["app", "web"])]
        found.append([None if chance.random() < MISSING else value for value in row])
    return found


if __name__ == "__main__":
    raise SystemExit(main())
