"""Random draws that come out the same on every machine, Python and numpy.

Only uniform draws are taken from numpy; its other distributions may change from version to
version. Everything else is made from them with integers and with float operations that IEEE 754
rounds exactly (no ``exp``, ``log`` or ``pow`` on the draws themselves).
"""

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_KNOTS = 1024
_ZIPF_ROOT = 5
"""Weights fall with rank to the power of -(1 - 1/5), so the inverse is a fifth power."""


def generator(seed: int, part: int) -> np.random.Generator:
    """Give the stream of draws for one numbered part of the simulation with this seed."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, part))))


def salts(seed: int, count: int) -> list[int]:
    """Give numbers for ``scramble`` that differ between seeds."""
    return [int(word) for word in np.random.SeedSequence(seed).generate_state(count, np.uint64)]


def scramble(numbers: Ints | Words, salt: int) -> Words:
    """Turn numbers into random-looking 64-bit words, different ones for different numbers.

    The mixing steps are those of SplitMix64 (Steele, Lea and Flood, 2014), which lose nothing.
    """
    words = numbers.astype(np.uint64) + np.uint64(salt)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def pick(words: Words, weights: Ints) -> Ints:
    """Choose an index for each word, as often as its weight says."""
    bounds = np.cumsum(weights)
    spots = (words % np.uint64(bounds[-1])).astype(np.int64)
    return np.searchsorted(bounds, spots, side="right").astype(np.int64)


def below(draws: Floats, limits: Ints | int) -> Ints:
    """Turn draws from [0, 1) into whole numbers from 0 to limit - 1."""
    return (draws * limits).astype(np.int64)


class Zipf:
    """Ranks from 0 up, low ones much more often: the weight of rank r is (r + shift) ** -0.8.

    The shift (Mandelbrot's) grows with the number of ranks, so that the first of 100,000 is busy
    but not a twelfth of all there is. One object serves several sets of ranks, each of its size.
    """

    def __init__(self, sizes: list[int]) -> None:
        shifts = [2 + size // 1000 for size in sizes]
        self._sizes = np.array(sizes, np.int64)
        self._shifts = np.array(shifts, np.int64)
        self._lowest = np.array([_root(shift) for shift in shifts])
        highest = [_root(shift + size) for shift, size in zip(shifts, sizes, strict=True)]
        self._widths = np.array(highest) - self._lowest

    def ranks(self, draws: Floats, sets: Ints | int = 0) -> Ints:
        """Give a rank for each draw, from that set (by its place in ``sizes``)."""
        root = self._lowest[sets] + draws * self._widths[sets]
        square = root * root
        ranks = (square * square * root).astype(np.int64) - self._shifts[sets]
        inside: Ints = np.clip(ranks, 0, self._sizes[sets] - 1)
        return inside


def _root(number: int) -> float:
    return round(math.pow(number, 1 / _ZIPF_ROOT), 9)


class Durations:
    """Lognormal durations in whole milliseconds, between a shortest and a longest one."""

    def __init__(self, *, median_ms: int, sigma: float, shortest_ms: int, longest_ms: int) -> None:
        normal = NormalDist(math.log(median_ms), sigma)
        steps = ((knot + 0.5) / (_KNOTS + 1) for knot in range(_KNOTS + 1))
        values = (round(math.exp(normal.inv_cdf(step))) for step in steps)
        self._knots = np.array([min(max(v, shortest_ms), longest_ms) for v in values], np.int64)

    def of(self, draws: Floats) -> Ints:
        """Give a duration for each draw: the quantile table, straight between its knots."""
        places = draws * _KNOTS
        knots = places.astype(np.int64)
        low, high = self._knots[knots], self._knots[knots + 1]
        return low + below(places - knots, high - low)
