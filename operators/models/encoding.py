"""How a model's inputs become names and numbers that River learns from."""

from collections.abc import Sequence
from math import copysign, sqrt
from typing import Protocol, TypeGuard
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from operators.models.parts import Value

LARGEST = 1e100
"""Of a number that is looked at: its square, and sums of many squares, are still numbers."""
MOST_CATEGORIES = 1000
"""Distinct texts of one input that are told apart; all further ones are one."""


def is_usable(value: Value) -> TypeGuard[float]:
    """Say whether a value is a number to learn from; what is not finite or absurd is missing."""
    return value is not None and not isinstance(value, str) and abs(value) <= LARGEST


def root(value: float) -> float:
    """Return the fourth root of a number, with its sign.

    Counts, amounts and times have few values that are far above all others. Roots bring them near,
    much as logarithms do; and square roots are exact to the last bit, on all machines and in
    whatever batch.
    """
    return copysign(sqrt(sqrt(abs(value))), value)


def roots(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``root`` of each, the same to the last bit."""
    return np.copysign(np.sqrt(np.sqrt(np.abs(values))), values)


def missing(name: str) -> str:
    """Name the indicator that an input has no value."""
    return f"{name} is missing"


class Categories(Protocol):
    """The texts of one input."""

    @property
    def known(self) -> list[str]:
        """What was learned, in that order."""

    def learn(self, text: str) -> str:
        """Return the name of a text's indicator; it may be new."""

    def find(self, text: str) -> str | None:
        """Return the name of a text's indicator, None where nothing was learned of it yet."""

    def restore(self, known: Sequence[str]) -> None:
        """Take what ``known`` has returned."""


class OneHot:
    """Each text has an indicator of its own, as long as there is room.

    Args:
        name: of the input.
        most: how many texts are told apart, in the order in which they are learned.
    """

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._most = most
        self._names: dict[str, str] = {}

    @property
    def known(self) -> list[str]:
        """See Categories."""
        return list(self._names)

    @property
    def names(self) -> list[str]:
        """The names of all indicators that there are."""
        is_full = len(self._names) >= self._most
        return [*self._names.values(), *([self._other] if is_full else [])]

    def learn(self, text: str) -> str:
        """See Categories."""
        name = self._names.get(text)
        if name is not None:
            return name
        if len(self._names) >= self._most:
            return self._other
        name = self._names[text] = f"{self._name}={text}"
        return name

    def find(self, text: str) -> str | None:
        """See Categories."""
        name = self._names.get(text)
        if name is None and len(self._names) >= self._most:
            return self._other
        return name

    def restore(self, known: Sequence[str]) -> None:
        """See Categories."""
        self._names = {text: f"{self._name}={text}" for text in known}

    @property
    def _other(self) -> str:
        return f"{self._name}=(other)"


class Hashed:
    """Texts share a fixed number of indicators, by a hash that is the same everywhere.

    Args:
        name: of the input.
        buckets: how many indicators.
    """

    def __init__(self, name: str, buckets: int) -> None:
        self._name = name
        self._buckets = buckets

    @property
    def known(self) -> list[str]:
        """See Categories."""
        return []

    def learn(self, text: str) -> str:
        """See Categories."""
        return f"{self._name}#{crc32(text.encode('utf-8', 'surrogatepass')) % self._buckets}"

    def find(self, text: str) -> str | None:
        """See Categories."""
        return self.learn(text)

    def restore(self, known: Sequence[str]) -> None:
        """See Categories."""
