"""The thin layer between Bytewax and the step of a model, which knows nothing of Bytewax."""

from collections.abc import Iterable, Mapping
from math import isfinite
from time import perf_counter
from typing import Any

import msgspec
from bytewax.operators import StatefulBatchLogic

from flows.reports import QualityReport
from flows.worker_state import WorkerState, noting_failure
from operators.models.opening import open_model
from operators.models.plan import ModelPlan
from operators.models.step import ModelStep
from operators.ticks import ModelTick, ScoreTick
from operators.times import BEFORE_ALL
from state import faults
from state.versions import NO_VERSION, Version

_REPORT_EVERY_S = 5.0
"""Some milliseconds of work for each model."""


class ModelState(msgspec.Struct):
    """What a model's snapshot names.

    Attributes:
        version: of its store; the ticks may be newer, nothing was learned since.
        ticks: each reader's last.
        definition: by which the model has learned.
    """

    version: Version
    ticks: list[int]
    definition: str


class ModelLogic(StatefulBatchLogic[ModelTick, ScoreTick, bytes]):
    """Runs the step of one model, for all shards."""

    def __init__(self, worker: WorkerState, row: bytes | None) -> None:
        self._worker = worker
        self._row = row
        self._plan: ModelPlan | None = None
        self._step: ModelStep | None = None
        self._unproven = NO_VERSION
        self._quality: QualityReport | None = None

    @noting_failure
    def on_batch(self, values: list[ModelTick]) -> tuple[Iterable[ScoreTick], bool]:
        """Let parts of ticks through; the first after a snapshot proves that it is committed."""
        step = self._step or self._open(values[0].model)
        assert self._plan, "it was opened"
        if self._unproven != NO_VERSION:
            self._worker.model(self._plan.name).committed(self._unproven)
            self._unproven = NO_VERSION
        if self._quality is not None:
            self._worker.reporter.report(self._quality)
            self._quality = None
        started = perf_counter()
        scores = [each for part in values for each in step.on_part(part)]
        self._worker.measures.spent("models", started)
        return scores, StatefulBatchLogic.RETAIN

    @noting_failure
    def snapshot(self) -> bytes:
        """Write what has changed and make a version of it."""
        if self._step is None or self._plan is None:
            assert self._row is not None, "a step that was not resumed is made by its first tick"
            return self._row
        faults.reach("before-write")
        ticks = self._step.snapshot()
        self._measure(self._step, self._plan.name)
        store = self._worker.model(self._plan.name)
        self._unproven = store.checkpoint(ticks, BEFORE_ALL)
        return msgspec.msgpack.encode(ModelState(self._unproven, ticks, self._plan.definition))

    def _open(self, name: str) -> ModelStep:
        worker, job = self._worker, self._worker.job
        start = worker.run.models[name]
        worker.verify(f"model {name}", self._row, start.row)
        self._plan = next(each for each in job.decide.models if each.name == name)
        store = worker.model(name)
        cache, shards = worker.cache_records_per_step, job.route.shards
        self._step = open_model(
            job.decide.name, self._plan, store.keyvalue, cache, shards=shards, ticks=start.ticks
        )
        self._measure(self._step, name)
        return self._step

    def _measure(self, step: ModelStep, name: str) -> None:
        """Work out now and then what is to be told once it is committed."""
        if not self._worker.reporter.is_due(f"model {name}", _REPORT_EVERY_S):
            return
        found = step.quality()
        windows = (_figures(found.get(window, {})) for window in ("all_time", "rolling"))
        self._quality = QualityReport(name, step.bytes, *windows)


def _figures(found: Mapping[str, Any], beginning: str = "") -> dict[str, float]:
    """Return the figures that are one number each; the baseline's with that before them."""
    figures: dict[str, float] = {}
    for name, value in found.items():
        if isinstance(value, int | float) and isfinite(value):
            figures[beginning + name] = value
        elif isinstance(value, Mapping):
            figures |= _figures(value, f"{name}_")
    return figures
