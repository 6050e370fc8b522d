"""The main flow.

::

    readers ── ticks ─┬──────────────▶ profile ─────────────▶ decide ──▶ render ──▶ sinks
    (route)           └─▶ identity ───┘ by shard               by shard
                          by shard         └─────▶ models ───────┘
                                                   by name

A reader reads lines, stamps them with the watermark and sends every shard its share of each tick.
Identity, where it is switched on, says whose the events of anonymous ids are, and gives the shards
their shares anew.
Profile keeps the customers' sessions; a model scores their moments and learns from what became of
them; decide keeps their trigger instances and says what is sent;
render writes it down; the sink puts the parts of a tick together. Steps and shards have permanent
names, since Bytewax finds their snapshots by them.
"""

from bytewax import operators as op
from bytewax.dataflow import Dataflow
from bytewax.operators import KeyedStream

from connectors.sinks import renderer
from connectors.tick_parts import RenderedPart
from flows.model_logic import ModelLogic
from flows.readers import Readers
from flows.shard_keys import shard_key
from flows.sinks import FILES, Sinks
from flows.steps import DecideLogic, IdentityLogic, ProfileLogic
from flows.worker_state import WorkerState
from operators.ticks import ModelTick, ProfileResult, ScoreTick, ShardResult, ShardTick

NAME = "cartwheel"


def step_id(step: str) -> str:
    """Return the name under which Bytewax keeps a step's snapshots."""
    return f"{NAME}.{step}"


def for_profile(item: tuple[str, ShardTick]) -> tuple[str, ShardTick]:
    """Give a shard its share of a tick, from whichever shard's identity step it is."""
    return shard_key(item[1].shard), item[1]


def for_models(item: tuple[str, ProfileResult]) -> list[tuple[str, ModelTick]]:
    """Give each model what a shard has to tell it."""
    return list(item[1].models.items())


def for_shard(item: tuple[str, ScoreTick]) -> tuple[str, ScoreTick]:
    """Give a shard what a model says to it."""
    return shard_key(item[1].shard), item[1]


def build(worker: WorkerState) -> Dataflow:
    """Wire the flow for one worker."""
    rendered = renderer(worker.job.sink, worker.job.profile.name)

    def render(item: tuple[str, ShardResult]) -> tuple[str, RenderedPart]:
        _, result = item
        lines = rendered(result.outputs.kinds)
        part = RenderedPart(result.name, result.shard, lines, result.counts, result.removals)
        return FILES, part

    flow = Dataflow(NAME)
    ticks = op.input("readers", flow, Readers(worker))
    if worker.job.route.identity:
        shares = op.stateful_batch("identity", ticks, lambda row: IdentityLogic(worker, row))
        ticks = op.map("shares", shares, for_profile)
    profiles = op.stateful_batch("profile", ticks, lambda row: ProfileLogic(worker, row))
    told: KeyedStream[ProfileResult | ScoreTick] = profiles
    if worker.job.decide.models:
        moments = op.flat_map("moments", profiles, for_models)
        scores = op.stateful_batch("models", moments, lambda row: ModelLogic(worker, row))
        told = op.merge("scored", profiles, op.map("scores", scores, for_shard))
    results = op.stateful_batch("decide", told, lambda row: DecideLogic(worker, row))
    parts = op.map("render", results, render)
    op.output("sinks", parts, Sinks(worker))
    return flow
