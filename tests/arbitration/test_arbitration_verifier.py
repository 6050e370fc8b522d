"""The verifier itself: a true replay passes, and each kind of untruth is found."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from arbitration_clocks import is_quiet, local_period, quiet_end
from arbitration_records import written
from arbitration_rules import Quiet
from arbitration_verifier import verify
from arbitration_written import (
    ADDED,
    ASKED,
    CART,
    CART_NEXT,
    COUPON,
    DROPPED,
    FREE,
    HELD,
    HELD_OUT,
    HIGH,
    LATE_ADDED,
    LOW,
    NOW,
    NOW_TOO,
    OFF,
    VIEWED,
    End,
    at,
    judged,
    record,
    write,
)

TRUE = {
    "the higher one goes first": (VIEWED, [HIGH, LOW]),
    "the limit's window has passed": (
        f"{VIEWED}, 10:40 Product Viewed",
        [
            *(HIGH, LOW),
            End("high", "10:40", "10:50", "sent"),
            End("low", "10:40", "10:50", "suppressed limit"),
        ],
    ),
    "one step after the other": (ADDED, [CART, CART_NEXT]),
    "cancelled at the due time": (
        f"{ADDED}, 12:20 Order Completed",
        [replace(CART, outcome="cancelled")],
    ),
    "a further start supersedes": (
        f"{ADDED}, 12:20 Product Added/c1, 12:30 Order Completed",
        [
            replace(CART, outcome="superseded"),
            End("cart", "12:20", "12:40", "cancelled", "12:30", key="c1"),
        ],
    ),
    "held out": (
        f"{VIEWED}@{HELD_OUT}",
        [
            replace(HIGH, customer=HELD_OUT, outcome="suppressed holdout"),
            replace(LOW, customer=HELD_OUT),
        ],
    ),
    "again is soon": (
        f"{DROPPED}, 10:30 Price Dropped, 11:00 Price Dropped",
        [
            *(NOW_TOO, NOW),
            End("now_too", "10:30", "10:30", "suppressed limit"),
            End("now", "10:30", "10:30", "suppressed again"),
            End("now_too", "11:00", "11:00", "suppressed limit"),
            End("now", "11:00", "11:00", "sent"),
        ],
    ),
    "a day in Tokyo begins at 15:00": (
        f"{DROPPED}, 15:00 Price Dropped",
        [
            NOW_TOO,
            NOW,
            End("now_too", "15:00", "15:00", "sent"),
            End("now", "15:00", "15:00", "sent"),
        ],
    ),
    "paused": (COUPON, [OFF, replace(ASKED, outcome="suppressed when")]),
    "held until the morning": (
        "22:30 Price Dropped",
        [
            End("now_too", "22:30", "22:30", "sent", "30:00"),
            End("now", "22:30", "22:30", "sent", "30:00"),
        ],
    ),
    "expired": (LATE_ADDED, [HELD]),
    "a start while one waits opens nothing": (
        "10:00 Cart Viewed, 10:05 Cart Viewed, 10:06 Cart Viewed",
        [
            End("once", "10:00", "10:05", "sent"),
            End("once", "10:06", "10:11", "suppressed again"),
        ],
    ),
}

UNTRUE = {
    "limit": [
        (VIEWED, [HIGH, replace(LOW, outcome="sent")]),
        (ADDED, [CART, replace(CART_NEXT, outcome="suppressed limit")]),
    ],
    "priority": [
        (VIEWED, [replace(HIGH, outcome="suppressed limit"), replace(LOW, outcome="sent")])
    ],
    "again": [
        (
            f"{DROPPED}, 10:59 Price Dropped",
            [
                *(NOW_TOO, NOW),
                End("now_too", "10:59", "10:59", "suppressed limit"),
                End("now", "10:59", "10:59", "sent"),
            ],
        ),
        (DROPPED, [NOW_TOO, replace(NOW, outcome="suppressed again")]),
    ],
    "holdout": [
        (VIEWED, [replace(HIGH, outcome="suppressed holdout"), LOW]),
        (
            f"{VIEWED}@{HELD_OUT}",
            [replace(HIGH, customer=HELD_OUT), replace(LOW, customer=HELD_OUT)],
        ),
        (  # it is too soon for it anyway, and that is the first refusal
            f"{VIEWED}@{HELD_OUT}",
            [
                replace(HIGH, customer=HELD_OUT, outcome="suppressed holdout"),
                replace(LOW, customer=HELD_OUT, outcome="suppressed holdout"),
            ],
        ),
    ],
    "quiet_hours": [
        (
            "22:30 Price Dropped",
            [
                End("now_too", "22:30", "22:30", "sent"),
                End("now", "22:30", "22:30", "sent", "30:00"),
            ],
        ),
        (VIEWED, [replace(HIGH, outcome="suppressed quiet_hours"), replace(LOW, outcome="sent")]),
    ],
    "time": [
        (
            "22:30 Price Dropped",
            [
                End("now_too", "22:30", "22:30", "sent", "30:01"),
                End("now", "22:30", "22:30", "sent", "30:00"),
            ],
        ),
        (VIEWED, [replace(HIGH, time="10:11"), replace(LOW, outcome="sent")]),
        (
            LATE_ADDED,
            [
                replace(HELD, outcome="sent", time="30:00"),
                replace(CART_NEXT, started="21:50", due="31:00"),
            ],
        ),
    ],
    "expired": [
        (LATE_ADDED, [replace(HELD, time="28:11")]),
        (ADDED, [replace(CART, outcome="expired", time="18:20")]),
    ],
    "when": [
        (COUPON, [OFF, ASKED]),
        (VIEWED, [replace(HIGH, outcome="suppressed when"), replace(LOW, outcome="sent")]),
    ],
    "paused": [
        (COUPON, [replace(OFF, outcome="sent"), replace(ASKED, outcome="suppressed when")]),
        (COUPON, [OFF, replace(ASKED, outcome="suppressed paused")]),
    ],
    "reason": [
        (VIEWED, [replace(HIGH, outcome="suppressed consent"), replace(LOW, outcome="sent")])
    ],
    "cancelled": [(ADDED, [replace(CART, outcome="cancelled", time="12:21")])],
    "superseded": [
        (ADDED, [replace(CART, outcome="superseded", time="12:10")]),
        (
            f"{ADDED}, 12:20 Product Added/c1, 12:30 Order Completed",
            [
                *(CART, CART_NEXT),
                End("cart", "12:20", "12:40", "cancelled", "12:30", key="c1"),
            ],
        ),
    ],
    "steps": [
        (ADDED, [replace(CART, outcome="cancelled"), CART_NEXT]),
        (ADDED, [CART, CART_NEXT, replace(CART_NEXT, step=3, due="14:20")]),
    ],
    "due": [
        (ADDED, [replace(CART, due="12:21"), replace(CART_NEXT, due="13:21")]),
        (ADDED, [CART, replace(CART_NEXT, due="13:00")]),
    ],
    "missing": [
        (ADDED, [CART]),
        (f"{VIEWED}, 12:00 Product Viewed", [HIGH, LOW]),
    ],
    "start": [(ADDED, [CART, CART_NEXT, HIGH])],
    "twice": [(VIEWED, [HIGH, LOW, HIGH])],
    "unknown": [(VIEWED, [HIGH, LOW, End("other", "10:00", "10:10", "sent")])],
}


@pytest.mark.parametrize("name", TRUE)
def test_what_is_true_passes(tmp_path: Path, name: str) -> None:
    events, ends = TRUE[name]
    findings = judged(tmp_path, events, ends)
    assert not findings.faults, str(findings)
    assert sum(findings.judged.values()) == len(ends)


@pytest.mark.parametrize(
    ("kind", "place"),
    [(kind, place) for kind, some in UNTRUE.items() for place in range(len(some))],
)
def test_what_is_untrue_is_found(tmp_path: Path, kind: str, place: int) -> None:
    events, ends = UNTRUE[kind][place]
    findings = judged(tmp_path, events, ends)
    assert kind in findings.faults, str(findings)


def test_a_message_without_a_decision_and_a_decision_without_a_message_are_found(
    tmp_path: Path,
) -> None:
    assert judged(tmp_path, VIEWED, [HIGH, LOW], lost=1).faults == {"match": 1}
    path = tmp_path / "triggers.jsonl"
    sent = [record("trigger.sent", FREE, "10:10", each) for each in (HIGH, LOW)]
    write(path, sent)
    findings = verify(tmp_path / "config.yaml", tmp_path / "events.jsonl", tmp_path)
    assert findings.faults == {"match": 1}
    write(path, [sent[0], sent[0]])
    findings = verify(tmp_path / "config.yaml", tmp_path / "events.jsonl", tmp_path)
    assert findings.faults == {"match": 1}


def test_a_message_of_another_channel_or_time_is_found(tmp_path: Path) -> None:
    judged(tmp_path, VIEWED, [HIGH, LOW])
    for key, value, kind in (("channel", "sms", "channel"), ("due", at("10:11"), "match")):
        sent = record("trigger.sent", FREE, "10:10", HIGH)
        sent["data"][key] = value
        write(tmp_path / "triggers.jsonl", [sent])
        findings = verify(tmp_path / "config.yaml", tmp_path / "events.jsonl", tmp_path)
        assert findings.faults == {kind: 1}


def test_a_condition_is_judged_by_who_has_entered_and_left(tmp_path: Path) -> None:
    refused = replace(ASKED, outcome="suppressed when")
    assert not judged(tmp_path, COUPON, [OFF, ASKED], changes="09:00").faults
    assert not judged(tmp_path, COUPON, [OFF, refused], changes="09:00 10:00").faults
    assert judged(tmp_path, COUPON, [OFF, refused], changes="10:00").faults == {"when": 1}


def test_quiet_hours_are_those_of_the_customers_zone(tmp_path: Path) -> None:
    at_once = [NOW_TOO, NOW]
    assert judged(tmp_path, DROPPED, at_once, zone="Pacific/Honolulu").faults == {"quiet_hours": 2}
    at_six_there = [replace(each, time="16:00") for each in at_once]
    assert not judged(tmp_path, DROPPED, at_six_there, zone="Pacific/Honolulu").faults
    assert judged(tmp_path, DROPPED, at_six_there).faults == {"time": 2}


def test_clocks_are_put_forward_and_back() -> None:
    quiet = Quiet(from_minute=21 * 60, to_minute=2 * 60 + 30, zone=None, hold=True)
    for evening, end in [
        ("2026-03-27T21:00:00+00:00", "2026-03-28T01:30:00.000Z"),
        ("2026-03-28T21:00:00+00:00", "2026-03-29T01:00:00.000Z"),  # 02:30 does not come
        ("2026-10-24T21:00:00+00:00", "2026-10-25T00:30:00.000Z"),  # it comes twice
        ("2026-10-25T01:00:00+00:00", "2026-10-25T01:30:00.000Z"),
    ]:
        time = round(datetime.fromisoformat(evening).timestamp() * 1000)
        assert is_quiet(quiet, "Europe/Berlin", time)
        assert written(quiet_end(quiet, "Europe/Berlin", time)) == end


def test_a_week_begins_on_monday_where_the_customer_is() -> None:
    sunday = round(datetime.fromisoformat("2026-05-10T21:59:59.999+00:00").timestamp() * 1000)
    week, day = (local_period(each, "Europe/Berlin", sunday) for each in ("week", "day"))
    assert local_period("week", "Europe/Berlin", sunday + 1) == week + 1
    assert local_period("day", "Europe/Berlin", sunday + 1) == day + 1
    assert local_period("week", None, sunday + 1) == week
