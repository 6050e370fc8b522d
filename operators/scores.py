"""Writes what models say of customers, as decide takes it."""

from collections import Counter

from operators.customers import Customer
from operators.models.plan import ModelPlan
from operators.outputs import Outputs, Record, make_id
from operators.plans import DecidePlan
from operators.signs import ConsentSaid, Row
from operators.ticks import Scored
from operators.times import format_time

_SCORE = "score."

MILLIONTHS = 1_000_000
"""Scores have six decimals (M8), so that they are compared as whole numbers."""


class ScoreWriter:
    """Writes records of scores (M9).

    Attributes:
        outputs: where they go; another for each tick.
        counts: likewise.

    Args:
        plan: the models.
    """

    def __init__(self, plan: DecidePlan) -> None:
        self.outputs = Outputs()
        self.counts: Counter[str] = Counter()
        self._name = plan.name
        self._slots = {
            slot.name.removeprefix(_SCORE): number
            for number, slot in enumerate(plan.slots)
            if slot.name.startswith(_SCORE)
        }
        self._models = {each.name: each for each in plan.models}
        self._counted = {each.name: f"scores {each.name}" for each in plan.models}
        self._keys = {each.name: _key(each) for each in plan.models}
        self._moves = {
            each.name: _millionths(each.moves) for each in plan.models if each.moves is not None
        }
        self._moving = {self._keys[name] for name in self._moves}

    def take(self, customer: Customer, row: Row, scored: Scored) -> None:
        """Write a score, unless only those that have moved are to be written and it has not."""
        name, number, score, tiers = scored
        model = self._models[name]
        if name in self._moves and not self._has_moved(customer, model, score):
            return
        subject, time, message_id = row.customer, row.time, row.message_id
        data: dict[str, object] = {
            "model": name,
            "version": model.version,
            "score": score,
            "cause": [message_id] if message_id else [],
            "moment": format_time(time),
        }
        if tiers is not None:
            data["tiers"] = tiers._asdict()
        if model.is_shadow:
            data["shadow"] = True
        about = make_id("score", self._name, name, model.version, subject, time)
        record = Record("score", f"{about}-{number:06}", subject, time, data)
        self.outputs.add("scores", record)
        self.counts[self._counted[name]] += 1

    def revoke(self, customer: Customer, said: ConsentSaid) -> Row | None:
        """Forget the scores of models that are permitted no more.

        Returns:
            What has changed of the row, None where nothing has.
        """
        for name in said.models:
            scores = customer.scores.items()
            customer.scores = {k: each for k, each in scores if not k.startswith(f"{name} ")}
        slots = tuple(self._slots[name] for name in said.models if name in self._slots)
        if not slots:
            return None
        return Row(
            customer=customer.name,
            time=max(said.time, customer.moment),
            watermark=said.watermark,
            message_id=said.message_id,
            is_event=True,
            is_late=said.time < said.watermark,
            slots=slots,
            values=[None for _ in slots],
        )

    def _has_moved(self, customer: Customer, model: ModelPlan, score: float) -> bool:
        """Tell whether a score is the first or far enough from the last written; remember it."""
        key = self._keys[model.name]
        last = customer.scores.get(key)
        if last is not None and _millionths(abs(score - last)) <= self._moves[model.name]:
            return False
        if last is None:  # what was kept for models that are no more goes
            known = customer.scores.items()
            customer.scores = {each: kept for each, kept in known if each in self._moving}
        customer.scores[key] = score
        return True


def _key(model: ModelPlan) -> str:
    """Return what a customer's last score is kept under: another version begins anew."""
    return f"{model.name} {model.version}"


def _millionths(value: float) -> int:
    return round(value * MILLIONTHS)
