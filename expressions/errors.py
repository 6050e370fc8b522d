"""What is wrong with an expression, and where."""

from collections.abc import Sequence

import msgspec


class ExpressionProblem(msgspec.Struct, frozen=True):
    """One mistake.

    Attributes:
        message: what was found and what to write instead, without the nearest name.
        start: the offset of the first character at fault.
        end: the offset after the last one.
        near: the valid name that was most likely meant, if one is near.
    """

    message: str
    start: int
    end: int
    near: str | None = None

    def __str__(self) -> str:
        """Say it on one line."""
        return self.message + (f"; did you mean {self.near}?" if self.near else "")


class ExpressionError(ValueError):
    """A text is no expression.

    Attributes:
        problems: at least one, in order of place.
    """

    def __init__(self, problems: Sequence[ExpressionProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{p} (character {p.start + 1})" for p in self.problems))
