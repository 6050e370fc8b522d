"""Moments and outcomes by hand: what a model is told of a few events, to the minute."""

from dataclasses import replace
from typing import Any

import pytest
from moments_checks import (
    alone,
    as_told,
    assert_told_as_the_oracle_says,
    at_most_waiting,
    shop,
    told_by_engine,
)

from oracle import Rules
from oracle.models import Moment, Outcome, RateSoFar, Told, score_records, scores_of
from oracle.writing import HOUR_MS, MINUTE_MS, START_MS, event_line, stamp, write

HOUR = 60


def minute(time: int) -> float:
    return (time - START_MS) / MINUTE_MS


def outcomes(told: Told) -> list[tuple[int, float, float | None]]:
    """Give number, minute and label of each outcome."""
    return [(each.number, minute(each.time), each.label) for each in told.outcomes]


def told(lines: list[bytes], rules: Rules, **options: Any) -> Told:
    """Run the engine on these lines, and check that the oracle says the same."""
    sizes = options.pop("sizes", [1])
    assert_told_as_the_oracle_says(lines, rules, sizes, close=options.get("close", False))
    return told_by_engine(lines, rules, sizes, **options)["m"]


def viewed(at: float, **properties: Any) -> bytes:
    return event_line(at, "Product Viewed", f"v{at}", **properties)


def ordered(at: float, **properties: Any) -> bytes:
    return event_line(at, "Order Completed", f"o{at}", **properties)


def passed(at: float) -> bytes:
    """Write an event of somebody else, which is no moment: it moves the watermark."""
    return event_line(at, "page", customer="u2")


VIEWS = {"at": ["Product Viewed"]}


def test_m1_a_moment_has_the_values_of_the_row_after_its_event() -> None:
    rules = shop(**VIEWS, **{"from": ["views", "session.duration", "session.start"]})
    moments = told([viewed(0), ordered(1), viewed(2.0001)], rules).moments
    assert [(each.number, minute(each.time), each.values) for each in moments] == [
        (1, 0, (1.0, 0.0, 0.0)),
        (2, 2.0001, (2.0, 120_006.0, 120.006)),
    ]


def test_m1_an_input_is_what_its_kind_says_or_missing() -> None:
    rules = replace(
        shop(**{"from": ["cost", "category", "seen", "context.hour", "trait.plan"]}),
        features={
            "cost": {"max": "properties.price"},
            "category": {"last": "properties.category"},
            "seen": {"time": "Product Viewed"},
        },
    )
    categories = ["hats", True, 5, 5.0, 2.5, None]
    lines = [viewed(at, category=each) for at, each in enumerate(categories)]
    lines.append(event_line(8, "page", price=3))
    found = [each.values for each in told(lines, rules).moments]
    assert [values[1] for values in found] == ["hats", "true", "5", "5", "2.5", "2.5", "2.5"]
    assert found[0] == (None, "hats", 0.0, 10.0, None)
    assert found[-1] == (3.0, "2.5", 180.0, 10.0, None)
    assert all(type(each) in {float, str, type(None)} for values in found for each in values)


def test_m1_an_event_that_is_late_is_no_moment() -> None:
    rules = replace(shop(), grace_ms=HOUR_MS)
    found = told([viewed(0), passed(10), viewed(5)], rules).moments
    assert [each.customer for each in found] == ["u1", "u2"]


def test_m3_one_moment_of_a_session_is_learned_from_the_one_with_the_least_hash() -> None:
    lines = [viewed(at) for at in range(12)]
    found = told([*lines, passed(12 + HOUR)], shop(**VIEWS))
    taken = [each for each in found.moments if each.is_candidate]
    assert taken[0].number == 1
    assert [each.instead for each in taken] == [None, *(each.number for each in taken[:-1])]
    assert 1 < len(taken) < 12
    assert outcomes(found) == [(taken[-1].number, 11 + 30, 0.0)]


def test_m3_sessions_that_become_one_keep_one_moment_and_the_other_is_left() -> None:
    rules = replace(shop(**VIEWS), disorder_ms=2 * HOUR_MS)
    found = told([viewed(0), viewed(50), ordered(25), passed(300)], rules)
    (left, at, label), (kept, end, result) = outcomes(found)
    assert (at, label) == (50, None)  # by the customer's own clock
    assert {left, kept} == {1, 2}
    assert (end, result) == (80, 1.0 if kept == 1 else 0.0)


def test_m4_an_order_in_a_session_that_becomes_the_moments_own_counts() -> None:
    rules = replace(shop(**VIEWS), disorder_ms=3 * HOUR_MS)
    found = told([viewed(0), ordered(50), event_line(25, "page"), passed(300)], rules)
    assert outcomes(found) == [(1, 80, 1.0)]


def test_m5_an_order_within_an_hour_is_known_when_it_comes_but_not_before_the_session_ends() -> (
    None
):
    rules = shop(**VIEWS, within="1h")
    assert outcomes(told([viewed(0), ordered(10), passed(300)], rules)) == [(1, 40, 1.0)]
    assert outcomes(told([viewed(0), ordered(50), passed(300)], rules)) == [(1, 50, 1.0)]
    assert outcomes(told([viewed(0), ordered(60), passed(300)], rules)) == [(1, 60, 1.0)]
    assert outcomes(told([viewed(0), ordered(61), passed(300)], rules)) == [(1, 60, 0.0)]
    assert outcomes(told([viewed(0), ordered(0), passed(300)], rules)) == [(1, 60, 0.0)]


def test_m4_that_an_order_does_not_come_is_the_opposite() -> None:
    rules = shop(**VIEWS, within="1h", predicts="no Order Completed")
    assert outcomes(told([viewed(0), ordered(50), passed(300)], rules)) == [(1, 50, 0.0)]
    assert outcomes(told([viewed(0), passed(300)], rules)) == [(1, 60, 1.0)]


@pytest.mark.parametrize(("within", "label", "at"), [("session", 3.7, 51), ("1h", 7.7, 60)])
def test_m4_sums_count_numbers_after_the_moment_in_millionths(
    within: str, label: float, at: float
) -> None:
    rules = shop(
        **VIEWS, within=within, predicts={"sum": "properties.revenue", "of": "Order Completed"}
    )
    revenues: list[Any] = [3.6, 0.1, "4", True, None]
    lines = [ordered(-1, revenue=50), viewed(0)]
    lines += [ordered(17 + at, revenue=each) for at, each in enumerate(revenues)]
    lines += [ordered(55, revenue=4), ordered(61, revenue=8), passed(300)]
    assert outcomes(told(lines, rules)) == [(1, at, label)]


def test_m5_an_outcome_waits_until_the_watermark_is_past_it() -> None:
    rules = shop(**VIEWS, within="1h")
    assert outcomes(told([viewed(0), passed(60)], rules)) == []
    assert outcomes(told([viewed(0), passed(60.0001)], rules)) == [(1, 60, 0.0)]
    assert outcomes(told([viewed(0)], rules, close=True)) == [(1, 60, 0.0)]


def test_m5_an_outcome_is_told_without_another_event_of_the_customer() -> None:
    rules = shop(**VIEWS, within="2h")
    lines = [viewed(0), passed(31), event_line(40, "page"), ordered(50), passed(51)]
    assert outcomes(told(lines, rules)) == [(1, 50, 1.0)]
    rules = shop(**VIEWS, within=f"{30 * MINUTE_MS + 1}ms")
    [(_, at, _)] = outcomes(told([viewed(0), passed(31)], rules))
    assert at == 30 + 1 / MINUTE_MS


def test_m5_a_late_order_counts_as_long_as_nothing_was_told_and_is_known_when_it_comes() -> None:
    """Were it known at its own time, scores would have missed what others have learned by then."""
    rules = replace(shop(**VIEWS, within="1h"), grace_ms=2 * HOUR_MS)
    lines = [viewed(0), passed(45), ordered(35), passed(300)]
    assert outcomes(told(lines, rules)) == [(1, 45, 1.0)]
    lines = [viewed(0), passed(61), ordered(35), passed(300)]
    assert outcomes(told(lines, rules)) == [(1, 60, 0.0)]


def test_m5_what_a_late_event_makes_of_a_closed_session_changes_nothing_that_was_fixed() -> None:
    rules = replace(shop(**VIEWS), grace_ms=2 * HOUR_MS)
    lines = [viewed(0), passed(45), ordered(29), viewed(50), passed(300)]
    found = told(lines, rules)
    assert outcomes(found) == [(1, 30, 0.0)]
    assert [each.is_candidate for each in found.moments] == [True, False]


def test_m5_a_session_that_goes_into_one_that_was_closed_is_not_learned_from() -> None:
    rules = replace(shop(**VIEWS), grace_ms=2 * HOUR_MS)
    lines = [viewed(0), passed(45), viewed(50), ordered(29), viewed(51), passed(300)]
    found = told(lines, rules)
    assert outcomes(found) == [(1, 30, 0.0), (2, 50, None)]
    assert [each.is_candidate for each in found.moments] == [True, True, False]


def test_m5_who_was_told_before_a_session_closes_makes_room_for_its_moment() -> None:
    rules = shop(**VIEWS, within="1h")
    with at_most_waiting(1):
        for lines in ([viewed(0), viewed(70)], [viewed(0), passed(1), viewed(70)]):
            found = told([*lines, passed(300)], rules, sizes=[len(lines) + 1])
            assert outcomes(found) == [(1, 60, 0.0), (2, 130, 0.0)]


def test_m5_when_too_many_wait_the_new_one_is_left() -> None:
    rules = shop(**VIEWS, within="26h")
    lines = [*(viewed(at * HOUR) for at in range(4)), passed(40 * HOUR)]
    with at_most_waiting(2):
        assert outcomes(told(lines, rules)) == [
            (3, 2 * HOUR + 30, None),
            (4, 3 * HOUR + 30, None),
            (1, 26 * HOUR, 0.0),
            (2, 27 * HOUR, 0.0),
        ]


def test_m5_what_waits_of_a_customer_who_is_forgotten_is_left() -> None:
    rules = replace(shop(**VIEWS, within="26h"), retention_ms=2 * HOUR_MS)
    found = told([viewed(0), passed(30 * HOUR), viewed(31 * HOUR), passed(32 * HOUR)], rules)
    assert outcomes(found) == [(1, 2 * HOUR, None)]
    assert [each.number for each in found.moments] == [1, 1]  # of a new profile


def test_m7_a_moment_is_scored_with_what_was_learned_before_the_watermark_at_it() -> None:
    moments = [
        Moment("u1", 0, time, watermark, number, (1.0,), f"m{number}", number, False, None)
        for number, (time, watermark) in enumerate([(10, -1), (119, 119), (120, 120)], start=1)
    ]
    one = Outcome("u1", 1, 60, (1.0,), 1.0)
    other = Outcome("u1", 1, 119, (1.0,), 1.0)
    left = Outcome("u1", 1, 3, (1.0,), None)
    scores = [score for _, score in scores_of(Told(moments, [other, left, one]), 60, RateSoFar)]
    assert scores == [0.5, 0.5, 0.75]


def test_m9_a_score_is_written_for_each_moment_or_where_it_has_moved() -> None:
    moments = [
        Moment("u1", 0, START_MS + n, 0, n, (), "m" if n == 1 else "", n, False, None)
        for n in (1, 2, 3)
    ]
    scores = list(zip(moments, [0.5, 0.6, 0.75], strict=True))
    spec = shop().models["m"]
    every = score_records("m", "v", {**spec, "shadow": True}, scores)
    assert every[0] == (
        '["cartwheel.score", "u1", "2026-01-01T10:00:00.001Z", {"cause": ["m"], "model": "m", '
        '"moment": "2026-01-01T10:00:00.001Z", "score": 0.5, "shadow": true, "version": "v"}]'
    )
    assert len(every) == 3
    moved = score_records("m", "v", {**spec, "emit": {"moves": 0.1}}, scores)
    assert ['"score": 0.5' in moved[0], '"score": 0.75' in moved[1], len(moved)] == [True, True, 2]


def test_a_sum_over_what_a_feature_needs_to_be_a_number_reads_it_once() -> None:
    predicts = {"sum": "properties.revenue", "of": "Order Completed"}
    rules = replace(
        shop(**VIEWS, **{"from": ["spent"]}, within="1h", predicts=predicts),
        features={"spent": {"sum": "properties.revenue"}},
    )
    lines = [viewed(0), ordered(1, revenue=2), ordered(2, revenue="2"), passed(300)]
    assert outcomes(told(lines, rules)) == [(1, 60, 2.0)]
    run = alone(lines, rules)
    run.step(4)
    plan = run.profiles[0]._events._plans["Order Completed"]
    [awaited] = plan.awaited_by
    assert awaited.value is not None
    assert as_told(run.told["m"]).moments[0].values == (0.0,)


def test_a_type_counts_as_the_name_of_an_event_that_is_no_track_call() -> None:
    identify = {"userId": "u1", "type": "identify", "timestamp": stamp(START_MS + MINUTE_MS)}
    found = told([viewed(0), write(identify), passed(60)], shop(predicts="identify", at=["page"]))
    assert [each.customer for each in found.moments] == ["u2"]
    found = told([viewed(0), write(identify), passed(60)], shop(predicts="identify", **VIEWS))
    assert outcomes(found) == [(1, 31, 1.0)]
