"""Profile: keeps every customer's sessions and features, and says what became of each event."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec

from operators.clock import Clock
from operators.consent_gate import ConsentGate, let_go_of_consent
from operators.dropping import ProfileDrops
from operators.duplicates import is_duplicate
from operators.event_plans import Event, EventPlans
from operators.features.moment import ANY_MOMENT
from operators.fields import Body, wrong_type
from operators.forget_events import FORGET, ForgetEvent, read_forget
from operators.joining import Joining, Parts, Turn, turns_of
from operators.joins import Join, LetGo
from operators.kept import Kept
from operators.models.moments import Moments
from operators.outputs import DeadLetter, LateEvent, Outputs, Tombstone
from operators.profile_sessions import Sessions
from operators.profile_store import Profile, ProfileStore
from operators.rejections import RejectedError, Rejection
from operators.rows import Rows
from operators.signs import Erased, Forgotten, Removal
from operators.suppression import NOBODY, Suppression
from operators.ticks import ProfileResult, ShardTick, TickName
from operators.times import AFTER_ALL, EventTime

T = TypeVar("T")


class ProfileStep:
    """Keeps every customer's sessions and features; drops duplicates; passes on what changes.

    Knows nothing of Bytewax or of files: give it ticks, it gives results.

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
        self._store = store
        self._profiles = store.profiles
        self._timers = store.timers
        self._expiries = store.expiries
        self._kept = kept
        self._clock = clock
        self._digest = suppression.digest
        self._drops = ProfileDrops(suppression)
        self._events = events = EventPlans(kept)
        self._rows = rows = Rows(kept, store)
        self._moments = moments = Moments(kept, rows)
        self._sessions = sessions = Sessions(kept, store, rows, moments)
        consent = kept.plan.consent
        gate = ConsentGate(consent, kept, store, moments, sessions) if consent else None
        self._gate = gate
        self._joining = Joining(Parts(kept, store, events, rows, moments, sessions, gate))
        self._bodies = msgspec.json.Decoder(Body)
        self._result = ProfileResult(TickName(0, 0), 0, EventTime(0), [], Outputs(), Counter())

    def on_tick(self, tick: ShardTick) -> ProfileResult:
        """Apply a tick's events, then let everyone's deadlines pass that the watermark passed."""
        tick = self._drops.without(tick)
        result = ProfileResult(tick.name, tick.shard, EventTime(0), [], tick.outputs, tick.counts)
        self._moments.begin(result)
        self._sessions.begin(result)
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
        self._store.flush()
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
        gate = self._gate
        events = self._in_turn(columns, tick, profiles)
        for number, (customer, body, time, late_below, watermark) in enumerate(events):
            if body is None:
                continue
            if body.type == FORGET:
                self._take_forget(tick, number, profiles, time, watermark)
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
            if is_duplicate(profile, body.messageId, time, self._plan):
                duplicates += 1
                continue
            profile.latest = max(profile.latest, time)
            admitted = gate is None or gate.admits(self._result, profile, body, time, watermark)
            if gate is None and profile.consent is not None:
                let_go_of_consent(self._result, profile, time, watermark, self._sessions)
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
        if self._gate is not None:
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

    def _catch_up(
        self, profile: Profile | None, customer: str, time: EventTime, watermark: EventTime
    ) -> Profile:
        """Let pass a customer's deadlines before the watermark; make a profile if none is left."""
        if profile is None or not self._passes(profile, watermark):
            expiry = EventTime(time + self._plan.retention_ms)
            self._expiries.add(expiry, customer)
            profile = self._store.new(customer, time, expiry)
            self._profiles.insert(customer, profile)
        return profile

    def _passes(self, profile: Profile, watermark: EventTime) -> bool:
        """Let pass a customer's deadlines before the watermark; tell whether a profile is left."""
        if profile.timer < watermark:
            self._timers.remove(profile.timer, profile.customer)
            self._close_sessions(profile, watermark)
        if profile.expiry < watermark:
            self._expiries.remove(profile.expiry, profile.customer)
            self._rows.pass_by(self._result.signs, profile, watermark, watermark)
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
        removal = Removal(self._digest(customer), bool(event.suppress))
        profile = profiles.pop(customer, None)
        if profile is not None and self._passes(profile, watermark):
            self._rows.pass_by(self._result.signs, profile, watermark, watermark)
            removal.add(**self._store.erase(profile))
        self._store.leave_no_trace()
        self._moments.erase(customer, watermark)
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
        if self._kept.needs_moment:
            profile.first_seen = min(profile.first_seen, time)
            self._sessions.go_by(profile, max(time, watermark), watermark)
            moment = self._rows.move_clock(profile, event)
            event.values = plan.with_derived(event, moment.zone)
        session, merged = self._sessions.put(profile, event)
        if self._kept.has_rows:
            row = self._rows.apply(profile, event, moment)
            if plan.awaited_by and self._moments.note(profile, session, event):
                self._sessions.set_timer(profile)
            if plan.scored_by and not event.is_late:
                self._moments.take(profile, session, event, moment, row)
            self._result.signs.append(row)
        if event.is_late:
            self._sessions.close_again(profile, session, merged, watermark)
        elif session.events == 1:
            self._sessions.set_timer(profile)

    def _close_sessions(self, profile: Profile, watermark: EventTime) -> None:
        """Close a customer's sessions that end before the watermark; the timer was taken."""
        gate = self._gate
        if gate is not None:
            end = self._sessions.first_end(profile)
            if end < watermark and not gate.lets_stay(self._result, profile, end, watermark):
                return
        self._sessions.close(profile, watermark)

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
