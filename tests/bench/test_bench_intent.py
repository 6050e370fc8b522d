"""The parts of the benchmark of intent: figures, pairs, batch models and pictures."""

import math
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from bench.intent import batch, chart, figures
from bench.intent.changing import BEFORE, LINEAR, Visit, config_with, write_visits
from bench.intent.drift import since_change
from bench.intent.figures import Bin, Judge, Range
from bench.intent.pairs import Pair, Told, of_pairs, pairs_of, scores_of, told
from bench.intent.tried import AS_IT_IS, TRIED
from config import load
from operators.models.plan import InputPlan
from operators.times import EventTime

ROOT = Path(__file__).parents[2]
INTENT = ROOT / "bench" / "intent"
SCORED = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]), st.booleans(), st.integers(0, 3)),
    min_size=2,
    max_size=40,
)


@pytest.fixture(scope="module")
def visited(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Visit], Told]:
    folder = tmp_path_factory.mktemp("visits")
    visits = write_visits(folder / "events.jsonl", 400, 400, BEFORE, seed=3)
    (folder / "changing.yaml").write_text(config_with([LINEAR]))
    return visits, told(folder / "changing.yaml", folder / "events.jsonl")


@settings(max_examples=100, deadline=None)
@given(SCORED)
def test_auc_and_log_loss_are_those_of_scikit_learn(pairs: list[tuple[float, bool, int]]) -> None:
    scores, labels, weights = (np.array(each, float) for each in zip(*pairs, strict=True))
    of_labels = {label for label, weight in zip(labels, weights, strict=True) if weight}
    area = figures.weighted_auc(scores, labels, weights)
    if of_labels == {0.0, 1.0}:
        expected = sk.roc_auc_score(labels, scores, sample_weight=weights)
        assert area == pytest.approx(expected, abs=1e-12)
    else:
        assert math.isnan(area)
    within = np.clip(scores, 1e-6, 1 - 1e-6)
    expected = sk.log_loss(labels, within, labels=[0, 1])
    assert figures.losses(scores, labels).mean() == pytest.approx(expected, abs=1e-9)


def test_figures_over_time_are_those_of_each_stretch() -> None:
    chance = np.random.default_rng(1)
    scores, labels = chance.random(60), (chance.random(60) < 0.4).astype(float)
    areas = figures.rolling_auc(scores, labels, 30, 7)
    expected = [
        sk.roc_auc_score(labels[at : at + 30], scores[at : at + 30]) for at in range(0, 31, 7)
    ]
    assert areas.tolist() == pytest.approx(expected)
    means = [scores[at : at + 30].mean() for at in range(31)]
    assert figures.rolling(scores, 30).tolist() == pytest.approx(means)


def pair(number: int, time: int, known: int, label: float = 0.0) -> Pair:
    return Pair((f"c{number}", 1), EventTime(time), EventTime(known), [float(number)], label)


def test_no_model_is_trained_on_what_was_not_known_when_the_rest_began() -> None:
    pairs = [pair(n, time=10 * n, known=10 * n + 25) for n in range(20)]
    first, rest = figures.split(pairs)
    began = min(each.time for each in rest)
    assert max(each.known for each in first) < began
    assert [each.at[0] for each in first] == [f"c{n}" for n in range(10)]
    assert {each.at[0] for each in pairs} - {each.at[0] for each in [*first, *rest]} == {
        "c10",
        "c11",
        "c12",
    }


def test_a_difference_is_no_chance_where_one_model_knows_and_the_other_does_not() -> None:
    pairs = [pair(n, n, n, label=float(n % 3 == 0)) for n in range(300)]
    labels = np.array([each.label for each in pairs])
    judge = Judge(pairs)
    knows = judge.judge(0.1 + 0.6 * labels, np.full(300, 1 / 3))
    assert knows.auc == Range(1.0, 1.0, 1.0)
    assert knows.behind.high < 0
    guesses = judge.judge(np.full(300, 1 / 3), np.full(300, 1 / 3))
    assert guesses.auc.figure == 0.5
    assert guesses.behind == Range(0.0, 0.0, 0.0)
    low, high = guesses.log_loss.low, guesses.log_loss.high
    assert low < guesses.log_loss.figure < high
    assert guesses.auc.text(3) == "0.500 (0.50 to 0.50)"


def test_customers_with_many_pairs_make_figures_less_certain() -> None:
    labels = [float(n % 2 == 0) for n in range(200)]
    alone = [pair(n, n, n, label) for n, label in enumerate(labels)]
    crowds = [each._replace(at=(f"c{n // 20 * 2 + n % 2}", n)) for n, each in enumerate(alone)]
    scores = np.linspace(0.3, 0.7, 200)
    widths = []
    for pairs in (alone, crowds):
        found = Judge(pairs).judge(scores, scores).log_loss
        widths.append(found.high - found.low)
    assert widths[1] > 2 * widths[0]


def test_scores_of_about_one_size_are_put_together() -> None:
    scores = np.array([n / 100 for n in range(100)])
    bins = figures.reliability(scores, (scores >= 0.5).astype(float))
    assert [each.n for each in bins] == [10] * 10
    assert [each.rate for each in bins] == [0.0] * 5 + [1.0] * 5
    assert bins[0].score == pytest.approx(0.045)


def test_pairs_are_the_visits_and_what_became_of_them(visited: tuple[list[Visit], Told]) -> None:
    visits, what = visited
    pairs = pairs_of(what)
    assert 350 < len(pairs) < len(visits)  # the last ones are not over
    for each, visit in zip(pairs, visits, strict=False):
        assert each.at == (visit.customer, 1)
        assert each.known == visit.known
        assert each.label == float(visit.label)
    known, hours = since_change(visits, 100, visits[109].known)
    assert known >= 10
    assert hours == pytest.approx(9 * 10 / 3600, abs=10 / 3600)


def test_other_moments_change_no_score(visited: tuple[list[Visit], Told]) -> None:
    _, what = visited
    whole = scores_of(what)
    some = pairs_of(what)[100:200]
    assert scores_of(of_pairs(what, some)) == {each.at: whole[each.at] for each in some}


def test_the_way_that_it_is_scores_as_the_engine_does(visited: tuple[list[Visit], Told]) -> None:
    _, what = visited
    whole = scores_of(what)
    plain = scores_of(what, TRIED[AS_IT_IS](what.plan.inputs))
    assert plain == pytest.approx(whole, abs=1e-6)  # both are rounded
    others = {name: scores_of(what, make(what.plan.inputs)) for name, make in TRIED.items()}
    assert all(each.keys() == whole.keys() for each in others.values())
    assert len({tuple(each.values()) for each in others.values()}) == len(TRIED)


@pytest.mark.parametrize("train", [batch.logistic, batch.boosted])
def test_models_trained_in_batch_learn_a_rule_from_numbers_and_texts(train: object) -> None:
    inputs = [InputPlan("views", "number"), InputPlan("device", "category")]
    pairs = [
        pair(n, n, n, label=float(n % 5 > 2 or n % 2 == 1))._replace(
            row=[float(n % 5) if n % 7 else None, "phone" if n % 2 else "desktop"]
        )
        for n in range(600)
    ]
    first, rest = pairs[:400], pairs[400:]
    unknown = rest[0]._replace(row=[None, "fridge"])
    scores = train(inputs, first, [*rest, unknown])  # type: ignore[operator]
    labels = np.array([each.label for each in rest])
    assert figures.weighted_auc(scores[:-1], labels, np.ones(200)) > 0.9
    assert 0 < scores[-1] < 1


def test_a_picture_shows_every_line_and_dot_and_is_the_same_each_time() -> None:
    gap = [0.5, float("nan"), 0.7]
    lines = {name: chart.Line([0.0, 0.5, 1.0], gap) for name in ("a", "b <&>")}
    bins = {"a": [Bin(0.1, 0.2, 30), Bin(0.4, 0.3, 30)], "b <&>": []}
    panels = [
        chart.legend(list(lines)),
        chart.reliability("said and came", bins, "by score"),
        chart.over_time("AUC", ("start", "end"), lines, 0.3),
    ]
    drawn = chart.drawn("how well", panels)
    assert drawn == chart.drawn("how well", panels)
    root = ET.fromstring(drawn)  # noqa: S314 (it was made here)
    name = "{http://www.w3.org/2000/svg}"
    points = [each.get("points", "").split() for each in root.iter(f"{name}polyline")]
    assert [len(each) for each in points] == [2, 2]
    circles = list(root.iter(f"{name}circle"))
    assert len(circles) == 2
    assert circles[0].findtext(f"{name}title") == "a: said 0.1000, came 0.2000, 30 pairs"
    assert "b <&>" in [each.text for each in root.iter(f"{name}text")]
    xs, ys = ([float(point.split(",")[axis]) for point in points[0]] for axis in (0, 1))
    assert xs[0] < xs[1] == chart.WIDTH
    assert ys[0] > ys[1]  # more is higher


def test_the_configs_of_all_sets_have_one_model_of_intent() -> None:
    paths = [each for each in INTENT.glob("*.yaml") if "mapping" not in each.name]
    assert len(paths) == 4
    for path in paths:
        config = load(path)
        assert list(config.models) == ["intent"], path.name
        assert config.name == path.stem


def test_the_figures_of_the_docs_are_those_that_were_measured() -> None:
    results = (ROOT / "bench" / "RESULTS.md").read_text()
    section = (ROOT / "docs" / "models.md").read_text().partition("## How well it does")[2]
    assert section
    tables = [line for line in section.partition("\n## ")[0].splitlines() if line[:1] == "|"]
    figures_of = [line for line in tables if re.search(r"\d\.\d{3}", line)]
    assert len(figures_of) > 20
    for line in figures_of:
        assert line in results, line
