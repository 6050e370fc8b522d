"""Scores rows by weights: those of one input after the other, in the same order for every row.

So the sum is the same to the last bit in whatever batch a row is scored (docs/models.md).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from operators.models.encoding import LARGEST, root, roots
from operators.models.parts import Value

_FEW = 16
"""Rows that are scored sooner one by one than together: numpy takes its time to start."""


class Scalar(NamedTuple):
    """A number or a boolean: it adds ``(root - mean) * factor``, or ``absent`` without a value.

    The fourth root of a boolean is the boolean itself.
    """

    place: int
    mean: float
    factor: float
    absent: float


class Text(NamedTuple):
    """A category: it adds the weight of the indicator that is found, ``absent`` without a text."""

    place: int
    find: Callable[[str], str | None]
    absent: float


class Linear:
    """All that scoring needs.

    Attributes:
        intercept: what a row without any of it scores.

    Args:
        scalars: the numbers and booleans, by their places in rows.
        texts: the categories, likewise.
        weights: of the indicators, by name.
        intercept: likewise.
    """

    def __init__(
        self,
        scalars: Sequence[Scalar],
        texts: Sequence[Text],
        weights: Mapping[str, float],
        intercept: float,
    ) -> None:
        self._scalars = scalars
        self._texts = texts
        self._weights = weights
        self.intercept = intercept

    def log_odds(self, rows: Sequence[Sequence[Value]]) -> list[float]:
        """Score rows of all inputs' values, shape (n, inputs)."""
        if len(rows) < _FEW:
            return [self._add_up(row) for row in rows]
        total = np.full(len(rows), self.intercept)
        for part in self._of_scalars(rows):
            total += part
        for text in self._texts:
            total += [self._of_text(text, row[text.place]) for row in rows]
        found: list[float] = total.tolist()
        return found

    def parts(self, row: Sequence[Value]) -> list[tuple[int, float]]:
        """Return what each input adds, with its place, in the order in which they are added."""
        found: list[tuple[int, float]] = []
        for place, mean, factor, absent in self._scalars:
            value: Any = row[place]
            is_there = value is not None and abs(value) <= LARGEST
            found.append((place, (root(value) - mean) * factor if is_there else absent))
        return found + [(text.place, self._of_text(text, row[text.place])) for text in self._texts]

    def _add_up(self, row: Sequence[Value]) -> float:
        total = self.intercept
        for _, part in self.parts(row):  # not by sum(), which is more exact than numpy
            total += part
        return total

    def _of_scalars(self, rows: Sequence[Sequence[Value]]) -> NDArray[np.float64]:
        """Return what numbers and booleans add, shape (scalars, rows)."""
        columns = [[row[each.place] for row in rows] for each in self._scalars]
        values = np.array(columns, dtype=np.float64).reshape(len(columns), len(rows))
        is_there = np.abs(values) <= LARGEST  # None has become nan
        values = roots(np.where(is_there, values, 0.0))
        means, factors, absent = self._columns
        parts: NDArray[np.float64] = np.where(is_there, (values - means) * factors, absent)
        return parts

    @cached_property
    def _columns(self) -> NDArray[np.float64]:
        """What each scalar adds by: means, factors and weights if absent, (3, scalars, 1)."""
        rows = [(each.mean, each.factor, each.absent) for each in self._scalars]
        return np.array(rows).reshape(-1, 3).T[:, :, np.newaxis]

    def _of_text(self, text: Text, value: Value) -> float:
        """Return what a category adds; nothing where no indicator is known."""
        if not isinstance(value, str):
            return text.absent
        name = text.find(value)
        return 0.0 if name is None else self._weights.get(name, 0.0)
