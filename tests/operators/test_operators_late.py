"""Sessions and steps that late events change, by hand."""

from operators.instances import (
    Cancel,
    Case,
    Instance,
    Undone,
    note_cancel,
    opened_order,
    too_late_for,
)
from operators.sessions import Session, join
from operators.times import EventTime

ALL_STEPS = 0b111


def session(start: int, last: int, revision: int = 0) -> Session:
    """Make a session, closed if it has a revision."""
    is_closed = revision > 0
    times = EventTime(start), EventTime(last)
    return Session(*times, 2, [], revision, is_closed, EventTime(start if is_closed else 0))


def step(
    number: int, opened: int, asked: int, *, is_over: bool, started: int = 0, key: str = ""
) -> Instance:
    """Make a step of a journey; one that is over was sent."""
    return Instance(
        *(EventTime(opened), EventTime(asked), key, []),
        ended=EventTime(asked) if is_over else None,
        is_sent=is_over,
        started=EventTime(started),
        step=number,
    )


def cancel(time: int, *, key: str = "", steps: int = ALL_STEPS) -> Cancel:
    return Cancel(EventTime(time), key, "late", steps)


def test_a_closed_session_that_an_event_joins_keeps_its_name() -> None:
    sessions = [session(100, 120, revision=1)]
    found, merged = join(sessions, EventTime(90), 10, [])
    assert merged is None
    assert sessions == [found]
    assert (found.start, found.last, found.events, found.revision) == (90, 120, 3, 1)
    assert found.name_time == 100


def test_of_two_closed_sessions_that_become_one_the_earlier_survives() -> None:
    sessions = [session(100, 120, revision=2), session(140, 150, revision=1)]
    found, merged = join(sessions, EventTime(130), 10, [])
    assert sessions == [found]
    assert (found.start, found.last, found.events, found.revision) == (100, 150, 5, 2)
    assert merged
    assert (merged.name_time, merged.last, merged.revision) == (140, 150, 1)


def test_a_late_event_between_two_sessions_and_near_none_is_one_of_its_own() -> None:
    sessions = [session(100, 110, revision=1), session(140, 150)]
    found, merged = join(sessions, EventTime(125), 10, [])
    assert merged is None
    assert [each.start for each in sessions] == [100, 125, 140]
    assert (found.events, found.revision, found.name_time) == (1, 0, 125)


def test_a_cancel_in_the_first_wait_is_too_late_for_its_message_and_all_that_followed() -> None:
    steps = [
        step(0, 0, 10, is_over=True),
        step(1, 10, 20, is_over=True),
        step(2, 20, 30, is_over=False),
    ]
    assert too_late_for(Case(instances=steps), cancel(0)) == steps
    assert too_late_for(Case(instances=steps), cancel(10)) == steps
    assert too_late_for(Case(instances=steps), cancel(11)) == steps[1:]
    assert too_late_for(Case(instances=steps), cancel(21)) == []  # the present wait's


def test_a_cancel_of_another_step_or_key_or_journey_is_too_late_for_nothing() -> None:
    steps = [
        step(0, 0, 10, is_over=True, key="c1"),
        step(1, 10, 20, is_over=False, key="c1"),
    ]
    case = Case(instances=steps)
    assert too_late_for(case, cancel(5, steps=0b010)) == []
    assert too_late_for(case, cancel(5, key="c2")) == []
    assert too_late_for(case, cancel(5, key="c1")) == steps
    other = step(1, 10, 20, is_over=False, key="c2", started=2)
    assert too_late_for(Case(instances=[*steps, other]), cancel(5)) == steps


def test_a_step_that_should_not_have_begun_ends_before_what_is_in_its_place() -> None:
    first, second = step(0, 0, 10, is_over=True), step(1, 10, 30, is_over=False)
    other = step(1, 3, 40, is_over=False, key="other", started=2)
    case = Case(instances=[first, other, second])
    end = note_cancel(case, cancel(5, steps=0b001), EventTime(0), is_late=True)
    assert end == 5
    assert second.undone == Undone(EventTime(5), "late", is_cancel=True)
    assert first.undone is None
    assert other.undone is None
    assert sorted(case.instances, key=opened_order) == case.instances == [first, other, second]
    assert opened_order(second) < (EventTime(5), "", 0)
