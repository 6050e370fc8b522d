"""Profile, models, gather and decide together, tick by tick, in one thread."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rate_learner import PairWatch, RateLearner

from engine_checks import plans
from operators.models.gather import Gather
from operators.models.opening import open_model
from operators.models.plan import ModelPlan
from operators.models.step import ModelStep
from operators.models.store import ModelStore
from operators.ticks import ShardTick
from oracle import Rules
from oracle.writing import NOW_MS
from simulation import Simulation, Snapshot
from state.keyvalue import MemoryKeyValue


@dataclass
class ModelAtRest:
    """What a run would find on disk of a model."""

    entries: dict[bytes, bytes]
    ticks: list[int]


class WithModels(Simulation):
    """The whole engine with models, in one thread."""

    def __init__(self, raw: Sequence[bytes], rules: Rules, **options: Any) -> None:
        self.at_rest: dict[str, ModelAtRest] = {}
        times = {"disorder_ms": rules.disorder_ms, "future_ms": rules.future_ms, "now_ms": NOW_MS}
        super().__init__(raw, *plans(rules), **times, **options)

    def _start(self, start: Snapshot) -> None:
        super()._start(start)
        shards, models = len(start.shards), self.plans[1].models
        self.gathers = [Gather(self.plans[1]) for _ in range(shards)]
        self.models: dict[str, ModelStep] = {}
        self.entries = {}
        for plan in models:
            found = self.at_rest.get(plan.name) or ModelAtRest({}, [0] * len(self.readers))
            keyvalue = MemoryKeyValue(found.entries)
            self.entries[plan.name] = keyvalue.entries
            self.models[plan.name] = self.open(plan, keyvalue, shards, found.ticks)

    def open(
        self, plan: ModelPlan, keyvalue: MemoryKeyValue, shards: int, ticks: list[int]
    ) -> ModelStep:
        """Open a model; one that shows what it has learned in which order."""
        store = ModelStore(keyvalue, plan, self.cache)
        return ModelStep(plan, RateLearner(), PairWatch(), store, shards=shards, ticks=ticks)

    def snapshot(self) -> Snapshot:
        assert all(each.is_empty for each in self.gathers)
        for name, step in self.models.items():  # the run that goes on shares `at_rest`
            ticks = step.snapshot()
            self.at_rest[name] = ModelAtRest(dict(self.entries[name]), ticks)
        return super().snapshot()

    def _pass_on(self, ticks: list[ShardTick]) -> None:
        results = [step.on_tick(tick) for step, tick in zip(self.profiles, ticks, strict=True)]
        scored = []
        for result in results:
            for name, part in result.models.items():
                for said in self.models[name].on_part(part):
                    scored += self.gathers[said.shard].take(said)
            scored += self.gathers[result.shard].take(result)
        scored.sort(key=lambda each: each.shard)
        waiting = iter(scored)
        asked, self.profiles = self.profiles, [_Said(waiting) for _ in ticks]  # type: ignore[misc]
        super()._pass_on(ticks)
        self.profiles = asked


class RealModels(WithModels):
    """The whole engine with the learners, the watch and the drift that a run has."""

    def open(
        self, plan: ModelPlan, keyvalue: MemoryKeyValue, shards: int, ticks: list[int]
    ) -> ModelStep:
        """Open a model as a run does."""
        return open_model("shop", plan, keyvalue, self.cache, shards=shards, ticks=ticks)


class _Said:
    """Stands where profile does, with what it and the models have said."""

    def __init__(self, results: Any) -> None:
        self.results = results

    def on_tick(self, _tick: ShardTick) -> Any:
        return next(self.results)
