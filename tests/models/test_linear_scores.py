"""Rows that are scored one by one and rows that are scored together have the same scores."""

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from operators.models import linear
from operators.models.linear import Linear, Scalar, Text

NUMBERS = st.floats(-1e9, 1e9)
SCALARS = st.one_of(
    st.none(), NUMBERS, st.booleans(), st.sampled_from([float("nan"), float("inf"), -1e101, 1e100])
)
WEIGHTS = {"a": 0.3, "b": -1e-7}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=12),
    st.lists(
        st.tuples(
            st.lists(SCALARS, min_size=12, max_size=12), st.sampled_from(["a", "b", "c", None])
        ),
        min_size=1,
        max_size=3,
    ),
    NUMBERS,
)
@example([(0.1, 0.2, 0.3)] * 9, [([0.7] * 12, "a")], 1e-3)
def test_a_row_scores_the_same_to_the_bit_alone_and_with_many(
    weights: list[tuple[float, float, float]], drawn: list[tuple[list[Any], str]], intercept: float
) -> None:
    scalars = [Scalar(place, *each) for place, each in enumerate(weights)]
    known = {"a": "a", "b": "b"}
    model = Linear(scalars, [Text(12, known.get, 0.25)], WEIGHTS, intercept)
    rows = [[*numbers, text] for numbers, text in drawn] * linear._FEW
    together = model.log_odds(rows)
    assert together == [model.log_odds([row])[0] for row in rows]
    added = intercept
    for _, part in model.parts(rows[0]):
        added += part
    assert together[0] == added


def test_what_is_no_number_adds_the_weight_of_a_missing_one() -> None:
    model = Linear([Scalar(0, 1.0, 2.0, 0.5)], [], {}, 10.0)
    rows: list[list[Any]] = [[16.0], [None], [float("nan")], [float("-inf")], [True]]
    assert model.log_odds(rows) == [12.0, 10.5, 10.5, 10.5, 10.0]


def test_a_text_that_nothing_was_learned_of_adds_nothing() -> None:
    model = Linear([], [Text(0, {"a": "a"}.get, 0.5)], WEIGHTS, 10.0)
    assert model.log_odds([["a"], ["unseen"], [None]]) == [10.3, 10.0, 10.5]
