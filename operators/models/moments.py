"""Moments of models and what became of them, kept with customers' profiles (docs/models.md).

A moment is told at once, to be scored. One of each session is kept, with the values that it had:
the one that draws the least lot; for models that predict nothing the last. What became of it is
told once the watermark is past it.
"""

from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import msgspec

from operators.consent import ConsentRules
from operators.consent_plan import NO_PURPOSE
from operators.event_plans import Event
from operators.features.fixed_point import Total, add, number, to_millionths
from operators.features.moment import Moment
from operators.kept import Kept
from operators.models.parts import Erasure, ModelMoment, ModelOutcome, Value
from operators.models.plan import TargetPlan
from operators.profile_store import Profile, Told
from operators.rows import Rows
from operators.sessions import Candidate, OfModel, Session
from operators.signs import Row, Sign
from operators.ticks import ModelTick, ProfileResult
from operators.times import AFTER_ALL, EventTime

WAITING_MOST = 20
"""How many moments of a customer may wait for their outcomes, for each model."""

_LOT_BYTES = 8


class Moments:
    """Keeps the moments that models learn from, and tells what became of them.

    Args:
        kept: with the models.
        rows: where the values of their inputs come from.
    """

    def __init__(self, kept: Kept, rows: Rows) -> None:
        self._config = kept.plan.name
        self._plans = kept.plan.models
        self._keys = kept.model_keys
        self._rows = rows
        self._encode = msgspec.json.Encoder().encode
        consent = kept.plan.consent
        self._rules = ConsentRules(consent) if consent else None
        self._profiling = consent.profiling if consent else NO_PURPOSE
        self._purposes = [
            consent.models.get(each.name, NO_PURPOSE) if consent else NO_PURPOSE
            for each in self._plans
        ]
        self._counts: Counter[str] = Counter()
        self._signs: list[Sign] = []
        self._ticks: list[ModelTick] = []

    def begin(self, result: ProfileResult) -> None:
        """Tell models of what comes now as a part of this result."""
        self._signs, self._counts = result.signs, result.counts
        name, shard = result.name, result.shard
        self._ticks = [ModelTick(name, shard, each.name, EventTime(0)) for each in self._plans]
        result.models.update((each.model, each) for each in self._ticks)

    def take(
        self, profile: Profile, session: Session, event: Event, moment: Moment, row: Row
    ) -> None:
        """Tell of an event that is the moment of some models.

        Args:
            profile: of the customer.
            session: the event's.
            event: which is not late.
            moment: of the row.
            row: the event's, which is to be the next sign for decide.
        """
        for model in event.plan.scored_by:
            if not self._permits(profile, model, event.time):
                self._counts[f"no_consent {self._plans[model].name}"] += 1
                continue
            told = profile.models.get(self._keys[model])
            if told is None:
                told = profile.models[self._keys[model]] = Told()
            number = told.moments = told.moments + 1
            values = self._rows.inputs(model, profile, moment, row)
            drawn: tuple[bool, int | None] = False, None
            if not session.revision:  # else its candidate is fixed
                drawn = self._draw(profile, session, model, row, values)
            tick = self._ticks[model]
            tick.signs.append(len(self._signs))
            tick.moments.append(
                ModelMoment(row.customer, row.time, row.watermark, number, values, *drawn)
            )

    def _draw(
        self, profile: Profile, session: Session, model: int, row: Row, values: list[Value]
    ) -> tuple[bool, int | None]:
        """Draw a moment's lot; say whether it is the candidate now, and the number of the last."""
        key, plan = self._keys[model], self._plans[model]
        moment = profile.models[key].moments
        lot = self._lot(plan.name, row, moment) if plan.predicts else -moment  # then the last wins
        of_model = session.models.get(key)
        if of_model is None:
            of_model = session.models[key] = OfModel()
        before = of_model.candidate
        if before is not None and before.lot <= lot:
            return False, None
        known = EventTime(row.time + (plan.target.within_ms or 0))
        of_model.candidate = Candidate(moment, row.time, lot, values, known)
        if before is None:
            return True, None
        _drop(profile, key, before)
        return True, before.number

    def _lot(self, model: str, row: Row, moment: int) -> int:
        about = self._config, model, row.customer, row.time, row.message_id or "", moment
        digest = blake2b(self._encode(about), digest_size=_LOT_BYTES)
        return int.from_bytes(digest.digest(), "big")

    def note(self, profile: Profile, session: Session, event: Event) -> bool:
        """Count an event for the moments before it; tell whether some outcome is known by it."""
        is_known = False
        for model, place in event.plan.awaited_by:
            key, target = self._keys[model], self._plans[model].target
            value = 1 if place is None else _millionths(event.values[place])
            if target.within_ms is None:
                _note_in_session(profile, session, key, event.time, value)
                continue
            for each in _candidates(profile, key):
                if not each.time < event.time <= each.time + target.within_ms:
                    continue
                if place is not None:
                    each.came = add(each.came, value)
                elif not each.came:
                    each.came = 1
                    # one that is late is known no sooner than it came: stretches up to the
                    # watermark may have been learned
                    each.known = max(event.time, event.watermark)
                    is_known = True
        return is_known

    def merge(self, profile: Profile, session: Session, merged: Session) -> None:
        """Keep one candidate of two sessions that have become one; none if one was closed."""
        for model, key in enumerate(self._keys):
            other = merged.models.get(key)
            if other is None:
                continue
            of_model = session.models.setdefault(key, OfModel())
            for moment, came in other.came.items():
                of_model.came[moment] = add(of_model.came.get(moment, 0), came)
            pair = [each for each in (of_model.candidate, other.candidate) if each is not None]
            pair.sort(key=lambda each: each.lot)
            kept = [] if session.revision else pair[:1]
            of_model.candidate = kept[0] if kept else None
            for each in pair[len(kept) :]:  # nothing is learned from them
                _drop(profile, key, each)
                self._tell(profile, model, each, profile.moment, is_left=True)
        if session.revision:
            session.models = {}

    def fix(self, profile: Profile, session: Session, end: EventTime) -> None:
        """Take a session's candidates, which is over for the first time, as what is learned from.

        Args:
            profile: of the customer.
            session: that is to be closed.
            end: when it was over.
        """
        for model, (key, plan) in enumerate(zip(self._keys, self._plans, strict=True)):
            of_model = session.models.get(key)
            candidate = of_model and of_model.candidate
            if not of_model or not candidate:
                continue
            candidate.end = end
            waiting = profile.models[key].waiting
            if plan.target.within_ms is None:
                candidate.came = of_model.came.get(candidate.number, 0)
                candidate.known = end
                _drop(profile, key, candidate)
            if candidate.due == end:
                self._tell(profile, model, candidate, end)
            elif len(waiting) < WAITING_MOST:
                waiting.append(candidate)
            else:
                self._tell(profile, model, candidate, end, is_left=True)
        session.models = {}

    def tell(self, profile: Profile, before: EventTime) -> None:
        """Tell the outcomes that are due before a time."""
        if not profile.models:
            return
        for model, key in enumerate(self._keys):
            told = profile.models.get(key)
            if told is None or not told.waiting:
                continue
            due = [each for each in told.waiting if each.due < before]
            if due:
                told.waiting = [each for each in told.waiting if each.due >= before]
                for each in due:
                    self._tell(profile, model, each, each.due)

    def revoke(self, profile: Profile, name: str, time: EventTime) -> None:
        """Tell that nothing is learned from what waits for a model that is permitted no more.

        Args:
            profile: of the customer.
            name: of the model, which may be one that there is no more.
            time: when it was revoked, after all moments.
        """
        for model, key in enumerate(self._keys):
            if self._plans[model].name != name:
                continue
            for each in _candidates(profile, key):
                self._tell(profile, model, each, time, is_left=True)
            for session in profile.sessions:
                session.models.pop(key, None)
            if (told := profile.models.get(key)) is not None:
                told.waiting = []
            self._count_no_more(profile, model, time)

    def forget(self, profile: Profile, time: EventTime) -> None:
        """Tell that nothing is learned from what still waits of a customer who is forgotten.

        A model that counts customers is told that this one is no more, by values that are missing.
        """
        for model, key in enumerate(self._keys):
            for each in _candidates(profile, key):
                self._tell(profile, model, each, time, is_left=True)
            self._count_no_more(profile, model, time)

    def erase(self, customer: str, watermark: EventTime) -> None:
        """Tell models to keep nothing of a customer whose profile is gone, and who starts anew."""
        for tick in self._ticks:
            before = len(tick.moments), len(tick.outcomes), len(self._signs)
            tick.erased.append(Erasure(customer, watermark, *before))

    def _count_no_more(self, profile: Profile, model: int, time: EventTime) -> None:
        """Tell a model that counts customers that this one is no more."""
        plan, told = self._plans[model], profile.models.get(self._keys[model])
        if told is not None and not plan.predicts:
            nothing: list[Value] = [None] * len(plan.inputs)
            gone = ModelOutcome(profile.customer, told.moments + 1, time, nothing, 0.0, time)
            self._ticks[model].outcomes.append(gone)

    def _permits(self, profile: Profile, model: int, time: EventTime) -> bool:
        """Tell whether a model's purpose is permitted at a time and has been since."""
        if self._rules is None:
            return True
        return self._rules.holds(profile.consent, self._purposes[model], time)

    def _permits_learning(self, profile: Profile, model: int, time: EventTime) -> bool:
        """Tell whether that and profiling is, without which another config may have let it in."""
        if self._rules is None:
            return True
        needed = (self._profiling, self._purposes[model])
        return all(self._rules.holds(profile.consent, each, time) for each in needed)

    def _tell(
        self,
        profile: Profile,
        model: int,
        candidate: Candidate,
        time: EventTime,
        *,
        is_left: bool = False,
    ) -> None:
        if not self._permits_learning(profile, model, candidate.time):
            is_left = True
        label = None if is_left else _label(self._plans[model].target, candidate.came)
        about = profile.customer, candidate.number, time, candidate.values, label, candidate.time
        self._ticks[model].outcomes.append(ModelOutcome(*about))


def next_outcome(profile: Profile) -> EventTime:
    """Return when the next outcome of a customer is due, AFTER_ALL where none is."""
    dues = (each.due for told in profile.models.values() for each in told.waiting)
    return min(dues, default=AFTER_ALL)


def _label(target: TargetPlan, came: Total) -> float:
    if target.value:
        return float(number(came))
    return float(bool(came) != target.is_absence)


def _millionths(value: Any) -> Total:
    return to_millionths(float(value)) if type(value) in {int, float} else 0


def _candidates(profile: Profile, key: str) -> Iterator[Candidate]:
    """Give the moments of a model whose outcomes were not told."""
    for session in profile.sessions:
        of_model = session.models.get(key)
        if of_model is not None and of_model.candidate is not None:
            yield of_model.candidate
    if (told := profile.models.get(key)) is not None:
        yield from told.waiting


def _note_in_session(
    profile: Profile, session: Session, key: str, time: EventTime, value: Total
) -> None:
    """Count an event for the candidates before it, of all sessions: they may become this one."""
    if session.revision:
        return
    for each in profile.sessions:
        other = each.models.get(key)
        if other is None or other.candidate is None or other.candidate.time >= time:
            continue
        own = session.models.get(key)
        if own is None:
            own = session.models[key] = OfModel()
        moment = other.candidate.number
        own.came[moment] = add(own.came.get(moment, 0), value)


def _drop(profile: Profile, key: str, candidate: Candidate) -> None:
    """Forget what came after a candidate in any session."""
    for session in profile.sessions:
        if (of_model := session.models.get(key)) is not None:
            of_model.came.pop(candidate.number, None)
