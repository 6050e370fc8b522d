"""Identity: knows whose each anonymous id is, and keeps what was done under one until it is linked.

Each id belongs to a shard, as customers do. A shard is given the events of its anonymous ids and,
of events that name no anonymous id that matters, those of its customers. It says whose each event
is, and gives every shard its share anew, where it had events of a tick (J1 to J4, J10).
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from heapq import merge
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

import msgspec

from operators.clock import Clock
from operators.dropping import SUPPRESSED, IdentityDrops
from operators.identity_plan import IdentityPlan, Naming
from operators.joins import Ended, Forget, Join, LetGo, Linked
from operators.keeping import Keeping
from operators.names import Named, NameStore
from operators.outputs import Outputs, Record, make_id
from operators.past import NOTHING, Past
from operators.plans import DecidePlan, ProfilePlan
from operators.route import by_shard, shard_of, shards_of
from operators.suppression import NOBODY, Out, Suppression
from operators.ticks import ShardTick
from operators.times import AFTER_ALL, EventTime


class _Message(msgspec.Struct, gc=False):
    messageId: str | None = None  # noqa: N815 (the Segment spec's name)


_place = attrgetter("place")
_messages = msgspec.json.Decoder(_Message)
_nothing_more = Linked(1 << 62, "", AFTER_ALL, AFTER_ALL)


def _know(named: Named) -> None:
    """Take note that an id is a customer's own: its events can become nobody's past any more."""
    named.is_customer = True
    named.let_go()


def _message_id(line: bytes) -> str:
    try:
        return _messages.decode(line).messageId or ""
    except msgspec.DecodeError:  # the profile step will reject it
        return ""


class _Naming(NamedTuple):
    """An event that names an id.

    Attributes:
        at: the index of the event in its share.
        place: of the event among the lines of its tick.
        name: the id.
        time: of the event, in ms.
        watermark: the shard's before it.
    """

    at: int
    place: int
    name: str
    time: EventTime
    watermark: EventTime


class Plans(NamedTuple):
    """What the step needs to know of the config."""

    identity: IdentityPlan
    profile: ProfilePlan
    decide: DecidePlan


class IdentityStep:
    """Says whose events are; gives a customer what was done under an anonymous id before.

    Knows nothing of Bytewax or of files: give it ticks, it gives shares of them.

    Args:
        plans: whom events name, how much is kept, and what the rules do with it.
        store: the ids of this shard.
        clock: where the readers stood at the last snapshot.
        shards: how many slices of the customers.
        suppression: whose events are dropped.
    """

    def __init__(
        self,
        plans: Plans,
        store: NameStore,
        clock: Clock,
        *,
        shards: int,
        suppression: Suppression = NOBODY,
    ) -> None:
        self._plan = plans.identity
        self._name = plans.profile.name
        self._retention_ms = plans.profile.retention_ms
        self._store = store
        self._clock = clock
        self._shards = shards
        self._past = Past(plans.profile, plans.decide)
        self._keeping = Keeping(plans.profile, plans.identity)
        self._drops = IdentityDrops(suppression)
        self._joins: list[Join] = []
        self._ends: list[Ended] = []
        self._gone: list[LetGo] = []
        self._ids: dict[str, None] = {}
        self._names: dict[str, Named] = {}

    def on_tick(self, tick: ShardTick) -> list[ShardTick]:
        """Say whose a tick's events are; return the shares of all shards, or of the own alone."""
        tick = self._drops.without(tick)
        self._joins, self._ends, self._gone = [], [], []
        customers: list[str] = []
        if tick.customers or tick.linked or tick.forgets:
            tick, customers = self._resolve(tick)
        self._clock.advance(tick.name, tick.watermark, ended=tick.ended)
        self._store.expire(EventTime(self._clock.watermark), self._lasts_until)
        return self._shares(tick, customers)

    def snapshot(self) -> Clock:
        """Write what has changed; return where the readers stand."""
        self._store.flush()
        return self._clock

    def _resolve(  # noqa: C901 (one loop, and a hot one)
        self, tick: ShardTick
    ) -> tuple[ShardTick, list[str]]:
        """Say whose each event is; take in what they say of ids, in the order they came.

        Returns:
            The tick, without events of those whom others of it let be dropped; and whose they are.
        """
        assert tick.names is not None, "a reader says who is named where ids are linked"
        customers, kinds = list(tick.customers), tick.names.naming.tolist()
        is_own = (shards_of(customers, self._shards) == tick.shard).tolist()
        namings = list(self._namings(tick, customers, kinds))
        ids = chain((each.name for each in namings), (each.customer for each in tick.linked))
        self._ids = dict.fromkeys(ids)
        self._names = self._store.names.edit(self._ids)
        forgets = {each.place for each in tick.forgets}
        drops, dropped = self._drops, set[int]()
        tick.counts.update(merged=0, refused_links=0)  # so that they are told where there are none
        notes: Iterator[Linked | Forget] = merge(tick.linked, tick.forgets, key=_place)
        following = chain(notes, [_nothing_more])
        told = next(following)
        for kind, naming in zip(kinds, namings, strict=True):
            while told.place < naming.place:
                self._note(tick, told)
                told = next(following)
            if drops.begun and drops.concerns(
                customers[naming.at], naming.place, is_linking=kind == Naming.LINKING
            ):
                dropped.add(naming.at)
            elif naming.place in forgets:
                customers[naming.at] = naming.name  # it is of that id, whoever has it
            elif kind == Naming.CUSTOMER:
                if is_own[naming.at]:  # else the link of another was taken back
                    _know(self._used(naming.name, naming.time, naming.watermark))
            elif kind == Naming.ANONYMOUS:
                customers[naming.at] = self._owner(tick, naming)
            elif naming.name not in drops.begun:
                self._link(tick, naming)
        while told is not _nothing_more:
            self._note(tick, told)
            told = next(following)
        drops.drop_letters(tick)
        if dropped:
            left = [index for index in range(len(customers)) if index not in dropped]
            tick.counts[SUPPRESSED] += len(dropped)
            return tick.take(left), [customers[index] for index in left]
        return tick, customers

    def _namings(
        self, tick: ShardTick, customers: list[str], kinds: list[int]
    ) -> Iterator[_Naming]:
        assert tick.names is not None
        assert tick.order is not None
        columns = zip(
            kinds,
            customers,
            tick.names.anonymous,
            tick.order.tolist(),
            tick.times.tolist(),
            self._clock.before(tick.name.reader, tick.watermarks).tolist(),
            strict=True,
        )
        for index, (kind, customer, other, place, time, watermark) in enumerate(columns):
            name = customer if kind == Naming.CUSTOMER else other
            yield _Naming(index, place, name, time, watermark)

    def _note(self, tick: ShardTick, told: Linked | Forget) -> None:
        """Take note of a customer to whom an id of any shard is linked, or who is forgotten."""
        watermark = min(told.watermark, self._clock.others(tick.name.reader))
        before = EventTime(max(watermark, self._clock.watermark))
        if isinstance(told, Forget):
            self._forget(told, before)
        elif told.customer not in self._drops.begun:
            _know(self._used(told.customer, told.time, before))

    def _forget(self, told: Forget, watermark: EventTime) -> None:
        """Let go of an id, and of those of this shard that are linked to it."""
        linked = self._store.forget(told.customer)
        self._names = self._store.names.edit(self._ids)
        gone = [
            LetGo(told.place, each.name, told.time, watermark, told.event)
            for each in linked
            if self._lasts_until(each) >= watermark
        ]
        self._gone += gone
        if told.event.suppress:
            self._drops.begin(told.customer, told.place, Out.EVERYWHERE)
            for each in gone:
                self._drops.begin(each.anonymous, told.place, Out.AS_LINKED)

    def _used(self, name: str, time: EventTime, watermark: EventTime) -> Named:
        """Return what is known of an id that an event names; one that is new is known from now."""
        named = self._names.get(name)
        if named is None:
            named = Named(name, time, EventTime(time + self._plan.keep_ms))
            self._store.expiries.add(named.expiry, name)
            self._names[name] = self._store.names.insert(name, named)
        elif self._lasts_until(named) < watermark:  # as if it were gone already
            named.is_customer, named.customer = False, ""
            named.used = time
            named.let_go()
        named.used = max(named.used, time)
        return named

    def _lasts_until(self, named: Named) -> EventTime:
        is_linked = named.is_customer or named.customer
        return EventTime(named.used + (self._retention_ms if is_linked else self._plan.keep_ms))

    def _owner(self, tick: ShardTick, event: _Naming) -> str:
        """Return whose an anonymous event is; keep it where that is not known yet (J1, J5)."""
        named = self._used(event.name, event.time, event.watermark)
        if named.customer:
            return named.customer
        if not named.is_customer:
            late_below = EventTime(int(tick.late_below[event.at]))
            line = tick.line(event.at)
            self._keeping.keep(named, line, event.time, event.watermark, late_below)
        return event.name

    def _link(self, tick: ShardTick, event: _Naming) -> None:
        """Link an anonymous id to a customer; the first time its events become theirs (J4)."""
        customer, place = tick.customers[event.at], event.place
        before = self._names.get(event.name)
        since = EventTime((before.used if before else event.time) - self._plan.keep_ms)
        named = self._used(event.name, event.time, event.watermark)
        if named.is_customer:
            message_id = _message_id(tick.line(event.at))
            self._tell(tick, "refused", event, message_id, {"reason": "known"})
            tick.counts["refused_links"] += 1
            return
        is_first, events = not named.customer, self._keeping.of(named, since)
        named.customer = customer
        if not is_first:
            return
        named.let_go()
        message_id = _message_id(tick.line(event.at))
        past = self._past.of(event.name, events, event.watermark) if events else NOTHING
        self._tell(tick, "merged", event, message_id, {"events": past.applied})
        tick.counts["merged"] += 1
        when = (event.time, event.watermark)
        if events:
            kept = (past.profile, past.decided)
            self._joins.append(Join(place, customer, event.name, *when, events, *kept))
        self._ends.append(Ended(place, event.name, customer, *when, message_id))

    def _tell(
        self,
        tick: ShardTick,
        what: str,
        event: _Naming,
        message_id: str,
        about: dict[str, object],
    ) -> None:
        """Write what became of a link."""
        customer = tick.customers[event.at]
        made = make_id(what, self._name, event.name, customer, event.time, message_id)
        data = {"anonymous": event.name, "customer": customer, **about}
        record = Record(f"identity.{what}", f"{made}-{what}", customer, event.time, data)
        tick.outputs.add("identity", record)

    def _shares(self, tick: ShardTick, customers: list[str]) -> list[ShardTick]:
        """Give every shard the events of its customers; what the reader says goes to its own.

        A shard that had no event of the tick has nothing for the others.
        """
        is_giver = tick.shard in tick.givers
        if is_giver and customers:
            tick.line(0)  # lines are split once, for all shares
        own = replace(
            tick, linked=[], forgets=[], letters_after=[], letter_places=[], gone=self._gone
        )
        if not is_giver:
            assert not customers, "who has events gives to all"
            return [own]
        indices = by_shard(shards_of(customers, self._shards), self._shards)
        joins, ends = defaultdict[int, list[Join]](list), defaultdict[int, list[Ended]](list)
        for join in self._joins:
            joins[shard_of(join.customer, self._shards)].append(join)
        for end in self._ends:
            ends[shard_of(end.anonymous, self._shards)].append(end)
        other = replace(own, counts=Counter(), outputs=Outputs(), gone=[])
        nothing = other.take([])  # most shares of a live tick are empty, and there are many
        shares = []
        for shard, some in enumerate(indices):
            share = own if shard == tick.shard else other if len(some) else nothing
            if share is not nothing:
                of_these = some.tolist()
                share = share.take(of_these, [customers[i] for i in of_these])
            about = (joins.get(shard, []), ends.get(shard, []))
            shares.append(replace(share, shard=shard, joins=about[0], ends=about[1]))
        return shares
