"""What a model is told of a file of events, and what it says: the steps alone, in one thread.

The replay writes scores, but not the rows that they were given for. So the rows come from here;
that the scores are the replay's own, for every moment, is asserted where both are at hand.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.running import SHARDS, TICK_LINES, job_of
from connectors.replay import RecordedFiles, Replay
from operators.clock import Clock
from operators.heads import LineReader
from operators.kept import Kept
from operators.models.kinds import make_learner
from operators.models.learner import Learner
from operators.models.parts import ModelMoment, ModelOutcome, Value
from operators.models.plan import ModelPlan
from operators.models.step import ModelStep
from operators.models.store import ModelStore
from operators.models.watch import Watch
from operators.profile import ProfileStep
from operators.profile_store import ProfileStore
from operators.route import Route, RouteState
from operators.ticks import ModelTick
from operators.times import EventTime
from state.about import About
from state.keyvalue import MemoryKeyValue

CACHE = 1_000_000
"""Records that are kept decoded; more than there are customers."""

Moment = tuple[str, int]
"""A customer, and the number of the moment."""


@dataclass(frozen=True)
class Told:
    """All that one model is told.

    Attributes:
        name: of the config.
        plan: the model.
        ticks: each as the parts of the shards.
    """

    name: str
    plan: ModelPlan
    ticks: Sequence[Sequence[ModelTick]]


class Pair(NamedTuple):
    """A moment that the model learns from, and what became of it.

    Attributes:
        at: which moment.
        time: of the moment, in ms.
        known: when its label was, in ms.
        row: the values of the inputs, as they were at the moment.
        label: 1.0 where the event came.
    """

    at: Moment
    time: EventTime
    known: EventTime
    row: Sequence[Value]
    label: float


def told(config: Path, events: Path) -> Told:
    """Let events through the profile step of a config with one model."""
    job = job_of(config, [events], Path("out"), "time")
    (plan,) = job.decide.models
    kept = Kept(job.profile)
    profiles = [_profile(kept) for _ in range(SHARDS)]
    assert isinstance(job.source, RecordedFiles), "the benchmark replays"
    reader = LineReader(job.route.future_ms, job.route.now_ms)
    replay = Replay(job.source.readers[0], reader, order="time")
    route = Route(0, shards=SHARDS, disorder_ms=job.route.disorder_ms, state=RouteState())
    ticks = []
    while not replay.ended:
        lines = replay.take(TICK_LINES)
        parts = route.split(lines, replay.origins, ended=replay.ended)
        results = [step.on_tick(part) for step, part in zip(profiles, parts, strict=True)]
        ticks.append([result.models[plan.name] for result in results])
    return Told(job.profile.name, plan, ticks)


def pairs_of(what: Told) -> list[Pair]:
    """Return what the model learns from, in the order in which it does."""
    times = {(m.customer, m.number): m.time for m in _moments(what)}
    step_ms = what.plan.step_ms
    end = min(part.watermark for part in what.ticks[-1]) // step_ms * step_ms
    outcomes = [each for each in _outcomes(what) if each.time < end]
    outcomes.sort(key=lambda each: (each.time, each.customer, each.number))
    return [
        Pair((o.customer, o.number), times[o.customer, o.number], o.time, o.values, o.label)
        for o in outcomes
        if o.label is not None
    ]


def of_pairs(what: Told, pairs: Iterable[Pair]) -> Told:
    """Leave out all moments but those of the pairs: other models need not score them."""
    kept = {each.at for each in pairs}
    ticks = [
        [
            replace(
                part, moments=[m for m in part.moments if (m.customer, m.number) in kept], signs=[]
            )
            for part in parts
        ]
        for parts in what.ticks
    ]
    return replace(what, ticks=ticks)


def scores_of(what: Told, learner: Learner | None = None) -> dict[Moment, float]:
    """Score every moment as the engine does, by its model or by another that learns the same."""
    plan = what.plan
    store = ModelStore(MemoryKeyValue(), plan, CACHE)
    step = ModelStep(
        plan, learner or make_learner(plan), Watch(is_sum=False), store, shards=SHARDS, ticks=[0]
    )
    scores: dict[Moment, float] = {}
    for parts in what.ticks:
        for said in (each for part in parts for each in step.on_part(part)):
            for moment, score in zip(parts[said.shard].moments, said.scores, strict=True):
                if score is not None:
                    scores[moment.customer, moment.number] = score
    return scores


def scores_in(path: Path) -> dict[Moment, float]:
    """Read the scores that a replay has written; the number of the moment is in their ids."""
    scores: dict[Moment, float] = {}
    for line in path.read_bytes().splitlines():
        record = msgspec.json.decode(line)
        number = int(record["id"].rpartition("-")[2])
        scores[record["subject"], number] = record["data"]["score"]
    return scores


def _moments(what: Told) -> Iterator[ModelMoment]:
    return (each for parts in what.ticks for part in parts for each in part.moments)


def _outcomes(what: Told) -> Iterator[ModelOutcome]:
    return (each for parts in what.ticks for part in parts for each in part.outcomes)


def _profile(kept: Kept) -> ProfileStep:
    keyvalue = MemoryKeyValue()
    return ProfileStep(kept, ProfileStore(keyvalue, About(), kept, CACHE), Clock.new(1))
