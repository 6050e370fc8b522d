"""`cartwheel state export`: one person's data, whole, of nobody else, and in words."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cartwheel.app import main
from replaying import PROJECT

CONFIG = """
name: shop
session:
  gap: 10m
  collect: {views: {count: Product Viewed}, seen: {distinct: properties.product_id}}
features:
  views_1h: {count: Product Viewed, over: 1h}
  last_view: {time: Product Viewed}
  viewed: {recent: properties.product_id, of: Product Viewed}
models:
  intent:
    kind: baseline
    predicts: Order Completed
    within: 1h
    at: [Product Viewed]
segments:
  lookers: views_1h >= 2
triggers:
  welcome: {on: Product Viewed, again: never}
  abandoned:
    on: Product Viewed
    key: properties.product_id
    after: 30m
    cancel: Order Completed
    payload: {place: event.properties.place}
"""
FROM_A_FILE = """
attributes:
  file: customers.csv
  customer: customer
  columns: {tier: text, store: text}
"""


def event(minute: int, customer: str, **properties: str) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "Product Viewed",
        "messageId": f"{customer}-{minute}",
        "userId": customer,
        "timestamp": f"2026-01-01T10:{minute:02d}:00.000Z",
        "properties": {"product_id": f"{customer}-p{minute}", **properties},
        "traits": {},
    }


EVENTS = [
    event(0, "anna", place="home"),
    {**event(0, "anna"), "type": "identify", "messageId": "anna-i", "traits": {"plan": "free"}},
    event(1, "bert", place="work"),
    event(2, "anna", place="train"),
]


def replay(folder: Path, events: Sequence[dict[str, Any]]) -> Path:
    config = CONFIG.replace("lookers: ", 'gold: attribute.tier == "gold"\n  lookers: ')
    of_file = FROM_A_FILE.replace("customers.csv", f"{folder}/customers.csv")
    (folder / "shop.yaml").write_text(config + of_file)
    (folder / "events.jsonl").write_text("".join(json.dumps(each) + "\n" for each in events))
    (folder / "customers.csv").write_text("customer,tier,store\nanna,gold,Mill Lane\nbert,,\n")
    words = ["--events", f"{folder}/events.jsonl", "--out", f"{folder}/out", "--json"]
    words += ["--state", f"{folder}/state", "--shards", "2"]
    assert main(["replay", f"{folder}/shop.yaml", *words]) == 0
    return folder


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return replay(tmp_path_factory.mktemp("exported"), EVENTS)


def exported(shop: Path, capsys: pytest.CaptureFixture[str], customer: str) -> Any:
    capsys.readouterr()
    assert main(["state", "export", customer, "--state", f"{shop}/state"]) == 0
    return json.loads(capsys.readouterr().out)


def test_what_is_known_of_a_person_is_told_in_words(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = exported(shop, capsys, "anna")
    assert told["customer"] == "anna"
    assert told["first_seen"] == "2026-01-01T10:00:00.000Z"
    assert told["time"] == told["last_seen"] == "2026-01-01T10:02:00.000Z"
    assert told["features"]["views_1h"] == 2
    assert told["features"]["last_view"] == "2026-01-01T10:02:00.000Z"
    assert told["features"]["viewed"] == ["anna-p0", "anna-p2"]
    assert told["attributes"] == {"tier": "gold", "store": "Mill Lane"}
    assert told["segments"]["lookers"] == {"in": True, "since": "2026-01-01T10:02:00.000Z"}
    assert told["segments"]["gold"]["in"] is True
    [session] = told["sessions"]
    assert session["collected"] == {"views": 2, "seen": 2}
    assert (session["start"], session["events"]) == ("2026-01-01T10:00:00.000Z", 3)
    assert {each["key"] for each in told["pending"]} == {"anna-p0", "anna-p2"}
    assert "sent" in [each["outcome"] for each in told["decisions"]]


def test_it_has_what_triggers_models_and_duplicates_remember(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = exported(shop, capsys, "anna")
    [score] = told["models"]["intent"]["scores"]
    assert score["time"] in {"2026-01-01T10:00:00.000Z", "2026-01-01T10:02:00.000Z"}
    profile, decide = told["stored"]["profile"], told["stored"]["decide"]
    assert list(profile["message_ids"]) == ["anna-0", "anna-i", "anna-2"]
    assert profile["latest"] == "2026-01-01T10:02:00.000Z"
    assert [name.partition(" = ")[0] for name in profile["features"]][:2] == [
        "views_1h",
        "last_view",
    ]
    instances = decide["cases"]["abandoned"]["instances"]
    places = [value for each in instances for value in each["event"].values()]
    assert places == ["home", "train"]
    assert instances[0]["due"] == "2026-01-01T10:30:00.000Z"


def test_it_has_nothing_of_anybody_else(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for one, other in (("anna", "bert"), ("bert", "anna")):
        text = json.dumps(exported(shop, capsys, one))
        assert f"{one}-p" in text
        assert other not in text


@pytest.mark.parametrize("customer", ["nobody", "", "\ud800"])
def test_of_whom_nothing_is_known_nothing_is_told(
    shop: Path, capsys: pytest.CaptureFixture[str], customer: str
) -> None:
    capsys.readouterr()
    assert main(["state", "export", customer, "--state", f"{shop}/state"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("cartwheel: nothing is known of the customer")


def test_where_there_is_no_state_it_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["state", "export", "anna", "--state", f"{tmp_path}/none"]) == 1
    assert "holds no state" in capsys.readouterr().err


def test_it_is_told_while_a_run_goes_on(tmp_path: Path) -> None:
    """From what was committed; the run is not disturbed."""
    (tmp_path / "in").mkdir()
    lines = "".join(json.dumps(each) + "\n" for each in EVENTS)
    (tmp_path / "in/events.jsonl").write_text(lines)
    source = "source: {files: in, follow: true}\nsinks: {files: out}\nepoch: {every: 300ms}\n"
    (tmp_path / "shop.yaml").write_text(CONFIG + source)
    command = [sys.executable, "-m", "cartwheel"]
    words = ["shop.yaml", "--state", "state", "--shards", "2"]
    environment = {"PYTHONPATH": str(PROJECT)}
    run = subprocess.Popen(
        [*command, "run", *words], cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL
    )
    try:
        told = None
        for _ in range(60):
            export = [*command, "state", "export", "bert", "--state", "state"]
            done = subprocess.run(
                export, cwd=tmp_path, env=environment, capture_output=True, timeout=60, check=False
            )
            if done.returncode == 0:
                told = json.loads(done.stdout)
                break
        assert run.poll() is None
    finally:
        run.terminate()
        run.wait(60)
    assert told
    assert told["features"]["viewed"] == ["bert-p1"]
    assert run.returncode == 0
