"""What the steps of one worker spend, measured by the batch and reported now and then."""

from collections.abc import Mapping
from time import perf_counter
from typing import Protocol

from flows.reports import Reporter, StepReport
from state.shard import ShardStore

STEPS = ("identity", "profile", "models", "decide", "sinks")

_REPORT_EVERY_S = 0.5


class Cache(Protocol):
    """Something that keeps records in memory."""

    hits: int
    misses: int


class Measures:
    """What one worker's steps have spent over its life.

    Args:
        worker: its number.
        shards: its open shards, as they are at each report.
        reporter: the way to the supervisor.
    """

    def __init__(self, worker: int, shards: Mapping[int, ShardStore], reporter: Reporter) -> None:
        self._worker = worker
        self._shards = shards
        self._reporter = reporter
        self._seconds = dict.fromkeys(STEPS, 0.0)
        self._caches: list[Cache] = []

    def watch(self, cache: Cache) -> None:
        """Count what a cache finds, from now on."""
        self._caches.append(cache)

    def spent(self, step: str, started: float) -> None:
        """Count the time since a ``perf_counter()`` as spent on a step; report if it is due."""
        self._seconds[step] += perf_counter() - started
        if not self._reporter.is_due("steps", _REPORT_EVERY_S):
            return
        shards = self._shards.values()
        self._reporter.report(
            StepReport(
                worker=self._worker,
                seconds=self._seconds,
                checkpoints=sum(shard.checkpoints for shard in shards),
                checkpoint_s=sum(shard.checkpoint_s for shard in shards),
                checkpoint_bytes=sum(shard.checkpoint_bytes for shard in shards),
                state_bytes=sum(shard.bytes for shard in shards),
                cache_hits=sum(cache.hits for cache in self._caches),
                cache_misses=sum(cache.misses for cache in self._caches),
            )
        )
