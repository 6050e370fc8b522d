"""`cartwheel explain`: what it says of a customer, and that the prophecies come true."""

import json
from pathlib import Path
from typing import Any

import pytest
from replayed_shop import replay

from cartwheel.app import main
from cartwheel.explain import _duration

CONFIG = """
name: shop
session: {gap: 10m, collect: {views: {count: Product Viewed}}}
features:
  views_1h: {count: Product Viewed, over: 1h}
  last_order: {time: Order Completed}
  viewed: {recent: properties.product_id, of: Product Viewed}
segments:
  lookers: views_1h >= 2
  fresh: last_order is missing or since(last_order) > 2h
  visiting: session.views > 0
  patient: {enter: views_1h >= 1, leave: views_1h == 0, for: 20m, hold: 5m}
triggers:
  abandoned: {on: Product Viewed, key: properties.product_id, after: 30m, cancel: Order Completed}
"""


def event(minute: int, name: str = "Product Viewed", customer: str = "u1") -> dict[str, Any]:
    return {
        "type": "track",
        "event": name,
        "messageId": f"{customer}-{minute}-{name}",
        "userId": customer,
        "timestamp": f"2026-01-01T{10 + minute // 60:02d}:{minute % 60:02d}:00.000Z",
        "properties": {"product_id": f"p{minute}"} if name == "Product Viewed" else {},
    }


EVENTS = [event(0), event(5), event(20, "Order Completed"), event(25), event(26, customer="u2")]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("explained")
    replay(folder, CONFIG, EVENTS)
    return folder


def explained(shop: Path, capsys: pytest.CaptureFixture[str], customer: str = "u1") -> Any:
    capsys.readouterr()
    words = ["explain", f"{shop}/shop.yaml", "--state", f"{shop}/state", customer, "--json"]
    assert main(words) == 0
    return json.loads(capsys.readouterr().out)


def test_each_segment_says_whether_since_when_and_why(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = explained(shop, capsys)
    lookers = told["segments"]["lookers"]
    assert (lookers["in"], lookers["since"]) == (True, "2026-01-01T10:05:00.000Z")
    assert lookers["condition"]["text"] == "views_1h >= 2"
    assert lookers["condition"]["value"] is True
    assert [(leaf["text"], leaf["value"]) for leaf in lookers["condition"]["children"]] == [
        ("views_1h", 3)
    ]
    assert told["segments"]["fresh"]["in"] is False
    assert told["segments"]["patient"]["in"] is True
    assert told["segments"]["patient"]["leave"]["value"] is False


def test_each_feature_has_its_value(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = explained(shop, capsys)
    assert {name: each["value"] for name, each in told["features"].items()} == {
        "views_1h": 3,
        "last_order": "2026-01-01T10:20:00.000Z",
        "viewed": ["p0", "p5", "p25"],
        "session.views": 1,
    }


def test_what_is_pending_and_what_was_decided(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = explained(shop, capsys)
    assert told["pending"] == [
        {
            "trigger": "abandoned",
            "key": "p25",
            "step": 1,
            "started": "2026-01-01T10:25:00.000Z",
            "due": "2026-01-01T10:55:00.000Z",
            "held_until": None,
            "cause": ["u1-25-Product Viewed"],
            "cancelled_by": ["Order Completed"],
            "restarted_by": "Product Viewed",
        }
    ]
    assert told["decisions"] == [
        {
            "time": "2026-01-01T10:20:00.000Z",
            "trigger": "abandoned",
            "key": key,
            "step": 1,
            "outcome": "cancelled",
            "reason": None,
            "limit": None,
            "cause": [f"u1-{key[1:]}-Product Viewed", "u1-20-Order Completed"],
        }
        for key in ("p5", "p0")
    ]


def test_a_message_that_a_limit_held_back_names_the_limit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    limits = "limits:\n  - {at_most: 9, per: day}\n  - {at_most: 1, per: 48h, trigger: abandoned}\n"
    events = [event(0), event(5), event(50, "page")]
    replay(tmp_path, CONFIG + limits, events)
    told = explained(tmp_path, capsys)["decisions"]
    assert [(each["outcome"], each["limit"]) for each in told] == [
        ("suppressed", "at most 1 per 2d, trigger abandoned"),
        ("sent", None),
    ]
    assert main(["explain", f"{tmp_path}/shop.yaml", "--state", f"{tmp_path}/state", "u1"]) == 0
    assert "suppressed, limit (at most 1 per 2d, trigger abandoned)" in capsys.readouterr().out


def test_the_next_change_by_itself_is_the_one_that_comes(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    foretold = {
        (name, each["next"]["time"], each["next"]["enters"])
        for name, each in explained(shop, capsys)["segments"].items()
        if each["next"]
    }
    replay(tmp_path, CONFIG, EVENTS, "--close")
    lines = [json.loads(line) for line in (tmp_path / "out/segments.jsonl").open()]
    later = [
        each for each in lines if each["subject"] == "u1" and each["time"] > "2026-01-01T10:26"
    ]
    first: dict[str, tuple[str, str, bool]] = {}
    for each in later:
        name = each["data"]["segment"]
        first.setdefault(name, (name, each["time"], each["type"].endswith("entered")))
    assert foretold == set(first.values())
    assert len(foretold) == 4


def test_the_text_shows_the_same(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["explain", f"{shop}/shop.yaml", "--state", f"{shop}/state", "u1"]) == 0
    text = capsys.readouterr().out
    for part in (
        "in lookers since 2026-01-01T10:05:00.000Z",
        "not in fresh since 2026-01-01T10:20:00.000Z",
        "enters by itself at 2026-01-01T12:20:00.001Z, if no event comes first",
        "3  views_1h",
        "abandoned",
        '["p0","p5","p25"]',
    ):
        assert part in text


def test_rules_that_have_not_run_yet_are_explained_as_they_will_be(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = tmp_path / "changed.yaml"
    changed.write_text(CONFIG.replace("views_1h >= 2", "views_1h >= 9"))
    words = ["explain", str(changed), "--state", f"{shop}/state", "u1", "--json"]
    assert main(words) == 0
    lookers = json.loads(capsys.readouterr().out)["segments"]["lookers"]
    assert (lookers["in"], lookers["condition"]["value"]) == (False, False)
    assert explained(shop, capsys)["segments"]["lookers"]["in"] is True  # nothing was changed


def test_an_unknown_customer_fails(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", f"{shop}/shop.yaml", "--state", f"{shop}/state", "nobody"]) == 1
    assert "nothing is known of the customer 'nobody'" in capsys.readouterr().err


def test_another_config_is_refused(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.yaml").write_text("name: other\n")
    assert main(["explain", f"{tmp_path}/other.yaml", "--state", f"{shop}/state", "u1"]) == 2
    assert "belongs to the config 'shop', not to 'other'" in capsys.readouterr().err


def test_one_segment_may_be_asked_for(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    words = ["explain", f"{shop}/shop.yaml", "--state", f"{shop}/state", "u1", "--segment"]
    assert main([*words, "lookers"]) == 0
    text = capsys.readouterr().out
    assert "in lookers" in text
    assert not any(part in text for part in ("fresh", "decisions", "features", "pending"))
    assert main([*words, "lookers", "--segment", "fresh", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["segments"]) == ["lookers", "fresh"]
    assert main([*words, "lokers"]) == 2
    error = capsys.readouterr().err
    assert "has no segment 'lokers'; did you mean \"lookers\"?" in error


@pytest.mark.parametrize(
    ("duration_ms", "text"),
    [
        (0, "0s"),
        (1, "0.001s"),
        (59_999, "59.999s"),
        (60_000, "1m"),
        (183_845_006, "2d 3h 4m 5.006s"),
        (-3_600_000, "-1h"),
        (10**17 + 1, "1157407407d 9h 46m 40.001s"),
        (0.5, "0.0005s"),
    ],
)
def test_durations_are_written_as_conditions_have_them(duration_ms: float, text: str) -> None:
    assert _duration(duration_ms) == text
