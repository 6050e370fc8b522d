"""What a kind of model can do."""

from collections.abc import Sequence
from typing import Protocol

from operators.models.parts import Value


class Learner(Protocol):
    """A model that scores, and learns one example at a time.

    The same examples in the same order make the same scores, to the last bit; how rows are put
    together for scoring changes nothing.
    """

    def predict(self, rows: Sequence[Sequence[Value]]) -> list[float]:
        """Score rows of the inputs' values, shape (n, inputs): probabilities, or what is expected.

        Before anything was learned all scores are one constant.
        """

    def learn(self, row: Sequence[Value], label: float) -> None:
        """Learn from one example."""

    def contributions(self, row: Sequence[Value]) -> dict[str, float] | None:
        """Say what each input adds to the score's log-odds; None for kinds that cannot say."""

    def importance(self) -> dict[str, float]:
        """Say how much each input matters, the greatest first; empty for kinds that cannot say."""

    def dump(self) -> bytes:
        """Return all that was learned."""

    def load(self, data: bytes) -> None:
        """Take what ``dump`` has returned.

        Raises:
            LearnerError: another version of a library has written it, or it is damaged.
        """


class LearnerError(Exception):
    """What was learned cannot be read by these versions of the libraries."""
