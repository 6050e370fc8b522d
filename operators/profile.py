"""Profile: keeps every customer's sessions and features, and says what became of each event."""

from collections import Counter

import msgspec
import numpy as np

from operators.clock import Clock
from operators.event_plans import Event, EventPlans
from operators.features.moment import ANY_MOMENT
from operators.fields import Body, wrong_type
from operators.kept import Kept
from operators.models.moments import Moments, next_outcome
from operators.outputs import DeadLetter, LateEvent, Outputs, Record, make_id
from operators.profile_store import Profile, ProfileStore
from operators.rejections import RejectedError, Rejection
from operators.rows import Rows
from operators.sessions import Session, join
from operators.ticks import (
    Forgotten,
    ProfileResult,
    SessionClosed,
    SessionPassed,
    ShardTick,
    TickName,
)
from operators.times import AFTER_ALL, EventTime, format_time


class ProfileStep:
    """Keeps every customer's sessions and features; drops duplicates; passes on what changes.

    Knows nothing of Bytewax or of files: give it ticks, it gives results.

    Args:
        kept: what to keep and to look for.
        store: the customers' profiles and deadlines.
        clock: where the readers stood at the last snapshot.
    """

    def __init__(self, kept: Kept, store: ProfileStore, clock: Clock) -> None:
        self._plan = kept.plan
        self._store = store
        self._profiles = store.profiles
        self._timers = store.timers
        self._expiries = store.expiries
        self._kept = kept
        self._clock = clock
        self._events = EventPlans(kept)
        self._rows = Rows(kept, store)
        self._moments = Moments(kept, self._rows)
        self._bodies = msgspec.json.Decoder(Body)
        self._result = ProfileResult(TickName(0, 0), 0, EventTime(0), [], Outputs(), Counter())

    def on_tick(self, tick: ShardTick) -> ProfileResult:
        """Apply a tick's events, then let everyone's deadlines pass that the watermark passed."""
        result = ProfileResult(tick.name, tick.shard, EventTime(0), [], tick.outputs, tick.counts)
        self._moments.begin(result)
        self._result = result
        if tick.customers:
            self._take(tick)
        self._clock.advance(tick.name, tick.watermark, ended=tick.ended)
        result.watermark = EventTime(self._clock.watermark)
        result.ended = all(self._clock.ended)
        self._fire_everyone(result.watermark)
        if tick.close and result.ended:
            result.watermark = AFTER_ALL
            self._fire_everyone(AFTER_ALL)
        for told in result.models.values():
            told.watermark = result.watermark
        return result

    def snapshot(self) -> Clock:
        """Write what has changed; return where the readers stand."""
        self._store.flush()
        return self._clock

    def _take(self, tick: ShardTick) -> None:
        """Apply a tick's events, but for dead letters, duplicates and late ones (I1)."""
        others = self._clock.others(tick.name.reader)
        watermarks = np.maximum(np.minimum(tick.watermarks, others), self._clock.watermark)
        columns = zip(
            tick.customers,
            self._decode(tick),
            tick.times.tolist(),
            tick.late_below.tolist(),
            watermarks.tolist(),
            strict=True,
        )
        profiles = self._profiles.edit(dict.fromkeys(tick.customers))
        applied = duplicates = 0
        for number, (customer, body, time, late_below, watermark) in enumerate(columns):
            if body is None:
                continue
            try:
                plan = self._events.get(body)
                values = plan.read(body)
            except RejectedError as error:
                self._reject(tick, number, error.rejection)
                continue
            profile = profiles.get(customer)
            if profile is None or profile.timer < watermark or profile.expiry < watermark:
                profile = profiles[customer] = self._catch_up(profile, customer, time, watermark)
            if self._is_duplicate(profile, body.messageId, time):
                duplicates += 1
                continue
            profile.latest = max(profile.latest, time)
            if time < late_below - self._plan.grace_ms:
                self._result.counts["late"] += 1
                late = LateEvent(time, customer, tick.original(number))
                self._result.outputs.add("late", late)
                continue
            applied += 1
            event = Event(time, watermark, body, plan, values, time < late_below)
            self._apply(profile, event)
            if plan.roles:
                self._result.signs.append(plan.signal(customer, event))
        self._result.counts["applied"] = applied
        self._result.counts["duplicates"] = duplicates

    def _decode(self, tick: ShardTick) -> list[Body] | list[Body | None]:
        """Decode all events at once; where that fails one by one, None for a dead letter."""
        try:
            bodies = self._decode_all(tick.lines)
        except (msgspec.DecodeError, RecursionError):
            some: list[Body | None] = []
            for index, line in enumerate(tick.lines.split(b"\n")):
                some.append(self._decode_one(tick, index, line))
            return some
        assert len(bodies) == len(tick.customers), "route passes on one event a line"
        return bodies

    def _decode_all(self, lines: bytes) -> list[Body]:
        # A function of its own: how deep the decoder may go depends on the frames above it, and a
        # line must not fare differently here than in _decode_one.
        return self._bodies.decode_lines(lines)

    def _decode_one(self, tick: ShardTick, index: int, line: bytes) -> Body | None:
        try:
            return self._bodies.decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            self._reject(tick, index, wrong_type(error))
            return None

    def _reject(self, tick: ShardTick, index: int, rejection: Rejection) -> None:
        letter = DeadLetter(tick.place(index), rejection, tick.original(index))
        self._result.outputs.add("dead-letters", letter)
        self._result.counts["dead_letters"] += 1

    def _catch_up(
        self, profile: Profile | None, customer: str, time: EventTime, watermark: EventTime
    ) -> Profile:
        """Let pass a customer's deadlines before the watermark; make a profile if none is left."""
        if profile is not None and profile.timer < watermark:
            self._timers.remove(profile.timer, customer)
            self._close_sessions(profile, watermark)
        if profile is not None and profile.expiry < watermark:
            self._expiries.remove(profile.expiry, customer)
            self._rows.pass_by(self._result.signs, profile, watermark, watermark)
            if self._expire(profile, watermark):
                profile = None
        if profile is None:
            expiry = EventTime(time + self._plan.retention_ms)
            self._expiries.add(expiry, customer)
            profile = self._store.new(customer, time, expiry)
            self._profiles.insert(customer, profile)
        return profile

    def _apply(self, profile: Profile, event: Event) -> None:
        """Put an event into its session and take it into the features."""
        time, watermark, plan = event.time, event.watermark, event.plan
        if not profile.applied:
            profile.applied = True
            profile.first_seen = time
            self._result.counts["customers"] += 1
        moment = ANY_MOMENT
        if self._kept.needs_moment:
            profile.first_seen = min(profile.first_seen, time)
            if self._kept.tells_closings:
                self._pass_sessions(profile, max(time, watermark), watermark)
            self._rows.pass_by(self._result.signs, profile, max(time, watermark), watermark)
            moment = self._rows.move_clock(profile, event)
            event.values = plan.with_derived(event, moment.zone)
        session, merged = self._put_into_session(profile, event)
        if self._kept.has_rows:
            row = self._rows.apply(profile, event, moment)
            if plan.awaited_by and self._moments.note(profile, session, event):
                self._set_timer(profile)
            if plan.scored_by and not event.is_late:
                self._moments.take(profile, session, event, moment, row)
            self._result.signs.append(row)
        if event.is_late:
            self._close_again(profile, session, merged, watermark)
        elif session.events == 1:
            self._set_timer(profile)

    def _put_into_session(self, profile: Profile, event: Event) -> tuple[Session, Session | None]:
        """Return an event's session, and the one that went into it for the event, if one did."""
        time, plan, kinds = event.time, event.plan, self._kept.session_values
        session, merged = join(profile.sessions, time, self._plan.gap_ms, kinds)
        if merged is not None:
            self._moments.merge(profile, session, merged)
        collected = session.collected
        for slot in plan.counts:
            collected[slot] += 1
        for slot, kept, observe in plan.of_session:
            for value in observe(event.values, time):
                collected[slot] = kept.update(collected[slot], value, time)
        return session, merged

    def _pass_sessions(self, profile: Profile, until: EventTime, watermark: EventTime) -> None:
        """Tell which sessions are over by the customer's own clock, while rows are of then."""
        ends = [EventTime(each.last + self._plan.gap_ms) for each in profile.sessions]
        for end in sorted(end for end in ends if profile.moment <= end < until):
            self._rows.pass_by(self._result.signs, profile, EventTime(end + 1), watermark)
            self._result.signs.append(SessionPassed(profile.customer, end, watermark))

    def _is_duplicate(self, profile: Profile, message_id: str | None, time: EventTime) -> bool:
        """Tell whether this event was seen before; remember it if not (I4)."""
        if not message_id:
            return False
        seen = profile.message_ids
        seen_at = seen.get(message_id)
        if seen_at is not None:
            if abs(time - seen_at) <= self._plan.duplicates_within_ms:
                return True
            del seen[message_id]
        seen[message_id] = time
        while len(seen) > self._plan.duplicates_last:
            del seen[next(iter(seen))]
        return False

    def _fire_everyone(self, watermark: EventTime) -> None:
        """Let pass every deadline before the watermark."""
        while customers := self._timers.due(watermark):
            profiles = self._profiles.edit(customers)
            for customer in customers:
                self._close_sessions(profiles[customer], watermark)
        self._rows.fire_everyone(self._result.signs, watermark)
        if watermark == AFTER_ALL:
            return  # past every timer, but nobody is forgotten
        while customers := self._expiries.due(watermark):
            profiles = self._profiles.edit(customers)
            for customer in customers:
                self._expire(profiles[customer], watermark)

    def _close_sessions(self, profile: Profile, watermark: EventTime) -> None:
        """Close a customer's sessions that end before the watermark; the timer was taken."""
        for session in profile.sessions:
            if not session.is_closed and session.last + self._plan.gap_ms < watermark:
                self._moments.tell(profile, EventTime(session.last + self._plan.gap_ms + 1))
                self._close(profile, session, watermark, is_late=False)
        forgotten = EventTime(profile.latest + self._plan.retention_ms)
        is_forgotten = forgotten < watermark < AFTER_ALL
        self._moments.tell(profile, forgotten if is_forgotten else watermark)
        matters_from = watermark - self._plan.grace_ms - self._plan.gap_ms
        profile.sessions = [
            each for each in profile.sessions if not each.is_closed or each.last >= matters_from
        ]
        profile.timer = AFTER_ALL
        if not is_forgotten:
            self._set_timer(profile)

    def _close_again(
        self, profile: Profile, session: Session, merged: Session | None, watermark: EventTime
    ) -> None:
        """Say what an event that was late has made of its session."""
        if merged and merged.revision:
            self._retract(profile.customer, merged, into=session)
        session.is_closed = False
        if session.last + self._plan.gap_ms < watermark:
            self._close(profile, session, watermark, is_late=True)
        self._set_timer(profile)

    def _set_timer(self, profile: Profile) -> None:
        """Set the timer earlier if need be; a later deadline is found when the timer fires."""
        session = next((each for each in profile.sessions if not each.is_closed), None)
        deadline = AFTER_ALL if session is None else EventTime(session.last + self._plan.gap_ms)
        if profile.models:
            deadline = min(deadline, next_outcome(profile))
        if deadline < profile.timer:
            if profile.timer != AFTER_ALL:
                self._timers.remove(profile.timer, profile.customer)
            self._timers.add(deadline, profile.customer)
            profile.timer = deadline

    def _expire(self, profile: Profile, watermark: EventTime) -> bool:
        """Forget a customer unseen for too long, whose expiry was taken; tell whether so."""
        expiry = EventTime(profile.latest + self._plan.retention_ms)
        if expiry < watermark:
            if profile.timer != AFTER_ALL:
                self._timers.remove(profile.timer, profile.customer)
            self._rows.forget(profile)
            self._moments.forget(profile, expiry)
            self._profiles.delete(profile.customer)
            self._result.signs.append(Forgotten(profile.customer, expiry, watermark))
            return True
        self._expiries.add(expiry, profile.customer)
        profile.expiry = expiry
        return False

    def _close(
        self, profile: Profile, session: Session, watermark: EventTime, *, is_late: bool
    ) -> None:
        """Close a session that is over, and tell triggers when it is for the first time."""
        customer, time = profile.customer, EventTime(session.last + self._plan.gap_ms)
        session_id = self._session_id(customer, session)
        if not session.revision:
            session.named = session.start
            self._moments.fix(profile, session, time)
            self._result.counts["sessions"] += 1
            if self._kept.tells_closings:
                self._rows.pass_by(self._result.signs, profile, EventTime(time + 1), watermark)
                closed = SessionClosed(customer, time, watermark, is_late)
                self._result.signs.append(closed)
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
        for collected, state in zip(self._kept.collected, session.collected, strict=False):
            data.update(collected.result(state))
        record_id = f"{session_id}-{session.revision}"
        record = Record("session.closed", record_id, customer, time, data)
        self._result.outputs.add("sessions", record)

    def _retract(self, customer: str, session: Session, *, into: Session) -> None:
        """Take back a session that was closed, and now is part of an earlier one."""
        session_id = self._session_id(customer, session)
        data: dict[str, object] = {
            "session_id": session_id,
            "revision": session.revision + 1,
            "merged_into": self._session_id(customer, into),
        }
        time = EventTime(session.last + self._plan.gap_ms)
        record = Record("session.retracted", f"{session_id}-retracted", customer, time, data)
        self._result.outputs.add("sessions", record)

    def _session_id(self, customer: str, session: Session) -> str:
        return make_id("session", self._plan.name, customer, session.name_time)
