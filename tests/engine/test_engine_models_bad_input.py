"""What no model should be told, and models that fail: counted, told, and never a stopped worker.

Each is shown through the whole engine with the real kinds, of each family one, also over restarts.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any

import pytest
from model_simulation import RealModels

from engine_checks import records
from operators.models import opening
from operators.models.kinds import make_learner
from operators.models.learner import Learner
from operators.models.opening import open_model
from operators.models.parts import Value
from operators.models.plan import ModelPlan
from operators.models.store import ModelStateError
from oracle import Rules
from oracle.writing import MINUTE_MS, event_line
from state.keyvalue import MemoryKeyValue

FAMILIES: dict[str, dict[str, Any]] = {
    "logistic_regression": {"calibrate": True},
    "tree.HoeffdingTreeClassifier": {"parameters": {"grace_period": 20}},
    "naive_bayes.GaussianNB": {},
    "linear_model.LinearRegression": {"predicts": {"sum": "properties.price", "of": "Ordered"}},
    "baseline": {},
}
KINDS = pytest.mark.parametrize("kind", FAMILIES)
FEATURES = {
    "price": {"last": "properties.price + 0", "of": "Viewed"},
    "highest": {"max": "properties.price", "of": "Viewed"},
    "spent": {"sum": "properties.price", "of": "Viewed"},
    "share": {"last": "properties.price / properties.of", "of": "Viewed"},
    "device": {"last": "properties.device", "of": "Viewed"},
}


def shop(kind: str, features: dict[str, Any] = FEATURES, **model: Any) -> Rules:
    """Make rules with one model of a kind, and a segment on its score."""
    given = {"kind": kind, "predicts": "Ordered", "within": "session", "at": ["Viewed"]}
    inputs = {} if kind == "baseline" else {"from": list(features)}
    return Rules(
        gap_ms=30 * MINUTE_MS,
        disorder_ms=0,
        features=features,
        models={"m": {**given, **inputs, **FAMILIES[kind], **model}},
        segments={"keen": "score.m >= 0.5"},
    )


def visits(values: Sequence[dict[str, Any]], *, price: Any = 5) -> list[bytes]:
    """Write a visit of a minute for each of the values that are viewed; each other one orders."""
    lines = []
    for n, each in enumerate(values):
        about = {"customer": f"u{n}"}
        lines.append(event_line(n, "Viewed", f"v{n}", **about, **each))
        if n % 2:
            lines.append(event_line(n + 0.5, "Ordered", f"o{n}", **about, price=price))
    return lines


def both(raw: Sequence[bytes], rules: Rules) -> RealModels:
    """Run in ticks of some lines, and stopped after each; both must say the same."""
    run = RealModels(raw, rules, shards=2)
    run.run(cycle([7]))
    again = RealModels(raw, rules, shards=2)
    while again.step(50):
        again = again.restarted()  # type: ignore[assignment]
    assert again.outcome.sets() == run.outcome.sets()
    assert again.outcome.counts == run.outcome.counts
    return run


def scores(run: RealModels) -> dict[str, float]:
    """The scores that were written, by the moment's message."""
    return {
        each["data"]["cause"][0]: each["data"]["score"] for each in records(run.outcome, "scores")
    }


def figures(run: RealModels) -> dict[str, Any]:
    found: dict[str, Any] = dict(run.models["m"].quality()["all_time"])
    return found


def assert_possible(kind: str, found: dict[str, float]) -> None:
    for score in found.values():
        assert math.isfinite(score)
        assert kind.endswith("Regression") or 0 <= score <= 1


ODD: list[dict[str, Any]] = [
    *({"price": price} for price in (1e308, -1e308, 1e101, -1e99, 1e99, 1e15, 0, -0.0, 5e-324)),
    *({"price": 1, "of": of} for of in (0, 1e-308, None)),
    {"price": None},
    {},
    {"device": None},
    {"device": ""},
    {"device": "x" * 1000},
    {"device": 'a=b "c" \u0000\ud7ff\U0001f600'},
    {"device": 17, "price": 3},
]
NO_EVENTS: list[dict[str, Any]] = [
    *({"price": price} for price in ("seven", True, [], {})),
    *({"device": device} for device in (["a"], "x" * 2000)),
]
USUAL: list[dict[str, Any]] = [
    {"price": n % 7, "of": 2, "device": ("phone", "tablet")[n % 2]} for n in range(160)
]


@KINDS
def test_values_that_are_none_or_absurd_cost_no_moment_its_score(kind: str) -> None:
    """Before anything was learned, among what is learned, and after."""
    values = [*ODD, *USUAL, *ODD, *USUAL[:20]]
    run = both(visits(values), shop(kind))
    found = scores(run)
    assert len(found) == len(values)
    assert_possible(kind, found)
    assert run.outcome.counts["model errors m"] == 0
    assert figures(run)["n"] > len(values) - 40  # those of the last half hour are not known
    assert len(set(found.values())) > 5
    assert all(abs(found[f"v{n}"]) < 100 for n in range(len(ODD) + 50, len(values))), "none is lost"


def test_what_is_no_value_of_its_field_is_a_dead_letter_and_no_moment() -> None:
    [line] = visits([{"price": 1}])
    odd = [line.replace(b":1}", b":%s}" % text) for text in (b"NaN", b"Infinity", b"1e400")]
    odd += [event_line(0, "Viewed", customer="odd", **each) for each in NO_EVENTS]
    run = both([*odd, *visits(USUAL)], shop("logistic_regression"))
    assert run.outcome.counts["dead_letters"] == len(odd)
    assert len(scores(run)) == len(USUAL)


@KINDS
@pytest.mark.parametrize("price", [1e308, -1e308, "seven", None])
def test_sums_of_absurd_prices_leave_the_scores_possible(kind: str, price: Any) -> None:
    run = both(visits(USUAL, price=price), shop(kind))
    found = scores(run)
    assert len(found) + run.outcome.counts["model errors m"] == len(USUAL)
    assert_possible(kind, found)


@KINDS
def test_a_category_that_was_never_seen_has_a_score(kind: str) -> None:
    values = [*USUAL, *({**USUAL[0], "device": f"new {n}"} for n in range(20))]
    run = both(visits(values), shop(kind))
    found = scores(run)
    assert len(found) == len(values)
    assert_possible(kind, found)
    assert run.outcome.counts["model errors m"] == 0


MANY = {  # how many categories; the most bytes that what was learned may have
    "logistic_regression": (10_000, 100_000),
    "tree.HoeffdingTreeClassifier": (1_500, 3_000_000),
    "naive_bayes.GaussianNB": (400, 100_000),
    "linear_model.LinearRegression": (400, 100_000),
}


@pytest.mark.parametrize("kind", MANY)
def test_any_number_of_categories_is_bounded(kind: str) -> None:
    count, most = MANY[kind]
    rules = shop(kind, {"device": FEATURES["device"]})
    lines = visits([{"device": f"device {n}"} for n in range(count)])
    run = RealModels(lines, rules, shards=2)
    run.run(cycle([500]))
    assert len(scores(run)) == count
    assert run.outcome.counts["model errors m"] == 0
    run.snapshot()
    learned = run.entries["m"][b"\tlearner"]
    assert len(learned) < most
    assert learned.count(b"device ") < 2_100  # a name and an indicator for each of a thousand


class Failing:
    """A learner that fails as its row says, and else does as another one."""

    def __init__(self, inner: Learner, place: int | None) -> None:
        self._inner = inner
        self._place = place
        self.dump, self.load = inner.dump, inner.load

    def predict(self, rows: Sequence[Sequence[Value]]) -> list[float]:
        said: list[Any] = self._inner.predict(rows)
        for n, row in enumerate(rows):
            match self._how(row):
                case "raises":
                    raise ArithmeticError("this cannot be scored")
                case "none":
                    said[n] = None
                case "nan" | "inf" as name:
                    said[n] = float(name)
                case "text":
                    said[n] = "0.5"
                case "beyond":
                    said[n] = -1e-9
        return said

    def learn(self, row: Sequence[Value], label: float) -> None:
        if self._how(row) == "unlearnable":
            raise RecursionError("this cannot be learned")
        self._inner.learn(row, label)

    def _how(self, row: Sequence[Value]) -> Value:
        return None if self._place is None else row[self._place]


FAILURES = ("raises", "none", "nan", "inf", "text", "beyond", "unlearnable")


def among(values: Sequence[dict[str, Any]], device: str) -> Iterator[dict[str, Any]]:
    """Put a device at the first place, in the middle, twice together, and at the last."""
    at = {0, 60, 90, 91, len(values) - 1}
    for n, each in enumerate(values):
        yield {**each, "device": device} if n in at else each


@pytest.mark.parametrize("kind", [kind for kind in FAMILIES if kind != "baseline"])
@pytest.mark.parametrize("how", FAILURES)
def test_an_estimator_that_fails_costs_that_moment_alone_and_is_counted(
    kind: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(plan: ModelPlan) -> Failing:
        return Failing(make_learner(plan), [each.name for each in plan.inputs].index("device"))

    monkeypatch.setattr(opening, "make_learner", failing)
    values = list(among(USUAL, how))
    run = both(visits(values), shop(kind))
    odd = [f"v{n}" for n, each in enumerate(values) if each["device"] == how]
    is_sum = kind.endswith("Regression")
    found = scores(run)
    assert_possible(kind, found)
    learned = len(odd) - 1  # the last one's outcome is not known yet
    if how == "unlearnable":
        assert run.outcome.counts["model errors m"] == learned
        assert len(found) == len(values)
    elif how == "beyond" and is_sum:
        assert run.outcome.counts["model errors m"] == 0
    else:
        assert run.outcome.counts["model errors m"] == len(odd)
        assert found.keys() == {f"v{n}" for n in range(len(values))} - set(odd)
        unknown = [f"v{n}" for n in range(len(values)) if n >= len(values) - 31]
        assert figures(run)["n"] >= len(values) - len(unknown) - learned
    entered = Counter(each["type"].rpartition(".")[2] for each in records(run.outcome, "segments"))
    assert entered["left"] == 0  # each customer has one moment
    assert entered["entered"] == sum(score >= 0.5 for score in found.values())


@pytest.mark.parametrize("kind", [kind for kind in FAMILIES if kind != "baseline"])
def test_a_feature_that_was_renamed_is_refused_with_the_way_out(kind: str) -> None:
    run = RealModels(visits(USUAL), shop(kind))
    run.step(200)
    names = {name if name != "price" else "cost": spec for name, spec in FEATURES.items()}
    renamed = RealModels(visits(USUAL), shop(kind, names)).plans
    with pytest.raises(ModelStateError) as refused:
        run.restarted(*renamed)
    message = str(refused.value)
    assert message.startswith("model m has learned from price (number), highest (number)")
    assert "the config has cost (number), highest" in message
    assert "cartwheel models train CONFIG m --events PATH --state DIR --replace" in message


def test_what_cannot_be_read_any_more_is_refused_by_the_models_name() -> None:
    run = RealModels(visits(USUAL), shop("tree.HoeffdingTreeClassifier"))
    run.step(200)
    run.snapshot()
    learned = run.at_rest["m"].entries
    learned[b"\tlearner"] = learned[b"\tlearner"].replace(b"HoeffdingTreeC", b"HoeffdingTreeX")
    [plan] = run.plans[1].models
    with pytest.raises(ModelStateError, match="the learner of model m cannot be read"):
        open_model("shop", plan, MemoryKeyValue(learned), 10, shards=2, ticks=[1])
