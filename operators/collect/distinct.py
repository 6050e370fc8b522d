"""How many different values a field had, exact up to a bound."""

from hashlib import blake2b
from typing import Any

import msgspec

from operators.collect.kind import Kind
from operators.fields import FieldType
from operators.outputs import json_number
from operators.plans import CollectPlan
from operators.times import EventTime

_SHORT = 32

State = list[str]
"""The values as JSON text, long ones as a digest; one more than the bound means more than that."""


class Distinct(Kind):
    """Counts different values; above the bound it says so, and gives the bound (S2)."""

    field_type = FieldType.SCALAR

    def __init__(self, plan: CollectPlan) -> None:
        super().__init__(plan)
        self._at_most = plan.at_most

    def start(self) -> State:
        """See Kind."""
        return []

    def update(self, state: State, value: Any, time: EventTime) -> State:
        """See Kind."""
        return self._with(state, [_text(value)])

    def merge(self, earlier: State, later: State) -> State:
        """See Kind."""
        return self._with(earlier, later)

    def result(self, state: State) -> dict[str, object]:
        """See Kind."""
        if len(state) <= self._at_most:
            return {self.name: len(state)}
        return {self.name: self._at_most, f"{self.name}_exact": False}

    def _with(self, state: State, texts: list[str]) -> State:
        """Add values, as long as it matters which."""
        for text in texts:
            if len(state) > self._at_most:
                break
            if text not in state:
                state = [*state, text]
        return state


def _text(value: str | float) -> str:
    """Write a value so that different ones differ, 1 and 1.0 being the same."""
    if isinstance(value, float):
        value = json_number(value)
    text = msgspec.json.encode(value)
    if len(text) > _SHORT:
        return blake2b(text, digest_size=16).hexdigest()
    return text.decode()
