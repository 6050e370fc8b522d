"""The thin layer between Bytewax's keyed steps and the operators, which know nothing of Bytewax."""

from collections.abc import Iterable
from time import perf_counter

import msgspec
from bytewax.operators import StatefulBatchLogic

from flows.worker_state import WorkerState, noting_failure
from operators.clock import Clock
from operators.customers import CustomerStore
from operators.decide import DecideStep
from operators.identity import IdentityStep, Plans
from operators.identity_gather import IdentityGather
from operators.kept import Kept
from operators.models.gather import Gather
from operators.names import NameStore
from operators.profile import ProfileStep
from operators.profile_store import ProfileStore
from operators.ticks import ProfileResult, ScoreTick, ShardResult, ShardTick
from operators.times import BEFORE_ALL, EventTime
from state import faults
from state.versions import NO_VERSION, Version


class DecideState(msgspec.Struct):
    """What decide's snapshot names: the shard's version, each reader's last tick, the watermark.

    They may be newer than the version's own: nothing was written since.
    """

    version: Version
    ticks: list[int]
    watermark: EventTime


class IdentityLogic(StatefulBatchLogic[ShardTick, ShardTick, bytes]):
    """Runs the identity step of one shard."""

    def __init__(self, worker: WorkerState, row: bytes | None) -> None:
        self._worker = worker
        self._row = row
        self._step: IdentityStep | None = None

    @noting_failure
    def on_batch(self, values: list[ShardTick]) -> tuple[Iterable[ShardTick], bool]:
        """Let ticks through, as shares of the shards that get any."""
        step = self._step or self._open(values[0].shard)
        started = perf_counter()
        shares = [share for tick in values for share in step.on_tick(tick)]
        self._worker.measures.spent("identity", started)
        return shares, StatefulBatchLogic.RETAIN

    @noting_failure
    def snapshot(self) -> bytes:
        """Write what has changed; the checkpoint is decide's."""
        if self._step is None:
            return _unchanged(self._row)
        return msgspec.msgpack.encode(self._step.snapshot())

    def _open(self, shard: int) -> IdentityStep:
        worker, job = self._worker, self._worker.job
        expected = worker.run.identity[shard] if worker.run.identity else b""
        worker.verify(f"identity of shard {shard}", self._row, expected)
        # a state that has known of none yet goes on where the other steps do
        known = expected or worker.run.profile[shard]
        clock = msgspec.msgpack.decode(known, type=Clock) if known else Clock.new(job.readers)
        store = NameStore(worker.shard(shard).keyvalue, worker.cache_records_per_step)
        worker.measures.watch(store.names)
        assert job.route.identity is not None, "the flow has this step only where it is wanted"
        self._step = IdentityStep(
            Plans(job.route.identity, job.profile, job.decide),
            store,
            clock,
            shards=job.route.shards,
            suppression=worker.id_suppression(shard),
        )
        return self._step


class ProfileLogic(StatefulBatchLogic[ShardTick, ProfileResult, bytes]):
    """Runs the profile step of one shard."""

    def __init__(self, worker: WorkerState, row: bytes | None) -> None:
        self._worker = worker
        self._row = row
        self._step: ProfileStep | None = None
        self._gather: IdentityGather | None = None

    @noting_failure
    def on_batch(self, values: list[ShardTick]) -> tuple[Iterable[ProfileResult], bool]:
        """Let ticks through."""
        step = self._step or self._open(values[0].shard)
        started = perf_counter()
        whole = values
        if self._gather is not None:
            whole = [tick for share in values for tick in self._gather.take(share)]
        results = [step.on_tick(tick) for tick in whole]
        self._worker.measures.spent("profile", started)
        return results, StatefulBatchLogic.RETAIN

    @noting_failure
    def snapshot(self) -> bytes:
        """Write what has changed; the checkpoint is decide's."""
        if self._step is None:
            return _unchanged(self._row)
        faults.reach("before-write")
        return msgspec.msgpack.encode(self._step.snapshot())

    def _open(self, shard: int) -> ProfileStep:
        worker, job = self._worker, self._worker.job
        expected = worker.run.profile[shard]
        worker.verify(f"profile of shard {shard}", self._row, expected)
        clock = msgspec.msgpack.decode(expected, type=Clock) if expected else Clock.new(job.readers)
        shard_store = worker.shard(shard)
        kept = Kept(job.profile)
        store = ProfileStore(
            shard_store.keyvalue,
            shard_store.about,
            kept,
            worker.cache_records_per_step,
            EventTime(clock.watermark),
        )
        worker.measures.watch(store.profiles)
        if job.route.identity:
            self._gather = IdentityGather(shard)
        self._step = ProfileStep(kept, store, clock, worker.suppression(shard))
        return self._step


class DecideLogic(StatefulBatchLogic[ProfileResult | ScoreTick, ShardResult, bytes]):
    """Runs the decide step of one shard, the last to write: it makes the shard's versions."""

    def __init__(self, worker: WorkerState, row: bytes | None) -> None:
        self._worker = worker
        self._row = row
        self._step: DecideStep | None = None
        self._shard = -1
        self._gather = Gather(worker.job.decide)
        self._unproven = NO_VERSION

    @noting_failure
    def on_batch(
        self, values: list[ProfileResult | ScoreTick]
    ) -> tuple[Iterable[ShardResult], bool]:
        """Let ticks through; the first after a snapshot proves that it is committed."""
        step = self._step or self._open(values[0].shard)
        if self._unproven != NO_VERSION:
            self._worker.shard(self._shard).committed(self._unproven)
            self._unproven = NO_VERSION
        started = perf_counter()
        scored = [result for each in values for result in self._gather.take(each)]
        results = [step.on_tick(result) for result in scored]
        self._worker.measures.spent("decide", started)
        return results, StatefulBatchLogic.RETAIN

    @noting_failure
    def snapshot(self) -> bytes:
        """Write what has changed and make a version of it."""
        if self._step is None:
            return _unchanged(self._row)
        ticks = self._step.snapshot()
        self._unproven = self._worker.shard(self._shard).checkpoint(ticks, self._step.watermark)
        return msgspec.msgpack.encode(DecideState(self._unproven, ticks, self._step.watermark))

    def _open(self, shard: int) -> DecideStep:
        worker, job = self._worker, self._worker.job
        expected = worker.run.decide[shard]
        worker.verify(f"decide of shard {shard}", self._row, expected)
        before = DecideState(NO_VERSION, [0] * job.readers, BEFORE_ALL)
        if expected:
            before = msgspec.msgpack.decode(expected, type=DecideState)
        self._shard = shard
        shard_store = worker.shard(shard)
        store = CustomerStore(
            shard_store.keyvalue,
            shard_store.about,
            job.decide,
            worker.cache_records_per_step,
            before.watermark,
        )
        worker.measures.watch(store.customers)
        self._step = DecideStep(job.decide, store, before.ticks)
        return self._step


def _unchanged(row: bytes | None) -> bytes:
    """Return the snapshot of a step that a run has stopped before its first tick."""
    assert row is not None, "a step that was not resumed is made by its first tick"
    return row
