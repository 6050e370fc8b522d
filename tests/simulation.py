"""The whole flow in one thread: the same operators as in production, without Bytewax or files.

A run can be stopped after any tick: ``snapshot`` gives everything that a resume needs, and shards
are kept in memory, so that all records of two runs can be compared.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from connectors.rendering import render_line
from operators.case_store import CaseStore
from operators.clock import Clock
from operators.decide import DecideStep
from operators.lines import LineReader, Lines, join
from operators.plans import DecidePlan, ProfilePlan
from operators.profile import ProfileStep
from operators.profile_store import ProfileStore
from operators.route import Route, RouteState
from state.about import About
from state.keyvalue import MemoryKeyValue


@dataclass
class Snapshot:
    """What a run would find on disk."""

    route: RouteState
    position: int
    shards: list[dict[bytes, bytes]]
    abouts: list[About]
    clocks: list[Clock]
    ticks: list[list[int]]


@dataclass
class Outcome:
    """All that came out, by kind, as written; and the counts."""

    lines: dict[str, list[bytes]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def sets(self) -> dict[str, Counter[bytes]]:
        """Return the outputs without their order."""
        return {kind: Counter(lines) for kind, lines in self.lines.items()}


class Simulation:
    """One reader and some shards, tick by tick."""

    def __init__(
        self,
        raw: Sequence[bytes],
        profile_plan: ProfilePlan,
        decide_plan: DecidePlan,
        *,
        shards: int = 4,
        disorder_ms: int = 5000,
        future_ms: int = 3_600_000,
        now_ms: int = 1 << 50,
        cache: int = 100,
        close: bool = False,
        resume: Snapshot | None = None,
    ) -> None:
        self.lines = read_lines(raw, future_ms, now_ms)
        self.close = close
        saved = deepcopy(resume)
        self.position = saved.position if saved else 0
        self.route = Route(
            0,
            shards=shards,
            disorder_ms=disorder_ms,
            files=("events",),
            state=saved.route if saved else RouteState(),
        )
        self.keyvalues = [MemoryKeyValue(saved.shards[n] if saved else None) for n in range(shards)]
        self.abouts = saved.abouts if saved else [About() for _ in range(shards)]
        clocks = saved.clocks if saved else [Clock.new(1) for _ in range(shards)]
        ticks = saved.ticks if saved else [[0] for _ in range(shards)]
        self.profiles: list[ProfileStep] = []
        self.decides: list[DecideStep] = []
        for shard in range(shards):
            keyvalue = self.keyvalues[shard]
            profile_store = ProfileStore(keyvalue, self.abouts[shard], profile_plan, cache)
            self.profiles.append(ProfileStep(profile_plan, profile_store, clocks[shard]))
            case_store = CaseStore(keyvalue, cache)
            self.decides.append(DecideStep(decide_plan, case_store, ticks[shard]))
        self.outcome = Outcome()

    def step(self, size: int) -> bool:
        """Let one tick of that many lines through; tell whether there is more."""
        stop = min(self.position + size, len(self.lines))
        ended = stop == len(self.lines)
        lines = self.lines.slice(self.position, stop)
        self.position = stop
        rows: dict[str, list[tuple[Any, ...]]] = {}
        ticks = self.route.split(lines, ended=ended, close=ended and self.close)
        for tick, profile, decide in zip(ticks, self.profiles, self.decides, strict=True):
            result = decide.on_tick(profile.on_tick(tick))
            self.outcome.counts.update(result.counts)
            for kind, outputs in result.outputs.kinds.items():
                rows.setdefault(kind, []).extend(render_line("shop", each) for each in outputs)
        for kind, lines_of_kind in rows.items():
            written = self.outcome.lines.setdefault(kind, [])
            written += [line for *_, line in sorted(lines_of_kind)]
        return not ended

    def run(self, sizes: Iterator[int]) -> Outcome:
        """Let all lines through in ticks of these sizes."""
        while self.step(next(sizes)):
            pass
        return self.outcome

    def snapshot(self) -> Snapshot:
        """Do what the steps do at a snapshot, and return what they leave."""
        clocks = [step.snapshot() for step in self.profiles]
        ticks = [step.snapshot() for step in self.decides]
        return deepcopy(
            Snapshot(
                self.route.state,
                self.position,
                [keyvalue.entries for keyvalue in self.keyvalues],
                self.abouts,
                clocks,
                ticks,
            )
        )


def read_lines(raw: Sequence[bytes], future_ms: int, now_ms: int) -> Lines:
    """Read raw lines as a reader would."""
    if not raw:
        return join([])
    reader = LineReader(future_ms, now_ms)
    return reader.read(b"\n".join(raw), file=0, line=1, offset=0)
