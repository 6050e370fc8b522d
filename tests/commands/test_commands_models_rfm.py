"""`models show`, `explain`, `export` and `import` of an RFM model, and what `schemas` say of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from cartwheel.app import main

CONFIG = """
name: shop
time: {disorder: 0s}
features:
  last_order: {time: Order Completed}
  orders: {count: Order Completed}
  spent: {sum: properties.revenue, of: Order Completed}
models:
  worth: {kind: rfm, from: {recency: last_order, frequency: orders, monetary: spent}}
  usual: {kind: baseline, predicts: Order Completed, within: session}
segments:
  best: score.worth.monetary == 5
"""
TEXT = """\
worth (rfm), version VERSION
 at              every event
 from            recency last_order, frequency orders, monetary spent
 customers       5
 known until     2026-01-06T10:00:00.000Z
 scores written  6
 errors          0
 recency  customers                      from                        to
 5                1  2026-01-05T10:00:00.000Z  2026-01-05T10:00:00.000Z
 4                1  2026-01-04T10:00:00.000Z  2026-01-04T10:00:00.000Z
 3                1  2026-01-03T10:00:00.000Z  2026-01-03T10:00:00.000Z
 2                1  2026-01-02T10:00:00.000Z  2026-01-02T10:00:00.000Z
 1                1  2026-01-01T10:00:00.000Z  2026-01-01T10:00:00.000Z
 frequency  customers  from  to
 5                  0     -   -
 4                  0     -   -
 3                  0     -   -
 2                  0     -   -
 1                  5     1   1
 monetary  customers   from     to
 5                 1    250    250
 4                 1     50     50
 3                 1     10     10
 2                 0      -      -
 1                 2  -2.25  -2.25
"""


def event(day: int, customer: str, name: str, revenue: float = 0) -> dict[str, Any]:
    return {
        "type": "track",
        "event": name,
        "messageId": f"{customer}-{day}",
        "userId": customer,
        "timestamp": f"2026-01-{day:02d}T10:00:00Z",
        "properties": {"revenue": revenue},
    }


SPENT = [-2.25, -2.25, 10, 50, 250]
EVENTS = [
    *(event(day, f"u{day}", "Order Completed", spent) for day, spent in enumerate(SPENT, start=1)),
    event(6, "u4", "Product Viewed"),
]


def replay(folder: Path, name: str, *more: str) -> list[str]:
    (folder / "shop.yaml").write_text(CONFIG)
    (folder / "events.jsonl").write_text("".join(json.dumps(each) + "\n" for each in EVENTS))
    words = ["--events", f"{folder}/events.jsonl", "--out", f"{folder}/out-{name}", *more]
    assert main(["replay", f"{folder}/shop.yaml", "--state", f"{folder}/{name}", *words]) == 0
    return (folder / f"out-{name}" / "scores.jsonl").read_text().splitlines()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("worth")
    replay(folder, "state")
    return folder


def told(capsys: pytest.CaptureFixture[str], *words: str, exit_code: int = 0) -> str:
    capsys.readouterr()
    assert main(words) == exit_code
    captured = capsys.readouterr()
    return captured.err if exit_code else captured.out


def test_show_says_who_is_in_which_tier_and_nothing_of_how_good_it_is(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["models", "show", f"{shop}/shop.yaml", "worth", "--state", f"{shop}/state"]
    [report] = json.loads(told(capsys, *words, "--json"))["models"].values()
    lines = [line.rstrip() for line in told(capsys, *words).splitlines()]
    assert lines == TEXT.replace("VERSION", report["version"]).splitlines()
    assert report["customers"] == 5
    assert report["inputs"] == {
        "recency": "last_order",
        "frequency": "orders",
        "monetary": "spent",
    }
    assert report["tiers"]["monetary"] == [
        {"tier": 1, "customers": 2, "from": -2.25, "to": -2.25},
        {"tier": 2, "customers": 0, "from": None, "to": None},
        {"tier": 3, "customers": 1, "from": 10.0, "to": 10.0},
        {"tier": 4, "customers": 1, "from": 50.0, "to": 50.0},
        {"tier": 5, "customers": 1, "from": 250.0, "to": 250.0},
    ]
    assert {"quality", "learned", "importance", "predicts"}.isdisjoint(report)


def test_show_prints_models_of_other_kinds_beside_it(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = told(capsys, "models", "show", f"{shop}/shop.yaml", "--state", f"{shop}/state")
    assert text.index("worth (rfm)") < text.index("usual (baseline)") < text.index("log loss")


def test_explain_says_the_values_and_their_tiers(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["explain", f"{shop}/shop.yaml", "--state", f"{shop}/state", "u4"]
    text = told(capsys, *words)
    assert "score.worth  0.5\n" in text
    assert 'tier 4  last_order = "2026-01-04T10:00:00.000Z"' in text
    assert "tier 1  orders = 1" in text
    assert "tier 4  spent = 50" in text
    scores = json.loads(told(capsys, *words, "--json"))["scores"]
    assert scores["worth"]["now"] == 0.5
    assert scores["worth"]["inputs"]["spent"] == {"value": 50.0, "adds": None, "tier": 4}
    assert "tier" not in str(scores["usual"])


def test_a_records_tiers_fit_the_schema_and_no_others_do(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schemas = json.loads(told(capsys, "schemas", f"{shop}/shop.yaml"))
    validator = Draft202012Validator(schemas["file"]["scores"])
    lines = [json.loads(line) for line in (shop / "out-state" / "scores.jsonl").open()]
    of_worth = [each for each in lines if each["data"]["model"] == "worth"]
    assert len(of_worth) == len(EVENTS)
    for each in lines:
        validator.validate(each)
        assert ("tiers" in each["data"]) is (each in of_worth)
    for wrong in ({"recency": 6}, {"monetary": 0}, {"frequency": 1.5}, {"size": 1}):
        bad = json.loads(json.dumps(of_worth[-1]))
        bad["data"]["tiers"] |= wrong
        assert not validator.is_valid(bad), wrong


def test_what_was_exported_is_where_another_state_begins(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, file = f"{shop}/shop.yaml", f"{tmp_path}/worth.model"
    told(capsys, "models", "export", config, "worth", "--state", f"{shop}/state", "--out", file)
    told(capsys, "models", "import", config, "worth", file, "--state", f"{tmp_path}/warm")
    lines = [json.loads(line)["data"] for line in replay(tmp_path, "warm")]
    first = next(each for each in lines if each["model"] == "worth")
    assert first["tiers"] == {"recency": 1, "frequency": 1, "monetary": 1}
    show = ["models", "show", config, "worth", "--state", f"{tmp_path}/warm", "--json"]
    [report] = json.loads(told(capsys, *show))["models"].values()
    assert report["customers"] == 10, "those of the export count as customers of their own"


def test_other_parts_are_another_definition(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    swapped = CONFIG.replace(
        "frequency: orders, monetary: spent", "frequency: spent, monetary: orders"
    )
    assert swapped != CONFIG
    (tmp_path / "swapped.yaml").write_text(swapped)
    words = ["models", "show", f"{tmp_path}/swapped.yaml", "worth", "--state", f"{shop}/state"]
    said = told(capsys, *words, exit_code=1)
    assert "model worth has learned from last_order (instant), orders (number), spent" in said
