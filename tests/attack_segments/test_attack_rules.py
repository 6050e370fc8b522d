"""Rules and values that have once stopped a worker or a command, or misled whoever asked."""

import json
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from cartwheel.app import main
from config import ConfigError, load
from flows.job import plans_of
from oracle.writing import NOW_MS, event_line
from simulation import Outcome, Simulation

MORE_THAN_A_CENTURY = ["900d * 1000", "-900d * 1000", "36500d + 1ms", "36500d / 0.5"]


def written(folder: Path, **rules: Any) -> Path:
    """Write a config."""
    path = folder / "shop.yaml"
    path.write_text(json.dumps({"name": "shop", **rules}))
    return path


def run_on(config: Path, raw: Sequence[bytes]) -> Outcome:
    """Let the events through, and then move the clock past everything."""
    plans = plans_of(load(config))
    run = Simulation(raw, *plans, shards=1, now_ms=NOW_MS, close=True)
    return run.run(cycle([1]))


def changes(outcome: Outcome) -> list[tuple[str, str, str]]:
    """Say who has entered and left what, when."""
    read = [json.loads(line) for line in outcome.lines.get("segments", [])]
    return [(each["type"].split(".")[-1], each["data"]["segment"], each["time"]) for each in read]


@pytest.mark.parametrize(
    ("kind", "value"), [("sum", 9), ("mean", 3), ("min", 2), ("max", 4)], ids=str
)
@pytest.mark.parametrize("window", [{}, {"over": "24h"}, {"since": "Order Completed"}], ids=str)
def test_what_is_no_number_is_passed_over_by_features_of_numbers(
    kind: str, value: int, window: dict[str, str], tmp_path: Path
) -> None:
    """The field may be of any type, as only coalesce() looks at it."""
    feature = {kind: "coalesce(properties.price, properties.worth)", **window}
    config = written(tmp_path, features={"f": feature}, segments={"s": f"f == {value}"})
    prices: list[Any] = ["free", 2, True, "", 3, "9", 4]
    raw = [event_line(minute, "page", price=price) for minute, price in enumerate(prices)]
    outcome = run_on(config, raw)
    assert outcome.counts["dead_letters"] == 0
    assert ("entered", "s", "2026-01-01T10:06:00.000Z") in changes(outcome) or kind == "min"
    assert ("entered", "s", "2026-01-01T10:01:00.000Z") in changes(outcome) or kind != "min"


def test_a_number_is_taken_of_items_only_where_there_is_one(tmp_path: Path) -> None:
    feature = {"sum": "coalesce(properties.products[].price, properties.products[].worth)"}
    config = written(tmp_path, features={"f": feature}, segments={"s": "f == 5"})
    items = [{"price": "free"}, {"price": 2}, {"worth": 3}, {"worth": "much"}, {}, None]
    outcome = run_on(config, [event_line(0, "page", products=items)])
    assert changes(outcome)[0] == ("entered", "s", "2026-01-01T10:00:00.000Z")


@pytest.mark.parametrize("limit", MORE_THAN_A_CENTURY)
def test_a_limit_beyond_the_calendar_is_no_rule(limit: str, tmp_path: Path) -> None:
    """It would pass at a time that cannot be written."""
    condition = f"since(f) > {limit}"
    config = written(tmp_path, features={"f": {"time": "any"}}, segments={"s": condition})
    with pytest.raises(ConfigError, match="more than a hundred years"):
        load(config)


def test_the_longest_limit_passes_in_a_hundred_years(tmp_path: Path) -> None:
    segments = {"s": "since(f) >= 36500d", "t": "since(f) > 36499d + 24h"}
    config = written(tmp_path, features={"f": {"time": "any"}}, segments=segments)
    assert changes(run_on(config, [event_line(0, "page")])) == [
        ("entered", "s", "2125-12-08T10:00:00.000Z"),
        ("entered", "t", "2125-12-08T10:00:00.001Z"),
    ]


def test_explain_steers_no_terminal_and_finds_no_name_that_is_no_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "\x1b[31m\u202e[red]\n"
    config = written(
        tmp_path,
        retention="10d",
        features={"seen": {"time": "any"}},
        segments={
            "s": 'trait.plan == "gold"',
            "away": "since(seen) > 9d",
            "gone": "since(seen) > 10d",
        },
        triggers={"t": {"on": "page", "key": "properties.cart", "after": "30m"}},
    )
    events = tmp_path / "events.jsonl"
    identify = {"userId": evil, "type": "identify", "timestamp": "2026-01-01T10:00:00Z"}
    page = identify | {"type": "page", "messageId": evil, "properties": {"cart": evil}}
    lines = [identify | {"traits": {"plan": evil}}, page, page | {"messageId": "m"}]
    events.write_text("".join(json.dumps(line) + "\n" for line in lines))
    told = [str(config), "--state", str(tmp_path / "state")]
    out = ["--events", str(events), "--out", str(tmp_path / "out")]
    assert main(["replay", *told, *out]) == 0
    capsys.readouterr()

    assert main(["explain", told[0], evil, *told[1:]]) == 0
    shown = capsys.readouterr().out
    assert shown.count("\\x1b[31m\\u202e[red]\\n") >= 3
    assert not {"\x1b", "\u202e"} & set(shown)

    assert main(["explain", told[0], evil, *told[1:], "--json"]) == 0
    segments = json.loads(capsys.readouterr().out)["segments"]
    assert segments["away"]["next"] == {"time": "2026-01-10T10:00:00.001Z", "enters": True}
    assert segments["gone"]["next"] is None, "the customer is forgotten before"

    assert main(["explain", told[0], "\udcff", *told[1:]]) == 1
    assert "nothing is known of the customer '\\udcff'" in capsys.readouterr().err
