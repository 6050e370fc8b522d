"""Open sessions after each event against sorting all events and cutting at the gaps."""

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from operators.features.collected import Collected
from operators.features.plan import FeaturePlan, WindowPlan
from operators.sessions import Session, join
from operators.times import EventTime

GAP = 10
NAMES = ("count", "sum", "min", "max", "first", "last", "distinct")
BOUNDS = {"distinct": 3}
KINDS = [
    Collected(FeaturePlan(name, name, WindowPlan("all"), None, BOUNDS.get(name, 0), ""))
    for name in NAMES
]

Event = tuple[int, int]
"""Time and value."""


def add(sessions: list[Session], event: Event) -> Session:
    """Do what the profile step does with an event."""
    time, value = event
    session, _ = join(sessions, EventTime(time), GAP, KINDS)
    session.collected = [
        kind.update(state, value, EventTime(time))
        for kind, state in zip(KINDS, session.collected, strict=True)
    ]
    return session


def described(sessions: list[Session]) -> list[tuple[int, int, int, dict[str, Any]]]:
    return [
        (
            session.start,
            session.last,
            session.events,
            {
                name: value
                for kind, state in zip(KINDS, session.collected, strict=True)
                for name, value in kind.result(state).items()
            },
        )
        for session in sessions
    ]


def naive(events: list[Event]) -> list[tuple[int, int, int, dict[str, Any]]]:
    runs: list[list[Event]] = []
    for event in sorted(events, key=lambda event: event[0]):
        if runs and event[0] - runs[-1][-1][0] <= GAP:
            runs[-1].append(event)
        else:
            runs.append([event])
    return [(run[0][0], run[-1][0], len(run), naive_collected(run)) for run in runs]


def naive_collected(run: list[Event]) -> dict[str, Any]:
    values = [value for _, value in run]
    different = len(set(values))
    return {
        "count": len(values),
        "sum": sum(values),
        "min": min(values),
        "max": max(values),
        "first": values[0],
        "last": values[-1],
        "distinct": min(different, 3),
        **({"distinct_exact": False} if different > 3 else {}),
    }


@settings(deadline=None, max_examples=500)
@given(st.lists(st.tuples(st.integers(-30, 60), st.integers(0, 9)), max_size=25))
@example([(0, 1), (20, 2), (10, 3)])
@example([(0, 1), (21, 2), (10, 3), (11, 4)])
@example([(0, 1), (30, 2), (-10, 3), (5, 4), (40, 5), (20, 6), (10, 7), (15, 8)])
def test_sessions_are_those_of_the_sorted_events_whatever_order_they_arrive_in(
    events: list[Event],
) -> None:
    sessions: list[Session] = []
    for count, event in enumerate(events, 1):
        session = add(sessions, event)
        assert any(session is each for each in sessions)
        assert session.start <= event[0] <= session.last
        assert described(sessions) == naive(events[:count])


def starts(*times: int) -> list[tuple[int, int]]:
    sessions: list[Session] = []
    for time in times:
        add(sessions, (time, 0))
    return [(session.start, session.last) for session in sessions]


def test_exactly_the_gap_joins_and_one_more_does_not() -> None:
    assert starts(0, 10) == [(0, 10)]
    assert starts(0, 11) == [(0, 0), (11, 11)]
    assert starts(10, 0) == [(0, 10)]
    assert starts(11, 0) == [(0, 0), (11, 11)]


def test_one_late_event_joins_two_sessions_and_no_third() -> None:
    assert starts(0, 20, 40, 10) == [(0, 20), (40, 40)]
    assert starts(0, 21, 10) == [(0, 10), (21, 21)]
    assert starts(0, 21, 11) == [(0, 0), (11, 21)]


def test_sessions_without_collected_values_are_the_same() -> None:
    sessions: list[Session] = []
    for time in (20, 0, 10, 50):
        join(sessions, EventTime(time), GAP, [])[0].collected = []
    assert [(each.start, each.last, each.events) for each in sessions] == [(0, 20, 3), (50, 50, 1)]
