"""Identity beside models: they are told nothing of a link, and of each event once (J9)."""

from collections.abc import Sequence
from itertools import cycle
from typing import Any

import pytest
from moments_checks import ProfileAlone
from test_engine_identity_cases import GAP_MS, IDENTITY, Stream

from engine_checks import plans
from operators.ticks import ModelTick, ShardTick
from oracle import Rules
from oracle.writing import NOW_MS
from simulation import Simulation

RULES = Rules(
    gap_ms=GAP_MS,
    disorder_ms=0,
    features={"adds": {"count": "Product Added"}},
    models={
        "intent": {
            "kind": "logistic_regression",
            "predicts": "Order Completed",
            "within": "1h",
            "from": ["adds"],
        }
    },
)


class Linked(ProfileAlone):
    """The profile step, where anonymous ids are linked."""

    def __init__(self, raw: Sequence[bytes], rules: Rules, **options: Any) -> None:
        self.told: dict[str, list[ModelTick]] = {}
        Simulation.__init__(self, raw, *plans(rules), disorder_ms=0, now_ms=NOW_MS, **options)

    def _pass_on(self, ticks: list[ShardTick]) -> None:
        super()._pass_on(self._named(ticks))


@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize("size", [1, 100])
def test_models_score_and_learn_of_each_event_once_and_nothing_of_the_link(
    size: int, *, is_known: bool
) -> None:
    """Whether the visitor would buy is never known; the customer's next moment sees all events."""
    stream = Stream()
    if is_known:
        stream.event(0, "page", user="u")
    stream.event(1, "Product Added", anonymous="a").event(2, "Product Added", anonymous="a")
    stream.event(3, "identify", anonymous="a", user="u").event(4, "Product Added", user="u")
    stream.event(10, "Order Completed", user="u").event(200, "page", user="v")
    run = Linked(stream.lines, RULES, identity=IDENTITY)
    run.run(cycle([size]))
    told = run.told["intent"]
    moments = [(each.customer, each.values) for part in told for each in part.moments]
    assert [each for each in moments if each[0] == "a"] == [("a", [1.0]), ("a", [2.0])]
    mine = [each[1] for each in moments if each[0] == "u"]
    assert mine == [[0.0]] * is_known + [[2.0], [3.0], [3.0]]
    outcomes = [(each.customer, each.label) for part in told for each in part.outcomes]
    assert {each for each in outcomes if each[0] == "a"} <= {("a", None)}
    assert sum(each == ("u", 1.0) for each in outcomes) == 1
