"""What a session collects: kinds over the session alone, as their values stand in its record."""

from typing import Any

from operators.features.kind import Kind
from operators.features.kinds import KINDS as FEATURE_KINDS
from operators.features.kinds.distinct import Distinct, State
from operators.features.kinds.time import Time
from operators.features.moment import ANY_MOMENT, Moment
from operators.features.plan import FeaturePlan
from operators.outputs import json_number
from operators.times import EventTime, format_time


class DistinctUpTo(Distinct):
    """Counts different values up to the bound, and gives the bound if there were more (S2)."""

    def update(self, state: State, value: str | float, time: EventTime) -> State:
        """See Kind."""
        return super().update(state, value, time) if self.is_exact(state) else state

    def value(self, state: State, moment: Moment) -> int:
        """See Kind."""
        return min(len(state), self.at_most)

    def is_exact(self, state: State) -> bool:
        """Tell whether there were no more values than the bound."""
        return len(state) <= self.at_most

    def _bounded(self, digests: list[int]) -> State:
        return digests[: self.at_most + 1]  # one more than the bound stands for any more


KINDS: dict[str, type[Kind]] = {
    name: kind for name, kind in FEATURE_KINDS.items() if "session" in kind.windows
} | {"distinct": DistinctUpTo}


class Collected:
    """One collected value of a session: a kind, and the name under which its value stands.

    Attributes:
        name: under which the value stands in the record.
        field_type: what the field must hold, None for a kind that reads no field.
        start: see Kind, like the next three.
    """

    def __init__(self, plan: FeaturePlan) -> None:
        kind = KINDS[plan.kind]
        self.name = plan.name
        self._kind = kind(plan.at_most)
        self.field_type = kind.field_type
        self.start = self._kind.start
        self.update = self._kind.update
        self.merge = self._kind.merge
        self.value = self._kind.value

    def result(self, state: Any) -> dict[str, object]:
        """Return what stands in the record."""
        value = self.value(state, ANY_MOMENT)
        if isinstance(self._kind, DistinctUpTo) and not self._kind.is_exact(state):
            return {self.name: value, f"{self.name}_exact": False}
        if isinstance(self._kind, Time):
            return {self.name: None if value is None else format_time(value)}
        return {self.name: json_number(value) if isinstance(value, float) else value}
