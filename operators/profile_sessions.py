"""Keeps the sessions in profiles: opens, joins and closes them, and says so (S1).

What a session is, and when two of them become one, is in sessions.py.
"""

from collections import Counter
from collections.abc import Iterable

from operators.event_plans import Event
from operators.kept import Kept
from operators.models.moments import Moments, next_outcome
from operators.outputs import Outputs, Record, make_id
from operators.profile_store import Profile, ProfileStore
from operators.rows import Rows
from operators.sessions import Session, join
from operators.signs import SessionClosed, SessionPassed, Sign
from operators.ticks import ProfileResult
from operators.times import AFTER_ALL, EventTime, format_time


class Sessions:
    """Keeps the sessions of customers, and the timer by which they are over.

    Args:
        kept: what is kept with a session, and who wants to know of it.
        store: the profiles' deadlines.
        rows: the features, which change by themselves as sessions are over.
        moments: what models wait for.
    """

    def __init__(self, kept: Kept, store: ProfileStore, rows: Rows, moments: Moments) -> None:
        self._config = kept.plan.name
        self._gap_ms = kept.plan.gap_ms
        self._grace_ms = kept.plan.grace_ms
        self._retention_ms = kept.plan.retention_ms
        self._values = kept.session_values
        self._collected = kept.collected
        self._tells_closings = kept.tells_closings
        self._timers = store.timers
        self._rows = rows
        self._moments = moments
        self._signs: list[Sign] = []
        self._outputs = Outputs()
        self._counts: Counter[str] = Counter()

    def begin(self, result: ProfileResult) -> None:
        """Tell of what comes now as a part of this result."""
        self._signs, self._outputs, self._counts = result.signs, result.outputs, result.counts

    def put(self, profile: Profile, event: Event) -> tuple[Session, Session | None]:
        """Return an event's session, and the one that went into it for the event, if one did."""
        time, plan = event.time, event.plan
        session, merged = join(profile.sessions, time, self._gap_ms, self._values)
        if merged is not None:
            self._moments.merge(profile, session, merged)
        collected = session.collected
        for slot in plan.counts:
            collected[slot] += 1
        for slot, kept, observe in plan.of_session:
            for value in observe(event.values, time):
                collected[slot] = kept.update(collected[slot], value, time)
        return session, merged

    def go_by(self, profile: Profile, before: EventTime, watermark: EventTime) -> None:
        """Let happen what changes by itself before a time, by the customer's own clock."""
        if self._tells_closings:
            self._pass(profile, before, watermark)
        self._rows.pass_by(self._signs, profile, before, watermark)

    def first_end(self, profile: Profile) -> EventTime:
        """Return when the first of the sessions is over that are open, AFTER_ALL for none."""
        session = next((each for each in profile.sessions if not each.is_closed), None)
        return AFTER_ALL if session is None else EventTime(session.last + self._gap_ms)

    def close(self, profile: Profile, watermark: EventTime) -> None:
        """Close those that are over before the watermark; the timer was taken."""
        for session in profile.sessions:
            end = EventTime(session.last + self._gap_ms)
            if not session.is_closed and end < watermark:
                self._moments.tell(profile, EventTime(end + 1))
                self._close(profile, session, watermark, is_late=False)
        forgotten = EventTime(profile.latest + self._retention_ms)
        is_forgotten = forgotten < watermark < AFTER_ALL
        self._moments.tell(profile, forgotten if is_forgotten else watermark)
        matters_from = watermark - self._grace_ms - self._gap_ms
        profile.sessions = [
            each for each in profile.sessions if not each.is_closed or each.last >= matters_from
        ]
        profile.timer = AFTER_ALL
        if not is_forgotten:
            self.set_timer(profile)

    def close_again(
        self, profile: Profile, session: Session, merged: Session | None, watermark: EventTime
    ) -> None:
        """Say what an event that was late has made of its session."""
        self.reopen(profile, session, merged)
        self.close_late(profile, [session], watermark)
        self.set_timer(profile)

    def reopen(self, profile: Profile, session: Session, merged: Session | None) -> None:
        """Let a session go on that an event has joined; take back the one that went into it."""
        if merged and merged.revision:
            self._retract(profile.customer, merged, into=session)
        session.is_closed = False

    def close_late(
        self, profile: Profile, sessions: Iterable[Session], watermark: EventTime
    ) -> None:
        """Close those of some sessions that are over, of which only late events tell."""
        for session in sessions:
            if not session.is_closed and session.last + self._gap_ms < watermark:
                self._close(profile, session, watermark, is_late=True)

    def set_timer(self, profile: Profile) -> None:
        """Set the timer earlier if need be; a later deadline is found when the timer fires."""
        deadline = self.first_end(profile)
        if profile.models:
            deadline = min(deadline, next_outcome(profile))
        if deadline < profile.timer:
            if profile.timer != AFTER_ALL:
                self._timers.remove(profile.timer, profile.customer)
            self._timers.add(deadline, profile.customer)
            profile.timer = deadline

    def _pass(self, profile: Profile, until: EventTime, watermark: EventTime) -> None:
        """Tell which are over by the customer's own clock, while rows are of then."""
        ends = [EventTime(each.last + self._gap_ms) for each in profile.sessions]
        for end in sorted(end for end in ends if profile.moment <= end < until):
            self._rows.pass_by(self._signs, profile, EventTime(end + 1), watermark)
            self._signs.append(SessionPassed(profile.customer, end, watermark))

    def _close(
        self, profile: Profile, session: Session, watermark: EventTime, *, is_late: bool
    ) -> None:
        """Close a session that is over, and tell triggers when it is for the first time."""
        customer, time = profile.customer, EventTime(session.last + self._gap_ms)
        session_id = self._id(customer, session)
        if not session.revision:
            session.named = session.start
            self._moments.fix(profile, session, time)
            self._counts["sessions"] += 1
            if self._tells_closings:
                self._rows.pass_by(self._signs, profile, EventTime(time + 1), watermark)
                self._signs.append(SessionClosed(customer, time, watermark, is_late))
        session.revision += 1
        session.is_closed = True
        data: dict[str, object] = {
            "session_id": session_id,
            "start": format_time(session.start),
            "end": format_time(session.last),
            "duration_s": (session.last - session.start) / 1000,
            "events": session.events,
            "revision": session.revision,
        }
        for collected, state in zip(self._collected, session.collected, strict=False):
            data.update(collected.result(state))
        record_id = f"{session_id}-{session.revision}"
        record = Record("session.closed", record_id, customer, time, data)
        self._outputs.add("sessions", record)

    def _retract(self, customer: str, session: Session, *, into: Session) -> None:
        """Take back a session that was closed, and now is part of an earlier one."""
        session_id = self._id(customer, session)
        data: dict[str, object] = {
            "session_id": session_id,
            "revision": session.revision + 1,
            "merged_into": self._id(customer, into),
        }
        time = EventTime(session.last + self._gap_ms)
        record = Record("session.retracted", f"{session_id}-retracted", customer, time, data)
        self._outputs.add("sessions", record)

    def _id(self, customer: str, session: Session) -> str:
        return make_id("session", self._config, customer, session.name_time)
