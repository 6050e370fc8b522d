"""Takes customers out of what a model remembers and waits for, in the middle of a tick.

What came before such a point of a tick is to go, what comes after it is to stay: so outcomes that
were told after it wait until it is reached, and scores of moments before it are not kept after it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from operators.models.parts import Erasure, ModelOutcome
from operators.models.store import ModelStore
from operators.ticks import ModelTick


class Erasing(NamedTuple):
    """A customer who is to be taken out.

    Attributes:
        erasure: who, and when.
        before: the places, among all moments of the tick, of theirs that came before.
        later: what became known of them after it, and before they are taken out again.
        removed: how many of what; filled when it is done.
    """

    erasure: Erasure
    before: list[int]
    later: list[ModelOutcome]
    removed: Counter[str]


def erasings(parts: Sequence[ModelTick]) -> tuple[list[ModelOutcome], list[list[Erasing]]]:
    """Find who is to be taken out in a tick.

    Returns:
        The outcomes that were told before that, and of all others; and who, by part.
    """
    at_once: list[ModelOutcome] = []
    found: list[list[Erasing]] = []
    offset = 0
    for part in parts:
        found.append([_erasing(part, each, offset) for each in part.erased])
        offset += len(part.moments)
        for place, outcome in enumerate(part.outcomes):
            before = [
                each
                for each in found[-1]
                if each.erasure.outcomes <= place and each.erasure.customer == outcome.customer
            ]
            (before[-1].later if before else at_once).append(outcome)
    return at_once, found


def _erasing(part: ModelTick, erasure: Erasure, offset: int) -> Erasing:
    moments = enumerate(part.moments[: erasure.moments], offset)
    before = [place for place, each in moments if each.customer == erasure.customer]
    return Erasing(erasure, before, [], Counter())


def erase(some: Sequence[Erasing], store: ModelStore) -> list[ModelOutcome]:
    """Take customers out of what is stored.

    Returns:
        What became known of them later.
    """
    last = {each.erasure.customer: each for each in some}
    waited = store.waiting.erase(last)
    given, counted = store.given.edit(last), store.counted.edit(last)
    for customer, each in last.items():
        each.removed["model_outcomes"] = waited[customer]
        if customer in given:
            each.removed["model_scores"] = 1
            store.given.delete(customer)
        if customer in counted:
            each.removed["model_values"] = 1
            store.counted.delete(customer)
    store.leave_no_trace()
    return [outcome for each in last.values() for outcome in each.later]


def forget_what_waits(waiting: Iterable[ModelTick], part: ModelTick) -> None:
    """Let nothing be kept of customers by what came before, of ticks that are not complete yet.

    Such ticks are another reader's: those of one reader are complete in their order.
    """
    names = {each.customer for each in part.erased}
    for other in waiting:
        if other.shard != part.shard or other.arrival > part.arrival:
            continue
        other.outcomes = [
            each._replace(label=None) if each.customer in names else each for each in other.outcomes
        ]
        other.moments = [
            each._replace(is_candidate=False) if each.customer in names else each
            for each in other.moments
        ]
