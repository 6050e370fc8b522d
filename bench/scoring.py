"""What models cost by themselves: scoring and learning, by kind and size of batches.

Eight inputs, a tenth of the values missing, one thread, CPU time, the least of some rounds; without
profiles, state or Bytewax.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from time import process_time
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


def table(rounds: int) -> Iterator[str]:
    """Give a table of what scoring and learning take, by kind and size of batches."""
    columns = [f"{size} a batch" for size in BATCHES]
    yield f"| kind | {' | '.join(columns)} | to learn one |"
    yield f"|---|{'---|' * (len(BATCHES) + 1)}"
    for kind in KINDS:
        learner, learning = learned(kind, rounds)
        scoring = [scored(learner, size, rounds) for size in BATCHES]
        yield f"| {kind} | {' | '.join(f'{each:.2f}' for each in [*scoring, learning])} |"


def learned(kind: str, rounds: int) -> tuple[Learner, float]:
    """Return a model that has learned, and the time in µs that one example takes."""
    rows = examples(EXAMPLES)
    target = TargetPlan("Order Completed", is_absence=False, within_ms=None)
    plan = ModelPlan("intent", "0", kind, target, INPUTS, parameters=KINDS[kind])
    spent = []
    for _ in range(rounds):
        learner = make_learner(plan)
        started = process_time()
        for row in rows:
            learner.learn(row, float(row[0] is not None and float(row[0]) > 1))
        spent.append(process_time() - started)
    return learner, min(spent) / EXAMPLES * 1e6


def scored(learner: Learner, size: int, rounds: int) -> float:
    """Return the time in µs that a row takes in batches of this size."""
    rows = examples(max(BATCHES))
    batches = [rows[start : start + size] for start in range(0, len(rows), size)]
    spent = []
    for _ in range(rounds):
        started = process_time()
        for batch in batches:
            learner.predict(batch)
        spent.append(process_time() - started)
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
