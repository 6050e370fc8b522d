"""The whole flow in one thread, with state in memory: to try rules on a few events.

The operators are those of production; one shard, one reader, and every event is a tick of its own.
Between events the clock can be moved, and customers can be looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import numpy as np

from flows.privacy import TRIAL_KEY, minimizer, trial_plan
from operators.clock import Clock
from operators.customers import CustomerStore
from operators.decide import DecideStep
from operators.heads import LineReader
from operators.identity import IdentityStep, Plans
from operators.identity_plan import IdentityPlan
from operators.kept import Kept
from operators.lines import Lines
from operators.models.gather import Gather
from operators.models.opening import open_model
from operators.names import NameStore
from operators.outputs import Outputs
from operators.plans import DecidePlan, ProfilePlan
from operators.privacy_plan import PrivacyPlan
from operators.profile import ProfileStep
from operators.profile_store import ProfileStore
from operators.route import Route, RouteState
from operators.ticks import ShardTick
from operators.times import EventTime
from state.about import About, Attributes
from state.keyvalue import MemoryKeyValue
from state.prefixes import Prefix
from state.records import record_key

_CACHE_RECORDS = 1000
_ORIGINS = ("events",)
_ONLY_PARTITION = 0
_ANY_TIME = 1 << 50
"""The reference of events: none lies in the future."""


@dataclass(frozen=True)
class Seen:
    """What is known of a customer at a moment.

    Attributes:
        features: the values of the customer's row, by name.
        segments: whether the customer is in each, by name.
    """

    features: Mapping[str, Any]
    segments: Mapping[str, bool]


class Rules(NamedTuple):
    """What is tried: compiled once.

    Attributes:
        profile: the profile step's plan.
        decide: the decide step's plan.
        disorder_ms: how far the watermark lies behind the latest event.
        identity: how anonymous ids are linked to customers, None where they are not.
        privacy: what nobody is to see of events, None where they stay as they are; customers keep
            their names.
    """

    profile: ProfilePlan
    decide: DecidePlan
    disorder_ms: int
    identity: IdentityPlan | None = None
    privacy: PrivacyPlan | None = None


class Trial:
    """Some events under some rules.

    Args:
        rules: to be tried.
        attributes: what a file says of customers, by customer and column.
    """

    def __init__(
        self, rules: Rules, attributes: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        profile_plan, decide_plan, disorder_ms, identity, privacy = rules
        self._plan = decide_plan
        hides = minimizer(trial_plan(privacy), TRIAL_KEY) if privacy else None
        self._reader = LineReader(0, _ANY_TIME, identity, hides)
        self._route = Route(0, shards=1, disorder_ms=disorder_ms, state=RouteState())
        self._lines_read = 0
        keyvalue, about = _beginning(decide_plan, attributes or {})
        kept = Kept(profile_plan)
        self._identity = None
        if identity is not None:
            names = NameStore(keyvalue, _CACHE_RECORDS)
            plans = Plans(identity, profile_plan, decide_plan)
            self._identity = IdentityStep(plans, names, Clock.new(readers=1), shards=1)
        profiles = ProfileStore(keyvalue, about, kept, _CACHE_RECORDS)
        self._customers = CustomerStore(keyvalue, about, decide_plan, _CACHE_RECORDS)
        self._profile = ProfileStep(kept, profiles, Clock.new(readers=1))
        self._models = {
            plan.name: open_model(
                decide_plan.name, plan, MemoryKeyValue(), _CACHE_RECORDS, shards=1, ticks=[0]
            )
            for plan in decide_plan.models
        }
        self._gather = Gather(decide_plan)
        self._decide = DecideStep(decide_plan, self._customers, [0])

    def feed(self, line: bytes) -> Outputs:
        """Let one event through, a line of JSON; return what comes of it.

        An event that cannot be read, or is late, is among the outputs as such.
        """
        self._lines_read += 1
        return self._pass_on(self._reader.read(line, file=0, line=self._lines_read, offset=0))

    def move_past(self, time: EventTime) -> Outputs:
        """Let happen all that happens by itself up to a time, that time included.

        An event that comes later with such a time is late.
        """
        self._route.note_idle([_ONLY_PARTITION], time + 1)
        return self._pass_on(_no_lines())

    def close(self) -> Outputs:
        """Let happen all that happens by itself, whenever; nothing can be fed any more."""
        return self._pass_on(_no_lines(), ended=True)

    def look(self, customer: str) -> Seen:
        """Look at a customer as of the last event, or the time that the clock was moved past."""
        slots = self._plan.slots
        found = self._customers.customers.edit([customer]).get(customer)
        if found is None or not found.row:
            features = {each.name: each.empty for each in slots}
            return Seen(features, {each.name: False for each in self._plan.segments})
        return Seen(
            {each.name: value for each, value in zip(slots, found.row, strict=False)},
            {
                each.name: membership.inside
                for each, membership in zip(self._plan.segments, found.memberships, strict=True)
            },
        )

    def _pass_on(self, lines: Lines, *, ended: bool = False) -> Outputs:
        ticks: Sequence[ShardTick] = self._route.split(lines, _ORIGINS, ended=ended, close=ended)
        (tick,) = ticks
        if self._identity is not None:
            (tick,) = self._identity.on_tick(tick)
        result = self._profile.on_tick(tick)
        scored = self._gather.take(result)
        for part in result.models.values():
            for said in self._models[part.model].on_part(part):
                scored += self._gather.take(said)
        (complete,) = scored
        return self._decide.on_tick(complete).outputs


def _beginning(
    plan: DecidePlan, attributes: Mapping[str, Mapping[str, Any]]
) -> tuple[MemoryKeyValue, About]:
    """Make an empty store, but for what is said of customers from outside."""
    about = About()
    if not plan.attributes:
        return MemoryKeyValue(), about
    about.attributes = Attributes("trial", "trial", list(plan.attributes))
    return MemoryKeyValue(
        {
            record_key(Prefix.ATTRIBUTES, customer): msgspec.msgpack.encode(
                [values.get(column) for column in plan.attributes]
            )
            for customer, values in attributes.items()
        }
    ), about


def _no_lines() -> Lines:
    return Lines([], [], np.empty(0, np.int64), np.empty((3, 0), np.int64), {})
