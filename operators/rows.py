"""Rows: keeps the features of customers, and says what has changed of them, at which moment.

They follow the customer's own clock: the larger of the customer's latest event and the watermark.
What changes by itself, a window that lets go of values or a session that is over, does so at its
own time, before the next event is applied and at the latest once the watermark is past it.
"""

from collections.abc import Callable
from math import isfinite
from typing import Any, NamedTuple

from operators.event_plans import Event
from operators.features.feature import Feature
from operators.features.moment import Moment
from operators.features.zones import UTC, zone_of
from operators.kept import Kept
from operators.models.parts import Value
from operators.models.plan import InputKind
from operators.profile_store import Profile, ProfileStore
from operators.signs import Row, Sign
from operators.times import AFTER_ALL, EventTime


def _number(value: Any, _now: EventTime) -> Value:
    if type(value) is int:
        return float(value)
    return value if type(value) is float and isfinite(value) else None


def _age(value: Any, now: EventTime) -> Value:
    return None if value is None else (now - value) / 1000


def _instant(value: Any, _now: EventTime) -> Value:
    return None if value is None else float(value)


def _boolean(value: Any, _now: EventTime) -> Value:
    return value if type(value) is bool else None


def _category(value: Any, _now: EventTime) -> Value:
    if value is None or type(value) is str:
        return value
    return str(value).lower() if type(value) is bool else str(value)


READ: dict[InputKind, Callable[[Any, EventTime], Value]] = {
    "number": _number,
    "time": _age,
    "instant": _instant,
    "boolean": _boolean,
    "category": _category,
}
"""How models see a value of a row: as what its kind says, or not at all."""


_COMBINATIONS_MOST = 1000
"""How many combinations of slots are remembered; there are few, one for each kind of event and what
left windows with it."""


class _Source(NamedTuple):
    """Where a value that a model looks at comes from.

    Attributes:
        place: among the values of the row, or among the profile's features.
        feature: None where it is in the row.
        read: how the model sees it.
    """

    place: int
    feature: Feature | None
    read: Callable[[Any, EventTime], Value]


class Rows:
    """Updates the features in profiles.

    Args:
        kept: the features, and what rows hold.
        store: the profiles, and the deadlines of what changes by itself.
    """

    def __init__(self, kept: Kept, store: ProfileStore) -> None:
        plan = kept.plan
        self._gap_ms = plan.gap_ms
        self._retention_ms = plan.retention_ms
        self._kept = kept
        self._features = kept.features
        self._windowed = [(slot, kept.features[slot]) for slot in kept.windowed]
        self._profiles = store.profiles
        self._timers = store.row_timers
        self._session_fields = plan.row.session
        self._clock_fields = plan.row.clock
        places = {name: slot for slot, name in enumerate(plan.slot_names)}
        self._inputs = [
            [(places[each.name], READ[each.kind]) for each in model.inputs] for model in plan.models
        ]
        self._sources: list[dict[tuple[int, ...], list[_Source]]] = [{} for _ in plan.models]

    def move_clock(self, profile: Profile, event: Event) -> Moment:
        """Move the customer's clock on for an event, and note where the customer is.

        Everything that was due before the event must have passed. The latest event says where,
        also one that the watermark was past.
        """
        plan = event.plan
        if plan.zone is not None and event.time >= profile.latest:
            named = event.values[plan.zone]
            if isinstance(named, str):
                profile.zone = named
        zone = zone_of(profile.zone) if self._kept.needs_zone else UTC
        profile.moment = max(event.time, event.watermark, profile.moment)
        return Moment(profile.moment, zone, profile.first_seen)

    def apply(self, profile: Profile, event: Event, moment: Moment) -> Row:
        """Take an event into a customer's features, after it was put into its session."""
        time, plan, values = event.time, event.plan, event.values
        states, features, slots = profile.features, self._features, plan.feature_slots
        if profile.row_timer <= moment.time:
            passed, deadline = self._let_go(profile, moment.time)
            self._move_timer(profile, deadline)
            slots = tuple(sorted({*slots, *(slot for slot in passed if slot < len(features))}))
        deadline = AFTER_ALL
        is_late = time < moment.time
        for slot, feature, observe, lets_go in plan.of_profile:
            for value in observe(values, time):
                state = states[slot]
                begins = lets_go and (is_late or not state)
                state = states[slot] = feature.add(state, value, time, moment)
                if begins:  # else something older is in it, and will go first
                    deadline = min(deadline, feature.deadline(state))
        for slot, feature in plan.resets:
            states[slot] = feature.reset(states[slot], time)
        found = [features[slot].value(states[slot], moment) for slot in slots]
        if self._session_fields:
            found += self._session(profile, moment)
            deadline = min(deadline, profile.session_until)
        if self._clock_fields:
            local = moment.zone.local(moment.time)
            found += [getattr(local, field) for field in self._clock_fields]
        if deadline < profile.row_timer:
            self._move_timer(profile, deadline)
        if slots is plan.feature_slots:
            slots = plan.row_slots
        else:
            slots += self._kept.session_slots + self._kept.clock_slots
        return Row(
            customer=profile.customer,
            time=moment.time,
            watermark=event.watermark,
            message_id=event.body.messageId,
            is_event=True,
            is_late=event.is_late,
            slots=slots,
            values=found,
        )

    def anew(self, profile: Profile, moment: Moment, watermark: EventTime) -> Row:
        """Return the whole row of a customer, whose clock stands at a moment."""
        states = profile.features
        if profile.row_timer <= moment.time:
            _, deadline = self._let_go(profile, moment.time)
            self._move_timer(profile, deadline)
        found = [each.value(states[slot], moment) for slot, each in enumerate(self._features)]
        if self._session_fields:
            found += self._session(profile, moment)
            if profile.session_until < profile.row_timer:
                self._move_timer(profile, profile.session_until)
        if self._clock_fields:
            local = moment.zone.local(moment.time)
            found += [getattr(local, field) for field in self._clock_fields]
        return Row(
            customer=profile.customer,
            time=moment.time,
            watermark=watermark,
            message_id=None,
            is_event=False,
            is_late=False,
            slots=tuple(range(len(found))),
            values=found,
        )

    def inputs(self, model: int, profile: Profile, moment: Moment, row: Row) -> list[Value]:
        """Return what a model looks at, as of the row of an event that was just taken in.

        Args:
            model: its number.
            profile: of the customer.
            moment: of the row.
            row: what it holds is not taken anew.
        """
        states, values, now = profile.features, row.values, row.time
        sources = self._sources[model].get(row.slots)
        if sources is None:
            sources = self._find(model, row.slots)
        return [
            read(values[place] if feature is None else feature.value(states[place], moment), now)
            for place, feature, read in sources
        ]

    def _find(self, model: int, slots: tuple[int, ...]) -> list["_Source"]:
        """Say where the values that a model looks at come from, beside a row with some slots."""
        of_row = {slot: place for place, slot in enumerate(slots)}
        sources = [
            _Source(of_row[slot], None, read)
            if slot in of_row
            else _Source(slot, self._features[slot], read)
            for slot, read in self._inputs[model]
        ]
        known = self._sources[model]
        if len(known) >= _COMBINATIONS_MOST:
            known.clear()
        known[slots] = sources
        return sources

    def pass_by(
        self, signs: list[Sign], profile: Profile, before: EventTime, watermark: EventTime
    ) -> None:
        """Let happen what changes by itself before a time, each at its own."""
        time = profile.row_timer
        if time >= before:
            return
        self._timers.remove(time, profile.customer)
        self._go_by(signs, profile, before, watermark)

    def fire_everyone(self, signs: list[Sign], watermark: EventTime) -> None:
        """Let happen what changes by itself before the watermark, for all customers."""
        while customers := self._timers.due(watermark):
            profiles = self._profiles.edit(customers)
            for customer in customers:
                self._go_by(signs, profiles[customer], watermark, watermark)

    def forget(self, profile: Profile) -> None:
        """Take back the customer's timer."""
        if profile.row_timer != AFTER_ALL:
            self._timers.remove(profile.row_timer, profile.customer)

    def _go_by(
        self, signs: list[Sign], profile: Profile, before: EventTime, watermark: EventTime
    ) -> None:
        """Let happen what changes by itself before a time; the customer's timer was taken."""
        time = profile.row_timer
        forgotten = EventTime(profile.latest + self._retention_ms)
        is_forgotten = forgotten < watermark < AFTER_ALL
        if is_forgotten:
            before = min(before, forgotten)
        while time < before:
            passed, deadline = self._let_go(profile, time)
            slots: list[int] = [slot for slot in passed if slot < len(self._features)]
            if passed:
                moment = Moment(time, zone_of(profile.zone), profile.first_seen)
                found = [self._features[s].value(profile.features[s], moment) for s in slots]
                if len(slots) < len(passed):
                    found += self._kept.no_session
                profile.moment = max(profile.moment, time)
                row = Row(
                    customer=profile.customer,
                    time=time,
                    watermark=watermark,
                    message_id=None,
                    is_event=False,
                    is_late=False,
                    slots=tuple(passed),
                    values=found,
                )
                signs.append(row)
            time = deadline
        profile.row_timer = AFTER_ALL
        if not is_forgotten:
            self._move_timer(profile, time)

    def _let_go(self, profile: Profile, time: EventTime) -> tuple[list[int], EventTime]:
        """Drop what has left its window by a time.

        Returns:
            The slots that change by it, and when the next change comes.
        """
        states = profile.features
        slots: list[int] = []
        next_deadline = AFTER_ALL
        for slot, feature in self._windowed:
            state = states[slot]
            if not state:
                continue
            deadline = feature.deadline(state)
            if deadline <= time:
                state = states[slot] = feature.passed(state, time)
                slots.append(slot)
                deadline = feature.deadline(state)
            if deadline < next_deadline:  # noqa: PLR1730 (twice as fast as min)
                next_deadline = deadline
        if profile.session_until <= time:
            profile.session_until = AFTER_ALL
            slots += self._kept.session_slots
        return slots, min(next_deadline, profile.session_until)

    def _session(self, profile: Profile, moment: Moment) -> list[Any]:
        """Return what rows tell of the customer's current session; note until when it lasts."""
        if not profile.sessions:
            profile.session_until = AFTER_ALL
            return self._kept.no_session
        session = profile.sessions[-1]
        until = EventTime(session.last + self._gap_ms + 1)
        if until <= moment.time:
            profile.session_until = AFTER_ALL
            return self._kept.no_session
        profile.session_until = until
        found: list[Any] = []
        for each in self._session_fields:
            if each.field == "value":
                kind = self._kept.session_values[each.number]
                found.append(kind.value(session.collected[each.number], moment))
            elif each.field == "duration":
                found.append(session.last - session.start)
            else:
                found.append(session.events if each.field == "events" else session.start)
        return found

    def _move_timer(self, profile: Profile, deadline: EventTime) -> None:
        """Set the customer's timer, which may be found early but never late."""
        if profile.row_timer != AFTER_ALL:
            self._timers.remove(profile.row_timer, profile.customer)
        if deadline != AFTER_ALL:
            self._timers.add(deadline, profile.customer)
        profile.row_timer = deadline
