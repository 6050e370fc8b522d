"""A model takes a customer out where an event says so, whatever order shards' parts come in."""

from collections.abc import Sequence

import pytest
from rate_learner import PairWatch, RateLearner, plan

from operators.models.parts import Erasure, ModelMoment, ModelOutcome
from operators.models.step import ModelStep
from operators.models.store import ModelStore
from operators.ticks import ModelTick, TickName
from operators.times import EventTime
from state.keyvalue import MemoryKeyValue
from state.rewriting import keys_of

STEP_MS = 1000


def at(time: int) -> EventTime:
    return EventTime(time * STEP_MS)


def moment(customer: str, number: int, time: int) -> ModelMoment:
    return ModelMoment(customer, at(time), at(time), number, ["phone"], is_candidate=True)


def outcome(customer: str, number: int, time: int, known: int) -> ModelOutcome:
    return ModelOutcome(customer, number, at(known), ["phone"], 1.0, at(time))


def part(
    tick: tuple[int, int],
    shard: int,
    watermark: int,
    moments: Sequence[ModelMoment] = (),
    outcomes: Sequence[ModelOutcome] = (),
    erased: Sequence[Erasure] = (),
) -> ModelTick:
    name = TickName(*tick)
    lists = list(moments), [0] * len(moments), list(outcomes), list(erased)
    return ModelTick(name, shard, "intent", at(watermark), *lists)


def model(keyvalue: MemoryKeyValue, readers: int = 1) -> ModelStep:
    of = plan(step_ms=STEP_MS)
    store = ModelStore(keyvalue, of, 10)
    return ModelStep(of, RateLearner(), PairWatch(), store, shards=2, ticks=[0] * readers)


def pairs(step: ModelStep) -> int:
    watch = step._watch
    assert isinstance(watch, PairWatch)
    return len(watch.pairs)


def histories() -> list[list[ModelTick]]:
    """The parts of two shards: u1 has an outcome that is to be learned before she is taken out."""
    erased = Erasure("u1", at(5), moments=1, outcomes=0, sign=0)
    mine = [
        part((0, 1), 0, 2, [moment("u1", 1, 1)], [outcome("u1", 1, 1, 1)]),
        part((0, 2), 0, 6, [moment("u1", 2, 5), moment("u1", 1, 5)], [], [erased]),
        part((0, 3), 0, 9, [], [outcome("u1", 1, 5, 7)]),
    ]
    return [mine, [part((0, n), 1, watermark) for n, watermark in ((1, 2), (2, 6), (3, 9))]]


@pytest.mark.parametrize("order", [[0, 1, 0, 1, 0, 1], [0, 0, 1, 1, 0, 1], [0, 0, 0, 1, 1, 1]])
def test_a_shard_that_is_ahead_takes_nothing_from_ticks_that_come_first(order: list[int]) -> None:
    keyvalue = MemoryKeyValue()
    step = model(keyvalue)
    parts = [iter(each) for each in histories()]
    for shard in order:
        step.on_part(next(parts[shard]))
    assert pairs(step) == 2  # of the first life's first moment, and of the second life's
    assert step.snapshot() == [3]
    assert not [key for key in keyvalue.entries if keys_of("u1")(key)]


def test_what_another_reader_has_told_before_and_is_not_complete_leaves_nothing() -> None:
    keyvalue = MemoryKeyValue()
    step = model(keyvalue, readers=2)
    step.on_part(part((1, 1), 0, 1, [moment("u1", 1, 1)], [outcome("u1", 1, 1, 8)]))
    erased = [Erasure("u1", at(1), moments=0, outcomes=0, sign=0)]
    step.on_part(part((0, 1), 0, 1, erased=erased))
    step.on_part(part((0, 1), 1, 1))
    step.on_part(part((1, 1), 1, 1))
    assert step.snapshot() == [1, 1]
    assert not [key for key in keyvalue.entries if keys_of("u1")(key)]
