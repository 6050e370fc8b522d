"""`cartwheel models show` and the scores in `cartwheel explain`: that they say what was."""

import json
import random
from collections.abc import Iterator
from math import exp
from pathlib import Path
from typing import Any

import pytest
from replayed_shop import replay
from sklearn.metrics import (
    brier_score_loss,
    f1_score,
    log_loss,
    precision_score,
    recall_score,
    roc_auc_score,
)

from cartwheel.app import main
from config import load
from flows.job import plans_of
from flows.model_files import KEYS, entries
from operators.models.kinds import make_learner
from state.folder import StateFolder

CONFIG = """
name: shop
session: {gap: 10m, collect: {views: {count: Product Viewed}}}
features:
  views_1h: {count: Product Viewed, over: 1h}
  last_order: {time: Order Completed}
  device: {last: context.device.type}
models:
  intent:
    kind: logistic_regression
    parameters: {learning_rate: 0.05}
    predicts: Order Completed
    within: session
    at: [Product Viewed]
    from: [views_1h, session.views, last_order, device]
  value:
    kind: linear_model.LinearRegression
    predicts: {sum: properties.revenue, of: Order Completed}
    within: session
    at: [Product Viewed]
    from: [views_1h]
    shadow: true
  churn: {kind: baseline, predicts: no Order Completed, within: 2h, at: [Order Completed]}
segments:
  hot: score.intent > 0.6
"""
CUSTOMERS, VISITS = 40, 5


def event(customer: str, minute: float, name: str, device: str, revenue: float = 0) -> Any:
    seconds = round(minute * 60)
    return {
        "type": "track",
        "event": name,
        "messageId": f"{customer}-{seconds}-{name}",
        "userId": customer,
        "timestamp": f"2026-01-01T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:"
        f"{seconds % 60:02d}.000Z",
        "properties": {"revenue": revenue} if revenue else {},
        "context": {"device": {"type": device}},
    }


def visits() -> Iterator[tuple[list[Any], float]]:
    """Give visits of one view each, so that each is learned from, and what was bought."""
    draw = random.Random(7)
    for visit in range(VISITS):
        for number in range(CUSTOMERS):
            device = "mobile" if number % 3 else "desktop"
            minute = visit * 120 + number + draw.random()
            view = event(f"u{number}", minute, "Product Viewed", device)
            buys = draw.random() < (0.8 if device == "desktop" else 0.1)
            price = round(draw.uniform(5, 50), 2) if buys else 0.0
            order = event(f"u{number}", minute + 2, "Order Completed", device, price)
            yield [view, order] if buys else [view], price


def run_shop(folder: Path, config: str = CONFIG, *more: str) -> None:
    events = [each for told, _ in visits() for each in told]
    replay(folder, config, sorted(events, key=lambda each: str(each["timestamp"])), *more)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a shop after all its outcomes were learned."""
    folder = tmp_path_factory.mktemp("closed")
    run_shop(folder, CONFIG, "--close")
    return folder


@pytest.fixture(scope="module")
def open_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a shop whose last visits are not over."""
    folder = tmp_path_factory.mktemp("open")
    run_shop(folder)
    return folder


class Told:
    """What a command has printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def text(self, *words: str, exit_code: int = 0) -> str:
        self._capsys.readouterr()
        assert main(words) == exit_code
        captured = self._capsys.readouterr()
        return captured.err if exit_code else captured.out

    def models(self, shop: Path, *words: str) -> Any:
        shown = self.text("models", "show", *of(shop), "--json", *words)
        return json.loads(shown)["models"]

    def explained(self, shop: Path, customer: str) -> Any:
        return json.loads(self.text("explain", *of(shop), customer, "--json"))


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    return Told(capsys)


def of(shop: Path) -> list[str]:
    return [f"{shop}/shop.yaml", "--state", f"{shop}/state"]


def scores_of(shop: Path, model: str) -> dict[str, float]:
    """Return the scores that were written, by the message at which they were given."""
    lines = [json.loads(line)["data"] for line in (shop / "out/scores.jsonl").open()]
    return {each["cause"][0]: each["score"] for each in lines if each["model"] == model}


def close_to(found: dict[str, float], **wanted: float) -> None:
    assert {name: found[name] for name in wanted} == pytest.approx(wanted, abs=1e-9)


def test_the_figures_are_those_of_the_scores_that_were_written(shop: Path, told: Told) -> None:
    scores = scores_of(shop, "intent")
    labels = {events[0]["messageId"]: bool(price) for events, price in visits()}
    assert scores.keys() == labels.keys()
    truth, said = [labels[each] for each in scores], list(scores.values())
    for at in (0.5, 0.3):
        report = told.models(shop, "intent", "--at", str(at))["intent"]
        predicted = [score >= at for score in said]
        assert report["quality"]["threshold"] == at
        for figures in (report["quality"]["all_time"], report["quality"]["rolling"]):
            close_to(
                figures,
                n=len(truth),
                auc=roc_auc_score(truth, said),
                log_loss=log_loss(truth, said),
                precision=precision_score(truth, predicted),
                recall=recall_score(truth, predicted),
                f1=f1_score(truth, predicted),
            )
    assert report["learned"]["pairs"] == len(truth) == CUSTOMERS * VISITS
    assert report["learned"]["positives"] == sum(truth)
    assert brier_score_loss(truth, said) < 0.25  # it has learned something


def test_sums_have_the_figures_of_sums(shop: Path, told: Told) -> None:
    scores = scores_of(shop, "value")
    prices = {events[0]["messageId"]: price for events, price in visits()}
    errors = [scores[each] - price for each, price in prices.items()]
    report = told.models(shop, "value")["value"]
    close_to(
        report["quality"]["all_time"],
        mae=sum(map(abs, errors)) / len(errors),
        rmse=(sum(each * each for each in errors) / len(errors)) ** 0.5,
        mean_error=sum(errors) / len(errors),
    )
    assert report["learned"]["positives"] is None
    assert report["predicts"] == "the sum of properties.revenue of Order Completed"
    text = told.text("models", "show", *of(shop), "value")
    assert "mean absolute error" in text
    assert "AUC" not in text


def test_each_model_says_what_it_is_and_how_much_it_has_done(shop: Path, told: Told) -> None:
    models = told.models(shop)
    assert list(models) == ["intent", "value", "churn"]
    intent, churn = models["intent"], models["churn"]
    assert (intent["predicts"], intent["within"]) == ("Order Completed", "session")
    assert (churn["predicts"], churn["within"]) == ("no Order Completed", "2h")
    assert intent["inputs"]["last_order"] == "time"
    assert intent["store"].startswith("v0000")
    assert [each["shadow"] for each in models.values()] == [False, True, False]
    for name, report in models.items():
        assert report["scores"] == len(scores_of(shop, name))
        assert report["errors"] == 0
    assert churn["importance"] == {}
    assert intent["importance"]["device=desktop"] > intent["importance"]["device=mobile"]


def test_the_text_shows_the_same(shop: Path, told: Told) -> None:
    text = told.text("models", "show", *of(shop))
    report = told.models(shop)["intent"]
    late = report["quality"]["rolling"]
    for part in (
        "intent (logistic_regression), version " + report["version"],
        "value (linear_model.LinearRegression, shadow)",
        f"200 pairs, {report['learned']['positives']} of them came true",
        f"{late['auc']:.4f}",
        f"{late['baseline']['log_loss']:.4f}",
        f"{report['importance']['device=desktop']:+.4f}",
        "the last 10,000",
        "known until     the end",
    ):
        assert part in text
    for each in report["quality"]["all_time"]["reliability"]:
        assert f"{each['mean_score']:.4f}" in text


def test_a_model_that_the_state_has_not_seen_has_learned_nothing(
    open_shop: Path, tmp_path: Path, told: Told
) -> None:
    more = CONFIG.replace(
        "segments:", "  fresh: {kind: baseline, predicts: Cart Viewed, within: 1h}\nsegments:"
    )
    (tmp_path / "more.yaml").write_text(more)
    words = [f"{tmp_path}/more.yaml", "--state", f"{open_shop}/state"]
    shown = json.loads(told.text("models", "show", *words, "fresh", "--json"))["models"]["fresh"]
    assert shown["store"] is None
    assert shown["learned"] == {"pairs": 0, "positives": 0, "until": None}
    assert "nothing yet" in told.text("models", "show", *words, "fresh")
    score = json.loads(told.text("explain", *words, "u1", "--json"))["scores"]["fresh"]
    assert score == {"score": None, "now": 0.5, "rest": None, "inputs": {}}


def test_a_model_that_was_changed_is_refused_and_the_others_are_shown(
    open_shop: Path, tmp_path: Path, told: Told
) -> None:
    (tmp_path / "other.yaml").write_text(CONFIG.replace("rate: 0.05", "rate: 0.5"))
    words = [f"{tmp_path}/other.yaml", "--state", f"{open_shop}/state"]
    error = told.text("models", "show", *words, exit_code=1)
    assert "model intent has learned by another definition" in error
    assert "give the model another name" in error
    assert "churn (baseline)" in told.text("models", "show", *words, "churn")
    explained = json.loads(told.text("explain", *words, "u1", "--json"))
    assert explained["scores"]["intent"]["now"] is None
    assert explained["scores"]["value"]["now"] is not None
    assert explained["segments"]


def test_another_threshold_or_place_in_the_shadow_is_no_other_model(
    open_shop: Path, tmp_path: Path, told: Told
) -> None:
    other = CONFIG.replace("learning_rate: 0.05}", "learning_rate: 0.05}\n    threshold: 0.2")
    (tmp_path / "other.yaml").write_text(other.replace("    shadow: true\n", ""))
    words = [f"{tmp_path}/other.yaml", "--state", f"{open_shop}/state"]
    models = json.loads(told.text("models", "show", *words, "--json"))["models"]
    assert models["intent"]["quality"]["threshold"] == 0.2
    assert models["value"]["learned"]["pairs"] > 0


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["intnt"], "has no model 'intnt'; did you mean \"intent\"?"),
        (["--state", "nowhere"], "holds no state"),
    ],
)
def test_what_is_not_there_is_said(
    open_shop: Path, told: Told, words: list[str], error: str
) -> None:
    exit_code = 1 if "--state" in words else 2
    assert error in told.text("models", "show", *of(open_shop), *words, exit_code=exit_code)


@pytest.mark.parametrize("share", ["2", "-0.1", "nan", "half"])
def test_a_threshold_is_a_share(
    open_shop: Path, capsys: pytest.CaptureFixture[str], share: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["models", "show", *of(open_shop), f"--at={share}"])
    assert stopped.value.code == 2
    assert "expected a number from 0 to 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("config", "error"),
    [
        ("name: shop\n", "has no models"),
        (CONFIG.replace("name: shop", "name: other"), "belongs to the config 'shop'"),
    ],
)
def test_a_config_that_does_not_fit_is_refused(
    open_shop: Path, tmp_path: Path, told: Told, config: str, error: str
) -> None:
    (tmp_path / "other.yaml").write_text(config)
    words = [f"{tmp_path}/other.yaml", "--state", f"{open_shop}/state"]
    assert error in told.text("models", "show", *words, exit_code=2)


def test_looking_changes_nothing_and_needs_no_rest(open_shop: Path, told: Told) -> None:
    folder = open_shop / "state"
    before = {each: each.stat().st_mtime_ns for each in folder.rglob("*")}
    idle = told.models(open_shop)
    with StateFolder(folder).lock():  # as a run that goes on has it
        busy = told.models(open_shop)
        text = told.text("models", "show", *of(open_shop))
    assert busy["intent"]["quality"] == idle["intent"]["quality"]
    assert (busy["intent"]["scores"], busy["intent"]["errors"]) == (None, None)
    assert "scores written" not in text
    assert "scores written" in told.text("models", "show", *of(open_shop))
    assert {each: each.stat().st_mtime_ns for each in folder.rglob("*")} == before


def test_the_inputs_of_a_score_add_up_to_it(open_shop: Path, told: Told) -> None:
    last = {each.partition("-")[0]: score for each, score in scores_of(open_shop, "intent").items()}
    assert len(last) == CUSTOMERS
    for number in (0, 1, 17, CUSTOMERS - 1):
        customer = f"u{number}"
        told_of = told.explained(open_shop, customer)
        score = told_of["scores"]["intent"]
        assert score["score"] == last[customer]
        assert told_of["scores"]["value"]["score"] is None  # in the shadow
        adds = [each["adds"] for each in score["inputs"].values()]
        assert score["now"] == pytest.approx(_probability(sum(adds) + score["rest"]), abs=1e-5)
        assert score["inputs"]["device"]["value"] == ("mobile" if number % 3 else "desktop")


def test_a_model_sees_a_time_as_seconds_since_then(open_shop: Path, told: Told) -> None:
    seen = 0
    for number in range(0, CUSTOMERS, 6):
        told_of = told.explained(open_shop, f"u{number}")
        value = told_of["scores"]["intent"]["inputs"]["last_order"]["value"]
        ordered = told_of["features"]["last_order"]["value"]
        if ordered is None:
            assert value is None
            continue
        now, then = (_seconds(each) for each in (told_of["time"], ordered))
        assert value == pytest.approx(now - then, abs=1e-6)
        seen += 1
    assert seen > 0


def test_the_text_of_explain_names_what_adds_most_first(open_shop: Path, told: Told) -> None:
    text = told.text("explain", *of(open_shop), "u0")
    score = told.explained(open_shop, "u0")["scores"]["intent"]
    assert f"score.intent  {score['score']}" in text
    name, first = max(score["inputs"].items(), key=lambda each: abs(each[1]["adds"]))
    lines = text.partition("it would say")[2].splitlines()
    assert lines[1].strip(" │├─") == f"{first['adds']:+.4f}  {name} = {json.dumps(first['value'])}"
    assert "whatever the inputs" in text
    one = told.text("explain", *of(open_shop), "u0", "--segment", "hot")
    assert "it would say" not in one


@pytest.fixture(scope="module")
def file(open_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an export of the model intent."""
    file = tmp_path_factory.mktemp("exports") / "intent.model"
    assert main(["models", "export", *of(open_shop), "intent", "--out", str(file)]) == 0
    return file


def test_a_new_state_begins_with_what_was_imported(
    open_shop: Path, file: Path, tmp_path: Path, told: Told
) -> None:
    new = tmp_path / "new"
    new.mkdir()
    (new / "shop.yaml").write_text(CONFIG)
    assert told.text("models", "import", *of(new), "intent", str(file)) == ""
    first = [each for events, _ in list(visits())[:1] for each in events]
    (new / "events.jsonl").write_text("".join(json.dumps(each) + "\n" for each in first))
    words = ["--events", f"{new}/events.jsonl", "--out", f"{new}/out", "--json"]
    told.text("replay", f"{new}/shop.yaml", *words, "--state", f"{new}/state", "--shards", "3")
    (before,) = told.models(open_shop, "intent").values()
    (after,) = told.models(new, "intent").values()
    for part in ("importance", "quality"):
        assert after[part] == before[part]
    assert scores_of(new, "value").popitem()[1] == 0.0  # not imported
    plan = plans_of(load(new / "shop.yaml"))[1].models[0]
    learner = make_learner(plan)
    learner.load(entries(file.read_bytes(), plan)[KEYS["learner"]])
    (score,) = learner.predict([[1.0, 1.0, None, "desktop"]])
    assert scores_of(new, "intent").popitem()[1] == round(score, 6)
    assert not list((new / "state").glob("import-*"))


def test_what_does_not_fit_is_not_imported(
    open_shop: Path, file: Path, tmp_path: Path, told: Told
) -> None:
    def refused(config: str, state: Path, what: Path = file) -> str:
        (tmp_path / "a.yaml").write_text(config)
        words = [f"{tmp_path}/a.yaml", "intent", str(what), "--state", str(state)]
        return told.text("models", "import", *words, exit_code=1)

    new = tmp_path / "state"
    assert "has begun to learn in" in refused(CONFIG, open_shop / "state")
    assert "definition: " in refused(CONFIG.replace("rate: 0.05", "rate: 0.5"), new)
    damaged = tmp_path / "damaged"
    for content in (b"", b"{}", file.read_bytes()[:-9], file.read_bytes() + b"x"):
        damaged.write_bytes(content)
        assert "damaged" in refused(CONFIG, new, damaged)
    assert "No such file" in refused(CONFIG, new, tmp_path / "nowhere")
    assert not list(new.glob("*"))


def test_an_export_that_is_refused_writes_nothing(
    open_shop: Path, tmp_path: Path, told: Told
) -> None:
    def refused(*words: str, exit_code: int) -> str:
        return told.text("models", "export", *words, exit_code=exit_code)

    file = tmp_path / "a.model"
    nowhere = ["--out", str(tmp_path / "nowhere" / "a.model")]
    assert "expected a file" in refused(*of(open_shop), "intent", *nowhere, exit_code=2)
    (tmp_path / "other.yaml").write_text(CONFIG.replace("rate: 0.05", "rate: 0.5"))
    other = [f"{tmp_path}/other.yaml", "--state", f"{open_shop}/state"]
    error = refused(*other, "intent", "--out", str(file), exit_code=1)
    assert "has learned by another definition" in error
    renamed = (tmp_path / "other.yaml").read_text().replace("intent", "wish")
    (tmp_path / "other.yaml").write_text(renamed)
    error = refused(*other, "wish", "--out", str(file), exit_code=1)
    assert "model wish has learned nothing yet" in error
    assert not file.exists()


def _probability(log_odds: float) -> float:
    return 1 / (1 + exp(-log_odds))


def _seconds(time: str) -> float:
    hours, minutes, seconds = time.partition("T")[2].rstrip("Z").split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
