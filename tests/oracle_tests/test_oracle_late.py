"""Late events by hand, as the oracle has it: sessions sent again, and messages taken back."""

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from oracle import Expected, Rules, run
from oracle.input import Event
from oracle.late_sessions import Retracted, Sessions, sessions_as_known
from oracle.rules import Step
from oracle.sessions import sessions_of
from oracle.writing import HOUR_MS, MINUTE_MS, NOW_MS, START_MS, event_line

GAP = 100


def followed(*times: tuple[int, float], watermark: float) -> Sessions:
    """Follow events, each with its time and the watermark before it."""
    events = [
        Event("u1", time, "page", None, number, {}, before=before)
        for number, (time, before) in enumerate(times)
    ]
    return sessions_as_known(events, {}, gap_ms=GAP, watermark=watermark)


def closings(known: Sessions) -> list[tuple[int, int, int, int, int]]:
    return [(s.named, s.revision, s.start, s.end, s.events) for s in known.closed]


def decided(*lines: bytes, then: tuple[Step, ...] = (), **more: Any) -> Expected:
    trigger = {"on": "add", "after_ms": 5 * MINUTE_MS, "cancel": ["buy"], "then": then, **more}
    rules = Rules(triggers={"t": trigger}, disorder_ms=0, grace_ms=HOUR_MS)  # type: ignore[dict-item]
    return run(lines, rules, now_ms=NOW_MS)


def minutes(expected: Expected) -> list[tuple[float, str]]:
    return [((one.time - START_MS) / MINUTE_MS, one.outcome) for one in expected.decisions]


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=12), st.integers(0, 1300))
def test_sessions_without_late_events_are_those_of_the_sorted_history(
    times: list[int], watermark: int
) -> None:
    known = followed(*((time, -math.inf) for time in times), watermark=watermark)
    events = [Event("u1", time, "page", None, n, {}) for n, time in enumerate(times)]
    by_time = sorted(events, key=lambda event: (event.time, event.arrival))
    assert known.closed == sessions_of(by_time, {}, gap_ms=GAP, watermark=watermark)
    assert not known.retracted


def test_a_late_event_sends_a_session_again_at_once_if_it_is_over() -> None:
    known = followed((0, -math.inf), (40, 200), watermark=200)
    assert closings(known) == [(0, 1, 0, 0, 1), (0, 2, 0, 40, 2)]


def test_a_late_event_opens_a_session_again_that_is_not_over_then() -> None:
    times = (0, -math.inf), (90, 110)
    assert closings(followed(*times, watermark=190)) == [(0, 1, 0, 0, 1)]
    assert closings(followed(*times, watermark=191)) == [(0, 1, 0, 0, 1), (0, 2, 0, 90, 2)]


def test_an_earlier_start_does_not_change_the_name() -> None:
    known = followed((50, -math.inf), (20, 300), watermark=300)
    assert closings(known) == [(50, 1, 50, 50, 1), (50, 2, 20, 50, 2)]


def test_of_two_that_become_one_the_later_is_taken_back() -> None:
    known = followed((0, -math.inf), (180, 150), (90, 400), watermark=400)
    assert closings(known) == [(0, 1, 0, 0, 1), (180, 1, 180, 180, 1), (0, 2, 0, 180, 3)]
    assert known.retracted == [Retracted("u1", 280, 180, 2, 0)]


def test_one_that_was_never_sent_is_not_taken_back() -> None:
    known = followed((0, -math.inf), (180, 120), (90, 150), watermark=150)
    assert closings(known) == [(0, 1, 0, 0, 1)]
    assert not known.retracted


def test_a_late_start_is_one_only_if_it_is_not_due_before_the_watermark() -> None:
    at_eight = event_line(8, "page", customer="u2")
    assert minutes(decided(at_eight, event_line(2, "add"), event_line(9, "page"))) == []
    assert minutes(decided(at_eight, event_line(3, "add"), event_line(9, "page"))) == [(8, "sent")]


def test_a_late_cancel_takes_a_message_back_that_is_not_too_old() -> None:
    lines = event_line(0, "add", "m1"), event_line(8, "page"), event_line(5, "buy", "m2")
    for retract, number in ((0, 0), (3 * MINUTE_MS, 1), (3 * MINUTE_MS - 1, 0)):
        expected = decided(*lines, retract_ms=retract)
        assert minutes(expected) == [(5, "sent")]
        assert [one.message_id for one in expected.retractions] == ["m2"] * number


def test_a_cancel_too_late_for_the_first_message_ends_the_wait_for_the_second() -> None:
    lines = event_line(0, "add", "m1"), event_line(8, "page"), event_line(4, "buy", "m2")
    expected = decided(*lines, then=({"after_ms": HOUR_MS},))
    assert minutes(expected) == [(5, "sent"), (4, "cancelled")]


def test_a_cancel_of_the_second_step_alone_is_nothing_to_the_first_wait() -> None:
    lines = event_line(0, "add", "m1"), event_line(8, "page"), event_line(4, "look", "m2")
    expected = decided(*lines, then=({"after_ms": HOUR_MS, "cancel": ["look"]},))
    assert minutes(expected) == [(5, "sent")]
