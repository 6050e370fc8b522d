"""How fast the step of one model is by itself: ticks in, scores out, in one thread.

Each tick has 4,096 moments in 12 parts, as from a busy shop: all within one step of learning.
"""

import gc
import random
from collections.abc import Iterator
from time import process_time

from bench.running import SHARDS, TICK_LINES
from bench.scoring import INPUTS, SEED, examples
from operators.models.opening import open_model
from operators.models.parts import ModelMoment, ModelOutcome
from operators.models.plan import ModelPlan, TargetPlan
from operators.models.step import ModelStep
from operators.ticks import ModelTick, TickName
from operators.times import EventTime
from state.keyvalue import MemoryKeyValue

TICKS = 20
WARM = 2
"""Ticks before these: what comes of the moments of the first is learned with the second."""
MOMENTS_EACH = 5
"""Of a session; one of them is learned from."""
_CUSTOMERS = 10_000
_STEP_MS = 60_000


def plan() -> ModelPlan:
    """Return a linear model that looks at eight inputs."""
    target = TargetPlan("Order Completed", is_absence=False, within_ms=None)
    return ModelPlan("intent", "0", "logistic_regression", target, INPUTS, step_ms=_STEP_MS)


def scores_per_s(*, learns: bool, rounds: int) -> float:
    """Return how many moments a second are scored, by CPU time, the most of some rounds.

    Args:
        learns: whether each fifth moment is a candidate whose outcome comes with the next tick; a
            tick is a minute, so that it is learned then. Else the model has learned before, and
            nothing is to be remembered.
        rounds: how often it is measured.
    """
    ticks = [list(each) for each in _ticks(learns=learns)]
    spent = []
    for _ in range(rounds):
        step = open_model("bench", plan(), MemoryKeyValue(), _CUSTOMERS, shards=SHARDS, ticks=[0])
        _let_through(step, ticks[:WARM])
        gc.collect()
        started = process_time()
        _let_through(step, ticks[WARM:])
        spent.append(process_time() - started)
    return TICKS * TICK_LINES / min(spent)


def _let_through(step: ModelStep, ticks: list[list[ModelTick]]) -> None:
    for parts in ticks:
        for part in parts:
            step.on_part(part)


def _ticks(*, learns: bool) -> Iterator[Iterator[ModelTick]]:
    """Make the parts of the ticks."""
    chance = random.Random(SEED)  # noqa: S311 (no secret)
    rows = examples(TICK_LINES)
    outcomes: list[ModelOutcome] = []
    for number in range(1, WARM + TICKS + 1):
        time = EventTime(number * _STEP_MS)
        moments = [
            ModelMoment(
                customer=f"u{chance.randrange(_CUSTOMERS)}",
                time=time,
                watermark=time,
                number=number * TICK_LINES + place,
                values=list(row),
                is_candidate=(learns or number == 1) and place % MOMENTS_EACH == 0,
            )
            for place, row in enumerate(rows)
        ]
        yield _parts(number, time, moments, outcomes)
        outcomes = [
            ModelOutcome(
                each.customer, each.number, time, each.values, chance.choice((0.0, 1.0)), each.time
            )
            for each in moments
            if each.is_candidate
        ]


def _parts(
    number: int, time: EventTime, moments: list[ModelMoment], outcomes: list[ModelOutcome]
) -> Iterator[ModelTick]:
    for shard in range(SHARDS):
        yield ModelTick(
            TickName(0, number),
            shard,
            "intent",
            time,
            moments[shard::SHARDS],
            outcomes=outcomes[shard::SHARDS],
        )
