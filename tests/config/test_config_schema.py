"""The JSON Schema of the config file: what is right fits, and what is plainly wrong does not."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from cartwheel.app import main
from config import config_schema
from config.explain import keys_at

ROOT = Path(__file__).parents[2]
VALIDATOR = Draft202012Validator(config_schema())
CONFIGS = sorted(
    path
    for path in (ROOT / "examples").rglob("*.yaml")
    if "scenarios" not in f"{path.parent.name}/{path.stem}"
)


def read(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(config_schema())
    assert config_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_the_examples_fit(path: Path) -> None:
    VALIDATOR.validate(read(path.read_text()))


def test_examples_are_found() -> None:
    assert {"shop.yaml", "live.yaml"} <= {path.name for path in CONFIGS}


LR = "{kind: logistic_regression, predicts: A, within: session, from: [a]"
RIVER = "{kind: a.B, predicts: {sum: traits.a, of: A}, within: 1h, at: [A], from: [a]"
RIGHT = [
    "{}",
    "retention: ${DAYS}",
    "state: {cache: '${CACHE}', compression: '${HOW:-lz4}'}",
    "source: {files: [a, b], order: name, follow: false}",
    "triggers: {t: {on: A, cancel: [B], again: 1h, key: properties.a, restart: false}}",
    "triggers: {t: {on: any, where: a > 1, when: b, enabled: false, priority: 5, tags: [a]}}",
    "triggers: {t: {on: {enter: a}, cancel: {leave: a}, expires: 1h, retract: 1h, channel: sms}}",
    "triggers: {t: {on: {session: closed}, cancel: [A, {on: B, where: a > 1}, {enter: b}]}}",
    "triggers: {t: {on: A, then: [{after: 1h}, {after: 1d, when: a, cancel: B, channel: c}]}}",
    "triggers: {t: {on: A, payload: {a: b, c: {template: '{{ d }}'}, e: 5, f: true, g: 0.5}}}",
    "limits: [{at_most: 1, per: day, zone: UTC}, {channel: a, tag: b, at_most: 2, per: 7d}]",
    "quiet_hours: {from: '21:00', to: '08:00', zone: Europe/Berlin, then: drop}",
    "holdout: 5%",
    "holdout: {share: 0.25%, salt: x}",
    "features: {a: {count: any, over: 1h, pane: 1m}, b: {last: traits.a, of: A}}",
    "segments: {a: x > 5, b: {when: x > 5, hold: 1h}, c: {enter: x > 5, leave: x < 2, for: 1h}}",
    "attributes: {file: a, customer: b, columns: {c: number}}",
    "models: {m: {kind: baseline, predicts: no A, within: 30d}}",
    "models: {m: {kind: baseline, predicts: A, within: '${W}', threshold: '${T}', step: 5m}}",
    "models: {m: {kind: logistic_regression, predicts: A, within: session, from: [a], at: [A]}}",
    f"models: {{m: {LR}, emit: {{moves: 0.5}}, parameters: {{l1: 1, categories: hashed}}}}}}",
    f"models: {{m: {LR}, parameters: {{class_weight: {{positive: 2}}, at_most: 5}}}}}}",
    f"models: {{m: {RIVER}, parameters: {{delta: 0.1, b: true, c: [x, null]}}, shadow: true}}}}",
    "models: {m: {kind: rfm, from: {recency: a, frequency: b, monetary: c}, at: [A], step: 1h}}",
    "http: {port: 0}",
    "epoch: {max_bytes: 64KB}",
]
WRONG = [
    "retension: 5d",
    "retention: 5",
    "retention: soon",
    "time: {disorder: 5m30s}",
    "source: {files: a, order: tme}",
    "state: {cache: 5}",
    "state: {compression: true}",
    "http: {host: a}",
    "triggers: {a b: {on: A}}",
    "triggers: {t: {}}",
    "triggers: {t: {on: A, key: cart_id}}",
    "triggers: {t: {on: 5}}",
    "triggers: {t: {on: {}}}",
    "triggers: {t: {on: {enter: a, leave: b}}}",
    "triggers: {t: {on: {session: open}}}",
    "triggers: {t: {on: A, cancel: {entre: a}}}",
    "triggers: {t: {on: A, cancel: {where: a}}}",
    "triggers: {t: {on: A, then: [{when: a}]}}",
    "triggers: {t: {on: A, then: [{after: 1h, key: traits.a}]}}",
    "triggers: {t: {on: A, priority: 1001}}",
    "triggers: {t: {on: A, tags: a}}",
    "triggers: {t: {on: A, expires: soon}}",
    "triggers: {t: {on: A, payload: [a]}}",
    "triggers: {t: {on: A, payload: {a: [b]}}}",
    "triggers: {t: {on: A, payload: {a: {tmplate: b}}}}",
    "limits: {at_most: 1, per: day}",
    "limits: [{at_most: 1}]",
    "limits: [{at_most: 0, per: day}]",
    "limits: [{at_most: 1, per: month}]",
    "quiet_hours: {from: '21:00'}",
    "quiet_hours: {from: '21:00', to: '24:00'}",
    "quiet_hours: {from: '21:00', to: '08:00', then: wait}",
    "holdout: 5",
    "holdout: half",
    "holdout: {salt: a}",
    "features: {a: {kount: A}}",
    "features: {a: {of: A}}",
    "features: {a: {count: A, sum: properties.a}}",
    "features: {a: {count: A, of: B}}",
    "features: {a: {rate: A, over: 1h}}",
    "features: {a: {mean: traits.a, half_life: 7d}}",
    "features: {a: {count: A, over: 1h, per: 1d}}",
    "features: {a: {count: A, pane: 1m}}",
    "features: {a: {count: A, per: 2d}}",
    "features: {a: {recent: traits.a, at_most: 101}}",
    "features: {Ab: {count: A}}",
    "session: {collect: {a: {count: A, over: 1h}}}",
    "segments: {a: true}",
    "segments: {a: {for: 5m}}",
    "segments: {a: {enter: x > 5}}",
    "segments: {a: {when: x > 5, leave: x > 5}}",
    "models: {m: {kind: baseline, within: 1h}}",
    "models: {m: {kind: baseline, predicts: A, within: soon}}",
    "models: {m: {kind: baseline, predicts: {sum: a, of: A}, within: 1h}}",
    "models: {m: {kind: tree, predicts: A, within: 1h, at: [A], from: [a]}}",
    "models: {m: {kind: tree.A, predicts: A, within: 1h, from: [a]}}",
    "models: {m: {kind: tree.A, predicts: A, within: 1h, at: [A], from: [a], parameters: [a]}}",
    "models: {m: {kind: logistic_regression, predicts: A, within: 1h}}",
    "models: {m: {kind: logistic_regression, predicts: A, within: 1h, from: []}}",
    "models: {m: {kind: baseline, predicts: A, within: 1h, threshold: 1}}",
    "models: {m: {kind: baseline, predicts: A, within: 1h, emit: {moves: 0}}}",
    "models: {m: {kind: rfm, from: [a]}}",
    "models: {m: {kind: rfm, from: {recency: a, frequency: b}}}",
    "models: {m: {kind: rfm, from: {recency: a, frequency: b, monetary: c}, predicts: A}}",
    "models: {M: {kind: baseline, predicts: A, within: 1h}}",
    "attributes: {file: a, columns: {c: number}}",
    "attributes: {file: a, customer: b, columns: {c: string}}",
]


@pytest.mark.parametrize("text", RIGHT)
def test_what_is_right_fits(text: str) -> None:
    VALIDATOR.validate({"name": "shop", **read(text)})


@pytest.mark.parametrize("text", WRONG)
def test_what_is_plainly_wrong_does_not(text: str) -> None:
    assert not VALIDATOR.is_valid({"name": "shop", **read(text)})
    assert not VALIDATOR.is_valid(read(text)), "the name is missing as well"


def test_an_editor_is_told_of_every_key_and_of_nothing_inside() -> None:
    schema = config_schema()
    assert set(schema["properties"]) == set(keys_at(()))
    assert set(schema["$defs"]["SumFeature"]["properties"]) == set(
        keys_at(("features", "x", "<sum>"))
    )
    text = json.dumps(schema)
    assert "default" not in schema["properties"]["retention"]
    assert "``" not in text
    assert "None" not in text
    assert "milliseconds" not in text


def test_the_command_prints_it_or_writes_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["schemas", "--config"]) == 0
    assert json.loads(capsys.readouterr().out) == config_schema()
    assert main(["schemas", "--config", "--out", str(tmp_path / "new")]) == 0
    written = tmp_path / "new" / "config.schema.json"
    assert capsys.readouterr().out == f"{written}\n"
    assert json.loads(written.read_text()) == config_schema()


@pytest.mark.parametrize("words", [(), ("shop.yaml", "--config")])
def test_the_command_wants_one_of_two(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["schemas", *words]) == 2
    assert "either CONFIG or --config" in capsys.readouterr().err
