"""Puts a model's step together with all that it works with."""

from collections.abc import Sequence

from operators.models.kinds import make_drift, make_learner
from operators.models.plan import ModelPlan
from operators.models.step import ModelStep
from operators.models.store import ModelStore
from operators.models.watch import Watch
from state.keyvalue import KeyValue


def open_model(  # noqa: PLR0913 (what it is, and where it stands)
    name: str,
    plan: ModelPlan,
    keyvalue: KeyValue,
    cache: int,
    *,
    shards: int,
    ticks: Sequence[int],
) -> ModelStep:
    """Open a model as its store has it.

    Args:
        name: of the config.
        plan: the model.
        keyvalue: its store.
        cache: how many customers' scores stay decoded in memory.
        shards: how many parts a tick has.
        ticks: each reader's last tick.

    Raises:
        ModelStateError: what was learned does not fit the plan or the libraries any more.
    """
    return ModelStep(
        plan,
        make_learner(plan),
        Watch(is_sum=bool(plan.target.value)) if plan.predicts else None,
        ModelStore(keyvalue, plan, cache),
        shards=shards,
        ticks=ticks,
        drift=make_drift(name, plan) if plan.predicts else None,
    )
