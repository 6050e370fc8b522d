"""A customer's profile as it is kept, and the part of a shard's store that keeps profiles."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from operators.consent import Consent
from operators.features.plan import FeaturePlan
from operators.kept import Kept
from operators.sessions import Candidate, Session
from operators.times import AFTER_ALL, BEFORE_ALL, EventTime
from state.about import About, Layout
from state.keyvalue import KeyValue
from state.prefixes import Prefix
from state.records import Records
from state.timers import Timers


class Told(msgspec.Struct, array_like=True, gc=False):
    """What a model was told of a customer.

    Attributes:
        moments: how many; the next one's number is one more.
        waiting: those to be learned from, whose outcome is not known yet.
    """

    moments: int = 0
    waiting: list[Candidate] = []


K = TypeVar("K")


class Profile(msgspec.Struct, array_like=True, gc=False):
    """All that is kept about one customer.

    Attributes:
        customer: the name.
        layout: the number of the layout that the values have.
        latest: time of the latest event seen, late ones too.
        timer: where the timer for sessions and outcomes stands, AFTER_ALL for none; none closes and
            none is told before it.
        expiry: where the timer for forgetting the customer stands; not before it.
        applied: whether any event was applied.
        message_ids: the last different ones in order of arrival, with their event times.
        sessions: the open ones, by time.
        first_seen: time of the earliest event applied so far.
        moment: the customer's clock: the moment of the last row, BEFORE_ALL before any.
        zone: the name of the time zone that the customer was last in, empty where unknown.
        row_timer: where the timer for what changes by itself stands, AFTER_ALL for none; nothing
            does before it.
        session_until: when the session that rows tell of is over, AFTER_ALL where there is none.
        features: the state of each.
        models: what each model was told, by its name and definition.
        consent: what the customer has said of purposes, None for nothing.
    """

    customer: str
    layout: int
    latest: EventTime
    timer: EventTime
    expiry: EventTime
    applied: bool
    message_ids: dict[str, int]
    sessions: list[Session]
    first_seen: EventTime
    moment: EventTime
    zone: str
    row_timer: EventTime
    session_until: EventTime
    features: list[Any]
    models: dict[str, Told] = {}
    consent: Consent | None = None


class ProfileStore:
    """The profiles and their deadlines in one shard's store.

    A profile names the layout of its values by its number in the store's list. One that was
    written under another layout is read by name: values whose definition is still the same are
    kept, new ones start empty. Models go on under the same name and definition.

    Args:
        keyvalue: the shard's store.
        about: what the store says about itself; a new layout is added to it.
        kept: what is kept now.
        cache: how many decoded profiles stay in memory.
        watermark: the shard's, at which a new layout begins.
    """

    def __init__(
        self,
        keyvalue: KeyValue,
        about: About,
        kept: Kept,
        cache: int,
        watermark: EventTime = BEFORE_ALL,
    ) -> None:
        self._keyvalue = keyvalue
        self._session_values = kept.session_values
        self._features = kept.features
        self._models = frozenset(kept.model_keys)
        layout = Layout(
            session=_definitions([*kept.plan.collect, *kept.plan.session_features]),
            features=_definitions(kept.plan.row.features),
        )
        self.layout = about.layout_number(layout, watermark)
        self._layouts = about.layouts
        self._decoder = msgspec.msgpack.Decoder(Profile)
        self.profiles: Records[Profile] = Records(
            keyvalue,
            Prefix.PROFILE,
            encode=msgspec.msgpack.Encoder().encode,
            decode=self._decode,
            capacity=cache,
        )
        self.timers = Timers(keyvalue, Prefix.SESSION_TIMER)
        self.expiries = Timers(keyvalue, Prefix.EXPIRY_TIMER)
        self.row_timers = Timers(keyvalue, Prefix.ROW_TIMER)

    def new(self, customer: str, time: EventTime, expiry: EventTime) -> Profile:
        """Make the profile of a customer who is first seen at a time; its owner inserts it."""
        return Profile(
            customer=customer,
            layout=self.layout,
            latest=time,
            timer=AFTER_ALL,
            expiry=expiry,
            applied=False,
            message_ids={},
            sessions=[],
            first_seen=time,
            moment=BEFORE_ALL,
            zone="",
            row_timer=AFTER_ALL,
            session_until=AFTER_ALL,
            features=[each.start() for each in self._features],
        )

    def put_timers(self, profile: Profile) -> None:
        """Let the deadlines that a profile names stand."""
        if profile.timer != AFTER_ALL:
            self.timers.add(profile.timer, profile.customer)
        if profile.row_timer != AFTER_ALL:
            self.row_timers.add(profile.row_timer, profile.customer)
        self.expiries.add(profile.expiry, profile.customer)

    def erase(self, profile: Profile) -> dict[str, int]:
        """Remove a profile that the last ``edit`` returned, and its deadlines.

        Returns:
            How many of what were removed.
        """
        times = [
            (self.timers, profile.timer),
            (self.expiries, profile.expiry),
            (self.row_timers, profile.row_timer),
        ]
        kept = [(timers, time) for timers, time in times if time != AFTER_ALL]
        for timers, time in kept:
            timers.remove(time, profile.customer)
        self.profiles.delete(profile.customer)
        return {
            "profile": 1,
            "timers": len(kept),
            "features": len(profile.features),
            "message_ids": len(profile.message_ids),
            "open_sessions": sum(not each.is_closed for each in profile.sessions),
        }

    def leave_no_trace(self) -> None:
        """Ask that nothing of what was removed is left on disk."""
        self._keyvalue.leave_no_trace()

    def flush(self) -> None:
        """Write what has changed."""
        self.profiles.flush()
        self.timers.flush()
        self.expiries.flush()
        self.row_timers.flush()

    def _decode(self, data: bytes) -> Profile:
        profile = self._decoder.decode(data)
        if profile.layout != self.layout:
            layouts = self._layouts[profile.layout :]
            of_sessions = [each.session for each in layouts]
            for session in profile.sessions:
                session.collected = _arrange(session.collected, of_sessions, self._session_values)
            of_features = [each.features for each in layouts]
            profile.features = _arrange(profile.features, of_features, self._features)
            profile.layout = self.layout
        if not self._models.issuperset(profile.models):
            profile.models = self._of_today(profile.models)
            for session in profile.sessions:
                session.models = self._of_today(session.models)
        return profile

    def _of_today(self, kept: dict[str, K]) -> dict[str, K]:
        """Leave out what was kept for models that are no more."""
        return {key: each for key, each in kept.items() if key in self._models}


class Startable(Protocol):
    """What has a state to start from."""

    def start(self) -> Any:
        """Return the state of nothing."""


def _definitions(plans: Iterable[FeaturePlan]) -> list[str]:
    return [f"{each.name} = {each.definition}" for each in plans]


def _arrange(
    states: Sequence[Any], layouts: Sequence[Sequence[str]], kept: Sequence[Startable]
) -> list[Any]:
    """Bring states from the first of some layouts to the last; what is not in all starts empty."""
    always = set(layouts[0]).intersection(*layouts[1:])
    found = dict(zip(layouts[0], states, strict=True))
    return [
        found[definition] if definition in always else each.start()
        for definition, each in zip(layouts[-1], kept, strict=True)
    ]
