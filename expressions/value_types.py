"""The types that an expression's values have."""

from enum import Enum


class Type(Enum):
    """What is known of a value before any row is seen.

    DURATION and TIME are milliseconds inside. ANY is a scalar of unknown type, as a trait is: what
    it holds is asked row by row.
    """

    NUMBER = "number"
    DURATION = "duration"
    TIME = "time"
    TEXT = "text"
    BOOLEAN = "boolean"
    LIST = "list"
    ANY = "any"

    @property
    def phrase(self) -> str:
        """The type as it stands in a sentence."""
        return "any value" if self is Type.ANY else f"a {self.value}"
