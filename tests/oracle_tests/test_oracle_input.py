"""I1 to I6 by hand: what becomes of each line."""

import json
from typing import Any

import pytest

from oracle.input import LONGEST_LINE, Classified, classify, time_of
from oracle.rules import Rules, Trigger, Use
from oracle.streams import BAD_LINES, HOUR_MS, MINUTE_MS, NOW_MS, START_MS, stamp, write

WISHES: Trigger = {
    "on": "Product Added",
    "key": "properties.cart_id",
    "cancel": ["Order Completed"],
}


def line(minute: float, **fields: Any) -> bytes:
    return write(
        {
            "userId": "u1",
            "type": "track",
            "event": "Product Viewed",
            "timestamp": stamp(START_MS + round(minute * MINUTE_MS)),
            **fields,
        }
    )


def judged(
    *lines: bytes, disorder_min: int = 10, uses: list[Use] | None = None, last: int = 64
) -> Classified:
    return classify(
        lines,
        disorder_ms=disorder_min * MINUTE_MS,
        future_ms=HOUR_MS,
        now_ms=NOW_MS,
        uses=uses or [],
        last=last,
    )


def outcomes(*lines: bytes, **settings: Any) -> list[str]:
    return [one.outcome for one in judged(*lines, **settings).lines]


def test_late_is_below_the_watermark_and_exactly_at_it_is_not() -> None:
    assert outcomes(line(30), line(20), line(20 - 1 / MINUTE_MS)) == ["applied", "applied", "late"]


def test_i1_the_watermark_that_counts_is_the_one_before_the_event() -> None:
    assert outcomes(line(0), line(60), disorder_min=0) == ["applied", "applied"]
    assert judged(line(0), line(60)).watermark == START_MS + 50 * MINUTE_MS


def test_i1_a_dead_letter_comes_before_a_duplicate_and_that_before_late() -> None:
    views = [Use("Product Viewed", "properties.price", "number")]
    first = line(0, messageId="m1")
    wrong = line(0, messageId="m1", properties={"price": "5"})
    assert outcomes(first, wrong, line(60), first, uses=views) == [
        "applied",
        "dead letter",
        "applied",
        "duplicate",
    ]


@pytest.mark.parametrize("kind", sorted(BAD_LINES))
def test_i1_a_line_that_route_rejects_does_not_move_the_watermark(kind: str) -> None:
    ahead = BAD_LINES[kind](stamp(START_MS + 60 * MINUTE_MS))
    result = judged(line(0), ahead, line(0))
    assert result.lines[1].outcome == "dead letter"
    assert result.lines[1].stage in {"route", "profile"}
    by_route = result.lines[1].stage == "route"
    assert result.lines[2].outcome == ("applied" if by_route else "late")
    assert by_route == (kind not in {"no event name", "no type", "number as messageId"})


def test_i1_a_duplicate_moves_the_watermark() -> None:
    again = line(60, messageId="m1")
    assert outcomes(line(0, messageId="m1"), again, line(49)) == ["applied", "duplicate", "late"]


def test_i2_the_customer_is_the_user_id_else_the_anonymous_id() -> None:
    lines = [
        line(0, anonymousId="a1"),
        line(0, userId="", anonymousId="a1"),
        line(0, userId=None, anonymousId="a1"),
        line(0, userId=7, anonymousId="a1"),
        line(0, userId=7),
        line(0, userId=None, anonymousId=""),
    ]
    assert [one.event and one.event.customer for one in judged(*lines).lines] == [
        *["u1", "a1", "a1", "a1"],
        *[None, None],
    ]


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("1970-01-01T00:00:01Z", 1000),
        ("1970-01-01t00:00:01.5z", 1500),
        ("1970-01-01 00:00:01.9999999Z", 1999),
        ("1970-01-01T01:00:00.001+01:00", 1),
        ("1969-12-31T16:00:00.25-08:00", 250),
        ("1969-12-31T23:59:59.9999Z", -1),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000),
    ],
)
def test_i2_times_have_any_offset_and_are_cut_to_milliseconds(text: str, milliseconds: int) -> None:
    assert time_of(text) == milliseconds


def test_i3_the_name_is_event_for_a_track_and_else_the_type() -> None:
    lines = [line(0), line(0, type="page"), line(0, type="track", event="")]
    names = [one.event and one.event.name for one in judged(*lines).lines]
    assert names == ["Product Viewed", "page", None]


def test_i3_a_field_is_checked_only_on_the_events_that_use_it() -> None:
    uses = [Use("Product Added", "properties.price", "number")]
    wrong = {"properties": {"price": "5"}}
    assert outcomes(line(0, **wrong), uses=uses) == ["applied"]
    assert outcomes(line(0, event="Product Added", **wrong), uses=uses) == ["dead letter"]
    assert outcomes(line(0, **wrong), uses=[Use(None, *uses[0][1:])]) == ["dead letter"]


@pytest.mark.parametrize(
    ("value", "accepted"),
    [
        (5, {"number", "value", "key"}),
        (-0.5, {"number", "value", "key"}),
        ("5", {"value", "key"}),
        ("", {"value", "key"}),
        (True, {"value"}),
        ([], set()),
        ({}, set()),
        (None, {"number", "value", "key"}),
    ],
)
def test_i3_each_use_accepts_its_types_and_null_is_missing(
    value: object, accepted: set[str]
) -> None:
    for accepts in ("number", "value", "key"):
        use = Use(None, "properties.x", accepts)
        expected = ["applied" if accepts in accepted else "dead letter"]
        assert outcomes(line(0, properties={"x": value}), uses=[use]) == expected


@pytest.mark.parametrize("properties", ["text", 5, [], True])
def test_i3_a_wrong_container_on_the_way_is_a_wrong_type(properties: object) -> None:
    uses = [Use("Product Added", "properties.price", "number")]
    added = line(0, event="Product Added", properties=properties)
    assert outcomes(added, line(0, properties=properties), uses=uses) == ["dead letter", "applied"]


def test_i3_a_missing_or_null_container_is_a_missing_value() -> None:
    uses = [Use(None, "properties.a.b", "number")]
    lines = [line(0), line(0, properties=None), line(0, properties={"a": None})]
    assert outcomes(*lines, uses=uses) == ["applied"] * 3


def test_i3_a_triggers_key_is_checked_on_what_starts_and_what_cancels() -> None:
    uses = Rules(triggers={"wishes": WISHES}).uses()
    wrong = {"properties": {"cart_id": True}}
    lines = [line(0, event=name, **wrong) for name in ("Product Added", "Order Completed", "Seen")]
    assert outcomes(*lines, uses=uses) == ["dead letter", "dead letter", "applied"]


def test_i4_a_duplicate_has_the_same_message_id_and_customer() -> None:
    first = line(0, messageId="m1")
    other = line(0, messageId="m1", userId="u2")
    assert outcomes(first, other, first) == ["applied", "applied", "duplicate"]
    assert outcomes(line(0), line(0)) == ["applied", "applied"]
    assert outcomes(line(0, messageId=None), line(0, messageId=None)) == ["applied", "applied"]


def test_i4_event_times_of_duplicates_differ_by_one_hour_at_most() -> None:
    first = line(0, messageId="m1")
    assert outcomes(first, line(60, messageId="m1")) == ["applied", "duplicate"]
    assert outcomes(first, line(60 + 1 / MINUTE_MS, messageId="m1")) == ["applied", "applied"]
    assert outcomes(first, line(-60, messageId="m1"), disorder_min=99) == ["applied", "duplicate"]


def test_i4_only_the_last_64_different_ids_count() -> None:
    first = line(0, messageId="first")
    others = [line(0, messageId=f"m{number}") for number in range(64)]
    assert outcomes(first, *others[:63], first)[-1] == "duplicate"
    assert outcomes(first, *others[:63], *others[:63], first)[-1] == "duplicate"
    assert outcomes(first, *others, first)[-1] == "applied"


def test_i4_a_duplicate_does_not_renew() -> None:
    one, two, three = (line(0, messageId=name) for name in ("m1", "m2", "m3"))
    assert outcomes(one, two, one, three, one, last=2)[-1] == "applied"
    far = line(90, messageId="m1")
    assert outcomes(one, line(45, messageId="m1"), far) == ["applied", "duplicate", "applied"]


def test_i4_a_late_events_id_is_remembered_too() -> None:
    late = line(0, messageId="m1")
    assert outcomes(line(60), late, late) == ["applied", "late", "duplicate"]


def test_i5_a_line_over_one_mebibyte_is_a_dead_letter() -> None:
    longest = line(0) + b" " * (LONGEST_LINE - len(line(0)))
    assert outcomes(longest, longest + b" ") == ["applied", "dead letter"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "01", "1.", ".5", "+1"])
def test_what_json_does_not_know_is_a_dead_letter(number: str) -> None:
    assert outcomes(line(0)[:-1] + f',"x":{number}}}'.encode()) == ["dead letter"]


def test_the_future_begins_past_one_hour_after_its_reference() -> None:
    received = stamp(START_MS - HOUR_MS)
    after = 1 / MINUTE_MS
    assert outcomes(line(0, receivedAt=received)) == ["applied"]
    assert outcomes(line(after, receivedAt=received)) == ["dead letter"]
    to_the_clock = (NOW_MS + HOUR_MS - START_MS) / MINUTE_MS
    assert outcomes(line(to_the_clock)) == ["applied"]
    assert outcomes(line(to_the_clock + after)) == ["dead letter"]
    assert outcomes(line(to_the_clock + after, receivedAt=stamp(NOW_MS + 1))) == ["applied"]


def test_an_events_data_is_what_was_written() -> None:
    [one] = judged(line(0, properties={"x": [1, None]})).applied
    assert one.data == json.loads(line(0, properties={"x": [1, None]}))
    assert (one.time, one.arrival) == (START_MS, 0)
