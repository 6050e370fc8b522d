"""How many different values a field had, exact up to a bound."""

from hashlib import blake2b
from typing import Any

from operators.collect.kind import Kind
from operators.fields import FieldType
from operators.outputs import json_number
from operators.plans import CollectPlan
from operators.times import EventTime

_SHORT = 32

State = list[str]
"""The values as text, long ones as a digest; one more than the bound stands for any more."""


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
        text = _text(value)
        if text in state or len(state) > self._at_most:
            return state
        return [*state, text]

    def merge(self, earlier: State, later: State) -> State:
        """See Kind."""
        return list(dict.fromkeys(earlier + later))[: self._at_most + 1]

    def result(self, state: State) -> dict[str, object]:
        """See Kind."""
        if len(state) <= self._at_most:
            return {self.name: len(state)}
        return {self.name: self._at_most, f"{self.name}_exact": False}


def _text(value: str | float) -> str:
    """Write a value so that different ones differ, 1 and 1.0 being the same."""
    if isinstance(value, str):
        text = f'"{value}'
    elif isinstance(value, float):
        text = str(json_number(value))
    else:
        text = str(value)
    return text if len(text) <= _SHORT else blake2b(text.encode(), digest_size=16).hexdigest()
