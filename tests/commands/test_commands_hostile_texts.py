"""Whatever events hold, nothing of it steers the terminal, and programs get it as it is."""

import json
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

from cartwheel.app import main
from replaying import NOW

BAD = "a\x1b[31mRED\x1b]0;title\x07\n\r\t\u202e\u009b31m\u2028\U000e0041\U0001f600/../../x"
"""Sequences that terminals obey, lines, other directions, what nobody sees, and a path."""
CONFIG = """
name: shop
session: {gap: 10m}
features: {views: {count: Product Viewed}, last: {last: properties.category}}
segments: {lookers: views >= 1}
models:
  m: {kind: logistic_regression, predicts: Order Completed, within: session, from: [last]}
triggers:
  cart: {on: Product Viewed, key: properties.category, after: 5m, payload: {x: last}}
  now: {on: Product Viewed, key: properties.category, payload: {x: last}}
consent: {default: allow, regions: {DE: allow}, region: context.region}
purposes: {profiling: Functional, triggers: {cart: Advertising}}
sinks: {files: out}
source: {files: in, follow: true}
"""


def event(minute: int, name: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "event": name,
        "userId": BAD,
        "messageId": f"{BAD}{minute}",
        "timestamp": f"2026-01-05T10:{minute:02d}:00Z",
        "properties": {"category": BAD},
        "context": {"region": BAD, "consent": {"categoryPreferences": {"Functional": True}}},
        **more,
    }


EVENTS = [
    event(0, "Product Viewed"),
    event(1, "Order Completed"),
    event(2, "Product Viewed"),
    event(3, "Product Viewed", userId=BAD + "\0"),
    event(4, BAD * 400),
    event(5, "Product Viewed", type=BAD, timestamp=BAD),
    event(40, "Product Viewed", userId="somebody"),
]


@pytest.fixture(scope="module", autouse=True)
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A state of these events; its folder is the current one."""
    with chdir(tmp_path_factory.mktemp("hostile")):
        Path("in").mkdir()
        Path("in/events.jsonl").write_text("".join(json.dumps(each) + "\n" for each in EVENTS))
        Path("shop.yaml").write_text(CONFIG)
        Path("new.yaml").write_text(CONFIG.replace("5m", "1m").replace("views >= 1", "views >= 2"))
        words = ["--events", "in", "--out", "out", "--state", "state", "--now", NOW]
        assert main(["replay", "shop.yaml", *words]) == 0
        yield


COMMANDS = {
    "explain": (["explain", "shop.yaml", "--state", "state", BAD], 0),
    "explain, as JSON": (["explain", "shop.yaml", "--state", "state", BAD, "--json"], 0),
    "explain, unknown": (["explain", "shop.yaml", "--state", "state", BAD + "?"], 1),
    "export": (["state", "export", BAD, "--state", "state"], 0),
    "export, unknown": (["state", "export", BAD + "?", "--state", "state"], 1),
    "export, with a zero byte": (["state", "export", BAD + "\0", "--state", "state"], 0),
    "forget": (["state", "forget", BAD, "--state", "state"], 0),
    "forget, as JSON": (["state", "forget", BAD + "\0", "--state", "state", "--json"], 0),
    "no state": (["state", "forget", "somebody", "--state", BAD], 1),
    "info": (["state", "info", "state"], 0),
    "info, as JSON": (["state", "info", "state", "--json"], 0),
    "models": (["models", "show", "shop.yaml", "--state", "state"], 0),
    "models, as JSON": (["models", "show", "shop.yaml", "--state", "state", "--json"], 0),
    "dead letters": (["dead-letters", "shop.yaml"], 0),
    "dead letters, as JSON": (["dead-letters", "shop.yaml", "--json"], 0),
    "diff, as JSON": (["diff", "shop.yaml", "new.yaml", "--events", "in", "--json"], 0),
}


def test_programs_get_texts_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    for name, path in {
        "explain, as JSON": ["features", "last", "value"],
        "export": ["customer"],
    }.items():
        capsys.readouterr()
        assert main(COMMANDS[name][0]) == 0
        told = json.loads(capsys.readouterr().out)
        for part in path:
            told = told[part]
        assert told == BAD


def test_no_command_prints_what_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    for name, (words, code) in COMMANDS.items():
        assert main(words) == code, name
        for printed in capsys.readouterr():
            found = {each for each in printed if not (each.isprintable() or each == "\n")}
            assert not found, (name, found)
            if name.endswith("JSON") and printed:
                json.loads(printed)
