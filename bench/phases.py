"""Where the time goes: the same operators and the same RocksDB in one thread, step by step.

Bytewax is left out, so the sum is a little below what the command takes.
"""

import gc
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.running import CONFIG, SHARDS, TICK_LINES, job_of
from connectors.file_sink import FileSink
from connectors.rendering import render_line
from connectors.replay import RecordedFiles, Replay
from connectors.tick_parts import RenderedPart, SinkState
from flows.job import Job
from operators.clock import Clock
from operators.customers import CustomerStore
from operators.decide import DecideStep
from operators.heads import LineReader
from operators.identity import IdentityStep, Plans
from operators.identity_gather import IdentityGather
from operators.kept import Kept
from operators.models.gather import Gather
from operators.models.opening import open_model
from operators.names import NameStore
from operators.profile import ProfileStep
from operators.profile_store import ProfileStore
from operators.route import Route, RouteState
from operators.ticks import ProfileResult, ShardResult, ShardTick
from state.rocks import settings_for
from state.shard import ShardStore
from state.versions import NO_VERSION

_EPOCH_S = 1.0


class Spent(NamedTuple):
    """What a run of the steps has spent.

    Attributes:
        us: CPU microseconds an event, by phase.
        counts: what the sink has counted.
    """

    us: dict[str, float]
    counts: dict[str, int]

    @property
    def total_us(self) -> float:
        """CPU microseconds an event, of all phases together."""
        return sum(self.us.values())


class Stopwatch:
    """CPU seconds of this process by what they were spent on."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._last = time.process_time()

    def go_on(self) -> None:
        """Leave out what was spent on other things since the last lap."""
        self._last = time.process_time()

    def lap(self, name: str) -> None:
        """Book the time since the last lap."""
        now = time.process_time()
        self.spent[name] = self.spent.get(name, 0.0) + now - self._last
        self._last = now


def phases(
    events: Path, folder: Path, config: Path = CONFIG, *, epoch_ticks: int | None = None
) -> Spent:
    """Let events through, in a new folder.

    Args:
        events: a file of them.
        folder: where state and results go.
        config: the rules.
        epoch_ticks: how many ticks make an epoch, None for one a second. A fixed number lets two
            configs commit equally often.
    """
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)
    pipeline = Pipeline(job_of(config, [events], folder / "out", "time"), folder)
    read = sum(pipeline.run(epoch_ticks))
    us = {name: spent / read * 1e6 for name, spent in pipeline.watch.spent.items()}
    return Spent(us, pipeline.counts)


class Pipeline:
    """All steps of a job, one after the other.

    Attributes:
        kept: what the profile step keeps.
        stores: of the shards.
        watch: what was spent.
        counts: what the sink has counted.
    """

    def __init__(self, job: Job, folder: Path) -> None:
        (folder / "out").mkdir(parents=True)
        settings = settings_for(SHARDS, job.compression)
        self._name = job.profile.name
        self.stores = [
            ShardStore(folder / f"shard-{n}", run="bench", version=NO_VERSION, settings=settings)
            for n in range(SHARDS)
        ]
        cache = job.cache_records // (2 * SHARDS)
        self._model_stores = {
            each.name: ShardStore(
                folder / f"model-{each.name}", run="bench", version=NO_VERSION, settings=settings
            )
            for each in job.decide.models
        }
        self._models = {
            each.name: open_model(
                self._name,
                each,
                self._model_stores[each.name].keyvalue,
                cache,
                shards=SHARDS,
                ticks=[0],
            )
            for each in job.decide.models
        }
        self._gathers = [Gather(job.decide) for _ in range(SHARDS)]
        self._names = (
            [
                IdentityStep(
                    Plans(job.route.identity, job.profile, job.decide),
                    NameStore(store.keyvalue, cache),
                    Clock.new(1),
                    shards=SHARDS,
                )
                for store in self.stores
            ]
            if job.route.identity
            else []
        )
        self._shares = [IdentityGather(shard) for shard in range(SHARDS)]
        self.kept = kept = Kept(job.profile)
        self._profiles = [
            ProfileStep(
                kept,
                ProfileStore(store.keyvalue, store.about, kept, cache),
                Clock.new(1),
            )
            for store in self.stores
        ]
        self._decides = [
            DecideStep(
                job.decide, CustomerStore(store.keyvalue, store.about, job.decide, cache), [0]
            )
            for store in self.stores
        ]
        assert isinstance(job.source, RecordedFiles), "the benchmark replays"
        files = job.source.readers[0]
        reader = LineReader(job.route.future_ms, job.route.now_ms, job.route.identity)
        self._replay = Replay(files, reader, order="time")
        self._route = Route(
            0,
            shards=SHARDS,
            disorder_ms=job.route.disorder_ms,
            state=RouteState(),
        )
        state = SinkState([0])
        self._sink = FileSink(folder / "out", kinds=job.kinds, shards=SHARDS, state=state)
        self.counts = state.counts
        self.watch = Stopwatch()

    def run(self, epoch_ticks: int | None = None) -> Iterator[int]:
        """Let all events through, with an epoch every so many ticks or every second.

        Yields:
            The number of lines of each tick.
        """
        committed = time.process_time()
        ticks_before = 0
        while not self._replay.ended:
            self.watch.go_on()
            lines = self._replay.take(TICK_LINES)
            self.watch.lap("read, find customer and time")
            ticks = self._route.split(lines, self._replay.origins, ended=self._replay.ended)
            self.watch.lap("route")
            self._tick(ticks)
            ticks_before += 1
            if epoch_ticks is None:
                is_due = time.process_time() - committed > _EPOCH_S
            else:
                is_due = ticks_before % epoch_ticks == 0
            if is_due:
                self.commit()
                committed = time.process_time()
            yield len(lines)

    def _tick(self, ticks: list[ShardTick]) -> None:
        if self._names:
            ticks = self._named(ticks)
            self.watch.lap("identity")
        applied = [step.on_tick(tick) for step, tick in zip(self._profiles, ticks, strict=True)]
        self.watch.lap("profile")
        applied = self._score(applied)
        results = [step.on_tick(each) for step, each in zip(self._decides, applied, strict=True)]
        self.watch.lap("decide")
        parts = [self._render(result) for result in results]
        self.watch.lap("render")
        for part in parts:
            self._sink.write(part)
        self.watch.lap("sink")

    def _named(self, ticks: list[ShardTick]) -> list[ShardTick]:
        """Let the identity steps say whose the events are; return each shard's share."""
        whole: dict[int, ShardTick] = {}
        for step, tick in zip(self._names, ticks, strict=True):
            for share in step.on_tick(tick):
                for each in self._shares[share.shard].take(share):
                    whole[each.shard] = each
        return [whole[shard] for shard in range(SHARDS)]

    def _score(self, results: list[ProfileResult]) -> list[ProfileResult]:
        """Let the models say what they have to, and put it into the rows."""
        for name, step in self._models.items():
            for result in results:
                for said in step.on_part(result.models[name]):
                    self._gathers[said.shard].take(said)
            self.watch.lap(f"model {name}")
        scored = [gather.take(each) for gather, each in zip(self._gathers, results, strict=True)]
        if self._models:
            self.watch.lap("put scores into rows")
        return [result for each in scored for result in each]

    def _render(self, result: ShardResult) -> RenderedPart:
        kinds = result.outputs.kinds.items()
        lines = {kind: [render_line(self._name, each) for each in some] for kind, some in kinds}
        return RenderedPart(result.name, result.shard, lines, result.counts)

    def commit(self) -> None:
        """Write what has changed, and a checkpoint of each shard."""
        for names in self._names:
            names.snapshot()
        for profile, decide in zip(self._profiles, self._decides, strict=True):
            profile.snapshot()
            decide.snapshot()
        for model in self._models.values():
            model.snapshot()
        self.watch.lap("write records")
        for store in [*self.stores, *self._model_stores.values()]:
            store.checkpoint([0], 0)
        self.watch.lap("checkpoint")
