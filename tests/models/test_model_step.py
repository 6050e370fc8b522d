"""A model scores with what was known, and ticks, shards and restarts change nothing."""

from collections.abc import Sequence
from itertools import cycle

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from model_histories import CUSTOMERS, Drawn, History, drawn_moments, naive
from rate_learner import REFUSED, UNLEARNABLE, PairWatch, RateLearner, plan

from operators.models.parts import ModelMoment, ModelOutcome
from operators.models.plan import InputPlan, ModelPlan, TargetPlan
from operators.models.step import ModelStep
from operators.models.store import Given, ModelStateError, ModelStore
from operators.ticks import ModelTick, ScoreTick, TickName
from operators.times import EventTime
from state.keyvalue import MemoryKeyValue
from state.prefixes import Prefix
from state.records import record_key

MINUTE_MS = 60_000


class Run:
    """The step of one model, with what it works with; it can be stopped after any tick."""

    def __init__(
        self,
        model: ModelPlan,
        shards: int = 1,
        readers: int = 1,
        *,
        entries: dict[bytes, bytes] | None = None,
        ticks: Sequence[int] = (),
        cache: int = 2,
    ) -> None:
        self.model, self.shards, self.readers, self.cache = model, shards, readers, cache
        self.keyvalue = MemoryKeyValue(entries)
        self.learner, self.watch = RateLearner(), PairWatch()
        self.store = ModelStore(self.keyvalue, model, cache)
        self.step = ModelStep(
            model,
            self.learner,
            self.watch,
            self.store,
            shards=shards,
            ticks=ticks or [0] * readers,
        )
        self.said: list[ScoreTick] = []

    def restarted(self) -> "Run":
        ticks = self.step.snapshot()
        other = Run(
            self.model,
            self.shards,
            self.readers,
            entries=self.keyvalue.entries,
            ticks=ticks,
            cache=self.cache,
        )
        other.said = self.said
        return other

    def take(self, part: ModelTick) -> None:
        self.said += self.step.on_part(part)

    def errors(self) -> int:
        return sum(each.counts.get("model errors intent", 0) for each in self.said)

    def remembered(self, customers: Sequence[str] = CUSTOMERS) -> dict[str, set[int]]:
        self.step.snapshot()
        found: dict[str, set[int]] = {}
        for customer in customers:
            key = record_key(Prefix.GIVEN_SCORES, customer)
            if value := self.keyvalue.entries.get(key):
                scores = msgspec.msgpack.decode(value, type=Given).scores
                found[customer] = {number for number, _ in scores}
        return found


def scores_of(ticks: list[list[ModelTick]], said: list[ScoreTick]) -> dict[tuple[str, int], object]:
    """Return the scores by customer and number of the moment."""
    asked = {(part.name, part.shard): part for parts in ticks for part in parts}
    scores: dict[tuple[str, int], object] = {}
    for each in said:
        moments = asked.pop((each.name, each.shard)).moments
        for moment, score in zip(moments, each.scores, strict=True):
            scores[moment.customer, moment.number] = score
    assert not asked, "each part of each tick is answered"
    return scores


def interleaved(queues: list[list[ModelTick]], order: Sequence[int]) -> list[ModelTick]:
    """Put the shards' parts in some order that keeps each shard's own."""
    left = [list(queue) for queue in queues]
    mixed, whose = [], cycle(order)
    while any(left):
        some = [queue for queue in left if queue]
        mixed.append(some[next(whose) % len(some)].pop(0))
    return mixed


OUTCOME_AT_A_BOUNDARY = [
    Drawn(0, 0, 0, "candidate", 299, True, "phone"),  # known at 1_000_999
    Drawn(1, 1000, 0, "candidate", 300, True, "phone"),
    Drawn(0, 1000, 0, "plain", 0, True, "phone"),
]


@settings(max_examples=150, deadline=None)
@given(
    drawn=st.lists(drawn_moments(), min_size=1, max_size=30),
    sizes=st.lists(st.sampled_from([1, 2, 3, 7, 50]), min_size=1, max_size=5),
    shards=st.integers(1, 4),
    order=st.lists(st.integers(0, 3), min_size=1, max_size=6),
    stops=st.lists(st.booleans(), max_size=4),
    step_ms=st.sampled_from([1000, MINUTE_MS]),
    close=st.booleans(),
)
@example(  # known in the last millisecond before a stretch ends, and in the first of the next
    drawn=OUTCOME_AT_A_BOUNDARY,
    sizes=[1],
    shards=1,
    order=[0],
    stops=[],
    step_ms=1000,
    close=False,
)
def test_scores_and_pairs_are_the_plain_loops_for_any_ticks_shards_and_restarts(
    *,
    drawn: list[Drawn],
    sizes: list[int],
    shards: int,
    order: list[int],
    stops: list[bool],
    step_ms: int,
    close: bool,
) -> None:
    history = History(drawn)
    expected = naive(history, step_ms, close=close)
    ticks = history.ticks(sizes, shards, close=close)
    model = plan(step_ms=step_ms)
    queues = [[parts[shard] for parts in ticks] for shard in range(shards)]
    never = Run(model, shards, cache=100)
    for part in interleaved(queues, order):
        never.take(part)
    again, stop = Run(model, shards), cycle([*stops, True])
    for parts in ticks:
        for number in range(shards):
            again.take(parts[(order[0] + number) % shards])
        if next(stop):
            again = again.restarted()
    for run in (never, again):
        assert scores_of(ticks, run.said) == expected.scores
        assert [(each.name.number, each.shard) for each in run.said] == [
            (number, shard) for number in range(1, len(ticks) + 1) for shard in range(shards)
        ]
        assert run.watch.pairs == expected.pairs
        assert run.errors() == expected.errors
        assert run.remembered() == expected.left
    assert again.keyvalue.entries == never.keyvalue.entries


def tick(
    number: int,
    watermark: int,
    moments: Sequence[ModelMoment] = (),
    outcomes: Sequence[ModelOutcome] = (),
) -> ModelTick:
    name = TickName(0, number)
    part = ModelTick(name, 0, "intent", EventTime(watermark))
    part.moments, part.outcomes = list(moments), list(outcomes)
    return part


def moment(number: int, device: str = "phone", watermark: int = 0) -> ModelMoment:
    time = EventTime(watermark)
    return ModelMoment("ann", time, time, number, [device], is_candidate=True)


def outcome(
    number: int, time: int, label: float = 1.0, device: str = "phone", moment: int = 0
) -> ModelOutcome:
    return ModelOutcome("ann", number, EventTime(time), [device], label, EventTime(moment))


def test_a_stretch_is_learned_once_the_watermark_is_at_its_end() -> None:
    run = Run(plan())
    run.take(tick(1, MINUTE_MS - 1, [moment(1)], [outcome(1, MINUTE_MS - 2)]))
    assert run.learner.examples == []
    run.take(tick(2, MINUTE_MS, [moment(2, watermark=MINUTE_MS - 1)]))
    assert run.learner.examples == [(["phone"], 1.0)]
    run.take(tick(3, MINUTE_MS, [moment(3, watermark=MINUTE_MS)]))
    assert [each.scores for each in run.said] == [[0.5], [0.5], [0.65]]


def test_one_row_that_cannot_be_scored_costs_no_other_its_score() -> None:
    run = Run(plan())
    devices = ["phone", REFUSED, "tablet", REFUSED]
    run.take(tick(1, 0, [moment(n, device) for n, device in enumerate(devices, start=1)]))
    [said] = run.said
    assert said.scores == [0.5, None, 0.5, None]
    assert said.counts == {"model errors intent": 2}
    assert run.remembered() == {"ann": {1, 3}}


@pytest.mark.parametrize("said", [float("nan"), float("inf"), -0.01, 1.01])
def test_what_is_no_probability_is_no_score(said: float) -> None:
    run = Run(plan())
    run.learner.rates["phone"] = said
    run.take(tick(1, 0, [moment(1), moment(2, "tablet")]))
    assert run.said[0].scores == [None, 0.5]
    assert run.errors() == 1


def test_an_expected_sum_is_any_finite_number_and_its_baseline_is_the_mean() -> None:
    target = TargetPlan("Order Completed", False, None, ("properties", "revenue"))
    run, second = Run(plan(target=target)), outcome(2, 90_000, moment=MINUTE_MS)
    run.learner.rates["phone"] = -250.1234567
    run.take(tick(1, MINUTE_MS, [moment(1)], [outcome(1, 5, label=20.5)]))
    run.take(tick(2, 2 * MINUTE_MS, [moment(2, watermark=MINUTE_MS)], [second]))
    run.learner.rates["phone"] = float("inf")
    run.take(tick(3, 2 * MINUTE_MS, [moment(3, watermark=2 * MINUTE_MS)]))
    assert run.said[0].scores == [-250.123457]
    assert run.said[2].scores == [None]
    assert [baseline for _, baseline, _ in run.watch.pairs] == [0.0, 20.5]


def test_a_score_is_never_minus_zero() -> None:
    run = Run(plan(target=TargetPlan("Order Completed", False, None, ("properties", "revenue"))))
    run.learner.rates["phone"] = -1e-9
    run.take(tick(1, 0, [moment(1)]))
    assert str(run.said[0].scores) == "[0.0]"


def test_an_example_that_cannot_be_learned_is_counted_and_the_others_are_learned() -> None:
    run = Run(plan())
    moments = [moment(1, UNLEARNABLE), moment(2)]
    outcomes = [outcome(1, 5, device=UNLEARNABLE), outcome(2, 6)]
    run.take(tick(1, MINUTE_MS, moments, outcomes))
    assert run.errors() == 1
    assert run.learner.examples == [(["phone"], 1.0)]
    assert run.watch.pairs == [(0.5, 0.5, 1.0), (0.5, 0.5, 1.0)]
    assert run.remembered() == {}


def test_nothing_is_written_when_nothing_has_changed() -> None:
    run = Run(plan())
    run.take(tick(1, MINUTE_MS + 5, [moment(1)], [outcome(1, 5)]))
    run.step.snapshot()
    written: list[bytes] = []
    run.keyvalue.put = lambda key, _value: written.append(key)  # type: ignore[method-assign]
    run.keyvalue.delete = written.append  # type: ignore[method-assign]
    run.take(tick(2, MINUTE_MS + 6))
    assert run.step.snapshot() == [2]
    assert written == []


def test_an_outcome_that_comes_and_is_learned_between_snapshots_touches_no_store() -> None:
    run = Run(plan())
    run.take(tick(1, 50, [moment(1)], [outcome(1, 5)]))
    run.take(tick(2, MINUTE_MS))
    run.step.snapshot()
    of_outcomes = Prefix.WAITING_OUTCOME.key
    assert not any(key.startswith(of_outcomes) for key in run.keyvalue.entries)
    run.take(tick(3, MINUTE_MS, [], [outcome(2, MINUTE_MS + 5)]))
    run.step.snapshot()
    assert sum(key.startswith(of_outcomes) for key in run.keyvalue.entries) == 1


@pytest.mark.parametrize("in_one_tick", [True, False])
def test_a_forgotten_customers_moments_count_anew_and_the_new_ones_score_stays(
    *, in_one_tick: bool
) -> None:
    first = [moment(1), moment(2, watermark=1)._replace(instead=1)]
    dropped = outcome(2, 40, moment=1)._replace(label=None)
    late = 5 * MINUTE_MS
    back = moment(1, watermark=late)
    known = outcome(1, late + 5, label=0.0, moment=late)
    parts = (
        [tick(1, late + 9, [*first, back], [dropped, known])]
        if in_one_tick
        else [tick(1, late, first, [dropped]), tick(2, late + 9, [back], [known])]
    )
    run = Run(plan())
    for part in parts:
        run.take(part)
    assert run.remembered() == {"ann": {1}}
    run.take(tick(len(parts) + 1, late + MINUTE_MS))
    assert run.watch.pairs == [(0.5, 0.5, 0.0)]
    assert run.remembered() == {}


def test_a_pair_has_its_own_moments_score_though_another_life_has_one_of_the_same_number() -> None:
    run = Run(plan())
    run.learner.rates = {"phone": 0.9, "tablet": 0.1}
    again = moment(1, "tablet", watermark=90)
    unscored = moment(1, REFUSED, watermark=95)
    run.take(tick(1, 99, [moment(1), again, unscored]))
    run = run.restarted()
    known = [outcome(1, 5), outcome(1, 97, moment=95), outcome(1, 98, label=0.0, moment=90)]
    run.take(tick(2, MINUTE_MS, [], known))
    assert run.watch.pairs == [(0.9, 0.5, 1.0), (0.1, 0.5, 0.0)]
    assert run.remembered() == {}


def test_a_moment_that_is_dropped_before_its_own_time_leaves_nothing() -> None:
    """An event out of order has the time of its customer's clock, which its session may not."""
    run = Run(plan())
    run.take(tick(1, 40, [moment(1, watermark=30)]))
    run.take(tick(2, 40, [], [outcome(1, 20, moment=30)._replace(label=None)]))
    assert run.remembered() == {}


def test_a_customers_outcomes_of_the_same_number_wait_beside_each_other() -> None:
    run = Run(plan())
    run.take(tick(1, 50, [moment(1)], [outcome(1, 5), outcome(1, 40, label=0.0)]))
    run = run.restarted()
    run.take(tick(2, MINUTE_MS))
    assert run.learner.examples == [(["phone"], 1.0), (["phone"], 0.0)]


def test_other_inputs_are_refused_with_the_way_out() -> None:
    run = Run(plan())
    run.step.snapshot()
    other = plan(inputs=(InputPlan("device", "category"), InputPlan("views_1h", "number")))
    with pytest.raises(ModelStateError) as refused:
        ModelStore(run.keyvalue, other, 2)
    assert str(refused.value) == (
        "model intent has learned from device (category); the config has device (category),"
        " views_1h (number). Go back to these inputs; or give the model another name, or train"
        " it anew from recorded events: cartwheel models train CONFIG intent --events PATH --state"
        " DIR --replace"
    )


def test_another_definition_of_the_model_is_refused() -> None:
    run = Run(plan())
    run.step.snapshot()
    with pytest.raises(ModelStateError, match="by another definition"):
        ModelStore(run.keyvalue, plan(definition="other"), 2)


def test_what_the_learner_cannot_read_is_refused_by_the_models_name() -> None:
    run = Run(plan())
    run.take(tick(1, MINUTE_MS, [moment(1)], [outcome(1, 5)]))
    run.step.snapshot()
    run.keyvalue.entries[Prefix.MODEL.key + b"learner"] = b"damaged"
    with pytest.raises(ModelStateError, match="the learner of model intent cannot be read: not a"):
        Run(plan(), entries=run.keyvalue.entries)


def test_a_tick_that_is_missing_is_noticed() -> None:
    run = Run(plan())
    with pytest.raises(AssertionError, match="expected tick 1"):
        run.take(tick(2, 0))
