"""Several readers: shards see their ticks in different orders, and nothing is mixed up or kept."""

from collections.abc import Sequence
from itertools import cycle

from hypothesis import given, settings
from hypothesis import strategies as st
from model_histories import Drawn, History, drawn_moments, shard_of
from rate_learner import PairWatch, RateLearner, plan

from operators.clock import Clock
from operators.models.parts import ModelMoment, ModelOutcome
from operators.models.step import ModelStep
from operators.models.store import ModelStore
from operators.ticks import ModelTick, ScoreTick, TickName
from operators.times import AFTER_ALL, EventTime
from state.keyvalue import MemoryKeyValue
from state.prefixes import Prefix

STEP_MS = 1000


class Shard:
    """What one shard's profile says of the ticks of several readers, in an order of its own."""

    def __init__(self, number: int, histories: list[History]) -> None:
        self.number = number
        self.clock = Clock.new(len(histories))
        self.histories = histories
        self.untold: list[ModelOutcome] = []

    def part(self, name: TickName, start: int, end: int) -> ModelTick:
        history = self.histories[name.reader]
        others = self.clock.others(name.reader)
        moments: list[ModelMoment] = []
        told: list[ModelOutcome] = []
        for place in range(start, end):
            each = history.moments[place]
            if shard_of(each.customer, 3) != self.number:
                continue
            watermark = EventTime(max(min(each.watermark, others), self.clock.watermark))
            moments.append(each._replace(watermark=watermark))
            self.untold += [
                o
                for o in history.outcomes
                if (o.customer, o.number) == (each.customer, each.number)
            ]
            told += [o for at, o in history.dropped if at == place]
        is_last = end == len(history.moments)
        self.clock.advance(name, history.watermark_before(end), ended=is_last)
        watermark = AFTER_ALL if all(self.clock.ended) else EventTime(self.clock.watermark)
        told += [each for each in self.untold if each.time < watermark]
        self.untold = [each for each in self.untold if each.time >= watermark]
        return ModelTick(name, self.number, "intent", watermark, moments, [], told)


def tick_ends(history: History, size: int) -> list[int]:
    whole = len(history.moments)
    return [*range(size, whole, size), whole]


@settings(max_examples=150, deadline=None)
@given(
    drawn=st.lists(st.lists(drawn_moments(), min_size=1, max_size=15), min_size=2, max_size=3),
    size=st.sampled_from([1, 2, 5]),
    orders=st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=5), min_size=3, max_size=3),
    arrivals=st.lists(st.integers(0, 2), min_size=1, max_size=7),
)
def test_each_tick_is_answered_and_all_is_learned_in_order_whatever_each_shard_sees_first(
    *, drawn: list[list[Drawn]], size: int, orders: list[list[int]], arrivals: list[int]
) -> None:
    histories = [History(some, prefix=f"{n}-") for n, some in enumerate(drawn)]
    queues = [parts_of(Shard(n, histories), size, order) for n, order in enumerate(orders)]
    keyvalue, learner, watch = MemoryKeyValue(), InOrder(), PairWatch()
    model = plan(step_ms=STEP_MS)
    store = ModelStore(keyvalue, model, 2)
    step = ModelStep(model, learner, watch, store, shards=3, ticks=[0] * len(histories))
    said: list[ScoreTick] = []
    whose = cycle(arrivals)
    while any(queues):
        some = [queue for queue in queues if queue]
        said += step.on_part(some[next(whose) % len(some)].pop(0))
    names = [each.name for each in said if each.shard == 0]
    for reader, history in enumerate(histories):
        numbers = [name.number for name in names if name.reader == reader]
        assert numbers == list(range(1, len(tick_ends(history, size)) + 1))
    assert [(each.name, each.shard) for each in said] == [(n, s) for n in names for s in range(3)]
    outcomes = [each for history in histories for each in history.outcomes]
    outcomes.sort(key=lambda each: (each.time, each.customer, each.number))
    assert learner.seen == [each.values for each in outcomes]
    scored = [o for o in outcomes if o.values != ["refused"]]
    assert [label for _, _, label in watch.pairs] == [each.label for each in scored]
    step.snapshot()
    assert {key[:1] for key in keyvalue.entries} <= {Prefix.MODEL.key}, "nothing is left behind"


class InOrder(RateLearner):
    """Notes what it is given to learn, also what it cannot."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[list[object]] = []

    def learn(self, row: Sequence[object], label: float) -> None:
        self.seen.append(list(row))
        super().learn(row, label)  # type: ignore[arg-type]


def parts_of(shard: Shard, size: int, order: list[int]) -> list[ModelTick]:
    """Let a shard go through the ticks of all readers in an order of its own."""
    ends = [tick_ends(history, size) for history in shard.histories]
    reached, done = [0] * len(ends), [0] * len(ends)
    parts, whose = [], cycle(order)
    while any(done[n] < len(ends[n]) for n in range(len(ends))):
        left = [n for n in range(len(ends)) if done[n] < len(ends[n])]
        reader = left[next(whose) % len(left)]
        end = ends[reader][done[reader]]
        done[reader] += 1
        parts.append(shard.part(TickName(reader, done[reader]), reached[reader], end))
        reached[reader] = end
    return parts


def test_a_candidate_that_is_replaced_before_its_tick_is_complete_is_not_remembered() -> None:
    keyvalue, model = MemoryKeyValue(), plan(step_ms=STEP_MS)
    store = ModelStore(keyvalue, model, 2)
    step = ModelStep(model, RateLearner(), PairWatch(), store, shards=2, ticks=[0, 0])
    time = EventTime(0)
    first = ModelMoment("ann", time, time, 1, ["phone"], is_candidate=True)
    second = ModelMoment("ann", time, time, 2, ["phone"], is_candidate=True, instead=1)
    gone = ModelOutcome("ann", 2, time, ["phone"], None, time)
    of_0, of_1, again = TickName(0, 1), TickName(1, 1), TickName(1, 2)
    parts = [  # the other shard hears of the second reader first
        ModelTick(of_0, 0, "intent", time, [first]),
        ModelTick(of_1, 0, "intent", time, [second]),
        ModelTick(again, 0, "intent", time, [], [], [gone]),
        ModelTick(of_1, 1, "intent", time),
        ModelTick(again, 1, "intent", time),
        ModelTick(of_0, 1, "intent", time),
    ]
    said = [each for part in parts for each in step.on_part(part)]
    assert [each.name for each in said] == [of_1, of_1, again, again, of_0, of_0]
    assert [each.scores for each in said if each.shard == 0] == [[0.5], [], [0.5]]
    step.snapshot()
    assert not any(key.startswith(Prefix.GIVEN_SCORES.key) for key in keyvalue.entries)
