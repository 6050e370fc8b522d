"""One customer's sessions where late events are applied: sent again, and taken back (S1).

After each arrival the whole history is cut anew, and compared with what was closed before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from oracle.input import Event
from oracle.sessions import Session, runs_of, sessions_of


@dataclass(frozen=True)
class Retracted:
    """A closed session that has become a part of an earlier one."""

    customer: str
    time: int
    """When it was over, before that."""
    named: int
    """What its id is made of; see `Session`."""
    revision: int
    merged_into: int
    """What the other one's id is made of."""


@dataclass
class Sessions:
    """One customer's sessions, as events arrive.

    Attributes:
        closed: every closing, in order.
        retracted: every session that was taken back, in order.
    """

    collect: Mapping[str, Mapping[str, Any]]
    gap_ms: int
    closed: list[Session] = field(default_factory=list)
    retracted: list[Retracted] = field(default_factory=list)
    _known: list[Event] = field(default_factory=list)
    _latest: dict[int, tuple[Session, frozenset[int]]] = field(default_factory=dict)
    """The last closing of each session that was not taken back, and the events in it; by name."""

    def arrive(self, event: Event) -> None:
        """Close what was over before an event; then take it in, and see what it has changed."""
        self.close(event.before)
        self.join(event)
        if event.is_late:
            self.close(event.before)

    def join(self, event: Event) -> None:
        """Take an event in."""
        before = [run for run in self._runs() if self._is_near(run, event)]
        self._known.append(event)
        if len(before) == 2:
            self._retract(*before)

    def close(self, watermark: float) -> None:
        """Close what is over, unless it was closed just so."""
        for run in self._runs():
            [session] = sessions_of(run, self.collect, gap_ms=self.gap_ms, watermark=float("inf"))
            if session.time >= watermark:
                continue
            events = frozenset(event.arrival for event in run)
            old = self._closed_before(run)
            if old is not None:
                last, then = self._latest[old]
                if then == events:
                    continue
                session = replace(session, named=old, revision=last.revision + 1)
            self.closed.append(session)
            self._latest[session.named] = session, events

    def take_over(self, events: Sequence[Event]) -> None:
        """Begin with the events of sessions that are open, which were somebody else's before."""
        self._known += events

    def leave_alone(self, events: set[int]) -> None:
        """Let sessions, whose events these are by arrival, be as they are: nothing joins them."""
        self._known = [event for event in self._known if event.arrival not in events]

    def _retract(self, earlier: list[Event], later: list[Event]) -> None:
        """Take the later of two sessions back, which have become one, if it was ever closed."""
        name = self._closed_before(later)
        if name is None:
            return
        session, _ = self._latest.pop(name)
        into = self._closed_before(earlier)
        self.retracted.append(
            Retracted(
                session.customer,
                later[-1].time + self.gap_ms,
                name,
                session.revision + 1,
                earlier[0].time if into is None else into,
            )
        )

    def _closed_before(self, run: list[Event]) -> int | None:
        """Return the name of the closed session that a run goes on, None if there is none."""
        events = {event.arrival for event in run}
        names = [name for name, (_, then) in self._latest.items() if then & events]
        assert len(names) <= 1, "two that become one are one at once"
        return names[0] if names else None

    def _runs(self) -> list[list[Event]]:
        by_time = sorted(self._known, key=lambda event: (event.time, event.arrival))
        return runs_of(by_time, gap_ms=self.gap_ms) if by_time else []

    def _is_near(self, run: list[Event], event: Event) -> bool:
        return run[0].time - self.gap_ms <= event.time <= run[-1].time + self.gap_ms


def sessions_as_known(
    events: Sequence[Event],
    collect: Mapping[str, Mapping[str, Any]],
    *,
    gap_ms: int,
    watermark: float,
) -> Sessions:
    """Follow one customer's events in order of arrival; close what the watermark is past."""
    sessions = Sessions(collect, gap_ms)
    for event in events:
        sessions.arrive(event)
    sessions.close(watermark)
    return sessions
