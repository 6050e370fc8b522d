"""The whole flow in one thread: the same operators as in production, without Bytewax or files.

A run can be stopped after any tick: ``snapshot`` gives everything that a resume needs, and shards
are kept in memory, so that all records of two runs can be compared.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import accumulate, repeat

from connectors.rendering import Line
from connectors.sinks import FilesOut, renderer
from operators.clock import Clock
from operators.customers import CustomerStore
from operators.decide import DecideStep
from operators.heads import LineReader
from operators.identity import IdentityStep, Plans
from operators.identity_gather import IdentityGather
from operators.identity_plan import IdentityPlan
from operators.kept import Kept
from operators.lines import Lines, join
from operators.names import NameStore
from operators.plans import DecidePlan, ProfilePlan
from operators.profile import ProfileStep
from operators.profile_store import ProfileStore
from operators.route import Route, RouteState
from operators.signs import Removal
from operators.suppression import Out, Suppression
from operators.ticks import ShardTick
from operators.times import EventTime
from state.about import About
from state.keyed_hash import keyed_hash
from state.keyvalue import MemoryKeyValue

KEY = bytes(32)
WRITE = renderer(FilesOut(""), "shop")
BLOCK_LINES = 8
"""Lines that are decoded together; few, so that one bad line does not slow down all others."""


@dataclass
class Reader:
    """Where a reader stands."""

    route: RouteState
    position: int = 0
    ended: bool = False


@dataclass
class Snapshot:
    """What a run would find on disk."""

    readers: list[Reader]
    shards: list[dict[bytes, bytes]]
    abouts: list[About]
    clocks: list[Clock]
    ticks: list[list[int]]
    names: list[Clock]


@dataclass
class Outcome:
    """All that came out, by kind, as written; and the counts."""

    lines: dict[str, list[bytes]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def sets(self) -> dict[str, Counter[bytes]]:
        """Return the outputs without their order."""
        return {kind: Counter(lines) for kind, lines in self.lines.items()}


class Simulation:
    """Some readers and some shards, tick by tick.

    Args:
        raw: the lines of the only or the first reader.
        profile_plan: the profile step's.
        decide_plan: the decide step's.
        more: the lines of each further reader.
        shards: how many slices of the customers.
        disorder_ms: how far watermarks lie behind the latest event.
        future_ms: how far an event may lie ahead of its reference.
        now_ms: the reference of events without ``receivedAt``.
        cache: how many decoded records of each kind a shard keeps in memory.
        close: whether the clock moves past every timer at the end.
        resume: what an earlier run left.
        identity: how anonymous ids are linked to customers, None where they are not.
    """

    def __init__(
        self,
        raw: Sequence[bytes],
        profile_plan: ProfilePlan,
        decide_plan: DecidePlan,
        *,
        more: Sequence[Sequence[bytes]] = (),
        shards: int = 4,
        disorder_ms: int = 5000,
        future_ms: int = 3_600_000,
        now_ms: int = 1 << 50,
        cache: int = 100,
        close: bool = False,
        resume: Snapshot | None = None,
        identity: IdentityPlan | None = None,
    ) -> None:
        inputs = (raw, *more)
        self.inputs = [read_lines(lines, future_ms, now_ms, identity) for lines in inputs]
        self.identity = identity
        self.plans = profile_plan, replace(decide_plan, links=identity is not None)
        self.disorder_ms = disorder_ms
        self.cache = cache
        self.close = close
        self.outcome = Outcome()
        self.removals: list[Removal] = []
        self._start(deepcopy(resume) if resume else _beginning(len(self.inputs), shards))

    def _start(self, start: Snapshot) -> None:
        profile_plan, decide_plan = self.plans
        self.readers = start.readers
        self.routes = [
            Route(
                number,
                shards=len(start.shards),
                disorder_ms=self.disorder_ms,
                state=reader.route,
                forgets=self.plans[0].forgets,
            )
            for number, reader in enumerate(self.readers)
        ]
        self.keyvalues = [MemoryKeyValue(entries) for entries in start.shards]
        self.abouts = start.abouts
        self.profiles: list[ProfileStep] = []
        self.decides: list[DecideStep] = []
        for shard, keyvalue in enumerate(self.keyvalues):
            about, clock = self.abouts[shard], start.clocks[shard]
            watermark = EventTime(clock.watermark)
            kept = Kept(profile_plan)
            profile_store = ProfileStore(keyvalue, about, kept, self.cache, watermark)
            listens = profile_plan.forgets
            looks_at = Out.OF_PROFILE if self.identity else Out.ANY
            out = Suppression(
                (), partial(keyed_hash, KEY), keyvalue, listens=listens, looks_at=looks_at
            )
            self.profiles.append(ProfileStep(kept, profile_store, clock, out))
            store = CustomerStore(keyvalue, about, decide_plan, self.cache, watermark)
            self.decides.append(DecideStep(decide_plan, store, start.ticks[shard]))
        self.names = [
            IdentityStep(
                Plans(self.identity, profile_plan, decide_plan),
                NameStore(keyvalue, self.cache),
                start.names[shard],
                shards=len(self.keyvalues),
                suppression=Suppression((), partial(keyed_hash, KEY), keyvalue),
            )
            for shard, keyvalue in enumerate(self.keyvalues)
            if self.identity
        ]

    def restarted(
        self, profile_plan: ProfilePlan | None = None, decide_plan: DecidePlan | None = None
    ) -> "Simulation":
        """Stop here, and return a run that goes on from there, with other plans if given.

        What came out of this run is part of the other one's outcome.
        """
        other = copy(self)
        other.plans = profile_plan or self.plans[0], decide_plan or self.plans[1]
        other._start(self.snapshot())
        return other

    @property
    def ended(self) -> bool:
        """Whether every reader has ended."""
        return all(reader.ended for reader in self.readers)

    @property
    def watermark(self) -> int:
        """The shards' watermark, which all share."""
        (watermark,) = {profile._clock.watermark for profile in self.profiles}
        return watermark

    def step(self, size: int, reader: int = 0) -> bool:
        """Let one tick of that many lines through; tell whether there is more of any reader.

        A reader that has ended sends no more ticks.
        """
        state, lines = self.readers[reader], self.inputs[reader]
        if state.ended:
            return not self.ended
        start, state.position = state.position, min(state.position + size, len(lines))
        state.ended = state.position == len(lines)
        part = lines.slice(start, state.position)
        close = state.ended and self.close
        self._pass_on(
            self.routes[reader].split(part, (f"events-{reader}",), ended=state.ended, close=close)
        )
        return not self.ended

    def run(self, sizes: Iterator[int], readers: Iterator[int] | None = None) -> Outcome:
        """Let all lines through in ticks of these sizes, of one reader after the other."""
        readers = readers or repeat(0)
        while self.step(next(sizes), next(readers)):
            pass
        return self.outcome

    def snapshot(self) -> Snapshot:
        """Do what the steps do at a snapshot, and return what they leave."""
        clocks = [step.snapshot() for step in self.profiles]
        names = [step.snapshot() for step in self.names] or deepcopy(clocks)
        ticks = [step.snapshot() for step in self.decides]
        shards = [keyvalue.entries for keyvalue in self.keyvalues]
        return deepcopy(Snapshot(self.readers, shards, self.abouts, clocks, ticks, names))

    def _named(self, ticks: list[ShardTick]) -> list[ShardTick]:
        """Let the identity steps say whose events they are, where there are such steps."""
        if not self.names:
            return ticks
        gathers = [IdentityGather(shard) for shard in range(len(ticks))]
        whole: list[ShardTick] = []
        for step, tick in zip(self.names, ticks, strict=True):
            for share in step.on_tick(tick):
                whole += gathers[share.shard].take(share)
        return sorted(whole, key=lambda tick: tick.shard)

    def _pass_on(self, ticks: list[ShardTick]) -> None:
        """Give every shard its share of a tick; sort what comes out, as the file sink does."""
        rendered: dict[str, list[Line]] = {}
        whole = self._named(ticks)
        for tick, profile, decide in zip(whole, self.profiles, self.decides, strict=True):
            result = decide.on_tick(profile.on_tick(tick))
            self.outcome.counts.update(result.counts)
            self.removals.extend(result.removals)
            for kind, lines in WRITE(result.outputs.kinds).items():
                rendered.setdefault(kind, []).extend(lines)
        for kind, lines in rendered.items():
            self.outcome.lines.setdefault(kind, []).extend(line.text for line in sorted(lines))


def _beginning(readers: int, shards: int) -> Snapshot:
    return Snapshot(
        [Reader(RouteState()) for _ in range(readers)],
        [{} for _ in range(shards)],
        [About() for _ in range(shards)],
        [Clock.new(readers) for _ in range(shards)],
        [[0] * readers for _ in range(shards)],
        [Clock.new(readers) for _ in range(shards)],
    )


def read_lines(
    raw: Sequence[bytes], future_ms: int, now_ms: int, identity: IdentityPlan | None = None
) -> Lines:
    """Read raw lines as a reader would, some at a time."""
    reader = LineReader(future_ms, now_ms, identity)
    offsets = list(accumulate((len(line) + 1 for line in raw), initial=0))
    return join(
        [
            reader.read(
                b"\n".join(raw[first : first + BLOCK_LINES]),
                file=0,
                line=first + 1,
                offset=offsets[first],
            )
            for first in range(0, len(raw), BLOCK_LINES)
        ]
    )
