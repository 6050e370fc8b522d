"""Segments that look at segments: who is asked first, and circles."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from config.segment_order import cycles, in_order

NAMES = st.sampled_from("abcdef")
GRAPHS = st.dictionaries(NAMES, st.lists(NAMES, max_size=3), max_size=6)


def reaches(uses: dict[str, list[str]], start: str, goal: str) -> bool:
    """Follow every path, plainly."""
    seen: set[str] = set()
    todo = list(uses.get(start, []))
    while todo:
        name = todo.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            todo += uses.get(name, [])
    return False


@given(uses=GRAPHS)
def test_a_circle_is_found_where_there_is_one_and_is_one(uses: dict[str, list[str]]) -> None:
    found = list(cycles(uses))
    assert bool(found) is any(reaches(uses, name, name) for name in uses)
    for cycle in found:
        assert cycle[0] == cycle[-1]
        assert len(set(cycle)) == len(cycle) - 1
        for one, other in pairwise(cycle):
            assert other in uses[one]


@given(uses=GRAPHS)
def test_every_segment_comes_after_those_it_uses(uses: dict[str, list[str]]) -> None:
    known = {name: [other for other in each if other in uses] for name, each in uses.items()}
    if list(cycles(known)):
        return
    order = in_order(known)
    assert sorted(order) == sorted(known)
    for name, each in known.items():
        assert all(order.index(other) < order.index(name) for other in each)


def test_without_need_the_order_is_that_of_the_file() -> None:
    assert in_order({"c": [], "a": ["b"], "b": [], "d": ["c"]}) == ["c", "b", "a", "d"]


def test_a_chain_of_all_five_hundred_is_sorted() -> None:
    uses = {str(n): [str(n + 1)] if n < 499 else [] for n in range(500)}
    assert in_order(uses) == [str(n) for n in range(499, -1, -1)]
    assert not list(cycles(uses))
    assert len(next(iter(cycles(uses | {"499": ["0"]})))) == 501
