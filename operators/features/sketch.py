"""Counts very many different values in little space, nearly.

A compressed-probabilistic-counting (CPC) sketch of Apache DataSketches: K. Lang, "Back to the
Future: an Even More Nearly Optimal Cardinality Estimation Algorithm" (2017). Every sketch here
is the result of a union: such a one is estimated from the values alone (ICON), while one that was
only updated would also remember the order in which they came.
"""

from collections.abc import Iterable

from datasketches import cpc_sketch, cpc_union  # type: ignore[import-untyped]

_LOG_K = 10  # a standard error of 0.693 / sqrt(1024) = 2.2%, in at most about 700 bytes

Sketch = bytes


def sketch_of(values: Iterable[int]) -> Sketch:
    """Make the sketch of some values of 63 bits each."""
    sketch = cpc_sketch(_LOG_K)
    for value in values:
        sketch.update(value)
    return _united(sketch)


def sketch_union(*sketches: Sketch) -> Sketch:
    """Return the sketch of the values of several."""
    return _united(*map(cpc_sketch.deserialize, sketches))


def sketch_estimate(sketch: Sketch) -> float:
    """Return how many different values there probably were."""
    estimate: float = cpc_sketch.deserialize(sketch).get_estimate()
    return estimate


def _united(*sketches: cpc_sketch) -> Sketch:
    union = cpc_union(_LOG_K)
    for sketch in sketches:
        union.update(sketch)
    united: bytes = union.get_result().serialize()
    return united
