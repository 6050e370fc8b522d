"""Keeps what customers have said of purposes; lets nothing into a profile that is not permitted.

Part of the profile step: what is not permitted is not kept, and what was collected goes when the
customer revokes (N3, N4).
"""

from collections.abc import Iterator
from typing import NamedTuple

from operators.consent import Consent, ConsentRules, refuse_others, repeats
from operators.consent_plan import NO_PURPOSE, ConsentPlan
from operators.fields import Body
from operators.kept import Kept
from operators.models.moments import Moments
from operators.preferences import NOTHING_SAID, PreferenceReader, Said
from operators.profile_sessions import Sessions
from operators.profile_store import Profile, ProfileStore
from operators.signs import ConsentSaid
from operators.ticks import ProfileResult
from operators.times import AFTER_ALL, EventTime


class _Revoked(NamedTuple):
    """When profiling, and each model that needs a purpose, was revoked."""

    profiling: frozenset[EventTime]
    models: dict[str, frozenset[EventTime]]


class ConsentGate:
    """Says which events may be applied.

    Args:
        plan: what must be permitted.
        kept: what else is kept of customers.
        store: the profiles and their deadlines.
        moments: takes back what models wait for.
        sessions: lets happen what changes by itself in a profile.
    """

    def __init__(
        self,
        plan: ConsentPlan,
        kept: Kept,
        store: ProfileStore,
        moments: Moments,
        sessions: Sessions,
    ) -> None:
        self._profiling = plan.profiling
        self._models = plan.models
        self._rules = ConsentRules(plan)
        self._reader = PreferenceReader(plan)
        self._named = frozenset(plan.purposes)
        self._features = kept.features
        self._timers = store.timers
        self._row_timers = store.row_timers
        self._moments = moments
        self._sessions = sessions

    def admits(
        self,
        result: ProfileResult,
        profile: Profile,
        body: Body,
        time: EventTime,
        watermark: EventTime,
    ) -> bool:
        """Take in what an event says of consent; tell whether the event may be applied.

        It may where profiling is permitted at its time and has been since: what came before it was
        revoked is forgotten by then.

        Args:
            result: where to tell what has changed.
            profile: of the customer.
            body: of the event.
            time: likewise.
            watermark: the shard's before it.
        """
        said = self._reader.read(body)
        consent, profiling = profile.consent, self._profiling
        if said is NOTHING_SAID or (said.is_readable and consent and repeats(consent, said, time)):
            is_admitted = self._rules.holds(consent, profiling, time)
            if is_admitted and (consent is None or consent.purposes.keys() <= self._named):
                return True
        self._take_in(result, profile, said, (time, watermark), body.messageId)
        return self._rules.holds(profile.consent, profiling, time)

    def lets_stay(
        self, result: ProfileResult, profile: Profile, end: EventTime, watermark: EventTime
    ) -> bool:
        """Tell whether what was collected may stay when a session ends; let go of it if not.

        It may not where another config has let it in: from the customer nothing was heard since.
        The profile's timer was taken.
        """
        if self._rules.since(profile.consent, self._profiling) is not None:
            return True
        at = EventTime(max(end, profile.moment) + 1)
        profile.timer = AFTER_ALL
        self._sessions.go_by(profile, at, watermark)
        self._forget(profile, at)
        told = ConsentSaid(profile.customer, at, watermark, None, _copy(profile), at, ())
        result.signs.append(told)
        return False

    def _take_in(
        self,
        result: ProfileResult,
        profile: Profile,
        said: Said,
        when: tuple[EventTime, EventTime],
        message_id: str | None,
    ) -> None:
        """Take in what was said; let go of what is permitted no more, and tell decide."""
        time, watermark = when
        if not said.is_readable:
            result.counts["consent_unreadable"] += 1
        has_changed = profile.consent is not None and refuse_others(profile.consent, self._named)
        forgets, revoked = False, list[str]()
        is_said = bool(said.purposes) or said.region is not None
        if is_said and not (profile.consent and repeats(profile.consent, said, time)):
            before = self._revoked(profile.consent)
            has_changed |= self._note(profile, said, time, message_id or "")
            now = self._revoked(profile.consent)
            forgets = bool(now.profiling - before.profiling)
            revoked = [name for name, at in now.models.items() if at - before.models[name]]
        is_lost = self._rules.since(profile.consent, self._profiling) is None
        forgets = profile.applied and (forgets or is_lost)
        at = _after(profile, time, watermark) if forgets or revoked else None
        if has_changed or at is not None:  # decide goes on to the watermark, by rows of then
            self._sessions.go_by(profile, watermark if at is None else at, watermark)
        if at is not None:
            for name in revoked:
                self._moments.revoke(profile, name, at)
            if forgets:
                self._forget(profile, at)
        if has_changed or forgets:
            # decide lets pass what lies before the watermark: it must have been told of it
            self._sessions.go_by(profile, watermark, watermark)
            forgotten = at if forgets else None
            consent, names = _copy(profile), tuple(revoked)
            told = ConsentSaid(profile.customer, *when, message_id, consent, forgotten, names)
            result.signs.append(told)  # also where nothing asks yet: a later config may

    def _note(self, profile: Profile, said: Said, time: EventTime, cause: str) -> bool:
        """Take in what was said; tell whether anything may hold now that did not."""
        if profile.consent is None:
            profile.consent = Consent({}, [])
        before = _starts(profile.consent)
        self._rules.note(profile.consent, said, time, cause)
        return _starts(profile.consent) != before

    def _revoked(self, consent: Consent | None) -> _Revoked:
        return _Revoked(
            self._revocations(consent, self._profiling),
            {name: self._revocations(consent, each) for name, each in self._models.items()},
        )

    def _revocations(self, consent: Consent | None, purpose: str) -> frozenset[EventTime]:
        if purpose == NO_PURPOSE:
            return frozenset()
        return frozenset(each.time for each in self._rules.revocations(consent, purpose))

    def _forget(self, profile: Profile, at: EventTime) -> None:
        """Empty a profile, but for what was said and the messageIds."""
        if profile.timer != AFTER_ALL:
            self._timers.remove(profile.timer, profile.customer)
            profile.timer = AFTER_ALL
        if profile.row_timer != AFTER_ALL:
            self._row_timers.remove(profile.row_timer, profile.customer)
        profile.row_timer = profile.session_until = AFTER_ALL
        self._moments.forget(profile, at)
        profile.models = {}
        profile.sessions = []
        profile.features = [each.start() for each in self._features]
        profile.zone = ""
        profile.applied = False
        profile.moment = at


def let_go_of_consent(
    result: ProfileResult,
    profile: Profile,
    time: EventTime,
    watermark: EventTime,
    sessions: Sessions,
) -> None:
    """Refuse what a customer permitted, of whom an event comes while no consent is asked for.

    What it says is not read, so nothing of it is to hold where a later config asks again.
    """
    if profile.consent is not None and refuse_others(profile.consent, ()):
        sessions.go_by(profile, watermark, watermark)
        told = ConsentSaid(profile.customer, time, watermark, None, _copy(profile), None, ())
        result.signs.append(told)


def _after(profile: Profile, time: EventTime, watermark: EventTime) -> EventTime:
    """Return when something is revoked by the customer's clock: after all that was told.

    One who goes on nevertheless, since what was heard of out of order was permitted again later,
    does so a millisecond later: so nothing is told twice under one id.
    """
    if time >= max(profile.moment, watermark):
        return time
    return max(EventTime(profile.moment + 1), watermark)


def _copy(profile: Profile) -> Consent:
    return profile.consent.copy() if profile.consent else Consent()


def _starts(consent: Consent) -> list[tuple[object, ...]]:
    """Return what says what holds."""
    return list(_told(consent))


def _told(consent: Consent) -> Iterator[tuple[object, ...]]:
    for name, stretches in (*consent.purposes.items(), ("", consent.regions)):
        yield from ((name, each.first, each.says, each.cause) for each in stretches)
