"""A customer's profile as it is kept, and the part of a shard's store that keeps profiles."""

from typing import Any

import msgspec

from operators.collect import make_kind
from operators.plans import ProfilePlan
from operators.sessions import Session
from operators.times import EventTime
from state.about import About
from state.keyvalue import KeyValue
from state.prefixes import Prefix
from state.records import Records
from state.timers import Timers


class Profile(msgspec.Struct, array_like=True, gc=False):
    """All that is kept about one customer.

    Attributes:
        customer: the name.
        layout: which layout the collected values have.
        latest: time of the latest event seen, late ones too.
        timer: where the timer for sessions stands, AFTER_ALL for none; none closes before it.
        expiry: where the timer for forgetting the customer stands; not before it.
        applied: whether any event was applied.
        message_ids: the last different ones in order of arrival, with their event times.
        sessions: the open ones, by time.
    """

    customer: str
    layout: int
    latest: EventTime
    timer: EventTime
    expiry: EventTime
    applied: bool
    message_ids: dict[str, int]
    sessions: list[Session]


class ProfileStore:
    """The profiles and their deadlines in one shard's store.

    A profile names the layout of its collected values by its number in the store's list. One that
    was written under another layout is read by name: values whose definition is still the same
    are kept, new ones start empty.

    Args:
        keyvalue: the shard's store.
        about: what the store says about itself; a new layout is added to it.
        plan: what is collected now.
        cache: how many decoded profiles stay in memory.
    """

    def __init__(self, keyvalue: KeyValue, about: About, plan: ProfilePlan, cache: int) -> None:
        self.kinds = [make_kind(collect) for collect in plan.collect]
        layout = [f"{collect.name} = {collect.definition}" for collect in plan.collect]
        if layout not in about.layouts:
            about.layouts.append(layout)
        self._layouts = about.layouts
        self.layout = about.layouts.index(layout)
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

    def flush(self) -> None:
        """Write what has changed."""
        self.profiles.flush()
        self.timers.flush()
        self.expiries.flush()

    def _decode(self, data: bytes) -> Profile:
        profile = self._decoder.decode(data)
        if profile.layout != self.layout:
            old = self._layouts[profile.layout]
            for session in profile.sessions:
                session.collected = self._arrange(dict(zip(old, session.collected, strict=True)))
            profile.layout = self.layout
        return profile

    def _arrange(self, values: dict[str, Any]) -> list[Any]:
        return [
            values.get(definition, kind.start())
            for definition, kind in zip(self._layouts[self.layout], self.kinds, strict=True)
        ]
