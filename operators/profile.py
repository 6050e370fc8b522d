"""Profile: keeps every customer's sessions and features, and says what became of each event."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec

from operators.clock import Clock
from operators.consent_gate import ConsentGate, let_go_of_consent
from operators.event_plans import Event, EventPlans
from operators.features.moment import ANY_MOMENT
from operators.fields import Body, wrong_type
from operators.forget_events import FORGET, ForgetEvent, read_forget
from operators.joining import Joining, Turn, turns_of
from operators.joins import Join, LetGo
from operators.kept import Kept
from operators.models.moments import Moments, next_outcome
from operators.outputs import DeadLetter, LateEvent, Outputs, Record, Tombstone, make_id
from operators.profile_store import Profile, ProfileStore
from operators.rejections import RejectedError, Rejection
from operators.rows import Rows
from operators.sessions import Session, join
from operators.suppression import NOBODY, Suppression
from operators.ticks import (
    Erased,
    Forgotten,
    ProfileResult,
    Removal,
    SessionClosed,
    SessionPassed,
    ShardTick,
    TickName,
)
from operators.times import AFTER_ALL, EventTime, format_time

T = TypeVar("T")


class ProfileStep:
    """Keeps every customer's sessions and features; drops duplicates; passes on what changes.

    Knows nothing of Bytewax or of files: give it ticks, it gives results.

    Attributes:
        kept: what to keep and to look for.
        store: the customers' profiles and deadlines.
        events: what to do with each event.
        rows: keeps the features.
        moments: what models wait for.
        gate: says which events may be applied, None where nobody is asked.

    Args:
        kept: what to keep and to look for.
        store: the customers' profiles and deadlines.
        clock: where the readers stood at the last snapshot.
        suppression: whose events are dropped.
    """

    def __init__(
        self, kept: Kept, store: ProfileStore, clock: Clock, suppression: Suppression = NOBODY
    ) -> None:
        self._plan = kept.plan
        self.store = store
        self._profiles = store.profiles
        self._timers = store.timers
        self._expiries = store.expiries
        self.kept = kept
        self._clock = clock
        self._suppression = suppression
        self.events = EventPlans(kept)
        self.rows = Rows(kept, store)
        self.moments = Moments(kept, self.rows)
        consent = kept.plan.consent
        self.gate = ConsentGate(consent, kept, store, self.moments, self.go_by) if consent else None
        self._joining = Joining(self)
        self._bodies = msgspec.json.Decoder(Body)
        self._result = ProfileResult(TickName(0, 0), 0, EventTime(0), [], Outputs(), Counter())

    def on_tick(self, tick: ShardTick) -> ProfileResult:
        """Apply a tick's events, then let everyone's deadlines pass that the watermark passed."""
        tick = self._suppression.without(tick)
        result = ProfileResult(tick.name, tick.shard, EventTime(0), [], tick.outputs, tick.counts)
        self.moments.begin(result)
        self._result = result
        if tick.customers or tick.joins or tick.ends or tick.gone:
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
        self.store.flush()
        return self._clock

    def _take(self, tick: ShardTick) -> None:  # noqa: C901 (one loop, and a hot one)
        """Apply a tick's events, but for dead letters, duplicates and late ones (I1)."""
        watermarks = self._clock.before(tick.name.reader, tick.watermarks)
        columns = zip(
            tick.customers,
            self._decode(tick),
            tick.times.tolist(),
            tick.late_below.tolist(),
            watermarks.tolist(),
            strict=True,
        )
        concerned = [each.customer for each in tick.joins]
        concerned += [each.anonymous for each in tick.ends]
        concerned += [each.anonymous for each in tick.gone]
        profiles = self._profiles.edit(dict.fromkeys([*tick.customers, *concerned]))
        applied = duplicates = not_admitted = 0
        gate = self.gate
        events = self._in_turn(columns, tick, profiles)
        for number, (customer, body, time, late_below, watermark) in enumerate(events):
            if body is None:
                continue
            if body.type == FORGET:
                self._take_forget(tick, number, profiles, time, watermark)
                continue
            try:
                plan = self.events.get(body)
                values = plan.read(body)
            except RejectedError as error:
                self._reject(tick, number, error.rejection)
                continue
            profile = profiles.get(customer)
            if profile is None or profile.timer < watermark or profile.expiry < watermark:
                profile = profiles[customer] = self.catch_up(profile, customer, time, watermark)
            if self.is_duplicate(profile, body.messageId, time):
                duplicates += 1
                continue
            profile.latest = max(profile.latest, time)
            admitted = gate is None or gate.admits(self._result, profile, body, time, watermark)
            if gate is None and profile.consent is not None:
                let_go_of_consent(self._result, profile, time, watermark, self.go_by)
            if time < late_below - self._plan.grace_ms:
                self._result.counts["late"] += 1
                late = LateEvent(time, customer, tick.original(number))
                self._result.outputs.add("late", late)
                continue
            if not admitted:
                not_admitted += 1
                continue
            applied += 1
            event = Event(time, watermark, body, plan, values, time < late_below)
            self._apply(profile, event)
            if plan.roles:
                self._result.signs.append(plan.signal(customer, event))
        self._count(applied, duplicates, not_admitted)

    def _count(self, applied: int, duplicates: int, not_admitted: int) -> None:
        counts = self._result.counts
        counts["applied"], counts["duplicates"] = applied, duplicates
        if self.gate is not None:
            counts["no_consent"] = not_admitted

    def _in_turn(
        self, columns: Iterable[T], tick: ShardTick, profiles: dict[str, Profile]
    ) -> Iterable[T]:
        """Give a tick's events; what it tells of pasts is taken in between them, in its place."""
        if not (tick.joins or tick.ends or tick.gone):
            return columns
        turns = turns_of(tick)

        def in_turn() -> Iterator[T]:
            turn = next(turns, None)
            for number, column in enumerate(columns):
                while turn is not None and turn.before == number:
                    self._take_turn(turn, profiles)
                    turn = next(turns, None)
                yield column
            while turn is not None:
                self._take_turn(turn, profiles)
                turn = next(turns, None)

        return in_turn()

    def _take_turn(self, turn: Turn, profiles: dict[str, Profile]) -> None:
        """Join a customer's past, end an anonymous customer, or forget one with the customer."""
        told = turn.told
        if isinstance(told, LetGo):
            self._erase(told.anonymous, profiles, told.time, told.watermark, told.event)
            return
        name = told.customer if isinstance(told, Join) else told.anonymous
        profile = profiles.pop(name, None)
        if profile is not None and not self._passes(profile, told.watermark):
            profile = None
        if isinstance(told, Join):
            joined = self._joining.join(self._result, told, profile)
            if joined is not None:
                profiles[name] = joined
        elif profile is not None:
            self._joining.end(self._result, told, profile)

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

    def catch_up(
        self, profile: Profile | None, customer: str, time: EventTime, watermark: EventTime
    ) -> Profile:
        """Let pass a customer's deadlines before the watermark; make a profile if none is left."""
        if profile is None or not self._passes(profile, watermark):
            expiry = EventTime(time + self._plan.retention_ms)
            self._expiries.add(expiry, customer)
            profile = self.store.new(customer, time, expiry)
            self._profiles.insert(customer, profile)
        return profile

    def _passes(self, profile: Profile, watermark: EventTime) -> bool:
        """Let pass a customer's deadlines before the watermark; tell whether a profile is left."""
        if profile.timer < watermark:
            self._timers.remove(profile.timer, profile.customer)
            self._close_sessions(profile, watermark)
        if profile.expiry < watermark:
            self._expiries.remove(profile.expiry, profile.customer)
            self.rows.pass_by(self._result.signs, profile, watermark, watermark)
            return not self._expire(profile, watermark)
        return True

    def _take_forget(
        self,
        tick: ShardTick,
        number: int,
        profiles: dict[str, Profile],
        time: EventTime,
        watermark: EventTime,
    ) -> None:
        """Forget a customer by an event, once all has happened that the watermark has passed."""
        try:
            event = read_forget(tick.line(number), listens=self._plan.forgets)
        except RejectedError as error:
            self._reject(tick, number, error.rejection)
            return
        self._erase(tick.customers[number], profiles, time, watermark, event)
        self._result.counts["forgotten"] += 1

    def _erase(
        self,
        customer: str,
        profiles: dict[str, Profile],
        time: EventTime,
        watermark: EventTime,
        event: ForgetEvent,
    ) -> None:
        """Remove all that is kept of a customer, and tell it."""
        removal = Removal(self._suppression.digest(customer), bool(event.suppress))
        profile = profiles.pop(customer, None)
        if profile is not None and self._passes(profile, watermark):
            self.rows.pass_by(self._result.signs, profile, watermark, watermark)
            removal.add(**self.store.erase(profile))
        self.store.leave_no_trace()
        self.moments.erase(customer, watermark)
        self._result.outputs.add("sessions", Tombstone(customer, time))
        self._result.signs.append(Erased(customer, time, watermark, event.messageId, removal))

    def _apply(self, profile: Profile, event: Event) -> None:
        """Put an event into its session and take it into the features."""
        time, watermark, plan = event.time, event.watermark, event.plan
        if not profile.applied:
            profile.applied = True
            profile.first_seen = time
            self._result.counts["customers"] += 1
        moment = ANY_MOMENT
        if self.kept.needs_moment:
            profile.first_seen = min(profile.first_seen, time)
            self.go_by(profile, max(time, watermark), watermark)
            moment = self.rows.move_clock(profile, event)
            event.values = plan.with_derived(event, moment.zone)
        session, merged = self.put_into_session(profile, event)
        if self.kept.has_rows:
            row = self.rows.apply(profile, event, moment)
            if plan.awaited_by and self.moments.note(profile, session, event):
                self.set_timer(profile)
            if plan.scored_by and not event.is_late:
                self.moments.take(profile, session, event, moment, row)
            self._result.signs.append(row)
        if event.is_late:
            self.close_again(profile, session, merged, watermark)
        elif session.events == 1:
            self.set_timer(profile)

    def put_into_session(self, profile: Profile, event: Event) -> tuple[Session, Session | None]:
        """Return an event's session, and the one that went into it for the event, if one did."""
        time, plan, kinds = event.time, event.plan, self.kept.session_values
        session, merged = join(profile.sessions, time, self._plan.gap_ms, kinds)
        if merged is not None:
            self.moments.merge(profile, session, merged)
        collected = session.collected
        for slot in plan.counts:
            collected[slot] += 1
        for slot, kept, observe in plan.of_session:
            for value in observe(event.values, time):
                collected[slot] = kept.update(collected[slot], value, time)
        return session, merged

    def go_by(self, profile: Profile, before: EventTime, watermark: EventTime) -> None:
        """Let happen what changes by itself before a time, by the customer's own clock."""
        if self.kept.tells_closings:
            self._pass_sessions(profile, before, watermark)
        self.rows.pass_by(self._result.signs, profile, before, watermark)

    def _pass_sessions(self, profile: Profile, until: EventTime, watermark: EventTime) -> None:
        """Tell which sessions are over by the customer's own clock, while rows are of then."""
        ends = [EventTime(each.last + self._plan.gap_ms) for each in profile.sessions]
        for end in sorted(end for end in ends if profile.moment <= end < until):
            self.rows.pass_by(self._result.signs, profile, EventTime(end + 1), watermark)
            self._result.signs.append(SessionPassed(profile.customer, end, watermark))

    def is_duplicate(self, profile: Profile, message_id: str | None, time: EventTime) -> bool:
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
        self.rows.fire_everyone(self._result.signs, watermark)
        if watermark == AFTER_ALL:
            return  # past every timer, but nobody is forgotten
        while customers := self._expiries.due(watermark):
            profiles = self._profiles.edit(customers)
            for customer in customers:
                self._expire(profiles[customer], watermark)

    def _close_sessions(self, profile: Profile, watermark: EventTime) -> None:
        """Close a customer's sessions that end before the watermark; the timer was taken."""
        for session in profile.sessions:
            end = EventTime(session.last + self._plan.gap_ms)
            if not session.is_closed and end < watermark:
                gate = self.gate
                if gate and not gate.lets_stay(self._result, profile, end, watermark):
                    return
                self.moments.tell(profile, EventTime(end + 1))
                self._close(profile, session, watermark, is_late=False)
        forgotten = EventTime(profile.latest + self._plan.retention_ms)
        is_forgotten = forgotten < watermark < AFTER_ALL
        self.moments.tell(profile, forgotten if is_forgotten else watermark)
        matters_from = watermark - self._plan.grace_ms - self._plan.gap_ms
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
            if not session.is_closed and session.last + self._plan.gap_ms < watermark:
                self._close(profile, session, watermark, is_late=True)

    def set_timer(self, profile: Profile) -> None:
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
            self.rows.forget(profile)
            self.moments.forget(profile, expiry)
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
            self.moments.fix(profile, session, time)
            self._result.counts["sessions"] += 1
            if self.kept.tells_closings:
                self.rows.pass_by(self._result.signs, profile, EventTime(time + 1), watermark)
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
        for collected, state in zip(self.kept.collected, session.collected, strict=False):
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
