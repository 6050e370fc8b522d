"""Looks at what an RFM model has learned: how many customers are in which tier, and its limits."""

from collections.abc import Callable, Mapping

import msgspec

from flows.model_files import open_learned, read_model
from operators.models.plan import ModelPlan
from operators.models.quantiles import Tier
from operators.models.rfm import PARTS, Rfm
from operators.times import AFTER_ALL, BEFORE_ALL, EventTime, format_time
from state.folder import StateFolder
from state.reading import bytes_on_disk

Limit = float | str


class TierReport(msgspec.Struct, frozen=True):
    """One tier of one part.

    Attributes:
        tier: 1 to 5, 5 the best.
        customers: how many are in it.
        first: the least value of these, to what the model tells apart; None for nobody.
        last: the greatest, likewise.
    """

    tier: int
    customers: int
    first: Limit | None = msgspec.field(name="from")
    last: Limit | None = msgspec.field(name="to")


class RfmReport(msgspec.Struct, frozen=True):
    """One RFM model.

    Attributes:
        kind: ``rfm``.
        version: of its definition.
        at: the events that are its moments, empty for every event.
        inputs: what it looks at, by part.
        shadow: whether it steers nothing.
        store: the committed version of what it has learned, None where there is none yet.
        bytes: of its folder.
        customers: how many it knows.
        until: all that was known before this time is learned; None before the first, and after a
            replay that has told everything (``--close``).
        tiers: by part; empty where nobody is known of.
        scores: how many were written, None while a run goes on.
        errors: how many moments had no score, likewise.
    """

    kind: str
    version: str
    at: list[str]
    inputs: dict[str, str]
    shadow: bool
    store: str | None
    bytes: int
    customers: int
    until: str | None
    tiers: dict[str, list[TierReport]]
    scores: int | None
    errors: int | None


def rfm_report(folder: StateFolder, plan: ModelPlan, counts: Mapping[str, int] | None) -> RfmReport:
    """Look at an RFM model.

    Args:
        folder: the state.
        plan: the model.
        counts: of the run, None while one goes on.

    Raises:
        StateError: the state cannot be read.
        ModelStateError: the model has learned by another definition.
    """
    version, found = read_model(folder, plan)
    opened = open_learned(found, plan)
    learner = opened.learner
    assert isinstance(learner, Rfm), "by its kind"
    is_time = opened.learned_until not in (BEFORE_ALL, AFTER_ALL)
    return RfmReport(
        kind=plan.kind,
        version=plan.version,
        at=list(plan.at),
        inputs={part: each.name for part, each in zip(PARTS, plan.inputs, strict=True)},
        shadow=plan.is_shadow,
        store=version or None,
        bytes=bytes_on_disk(folder.model(plan.name)),
        customers=learner.customers,
        until=format_time(opened.learned_until) if is_time else None,
        tiers={
            part: [_tier(each, _time if part == PARTS[0] else float) for each in tiers]
            for part, tiers in learner.limits().items()
        },
        scores=None if counts is None else counts.get(f"scores {plan.name}", 0),
        errors=None if counts is None else counts.get(f"model errors {plan.name}", 0),
    )


def _tier(tier: Tier, said: Callable[[float], Limit]) -> TierReport:
    first, last = (None if each is None else said(each) for each in (tier.first, tier.last))
    return TierReport(tier.tier, tier.customers, first, last)


def _time(time: float) -> str:
    return format_time(EventTime(int(time)))
