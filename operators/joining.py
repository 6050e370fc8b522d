"""Gives a customer the past that turns out to be theirs, in the profile step (J6, J7)."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import numpy as np

from operators.consent_gate import ConsentGate
from operators.duplicates import is_duplicate
from operators.event_plans import Event, EventPlans
from operators.features.moment import Moment
from operators.features.zones import zone_of
from operators.fields import Body
from operators.joins import Ended, Join, KeptEvent, LetGo
from operators.kept import Kept
from operators.models.moments import Moments
from operators.profile_sessions import Sessions
from operators.profile_store import Profile, ProfileStore
from operators.rejections import RejectedError
from operators.rows import Rows
from operators.sessions import Session
from operators.signs import JoinBegan, JoinEnded, NoMore, Signal
from operators.ticks import ProfileResult, ShardTick
from operators.times import EventTime

_bodies = msgspec.json.Decoder(Body)
_profiles = msgspec.msgpack.Decoder(Profile)


class Parts(NamedTuple):
    """What the profile step consists of.

    Attributes:
        kept: what to keep and to look for.
        store: the customers' profiles and deadlines.
        events: what to do with each event.
        rows: keeps the features.
        moments: what models wait for.
        sessions: keeps the sessions.
        gate: says which events may be applied, None where nobody is asked.
    """

    kept: Kept
    store: ProfileStore
    events: EventPlans
    rows: Rows
    moments: Moments
    sessions: Sessions
    gate: ConsentGate | None


class Joining:
    """Takes in the pasts of customers, and lets go of the anonymous ones that had them.

    Args:
        parts: of the step to which this belongs.
    """

    def __init__(self, parts: Parts) -> None:
        self._plan = parts.kept.plan
        self._kept = parts.kept
        self._store = parts.store
        self._rows = parts.rows
        self._moments = parts.moments
        self._sessions = parts.sessions
        self._events = parts.events
        self._gate = parts.gate

    def join(self, result: ProfileResult, join: Join, profile: Profile | None) -> Profile | None:
        """Make what was done anonymously a customer's own past.

        Args:
            result: where to tell what has changed.
            join: what was done.
            profile: of the customer, after all that lies before the watermark; None for none.

        Returns:
            The customer's profile, None where there still is none.
        """
        if profile is None or (not profile.applied and profile.consent is None):
            return self._adopt(result, join, profile)
        watermark = join.watermark
        # the customer's clock goes on to the latest of it, and all happens that lies before then
        times = (each.time for each in join.events if not each.is_bare)
        time = max(profile.moment, watermark, *times)
        self._sessions.go_by(profile, time, watermark)
        events = [self._read(result, join, profile, each) for each in join.events]
        self._tell_began(result, join, time, is_new=False)
        if self._kept.needs_moment:
            profile.moment = time
        open_ones = self._open_sessions(join)
        signals: list[Signal] = []
        for event in filter(None, events):
            self._apply(result, profile, event, open_ones)
            if event.plan.roles:
                signals.append(event.plan.signal(profile.customer, event)._replace(is_past=True))
        # all of the past is in them by now
        self._sessions.close_late(profile, profile.sessions, watermark)
        self._sessions.set_timer(profile)
        if self._kept.has_rows:
            moment = Moment(time, zone_of(profile.zone), profile.first_seen)
            result.signs.append(self._rows.anew(profile, moment, watermark))
        result.signs.append(JoinEnded(profile.customer, time, watermark))
        result.signs += signals
        return profile

    def end(self, result: ProfileResult, ended: Ended, profile: Profile) -> None:
        """Let an anonymous customer be no more, after all that lies before the watermark."""
        self._sessions.go_by(profile, ended.watermark, ended.watermark)
        time = max(profile.moment, ended.watermark)
        self._moments.forget(profile, time)
        self._store.erase(profile)
        told = (ended.customer, ended.time, ended.message_id)
        result.signs.append(NoMore(profile.customer, time, ended.watermark, *told))

    def _adopt(self, result: ProfileResult, join: Join, empty: Profile | None) -> Profile | None:
        """Let a customer who is new be what the anonymous one was.

        Of one of whom nothing was applied there may be a profile that remembers messageIds.
        """
        if not join.profile:
            return empty
        profile = _profiles.decode(join.profile)
        if empty is not None:
            self._store.erase(empty)
            profile.message_ids = empty.message_ids | profile.message_ids
            profile.latest = max(profile.latest, empty.latest)
        profile.customer, profile.layout = join.customer, self._store.layout
        profile.sessions = [each for each in profile.sessions if not each.is_closed]
        for session in profile.sessions:
            session.revision = 0
        self._store.put_timers(profile)
        self._store.profiles.insert(join.customer, profile)
        result.counts["customers"] += profile.applied
        time = max(profile.moment, join.watermark)
        self._tell_began(result, join, time, is_new=True)
        result.signs.append(JoinEnded(profile.customer, time, join.watermark))
        return profile

    def _tell_began(
        self, result: ProfileResult, join: Join, time: EventTime, *, is_new: bool
    ) -> None:
        began = JoinBegan(join.customer, time, join.watermark, join.decided, is_new)
        result.signs.append(began)

    def _open_sessions(self, join: Join) -> list[Session]:
        """Return the anonymous sessions that are not over: the customer's go on with them."""
        if not join.profile:
            return []
        return [each for each in _profiles.decode(join.profile).sessions if not each.is_closed]

    def _read(
        self, result: ProfileResult, join: Join, profile: Profile, kept: KeptEvent
    ) -> Event | None:
        """Read a kept event; None where it is not to be applied."""
        body = _bodies.decode(kept.line)
        try:
            plan = self._events.get(body)
            values = plan.read(body)
        except RejectedError:  # of rules that have changed since it was kept
            return None
        if is_duplicate(profile, body.messageId, kept.time, self._plan):
            return None
        profile.latest = max(profile.latest, kept.time)
        watermark = join.watermark
        admitted = self._gate is None or self._gate.admits(
            result, profile, body, kept.time, watermark
        )
        if kept.is_bare or not admitted:
            return None
        return Event(kept.time, watermark, body, plan, values, kept.time < watermark)

    def _apply(
        self, result: ProfileResult, profile: Profile, event: Event, open_ones: list[Session]
    ) -> None:
        """Put an event into the features, and into a session where its own is not over."""
        time, plan = event.time, event.plan
        if not profile.applied:
            profile.applied, profile.first_seen = True, time
            result.counts["customers"] += 1
        profile.first_seen = min(profile.first_seen, time)
        moment = self._rows.move_clock(profile, event)
        event.values = plan.with_derived(event, moment.zone)
        if any(each.start <= time <= each.last for each in open_ones):
            self._sessions.reopen(profile, *self._sessions.put(profile, event))
        if self._kept.has_rows:
            self._rows.apply(profile, event, moment)


class Turn(NamedTuple):
    """What is to be done before an event of a tick.

    Attributes:
        before: the index of the event; behind the last where there is none.
        told: what.
    """

    before: int
    told: Join | Ended | LetGo


def turns_of(tick: ShardTick) -> Iterator[Turn]:
    """Give what a tick tells of pasts, in the order in which it was read."""
    if not (tick.joins or tick.ends or tick.gone):
        return
    assert tick.order is not None, "events have places where ids are linked"
    told: list[Join | Ended | LetGo] = [*tick.joins, *tick.ends, *tick.gone]
    for each in sorted(told, key=lambda each: each.place):
        yield Turn(int(np.searchsorted(tick.order, each.place)), each)
