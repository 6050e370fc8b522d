"""The oracle of segments by hand: times are minutes, the whole of what changes is written out."""

from collections.abc import Mapping
from typing import Any

import pytest

from oracle import Rules, run
from oracle.writing import HOUR_MS, MINUTE_MS, NOW_MS, START_MS, event_line

Told = tuple[str, str, float, str, int]


def changes(
    lines: list[bytes],
    segments: Mapping[str, Any],
    features: Mapping[str, Any] | None = None,
    *,
    close: bool = True,
    then: tuple[int, Rules] | None = None,
    **others: Any,
) -> list[Told]:
    """Give segment, kind, minute, origin and number of each change of u1."""
    rules = Rules(features=features or {}, segments=segments, **others)
    expected = run(lines, rules, now_ms=NOW_MS, close=close, then=then)
    return [
        (one.segment, one.kind, (one.time - START_MS) / MINUTE_MS, one.origin, one.number)
        for one in expected.changes
        if one.customer == "u1"
    ]


def pages(*minutes: float) -> list[bytes]:
    return [event_line(minute, "page") for minute in minutes]


MS = 1 / MINUTE_MS


@pytest.mark.parametrize(
    ("condition", "kind", "minute"),
    [
        ("since(seen) > 5m", "entered", 5 + MS),
        ("since(seen) >= 5m", "entered", 5),
        ("since(seen) < 5m", "left", 5),
        ("since(seen) <= 5m", "left", 5 + MS),
    ],
)
def test_c1_a_limit_passes_at_its_own_time(condition: str, kind: str, minute: float) -> None:
    told = changes(pages(0), {"s": condition}, {"seen": {"time": "page"}})
    assert told[-1] == ("s", kind, pytest.approx(minute, abs=MS / 10), "timer", len(told))


def test_a_window_lets_go_of_an_event_with_its_pane() -> None:
    told = changes(pages(0.5), {"s": "views > 0"}, {"views": {"count": "page", "over": "1h"}})
    assert told == [("s", "entered", 0.5, "event", 1), ("s", "left", 61, "timer", 2)]


def test_a_session_is_missing_a_millisecond_after_its_gap() -> None:
    told = changes(pages(0, 30), {"s": "session.events > 1"})
    assert told == [
        ("s", "entered", 30, "event", 1),
        ("s", "left", pytest.approx(60 + MS, abs=MS / 10), "timer", 2),
    ]


def test_for_and_hold_wait_and_what_turns_back_starts_again() -> None:
    segment = {"when": "seen is not missing and since(seen) < 10m", "for": "5m", "hold": "20m"}
    told = changes(pages(0, 3, 25, 32, 100), {"s": segment}, {"seen": {"time": "page"}})
    assert told == [
        ("s", "entered", 5, "timer", 1),
        ("s", "left", 62, "timer", 2),
        ("s", "entered", 105, "timer", 3),
        ("s", "left", 130, "timer", 4),
    ]


def test_who_is_to_leave_does_not_enter() -> None:
    segment = {"enter": "views >= 1", "leave": "views >= 2"}
    told = changes(pages(0, 1, 2), {"s": segment}, {"views": {"count": "page"}})
    assert told == [("s", "entered", 0, "event", 1), ("s", "left", 1, "event", 2)]


def test_a_segment_changes_with_another_that_it_names() -> None:
    segments = {"one": "views == 1", "not_one": "not segment.one"}
    told = changes(pages(0, 1), segments, {"views": {"count": "page"}})
    assert told == [
        ("one", "entered", 0, "event", 1),
        ("one", "left", 1, "event", 2),
        ("not_one", "entered", 1, "event", 1),
    ]


def test_out_of_order_a_look_is_taken_at_the_customers_clock() -> None:
    told = changes(
        pages(10, 5), {"s": "views == 2"}, {"views": {"count": "page"}}, disorder_ms=HOUR_MS
    )
    assert told == [("s", "entered", 10, "event", 1)]


def test_the_forgotten_leave_everything_and_start_from_nothing() -> None:
    lines = [*pages(0), event_line(200, "page", customer="u2"), *pages(300)]
    told = changes(lines, {"s": "views == 1"}, {"views": {"count": "page"}}, retention_ms=HOUR_MS)
    assert told == [
        ("s", "entered", 0, "event", 1),
        ("s", "left", 60, "timer", 2),
        ("s", "entered", 300, "event", 1),
    ]


@pytest.mark.parametrize("close", [False, True])
def test_what_lies_at_the_watermark_has_not_happened(*, close: bool) -> None:
    lines = [*pages(0), event_line(5, "page", customer="u2")]
    features = {"seen": {"time": "page"}}
    told = changes(lines, {"s": "since(seen) >= 5m"}, features, close=close, disorder_ms=0)
    assert told == ([("s", "entered", 5, "timer", 1)] if close else [])


def test_a_change_of_rules_asks_anew_at_the_watermark_and_what_is_gone_is_left() -> None:
    features = {"views": {"count": "page"}, "kept": {"count": "page"}}
    segments = {"gone": "views > 0", "same": "kept > 0", "altered": "views > 0"}
    after = Rules(
        features={"views": {"count": "page", "over": "24h"}, "kept": {"count": "page"}},
        segments={"same": "kept > 0", "altered": "views > 0", "new": "kept > 1"},
        disorder_ms=0,
    )
    lines = [*pages(0, 1), event_line(7, "page", customer="u2"), *pages(9)]
    told = changes(lines, segments, features, close=False, then=(3, after), disorder_ms=0)
    assert told[3:] == [
        ("gone", "left", 7, "reconcile", 2),
        ("altered", "left", 7, "reconcile", 2),
        ("new", "entered", 7, "reconcile", 1),
        ("altered", "entered", 9, "event", 3),
    ]
