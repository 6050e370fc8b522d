"""Compiled expressions mean what the naive evaluator says, for every row."""

from typing import Any

import msgspec
import pytest
from expression_cases import (
    MIXED_ROWS,
    NAMES,
    ROWS,
    SCOPE,
    SLOTS,
    TIMES,
    since_comparison,
    trees,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from expressions import (
    NEVER,
    Explained,
    Tree,
    Type,
    check,
    compile_deadline,
    compile_function,
    explain,
    names,
    normalized,
    parse,
)
from expressions.tree import And, Call, Compare, children, is_constant, walk
from oracle.conditions import naive

TYPED_TREES = st.sampled_from(list(Type)).flatmap(trees)


def checked(tree: Tree) -> Tree:
    found = check(tree, SCOPE)
    assert found.problems == ()
    return found.tree


def by_name(row: list[Any]) -> dict[str, Any]:
    return dict(zip(NAMES, row, strict=True))


def expected(tree: Tree, row: list[Any], time: int, kind: Type) -> Any:
    value = naive(tree, by_name(row), time)
    return value is True if kind is Type.BOOLEAN else value


@settings(max_examples=600, deadline=None)
@given(TYPED_TREES, st.lists(ROWS, min_size=4, max_size=4), TIMES)
def test_a_compiled_expression_gives_what_the_naive_evaluator_gives(
    tree: Tree, rows: list[list[Any]], time: int
) -> None:
    found = check(tree, SCOPE)
    assert found.problems == ()
    function = compile_function(found.tree, SLOTS)
    for row in rows:
        want = expected(tree, row, time, found.type)
        got = function(row, time)
        assert got == want
        assert (got.__class__ is bool) == (want.__class__ is bool)
        if found.type is Type.BOOLEAN:
            assert got is True or got is False


@settings(max_examples=200, deadline=None)
@given(TYPED_TREES, st.lists(MIXED_ROWS, min_size=3, max_size=6), TIMES)
def test_a_compiled_expression_never_raises_whatever_the_row_holds(
    tree: Tree, rows: list[list[Any]], time: int
) -> None:
    found = check(tree, SCOPE)
    function = compile_function(found.tree, SLOTS)
    deadline = compile_deadline(found.tree, SLOTS)
    for row in rows:
        value = function(row, time)
        if found.type is Type.BOOLEAN:
            assert value is True or value is False
        assert deadline is None or deadline(row, time) > time


@settings(max_examples=200, deadline=None)
@given(TYPED_TREES)
def test_the_canonical_text_parses_to_the_same_tree(tree: Tree) -> None:
    text = normalized(tree)
    assert parse(text) == tree
    assert normalized(parse(text)) == text


@settings(max_examples=50, deadline=None)
@given(TYPED_TREES)
def test_a_tree_travels_as_json_with_its_types(tree: Tree) -> None:
    found = checked(tree)
    again = msgspec.json.decode(msgspec.json.encode(found), type=Tree)
    assert again == found
    assert set(names(again)) <= set(NAMES)


@settings(max_examples=100, deadline=None)
@given(TYPED_TREES, ROWS, TIMES)
def test_an_explanation_shows_the_value_of_every_part(
    tree: Tree, row: list[Any], time: int
) -> None:
    found = check(tree, SCOPE)
    shown = explain(found.tree, SLOTS, row, time)
    assert shown.value == expected(tree, row, time, found.type)

    def compare_parts(part: Tree, explained: Explained) -> None:
        assert explained.text == normalized(part)
        below = [child for child in children(part) if not is_constant(child)]
        assert len(below) == len(explained.children)
        for child, below_it in zip(below, explained.children, strict=True):
            assert below_it.value == naive(child, by_name(row), time)
            compare_parts(child, below_it)

    compare_parts(tree, shown)


def test_an_explanation_shows_a_missing_boolean_as_missing_inside_and_false_as_a_whole() -> None:
    row = [None] * len(NAMES)
    inside = explain(checked(parse("segment.vip is missing")), SLOTS, row, 0)
    assert (inside.value, inside.children[0].value) == (True, None)
    assert explain(checked(parse("segment.vip")), SLOTS, row, 0).value is False


@settings(max_examples=150, deadline=None)
@given(
    st.lists(since_comparison(2), min_size=2, max_size=3),
    st.lists(st.none() | st.integers(-40, 40), min_size=2, max_size=2),
    st.integers(-60, 60),
)
def test_a_deadline_is_the_next_time_at_which_a_since_changes(
    parts: list[Tree], moments: list[Any], time: int
) -> None:
    tree = checked(And(parts=tuple(parts)))
    row = [None] * len(NAMES)
    row[SLOTS["last_order"]], row[SLOTS["session.start"]] = moments
    deadline = compile_deadline(tree, SLOTS)
    assert deadline is not None
    leaves = [
        node
        for node in walk(tree)
        if isinstance(node, Compare)
        if any(isinstance(side, Call) for side in (node.left, node.right))
    ]

    def truths(at: int) -> list[Any]:
        return [naive(leaf, by_name(row), at) for leaf in leaves]

    until = time + 400  # ms; limits are at most 333 ms, or seconds and more
    changes = [at for at in range(time + 1, until) if truths(at) != truths(at - 1)]
    got = deadline(row, time)
    assert got == changes[0] if changes else got >= until


@pytest.mark.parametrize(
    ("text", "turns"),
    [
        ("since(last_order) > 30m", 1_800_001),
        ("since(last_order) >= 30m", 1_800_000),
        ("30m < since(last_order)", 1_800_001),
        ("since(last_order) <= 30m", 1_800_001),
        ("since(last_order) < 30m", 1_800_000),
        ("since(last_order) == 1s", 1_000),
        ("since(last_order) > 5ms / 2", 3),
        ("since(last_order) >= 5ms / 2", 3),
        ("since(last_order) < 5ms / 2", 3),
        ("since(last_order) == 5ms / 2", NEVER),
    ],
)
def test_a_limit_is_passed_to_the_millisecond(text: str, turns: int) -> None:
    tree = checked(parse(text))
    deadline = compile_deadline(tree, {"last_order": 0})
    truth = compile_function(tree, {"last_order": 0})
    assert deadline is not None
    assert deadline([0], 0) == turns
    assert deadline([None], 0) == NEVER
    if turns != NEVER:
        assert truth([0], turns) is not truth([0], turns - 1)
        assert deadline([0], turns) == (NEVER if "==" not in text else turns + 1)


def test_an_expression_without_since_has_no_deadline() -> None:
    assert compile_deadline(checked(parse("last_order is missing")), SLOTS) is None
