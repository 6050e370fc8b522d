"""Gather gives decide whole ticks in profile's order, with the scores in the rows."""

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rate_learner import plan

from operators.models.gather import DRIFT_KIND, Gather
from operators.models.parts import ModelMoment
from operators.models.plan import ModelPlan
from operators.outputs import Outputs, Record
from operators.plans import DecidePlan, SlotPlan
from operators.scores import Scored
from operators.signs import Row, Sign, Signal
from operators.ticks import ModelTick, ProfileResult, ScoreTick, TickName
from operators.times import EventTime

SLOTS = tuple(SlotPlan(name, None, name) for name in ("orders", "score.intent", "score.churn"))
TIME = EventTime(5)


def gather(*models: ModelPlan) -> Gather:
    return Gather(DecidePlan("shop", (), slots=SLOTS, models=models))


def row(customer: str) -> Row:
    return Row(customer, TIME, TIME, "m1", True, False, (0,), [1])


def signal(customer: str) -> Signal:
    return Signal(customer, TIME, TIME, "m1", (), [], {}, is_late=False)


def result(number: int, signs: list[Sign] | None = None, **places: list[int]) -> ProfileResult:
    """Make a tick of profile in which these signs are moments of these models."""
    name = TickName(0, number)
    made = ProfileResult(name, 3, TIME, signs or [], Outputs(), Counter(applied=1))
    for model, of_model in places.items():
        moments = [
            ModelMoment(made.signs[place].customer, TIME, TIME, n, [], is_candidate=False)
            for n, place in enumerate(of_model, start=1)
        ]
        made.models[model] = ModelTick(name, 3, model, TIME, moments, of_model)
    return made


def scores(number: int, model: str, *said: float | None, **more: Any) -> ScoreTick:
    return ScoreTick(TickName(0, number), 3, model, list(said), **more)


def test_without_models_each_tick_leaves_at_once() -> None:
    [given_out] = gather().take(result(1, [row("ann")]))
    assert given_out.name == TickName(0, 1)
    assert given_out.signs == [row("ann")]


@given(
    order=st.lists(st.integers(0, 2), max_size=20),
    ticks=st.integers(1, 5),
    late=st.lists(st.integers(0, 4), max_size=4),
)
def test_ticks_leave_in_profiles_order_whatever_comes_first(
    *, order: list[int], ticks: int, late: list[int]
) -> None:
    under_test = gather(plan(), plan("churn"))
    numbers = range(1, ticks + 1)
    by_reader = [*numbers]
    for at in late:  # a model may finish the ticks of several readers in another order
        by_reader.append(by_reader.pop(at % ticks))
    queues: list[list[ProfileResult | ScoreTick]] = [
        [result(n, [row("ann")], intent=[0], churn=[0]) for n in numbers],
        [scores(n, "intent", n / 10) for n in by_reader],
        [scores(n, "churn", None) for n in numbers],
    ]
    left: list[tuple[int, object]] = []
    had = Counter[int]()
    whose = [each for each in order if each < len(queues)] + [0, 1, 2] * ticks
    for each in whose:
        if queues[each]:
            part = queues[each].pop(0)
            had[part.name.number] += 1
            found = under_test.take(part)
            left += [(one.name.number, one.signs[0]) for one in found]
            assert all(had[one.name.number] == 3 for one in found), "none leaves before it may"
    values = {number: [1, number / 10] for number in numbers}
    assert [number for number, _ in left] == [*numbers]
    assert all(isinstance(sign, Row) and sign.values == values[n] for n, sign in left)
    assert under_test.is_empty


def test_scores_stand_in_the_rows_of_their_moments_and_in_no_other_sign() -> None:
    under_test = gather(plan(), plan("churn"))
    signs: list[Sign] = [row("ann"), signal("ann"), row("bob"), row("cid")]
    under_test.take(result(1, signs, intent=[0, 2], churn=[2]))
    under_test.take(scores(1, "churn", 0.25))
    [found] = under_test.take(scores(1, "intent", 0.5, 0.75))
    with_both = row("bob")._replace(slots=(0, 1, 2), values=[1, 0.75, 0.25])
    with_one = row("ann")._replace(slots=(0, 1), values=[1, 0.5])
    assert found.signs == [with_one, signal("ann"), with_both, row("cid")]
    assert found.scores == {
        0: [Scored("intent", 1, 0.5)],
        2: [Scored("intent", 2, 0.75), Scored("churn", 1, 0.25)],
    }


def test_a_moment_without_score_leaves_the_row_as_it_is() -> None:
    under_test = gather(plan())
    under_test.take(result(1, [row("ann")], intent=[0]))
    [found] = under_test.take(scores(1, "intent", None))
    assert found.signs == [row("ann")]
    assert found.scores == {}


def test_a_shadow_models_score_is_passed_on_and_stands_in_no_row() -> None:
    under_test = gather(plan(is_shadow=True))
    under_test.take(result(1, [row("ann")], intent=[0]))
    [found] = under_test.take(scores(1, "intent", 0.5))
    assert found.signs == [row("ann")]
    assert found.scores == {0: [Scored("intent", 1, 0.5)]}


def test_records_and_counts_of_a_model_go_with_the_tick() -> None:
    under_test = gather(plan())
    under_test.take(result(1, intent=[]))
    drift = Record("model.drift", "1", "intent", TIME, {})
    [found] = under_test.take(
        scores(1, "intent", records=[drift], counts={"model errors intent": 2})
    )
    assert found.outputs.kinds == {DRIFT_KIND: [drift]}
    assert found.counts == {"applied": 1, "model errors intent": 2}
