"""Profile: keeps every customer's sessions, and says what became of each event."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from operators.clock import Clock
from operators.event_plans import EventPlan, EventPlans, Role
from operators.fields import Body, wrong_type
from operators.outputs import DeadLetter, LateEvent, Outputs, Record, make_id
from operators.plans import ProfilePlan
from operators.profile_store import Profile, ProfileStore
from operators.rejections import RejectedError, Rejection
from operators.sessions import Session, join
from operators.ticks import ShardTick, TickName
from operators.times import AFTER_ALL, EventTime, format_time

DUE_AT_ONCE = 1000
"""How many customers' deadlines are handled together."""


class Signal(NamedTuple):
    """An applied event that some trigger looks for.

    Attributes:
        customer: whose it is.
        time: of the event, in ms.
        watermark: the shard's before the event.
        message_id: of the event, None or empty where it has none.
        roles: what it does to which trigger.
        keys: of each role, empty where the event has none.
    """

    customer: str
    time: EventTime
    watermark: EventTime
    message_id: str | None
    roles: tuple[Role, ...]
    keys: list[str]


class Forgotten(NamedTuple):
    """A customer who was not seen for so long that the profile is gone."""

    customer: str
    watermark: EventTime


@dataclass(slots=True)
class ProfileResult:
    """What decide gets of a tick.

    Attributes:
        name: of the tick.
        shard: whose share of it.
        watermark: the shard's after the tick; AFTER_ALL where the clock moves past every timer.
        signals: in the order in which they happened.
        outputs: closed sessions, late events, dead letters.
        counts: for the summary.
    """

    name: TickName
    shard: int
    watermark: EventTime
    signals: list[Signal | Forgotten]
    outputs: Outputs
    counts: Counter[str]


class _Event(NamedTuple):
    """An event that is none for the dead letters."""

    number: int
    customer: str
    time: EventTime
    late_below: EventTime
    watermark: EventTime
    message_id: str | None
    plan: EventPlan
    values: list[Any]


class ProfileStep:
    """Keeps every customer's sessions; drops duplicates; passes on what triggers look for.

    Knows nothing of Bytewax or of files: give it ticks, it gives results.

    Args:
        plan: what to keep and to look for.
        store: the customers' profiles and deadlines.
        clock: where the readers stood at the last snapshot.
    """

    def __init__(self, plan: ProfilePlan, store: ProfileStore, clock: Clock) -> None:
        self._plan = plan
        self._store = store
        self._profiles = store.profiles
        self._timers = store.timers
        self._kinds = store.kinds
        self._clock = clock
        self._events = EventPlans(plan, store.kinds)
        self._bodies = msgspec.json.Decoder(Body)
        self._result = ProfileResult(TickName(0, 0), 0, EventTime(0), [], Outputs(), Counter())

    def on_tick(self, tick: ShardTick) -> ProfileResult:
        """Apply a tick's events, then let everyone's deadlines pass that the watermark passed."""
        result = ProfileResult(tick.name, tick.shard, EventTime(0), [], tick.outputs, tick.counts)
        self._result = result
        if tick.customers:
            profiles = self._profiles.edit(dict.fromkeys(tick.customers))
            for event in self._accept(tick):
                self._handle(event, tick, profiles)
        self._clock.advance(tick.name, tick.watermark, ended=tick.ended)
        result.watermark = EventTime(self._clock.watermark)
        if tick.close and all(self._clock.ended):
            result.watermark = AFTER_ALL
        self._fire_everyone(result.watermark)
        return result

    def snapshot(self) -> Clock:
        """Write what has changed; return where the readers stand."""
        self._store.flush()
        return self._clock

    def _accept(self, tick: ShardTick) -> Iterator[_Event]:
        """Decode a tick's events; what cannot be applied becomes a dead letter."""
        own = self._clock.watermark
        others = self._clock.others(tick.name.reader)
        columns = zip(
            tick.customers,
            tick.times.tolist(),
            tick.late_below.tolist(),
            tick.watermarks.tolist(),
            self._decode(tick),
            strict=True,
        )
        for index, (customer, time, late_below, mark, body) in enumerate(columns):
            if body is None:
                continue
            try:
                plan = self._events.get(body.name)
                values = plan.read(body)
            except RejectedError as error:
                self._reject(tick, index, error.rejection)
                continue
            watermark = max(own, min(mark, others))
            yield _Event(index, customer, time, late_below, watermark, body.messageId, plan, values)

    def _decode(self, tick: ShardTick) -> list[Body] | list[Body | None]:
        """Decode all events at once; where that fails one by one, None for a dead letter."""
        try:
            bodies = self._bodies.decode_lines(tick.lines)
        except (msgspec.DecodeError, RecursionError):
            lines = enumerate(tick.lines.split(b"\n"))
            return [self._decode_one(tick, index, line) for index, line in lines]
        assert len(bodies) == len(tick.customers), "route passes on one event a line"
        return bodies

    def _decode_one(self, tick: ShardTick, index: int, line: bytes) -> Body | None:
        try:
            return self._bodies.decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            self._reject(tick, index, wrong_type(error))
            return None

    def _reject(self, tick: ShardTick, index: int, rejection: Rejection) -> None:
        letter = DeadLetter(tick.place(index), rejection, tick.line(index))
        self._result.outputs.add("dead-letters", letter)
        self._result.counts["dead_letters"] += 1

    def _handle(self, event: _Event, tick: ShardTick, profiles: dict[str, Profile]) -> None:
        """Apply an event, unless it is a duplicate or late."""
        customer, time = event.customer, event.time
        profile = profiles.get(customer)
        if profile is not None and profile.timer < event.watermark:
            self._timers.remove(profile.timer, customer)
            if not self._fire(profile, event.watermark):
                profile = None
        if profile is None:
            profile = profiles[customer] = self._create(customer, time)
        if self._is_duplicate(profile, event.message_id, time):
            self._result.counts["duplicates"] += 1
            return
        profile.latest = max(profile.latest, time)
        if time < event.late_below:
            self._result.counts["late"] += 1
            late = LateEvent(time, customer, tick.line(event.number))
            self._result.outputs.add("late", late)
            return
        self._apply(event, profile)

    def _apply(self, event: _Event, profile: Profile) -> None:
        plan, time = event.plan, event.time
        self._result.counts["applied"] += 1
        if not profile.applied:
            profile.applied = True
            self._result.counts["customers"] += 1
        session = join(profile.sessions, time, self._plan.gap_ms, self._kinds)
        collected = session.collected
        for slot in plan.counts:
            collected[slot] += 1
        for slot, kind, position in plan.updates:
            value = event.values[position]
            if value is not None:
                collected[slot] = kind.update(collected[slot], value, time)
        if session.events == 1:
            self._move_timer_up(profile)
        if plan.roles:
            keys = plan.keys(event.values)
            self._result.signals.append(
                Signal(event.customer, time, event.watermark, event.message_id, plan.roles, keys)
            )

    def _create(self, customer: str, time: EventTime) -> Profile:
        timer = EventTime(time + self._plan.retention_ms)
        self._timers.add(timer, customer)
        return self._profiles.insert(
            customer, Profile(customer, self._store.layout, time, timer, False, {}, [])
        )

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
        if len(seen) > self._plan.duplicates_last:
            del seen[next(iter(seen))]
        return False

    def _fire_everyone(self, watermark: EventTime) -> None:
        """Let pass every deadline before the watermark; past every timer, none is set again."""
        while customers := self._timers.due(watermark, DUE_AT_ONCE):
            profiles = self._profiles.edit(customers)
            for customer in customers:
                self._fire(profiles[customer], watermark)

    def _fire(self, profile: Profile, watermark: EventTime) -> bool:
        """Let pass a customer's deadlines before the watermark, whose timer was taken.

        Returns:
            Whether the profile is still there.
        """
        sessions = profile.sessions
        while sessions and sessions[0].last + self._plan.gap_ms < watermark:
            self._close(profile.customer, sessions.pop(0))
        if watermark == AFTER_ALL:
            return True
        if not sessions and profile.latest + self._plan.retention_ms < watermark:
            self._profiles.delete(profile.customer)
            self._result.signals.append(Forgotten(profile.customer, watermark))
            return False
        profile.timer = self._deadline(profile)
        self._timers.add(profile.timer, profile.customer)
        return True

    def _move_timer_up(self, profile: Profile) -> None:
        """Set the timer earlier if need be; a later deadline is found when the timer fires."""
        deadline = self._deadline(profile)
        if deadline < profile.timer:
            self._timers.remove(profile.timer, profile.customer)
            self._timers.add(deadline, profile.customer)
            profile.timer = deadline

    def _deadline(self, profile: Profile) -> EventTime:
        if profile.sessions:
            return EventTime(profile.sessions[0].last + self._plan.gap_ms)
        return EventTime(profile.latest + self._plan.retention_ms)

    def _close(self, customer: str, session: Session) -> None:
        self._result.counts["sessions"] += 1
        session_id = make_id("session", self._plan.name, customer, session.start)
        data: dict[str, object] = {
            "session_id": session_id,
            "start": format_time(session.start),
            "end": format_time(session.last),
            "duration_s": (session.last - session.start) / 1000,
            "events": session.events,
            "revision": 1,
        }
        for kind, state in zip(self._kinds, session.collected, strict=True):
            data.update(kind.result(state))
        time = EventTime(session.last + self._plan.gap_ms)
        record = Record("session.closed", f"{session_id}-1", customer, time, data)
        self._result.outputs.add("sessions", record)
