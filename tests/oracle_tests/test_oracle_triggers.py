"""T2 to T4, T6 and T8 by hand: which instances there are and how each ends."""

import math
from dataclasses import replace
from typing import Any

from oracle.input import Event
from oracle.replay import live
from oracle.rules import Rules, Trigger
from oracle.triggers import Decision

START, STOP = "Product Added", "Order Completed"


def event(name: str, time: int, message_id: str | None = None, cart: Any = None) -> Event:
    return Event("u1", time, name, message_id, 0, {"properties": {"cart_id": cart}})


def on(time: int, message_id: str | None = None, cart: Any = None) -> Event:
    return event(START, time, message_id, cart)


def stop(time: int, message_id: str | None = None, cart: Any = None) -> Event:
    return event(STOP, time, message_id, cart)


def decided(*arrived: Event, watermark: float = math.inf, **rule: Any) -> list[Decision]:
    """Decide what arrives in this order."""
    trigger: Trigger = {
        "on": START,
        "key": "properties.cart_id",
        "after_ms": 10,
        "cancel": [STOP],
        **rule,  # type: ignore[typeddict-item]
    }
    numbered = [replace(event, arrival=arrival) for arrival, event in enumerate(arrived)]
    return live(Rules(triggers={"wish": trigger}), "u1", numbered, watermark=watermark).decisions


def ends(*arrived: Event, **rule: Any) -> list[tuple[int, str, int]]:
    found = [(one.opened, one.outcome, one.time) for one in decided(*arrived, **rule)]
    return sorted(found)


def test_an_instance_that_nothing_ends_is_sent_at_its_due_time() -> None:
    [one] = decided(on(5, "m1", "c1"))
    expected = Decision("wish", "u1", "c1", 5, 15, 15, "sent", None, ("m1",), None)
    assert one == expected


def test_t2_events_at_the_same_time_are_one_instance_and_all_in_its_cause() -> None:
    [one] = decided(on(5, "m2"), on(5, "m1"), on(5, None), on(5, "m2"))
    assert one.cause == ("m2", "m1")


def test_t2_each_key_and_each_time_is_an_instance() -> None:
    events = on(5, cart="c1"), on(5, cart="c2"), on(50, cart="c1")
    assert ends(*events) == [(5, "sent", 15), (5, "sent", 15), (50, "sent", 60)]


def test_t3_a_cancel_counts_from_the_opening_to_the_due_time() -> None:
    assert ends(stop(4), on(5)) == [(5, "sent", 15)]
    assert ends(stop(5), on(5)) == [(5, "cancelled", 5)]
    assert ends(on(5), stop(15)) == [(5, "cancelled", 15)]
    assert ends(on(5), stop(16)) == [(5, "sent", 15)]


def test_t3_a_further_event_supersedes_until_the_due_time() -> None:
    assert ends(on(5), on(15)) == [(5, "superseded", 15), (15, "sent", 25)]
    assert ends(on(5), on(16)) == [(5, "sent", 15), (16, "sent", 26)]


def test_t3_what_comes_first_in_event_time_decides() -> None:
    assert ends(on(5), stop(9), on(8)) == [(5, "superseded", 8), (8, "cancelled", 9)]
    assert ends(on(5), on(9), stop(8)) == [(5, "cancelled", 8), (9, "sent", 19)]


def test_t3_a_cancel_wins_a_tie_and_ends_what_opens_then_too() -> None:
    assert ends(on(5), on(9), stop(9)) == [(5, "cancelled", 9), (9, "cancelled", 9)]


def test_t3_only_an_event_with_the_same_key_supersedes() -> None:
    assert ends(on(5, cart="c1"), on(9, cart="c2"), on(9)) == [
        (5, "sent", 15),
        (9, "sent", 19),
        (9, "sent", 19),
    ]


def test_t3_without_restart_a_further_event_opens_nothing_while_one_is_pending() -> None:
    assert ends(on(5), on(9), on(15), restart=False) == [(5, "sent", 15)]
    assert ends(on(5), on(9), on(16), restart=False) == [(5, "sent", 15), (16, "sent", 26)]
    assert ends(on(5), on(7), stop(8), on(9), restart=False) == [
        (5, "cancelled", 8),
        (9, "sent", 19),
    ]


def test_t3_without_restart_an_event_at_the_cancels_time_opens_and_is_cancelled() -> None:
    assert ends(on(5), on(8), stop(8), restart=False) == [(5, "cancelled", 8), (8, "cancelled", 8)]
    assert ends(on(5), stop(5), on(6), restart=False) == [(5, "cancelled", 5), (6, "sent", 16)]


def test_any_of_several_events_cancels() -> None:
    both = [STOP, "page"]
    assert ends(on(5), stop(9), event("page", 8), cancel=both) == [(5, "cancelled", 8)]
    assert ends(on(5), stop(9), cancel=[]) == [(5, "sent", 15)]


def test_t4_a_cancel_with_another_key_does_not_concern_the_instance() -> None:
    assert ends(on(5, cart="c1"), stop(9, cart="c2")) == [(5, "sent", 15)]
    assert ends(on(5, cart="c1"), stop(9, cart="c1")) == [(5, "cancelled", 9)]


def test_t4_without_a_key_on_either_side_a_cancel_concerns_all() -> None:
    assert ends(on(5, cart="c1"), stop(9)) == [(5, "cancelled", 9)]
    assert ends(on(5), stop(9, cart="c1")) == [(5, "cancelled", 9)]


def test_t4_whole_numbers_and_their_text_are_the_same_key() -> None:
    keys = [decided(on(5, cart=value))[0].key for value in (7, 7.0, "7", 2.5, 1e20, None)]
    assert keys == ["7", "7", "7", "2.5", "1" + "0" * 20, ""]


def test_without_a_key_all_carts_are_one() -> None:
    events = on(5, cart="c1"), on(9, cart="c2"), stop(12, cart="c3")
    assert ends(*events, key=None) == [(5, "superseded", 9), (9, "cancelled", 12)]


def outcomes(*times: int, again: Any, after_ms: int = 10) -> list[str]:
    return [one.outcome for one in decided(*map(on, times), again=again, after_ms=after_ms)]


def test_t6_exactly_again_later_is_allowed() -> None:
    assert outcomes(0, 99, again=100) == ["sent", "suppressed"]
    assert outcomes(0, 100, again=100) == ["sent", "sent"]


def test_t6_a_suppressed_one_does_not_count() -> None:
    assert outcomes(0, 50, 100, again=100) == ["sent", "suppressed", "sent"]


def test_t6_never_again_and_always() -> None:
    assert outcomes(0, 50, 10**9, again="never") == ["sent", "suppressed", "suppressed"]
    assert outcomes(0, 50, again="always") == ["sent", "sent"]


def test_t6_at_the_same_time_the_smaller_key_goes_first() -> None:
    [one, two] = decided(on(5, cart="c2"), on(5, cart="c1"), again=100)
    assert (one.key, one.outcome, one.reason) == ("c1", "sent", None)
    assert (two.key, two.outcome, two.reason) == ("c2", "suppressed", "again")


def test_t6_a_message_already_sent_with_a_later_time_counts() -> None:
    assert outcomes(500, 5, again=100, after_ms=0) == ["sent", "suppressed"]


def test_t8_a_decision_is_written_once_the_watermark_is_past_its_time() -> None:
    assert decided(on(5), watermark=15) == []
    assert len(decided(on(5), watermark=16)) == 1
    assert decided(on(5), stop(9), watermark=9) == []
    assert ends(on(5), stop(9), watermark=10) == [(5, "cancelled", 9)]


def test_t8_without_a_wait_a_decision_is_written_at_once() -> None:
    assert ends(on(5), after_ms=0, watermark=-math.inf) == [(5, "sent", 5)]


def test_t8_a_cancelled_decision_names_the_smallest_message_id_at_the_deciding_time() -> None:
    [one] = decided(on(5, "m0"), stop(9, "m3"), stop(9, "m2"), stop(9), stop(10, "m1"))
    assert (one.cause, one.cancelled_by) == (("m0",), "m2")
    assert decided(on(5), stop(9))[0].cancelled_by is None


def test_without_a_wait_only_a_cancel_that_arrived_before_counts() -> None:
    assert ends(on(5), stop(5), after_ms=0) == [(5, "sent", 5)]
    assert ends(stop(5), on(5), after_ms=0) == [(5, "cancelled", 5)]
    assert ends(stop(4), on(5), after_ms=0) == [(5, "sent", 5)]


def test_without_a_wait_a_second_event_at_the_same_time_changes_nothing() -> None:
    [one] = decided(on(5, "m1"), on(9, "m2"), stop(5), on(5, "m3"), after_ms=0)[:1]
    assert (one.outcome, one.cause) == ("sent", ("m1",))
    assert len(decided(on(5, "m1"), on(5, "m2"), after_ms=0)) == 1
    assert len(decided(on(5, cart="c1"), on(5, cart="c2"), after_ms=0)) == 2
