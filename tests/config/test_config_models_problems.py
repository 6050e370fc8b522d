"""What is said about wrong models, and about rules that use their scores: each with its place."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from river.base import Classifier

from config.river_kinds import KindError, river_class, try_class

ProblemsOf = Callable[..., list[tuple[int, int, str]]]

BEFORE = """name: shop
session: {collect: {views: {count: Product Viewed}}}
attributes: {file: a.csv, customer: id, columns: {tier: text}}
features:
  views_1h: {count: Product Viewed, over: 1h}
  cart: {recent: properties.product_id}
segments:
  keen: views_1h > 3
models:
  other: {kind: baseline, predicts: A, within: 1h}
"""
LR = "kind: logistic_regression, predicts: A, within: 1h, from: [views_1h]"
TREE = "kind: tree.HoeffdingTreeClassifier, predicts: A, within: 1h, from: [views_1h], at: [A]"
SUM = "predicts: {sum: properties.a, of: A}, within: 1h, from: [views_1h], at: [A]"
KEYS = [
    # what stands at `m:`, what is at fault there, parts of the message
    ("5", "5", ["m: found 5, expected a mapping with kind, predicts, within and from"]),
    ("{kind: 5}", "5", ["kind: found 5, expected logistic_regression, baseline, or a class of"]),
    ("{kind: baselin}", "baselin", ['found "baselin"', 'did you mean "baseline"?']),
    ("{kind: baseline, parameters: {}}", "parameters", ["m.parameters: unknown key; the keys"]),
    (f"{{{LR}, shaddow: true}}", "shaddow", ['unknown key; did you mean "shadow"?']),
    (f"{{{LR}, shadow: yes}}", "yes", ['found "yes", expected true or false']),
    (f"{{{LR}, step: 1ms}}", "1ms", ['found "1ms", expected a duration from 1s to 1d']),
    (f"{{{LR}, step: 25h}}", "25h", ["expected a duration from 1s to 1d"]),
    (f"{{{LR}, threshold: 0}}", "0}", ["found 0, expected a number above 0 and below 1"]),
    (f"{{{LR}, threshold: 1}}", "1}", ["found 1, expected a number above 0 and below 1"]),
    (f"{{{LR}, threshold: .nan}}", ".nan", ["found .nan, expected a number above 0"]),
    (f"{{{LR}, emit: moment}}", "moment}", ['found "moment", expected moments; did you mean']),
    (f"{{{LR}, emit: 0.5}}", "0.5", ["found 0.5, expected moments or {moves: NUMBER}"]),
    (f"{{{LR}, emit: {{moves: 0}}}}", "0}", ["m.emit.moves: found 0, expected a number above 0"]),
    (f"{{{LR}, emit: {{moves: 1.5}}}}", "1.5", ["found 1.5, expected at most 1: scores lie"]),
    (f"{{{LR}, at: A}}", "A}", ['found "A", expected a list of names']),
    (f"{{{LR}, at: []}}", "[]", ["found a list, expected at least one name"]),
    (f"{{{LR}, at: [B, any]}}", "any", ['m.at[1]: found "any", expected the name of one event']),
    (f"{{{LR}, parameters: {{learning_rte: 0.1}}}}", "learning_rte", ["unknown key", "_rate"]),
    (f"{{{LR}, parameters: {{learning_rate: 2}}}}", "2}", ["a number above 0 and of at most 1"]),
    (f"{{{LR}, parameters: {{l1: -1}}}}", "-1", ["a number of at least 0 and of at most 1"]),
    (f"{{{LR}, parameters: {{l2: 1.5}}}}", "1.5", ["l2: found 1.5, expected a number of at"]),
    (f"{{{LR}, parameters: {{l1: 0.1, l2: 0.1}}}}", "0.1}", ["l2: found beside l1, expected one"]),
    (f"{{{LR}, parameters: {{class_weight: 5}}}}", "5}", ["class_weight: found 5, expected a map"]),
    (f"{{{LR}, parameters: {{class_weight: {{positive: 0}}}}}}", "0}", ["found 0, expected"]),
    (f"{{{LR}, parameters: {{categories: hash}}}}", "hash", ['did you mean "hashed"?']),
    (f"{{{LR}, parameters: {{at_most: 0}}}}", "0}", ["a whole number from 1 to 100000"]),
]
TARGETS = [
    ("{kind: baseline, predicts: any, within: 1h}", "any", ["expected the name of one event"]),
    ("{kind: baseline, predicts: no any, within: 1h}", "no any", ["expected the name of one"]),
    ("{kind: baseline, predicts: 'no ', within: 1h}", "'no '", ["an event's name, no and an"]),
    ("{kind: baseline, predicts: [A], within: 1h}", "[A]", ["found a list, expected an event"]),
    ("{kind: baseline, predicts: {sum: a, of: A}, within: 1h}", "a,", ["expected a path such as"]),
    (
        "{kind: baseline, predicts: {sum: 'properties.items[].price', of: A}, within: 1h}",
        "'properties.items",
        ['found "properties.items[].price", expected a path without []: a model adds up one'],
    ),
    ("{kind: baseline, predicts: A, within: sesion}", "sesion", ['did you mean "session"?']),
    ("{kind: baseline, predicts: A, within: 0s}", "0s", ["a duration of at least 1ms"]),
    ("{kind: baseline, predicts: no A, within: session}", "session", ["a duration such as 30d"]),
    ("{kind: baseline, predicts: A, within: 400d}", "400d", ["without session.gap (575970m)"]),
    (f"{{kind: logistic_regression, {SUM}}}", "logistic", ["expected baseline or a regressor"]),
    (f"{{kind: tree.SGTClassifier, {SUM}}}", "tree.S", ["is a classifier, but a sum of numbers"]),
    (f"{{kind: tree.SGTRegressor, {SUM}, calibrate: true}}", "calib", ["goes with an event only"]),
    (f"{{kind: tree.SGTRegressor, {SUM}, threshold: 0.2}}", "thresh", ["goes with an event only"]),
    (f"{{{TREE}}}".replace("Classifier", "Regressor"), "tree.", ["is a regressor; whether an"]),
]
NAMES = [
    # a name in `from`, parts of the message
    ("views_1", ['there is no views_1 here; did you mean "views_1h"?']),
    ("session.viws", ['did you mean "session.views"?']),
    ("sessions.views", ['did you mean "session.views"?']),
    ("context.devic", ['did you mean "context.device"?']),
    ("cart", ["cart is a list; a model looks at single values"]),
    ("segment.keen", ["a model cannot look at segments"]),
    ("segment.nope", ["a model cannot look at segments"]),
    ("score.other", ["a model cannot look at scores"]),
    ("score.m", ["a model cannot look at scores"]),
    ("attribute.tier", ["a model cannot look at the customers' file yet"]),
    ("event.properties.price", ["is of one event, and a model looks at customers"]),
    ("properties.price", ["is of one event, and a model looks at customers"]),
    ("trait.a[].b", ["looks into an array"]),
    ("views_1h > 3", ["expected the name of a feature", "make a feature of what is worked out"]),
    ("views_1h +", ["expected the name of a feature"]),
    ("other", ["there is no other here"]),
]
KINDS = [
    # a class and its parameters, what is at fault, parts of the message
    ("river.tree.SGTClassifier", "", "river", ['did you mean "tree.SGTClassifier"?']),
    ("tre.SGTClassifier", "", "tre.", ['River has no module "tre"; did you mean "tree"?']),
    ("os.path", "", "os.", ['River has no module "os"']),
    ("tree.SGTClasifier", "", "tree.", ['did you mean "tree.SGTClassifier"?']),
    ("tree._SGT", "", "tree.", ["expected a public module and class of River"]),
    ("_river_rust.X", "", "_river", ["expected a public module and class of River"]),
    ("tree.base.Leaf", "", "tree.", ["expected a public module and class of River"]),
    ("tree.base", "", "tree.", ["is no classifier or regressor of River"]),
    ("base.Classifier", "", "base.", ["is no classifier or regressor of River"]),
    ("datasets.Bikes", "", "data", ["is no classifier or regressor of River"]),
    ("preprocessing.StandardScaler", "", "pre", ["is no classifier or regressor of River"]),
    ("tree.ISOUPTreeRegressor", "", "tree.", ["is no classifier or regressor of River"]),
    ("ensemble.BaggingClassifier", "", "ens", ["BaggingClassifier needs the parameter model"]),
    ("ensemble.BaggingClassifier", "model: a", "{model", ["does not work with these parameters"]),
    ("tree.SGTClassifier", "grace_perod: 5", "5}", ['did you mean "grace_period"?']),
    ("tree.SGTClassifier", "zzz: 5", "5}", ["has no such parameter; it has delta, grace_period"]),
    ("tree.SGTClassifier", "grace_period: a", "a}", ["expected a whole number; without it River"]),
    ("tree.SGTClassifier", "delta: a", "a}", ["expected a number; without it River takes"]),
    ("tree.SGTClassifier", "grace_period: true", "true}", ["expected a whole number"]),
    ("tree.SGTClassifier", "delta: .inf", ".inf", ["found .inf, expected a number, a text"]),
    ("tree.SGTClassifier", "delta: {a: 5}", "{a", ["found a mapping, expected a number, a text"]),
    ("tree.HoeffdingTreeClassifier", "split_criterion: x", "x}", ["River does not know it"]),
    (
        "forest.ARFClassifier",
        "n_models: 1001",
        "1001",
        ["found 1001, expected a number from 1 to 1,000"],
    ),
    ("forest.ARFClassifier", "n_models: 0", "0}", ["found 0, expected a number from 1 to 1,000"]),
]
SCORES = [
    ("score.intnt > 1", ['there is no score.intnt here; did you mean "score.intent"?']),
    ("scores.intent > 1", ['did you mean "score.intent"?']),
    ("intent > 1", ['did you mean "score.intent"?']),
    ("score.dark > 0.5", ["dark is a shadow: its scores steer nothing"]),
    ("score.intent", ["score.intent is a number, where a condition is expected"]),
    ("score.intent == 'a'", ["cannot be compared"]),
]


@pytest.mark.parametrize(("spec", "at_fault", "parts"), [*KEYS, *TARGETS])
def test_a_wrong_model_is_told_with_its_place(
    problems_of: ProblemsOf, spec: str, at_fault: str, parts: list[str]
) -> None:
    line = f"  m: {spec}"
    start = spec.rindex(at_fault) + len("  m: ") if at_fault in spec else 0
    found = problems_of(f"{BEFORE}{line}\n")
    here = [message for number, where, message in found if (number, where) == (11, start + 1)]
    assert any(all(part in message for part in parts) for message in here), found
    assert len(found) == 1 or "{kind: " in spec, found


@pytest.mark.parametrize("missing", ["kind", "predicts", "within", "from", "at"])
def test_each_missing_key_is_told(problems_of: ProblemsOf, missing: str) -> None:
    keys = {"kind": "tree.SGTClassifier", "predicts": "A", "within": "1h", "from": "[views_1h]"}
    keys["at"] = "[A]"
    told = ", ".join(f"{key}: {value}" for key, value in keys.items() if key != missing)
    found = problems_of(f"{BEFORE}  m: {{{told}}}\n")
    assert (11, 3, f'models.m: the key "{missing}" is missing') in found


@pytest.mark.parametrize(("name", "parts"), NAMES)
def test_a_name_that_no_model_looks_at_is_told_with_its_place(
    problems_of: ProblemsOf, name: str, parts: list[str]
) -> None:
    line = f'  m: {{kind: baseline, predicts: A, within: 1h, from: [views_1h, "{name}"]}}'
    [(number, column, message)] = problems_of(f"{BEFORE}{line}\n")
    assert number == 11
    assert line.rindex(name) <= column <= line.rindex(name) + 1
    assert message.startswith("models.m.from[1]: ")
    assert all(part in message for part in parts), message


def test_a_name_is_looked_at_once(problems_of: ProblemsOf) -> None:
    text = f"{BEFORE}  m: {{{LR.replace('[views_1h]', '[views_1h, views_1h]')}}}\n"
    [(_, _, message)] = problems_of(text)
    assert message == "models.m.from[1]: found a second time, expected each name once"


@pytest.mark.parametrize(("kind", "parameters", "at_fault", "parts"), KINDS)
def test_a_class_that_cannot_be_a_model_is_told(
    problems_of: ProblemsOf,
    capfd: pytest.CaptureFixture[str],
    kind: str,
    parameters: str,
    at_fault: str,
    parts: list[str],
) -> None:
    spec = f"  m: {{predicts: A, within: 1h, from: [views_1h], at: [A], kind: {kind}"
    line = f"{spec}, parameters: {{{parameters}}}}}" if parameters else f"{spec}}}"
    found = problems_of(f"{BEFORE}{line}\n")
    column = line.rindex(at_fault) + 1
    here = [message for number, where, message in found if (number, where) == (11, column)]
    assert any(all(part in message for part in parts) for message in here), found
    assert capfd.readouterr().out == "", "River prints what it does not take"


def test_no_message_shows_what_came_from_the_environment(problems_of: ProblemsOf) -> None:
    text = """\
name: shop
features: {a: {count: A}}
models:
  a: {kind: "${K}", predicts: A, within: 1h, from: [a], at: [A]}
  b: {kind: tree.HoeffdingTreeClassifier, parameters: {split_criterion: "${K}"}, predicts: A,
      within: 1h, from: [a, "${K}"], at: [A]}
  c: {kind: ensemble.BaggingClassifier, parameters: {model: "${K}"}, predicts: A,
      within: 1h, from: [a], at: [A]}
"""
    found = problems_of(text, {"K": "tree.Geheim"})
    assert [line for line, _, _ in found] == [4, 5, 6, 7]
    assert "Geheim" not in str(found)


RULES = [
    "segments: {s: %s}",
    "triggers: {t: {on: A, where: %s}}",
    "triggers: {t: {on: A, when: %s}}",
    "triggers: {t: {on: A, cancel: {on: B, where: %s}}}",
]
MODELS = """\
name: shop
models:
  intent: {kind: baseline, predicts: A, within: 1h}
  dark: {kind: baseline, predicts: A, within: 1h, shadow: true}
"""


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("condition", "parts"), SCORES)
def test_a_rule_that_uses_no_score_that_there_is_is_told(
    problems_of: ProblemsOf, rule: str, condition: str, parts: list[str]
) -> None:
    [(line, column, message)] = problems_of(MODELS + rule % condition)
    assert (line, column) == (5, rule.index("%s") + 1)
    assert all(part in message for part in parts), message


def test_a_payload_that_uses_no_score_that_there_is_is_told(problems_of: ProblemsOf) -> None:
    text = "triggers: {t: {on: A, payload: {x: score.dark, y: {template: '{{ score.nope }}'}}}}"
    [(_, _, dark), (_, _, nope)] = problems_of(MODELS + text)
    assert "dark is a shadow: its scores steer nothing" in dark
    assert "there is no score.nope here" in nope


def test_without_models_there_are_no_scores(problems_of: ProblemsOf) -> None:
    [(_, _, message)] = problems_of("name: shop\nsegments: {s: score.intent > 0.5}")
    assert "scores come with models, and there is none with a score" in message


def test_features_know_no_scores(problems_of: ProblemsOf) -> None:
    text = "name: s\nfeatures: {a: {count: A, where: score.m > 0.5}}\nmodels:\n"
    [(line, _, message)] = problems_of(f"{text}  m: {{kind: baseline, predicts: A, within: 1h}}\n")
    assert line == 2
    assert 'found "score.m", expected a field' in message


def test_names_are_those_of_features_and_there_are_at_most_50(problems_of: ProblemsOf) -> None:
    spec = "{kind: baseline, predicts: A, within: 1h}"
    [(_, _, message)] = problems_of(f"name: s\nmodels: {{Intent: {spec}}}")
    assert 'found "Intent", expected a name of a-z, 0-9 and _' in message
    many = ", ".join(f"m{number}: {spec}" for number in range(51))
    [(_, _, message)] = problems_of(f"name: s\nmodels: {{{many}}}")
    assert message == "models: found 51, expected at most 50"


@pytest.mark.parametrize(
    "kind",
    [
        *("tree.HoeffdingTreeClassifier", "tree.HoeffdingAdaptiveTreeClassifier"),
        *("tree.ExtremelyFastDecisionTreeClassifier", "tree.SGTClassifier"),
        *("forest.ARFClassifier", "forest.AMFClassifier", "naive_bayes.GaussianNB"),
        *(
            "naive_bayes.BernoulliNB",
            "linear_model.LogisticRegression",
            "linear_model.PAClassifier",
        ),
        *("neighbors.KNNClassifier", "ensemble.SRPClassifier", "dummy.PriorClassifier"),
        *("linear_model.LinearRegression", "tree.HoeffdingTreeRegressor", "forest.ARFRegressor"),
        *("linear_model.BayesianLinearRegression", "rules.AMRules", "neighbors.KNNRegressor"),
    ],
)
def test_the_learners_of_river_can_be_models(kind: str) -> None:
    found = river_class(kind)
    try_class(found, {})
    assert found.__name__ == kind.partition(".")[2]


class Loud(Classifier):  # type: ignore[misc]
    """Tells what it was given."""

    def __init__(self, what: str = "") -> None:
        raise ValueError(what)

    def learn_one(self, x: object, y: object) -> None: ...


def test_what_is_hidden_is_not_told_of_rivers_own_errors() -> None:
    with pytest.raises(KindError, match="geheim"):
        try_class(Loud, {"what": "geheim"})
    with pytest.raises(KindError) as caught:
        try_class(Loud, {"what": "geheim"}, hidden=True)
    assert "geheim" not in str(caught.value)


def test_river_is_loaded_where_a_class_of_it_is_named(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from config import load;"
        "load(Path('without.yaml')); print('river' in sys.modules);"
        "load(Path('with.yaml')); print('river.tree' in sys.modules, 'river.forest' in sys.modules)"
    )
    (tmp_path / "without.yaml").write_text(f"{BEFORE}  m: {{{LR}}}\n")
    (tmp_path / "with.yaml").write_text(f"{BEFORE}  m: {{{TREE}}}\n")
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["False", "True", "False"]
