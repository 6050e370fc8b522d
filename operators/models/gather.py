"""Puts together, before decide, what profile and the models say of one shard's ticks."""

from collections import deque
from collections.abc import Sequence

from operators.models.plan import ModelPlan
from operators.models.rfm import PARTS, Tiers
from operators.plans import DecidePlan
from operators.signs import Erased, Row
from operators.ticks import ModelTick, ProfileResult, Scored, ScoreTick, TickName

DRIFT_KIND = "models"
"""The kind of output of what models say of themselves."""


class Gather:
    """Holds a shard's ticks until all models have scored their moments.

    Ticks leave in the order in which profile has given them, whatever comes first; without models
    each leaves at once. Between two snapshots of the whole flow nothing is held.

    Args:
        plan: the models, and where rows have a slot for a score.
    """

    def __init__(self, plan: DecidePlan) -> None:
        slots = {slot.name: number for number, slot in enumerate(plan.slots)}
        self._models = [(each, _slots_of(each, slots)) for each in plan.models]
        self._results: deque[ProfileResult] = deque()
        self._scores: dict[TickName, dict[str, ScoreTick]] = {}

    @property
    def is_empty(self) -> bool:
        """Whether everything that came has left."""
        return not self._results and not self._scores

    def take(self, part: ProfileResult | ScoreTick) -> list[ProfileResult]:
        """Take what profile or a model says of a tick; return the ticks that are complete now."""
        if isinstance(part, ProfileResult):
            self._results.append(part)
        else:
            said = self._scores.setdefault(part.name, {})
            assert part.model not in said, "a model scores a tick once"
            said[part.model] = part
        complete: list[ProfileResult] = []
        while self._results and self._is_scored(self._results[0]):
            complete.append(self._with_scores(self._results.popleft()))
        return complete

    def _is_scored(self, result: ProfileResult) -> bool:
        return len(self._scores.get(result.name, ())) == len(self._models)

    def _with_scores(self, result: ProfileResult) -> ProfileResult:
        said = self._scores.pop(result.name, {})
        for model, slots in self._models:
            tick = said[model.name]
            _put(result, result.models[model.name], tick, slots)
            result.counts.update(tick.counts)
            for record in tick.records:
                result.outputs.add(DRIFT_KIND, record)
            erased = result.models[model.name].erased
            for erasure, removed in zip(erased, tick.removed, strict=True):
                sign = result.signs[erasure.sign]
                assert isinstance(sign, Erased), "it was told of together with it"
                sign.removal.add(**removed)
        return result


def _slots_of(model: ModelPlan, slots: dict[str, int]) -> tuple[int, ...]:
    """Return where rows have a model's score, and its tiers behind it if it has any.

    A model that steers nothing has no slot (M8).
    """
    names = [f"score.{model.name}", *(f"score.{model.name}.{part}" for part in PARTS)]
    return () if model.is_shadow else tuple(slots[name] for name in names if name in slots)


def _put(result: ProfileResult, asked: ModelTick, said: ScoreTick, slots: tuple[int, ...]) -> None:
    """Put a model's scores into the rows of their moments."""
    signs, scores, name = result.signs, result.scores, said.model
    tiers: Sequence[Tiers | None] = said.tiers or [None] * len(said.scores)
    told = zip(asked.signs, asked.moments, said.scores, tiers, strict=True)
    for place, moment, score, of in told:
        if score is None:
            continue
        if slots:
            row = signs[place]
            assert isinstance(row, Row), "a moment is an event, which has a row"
            row.values.append(score)
            row.values.extend(of or ())
            signs[place] = Row(*row[:6], row.slots + slots, row.values)
        scored = Scored(name, moment.number, score, of)
        known = scores.get(place)
        if known is None:
            scores[place] = [scored]
        else:
            known.append(scored)
