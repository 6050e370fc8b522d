"""What every kind of collected value has in common."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from operators.fields import FieldType
from operators.plans import CollectPlan
from operators.times import EventTime


class Kind(ABC):
    """One collected value of a session.

    Attributes:
        field_type: what the field must hold, None for a kind that reads no field.
        name: under which the value stands in the record.
    """

    field_type: ClassVar[FieldType | None]

    def __init__(self, plan: CollectPlan) -> None:
        self.name = plan.name

    @abstractmethod
    def start(self) -> Any:
        """Return the state before any event."""

    @abstractmethod
    def update(self, state: Any, value: Any, time: EventTime) -> Any:
        """Return the state after an event that has the field."""

    @abstractmethod
    def merge(self, earlier: Any, later: Any) -> Any:
        """Return the state of two stretches together, no event of one inside the other."""

    def result(self, state: Any) -> dict[str, object]:
        """Return what stands in the record."""
        return {self.name: state}
