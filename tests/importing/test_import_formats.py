"""The built-in formats, on recorded logs."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., Any]
"""Runs one import and gives its outcome: exit_code, stderr and events."""

SHOP = Path(__file__).parents[2] / "examples" / "shop"


def in_time_order(events: list[dict[str, Any]]) -> bool:
    times = [event["timestamp"] for event in events]
    return times == sorted(times)


def names(events: list[dict[str, Any]]) -> Counter[str]:
    return Counter(event["event"] for event in events)


def test_otto_gives_one_event_for_each_item_of_a_session(run_import: Run) -> None:
    outcome = run_import("otto", SHOP / "otto-sessions.jsonl")
    assert outcome.exit_code == 0
    assert names(outcome.events) == {
        "Product Viewed": 800,
        "Product Added": 52,
        "Order Completed": 10,
    }
    assert in_time_order(outcome.events)
    assert len({event["userId"] for event in outcome.events}) == 20
    assert len({event["messageId"] for event in outcome.events}) == 862


def test_an_otto_event_in_full(run_import: Run, tmp_path: Path) -> None:
    log = tmp_path / "otto.jsonl"
    log.write_text('{"session":7,"events":[{"aid":305831,"ts":1659370027105,"type":"orders"}]}\n')
    (event,) = run_import("otto", log).events
    assert len(event.pop("messageId")) == 32
    assert event == {
        "type": "track",
        "event": "Order Completed",
        "userId": "7",
        "timestamp": "2022-08-01T16:07:07.105Z",
        "properties": {"product_id": "305831", "quantity": 1},
    }


def test_items_ordered_together_are_events_of_their_own(run_import: Run, tmp_path: Path) -> None:
    log = tmp_path / "otto.jsonl"
    log.write_text(
        '{"session":0,"events":[{"aid":1,"ts":1659370027105,"type":"orders"},'
        '{"aid":2,"ts":1659370027105,"type":"orders"}]}\n'
    )
    events = run_import("otto", log).events
    assert [event["properties"]["product_id"] for event in events] == ["1", "2"]
    assert events[0]["messageId"] != events[1]["messageId"]


def test_the_example_events_are_what_the_command_makes_of_the_example_sessions(
    run_import: Run, tmp_path: Path
) -> None:
    run_import("otto", SHOP / "otto-sessions.jsonl")
    made = (tmp_path / "out.jsonl").read_bytes()
    assert made == (SHOP / "events" / "otto.jsonl").read_bytes()


def test_the_otto_example_is_the_recorded_log_unchanged(recorded: Callable[[str], Path]) -> None:
    original = recorded("otto/sessions.jsonl").read_bytes()
    assert (SHOP / "otto-sessions.jsonl").read_bytes() == original


def test_rees46_rows_recorded_twice_get_the_same_message_id(
    run_import: Run, recorded: Callable[[str], Path]
) -> None:
    outcome = run_import("rees46", recorded("rees46/2019-Oct-head.csv.gz"))
    assert outcome.exit_code == 0
    # The file has 17,435 lines, the first being the header.
    assert names(outcome.events) == {
        "Product Viewed": 17_055,
        "Product Added": 165,
        "Order Completed": 214,
    }
    assert in_time_order(outcome.events)
    assert len(outcome.events) - len({event["messageId"] for event in outcome.events}) == 5


def test_a_rees46_event_leaves_out_what_the_log_leaves_empty(
    run_import: Run, recorded: Callable[[str], Path]
) -> None:
    first, second, *_ = run_import("rees46", recorded("rees46/2019-Oct-head.csv.gz")).events
    assert first["timestamp"] == "2019-10-01T00:00:00.000Z"
    assert first["properties"] == {
        "product_id": "44600062",
        "price": 35.79,
        "brand": "shiseido",
        "quantity": 1,
    }
    assert second["properties"]["category"] == "appliances.environment.water_heater"


def test_taobao_counts(run_import: Run, recorded: Callable[[str], Path]) -> None:
    outcome = run_import("taobao", recorded("taobao/UserBehavior.csv.gz"))
    assert outcome.exit_code == 0
    assert names(outcome.events) == {
        "Product Viewed": 85_773,
        "Product Added": 5_292,
        "Product Added to Wishlist": 2_959,
        "Order Completed": 2_144,
    }
    assert in_time_order(outcome.events)
    assert len({event["userId"] for event in outcome.events}) == 58_732


def test_the_wrong_format_is_noticed_at_the_header(
    run_import: Run, recorded: Callable[[str], Path]
) -> None:
    outcome = run_import("rees46", recorded("taobao/UserBehavior.csv.gz"))
    assert outcome.exit_code == 2
    assert 'UserBehavior.csv.gz:1: found the columns "543462", ' in outcome.stderr
    assert "another format" in outcome.stderr
