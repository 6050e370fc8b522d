"""Works out what an anonymous id has become, from its events that were kept (J6).

The steps behind identity know it too, but nothing flows back. Here they run once more on what was
kept, each event with the watermark that it came with: so they do what they did, and what they keep
in the end is handed on. What they write is not written a second time.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import msgspec
import numpy as np

from operators.clock import Clock
from operators.customers import CustomerStore
from operators.decide import DecideStep
from operators.joins import KeptEvent
from operators.kept import Kept
from operators.outputs import Outputs
from operators.plans import DecidePlan, ProfilePlan
from operators.profile import ProfileStep
from operators.profile_store import ProfileStore
from operators.ticks import ShardTick, TickName
from operators.times import AFTER_ALL, BEFORE_ALL, EventTime
from state.about import About
from state.keyvalue import MemoryKeyValue

_RECORDS = 16  # there is one at a time
_READER = 0

encode = msgspec.msgpack.Encoder().encode


class Known(NamedTuple):
    """What the steps keep of one customer, empty for nothing; and of how many events."""

    profile: bytes
    decided: bytes
    applied: int


NOTHING = Known(b"", b"", 0)


class Past:
    """The steps behind identity, for one anonymous id at a time; models are left out (J9).

    Args:
        profile: the profile step's plan.
        decide: the decide step's.
    """

    def __init__(self, profile: ProfilePlan, decide: DecidePlan) -> None:
        self._kept = Kept(replace(profile, models=()))
        self._decide_plan = replace(decide, models=())
        self._clock = Clock.new(readers=1)
        keyvalue = MemoryKeyValue()
        self._profiles = ProfileStore(keyvalue, About(), self._kept, _RECORDS)
        self._customers = CustomerStore(keyvalue, About(), self._decide_plan, _RECORDS)
        self._profile = ProfileStep(self._kept, self._profiles, self._clock)
        self._decide = DecideStep(self._decide_plan, self._customers, [0])

    def of(self, name: str, events: Sequence[KeptEvent], watermark: EventTime) -> Known:
        """Return what would be kept of a customer.

        Args:
            name: of the customer.
            events: that were done, in the order they came.
            watermark: up to which all has happened by now.
        """
        self._clock.watermark, self._clock.marks = BEFORE_ALL, [BEFORE_ALL]
        result = self._profile.on_tick(self._tick(name, events, watermark))
        applied = result.counts["applied"]
        self._decide.on_tick(result)
        return Known(self._take_profile(name), self._take_customer(name), applied)

    def _tick(self, name: str, events: Sequence[KeptEvent], watermark: EventTime) -> ShardTick:
        return ShardTick(
            name=TickName(_READER, self._clock.ticks[_READER] + 1),
            shard=0,
            watermark=watermark,
            ended=False,
            close=False,
            lines=b"\n".join([each.line for each in events]),
            customers=[name] * len(events),
            times=np.array([each.time for each in events], np.int64),
            late_below=np.array(
                # of what may not be kept nothing counts but what it says of consent, as if late
                [AFTER_ALL if each.is_bare else each.late_below for each in events],
                np.int64,
            ),
            watermarks=np.array([each.watermark for each in events], np.int64),
            places=np.zeros((3, len(events)), np.int64),
            origins=("kept",),
            envelopes={},
            counts=Counter(),
            outputs=Outputs(),
        )

    def _take_profile(self, name: str) -> bytes:
        profile = self._profiles.profiles.edit([name]).get(name)
        if profile is None:
            return b""
        self._profiles.erase(profile)
        return encode(profile)

    def _take_customer(self, name: str) -> bytes:
        customer = self._customers.customers.edit([name]).get(name)
        if customer is None:
            return b""
        self._customers.erase(customer)
        return encode(customer)
