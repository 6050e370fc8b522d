"""Conditions that never or always hold are found, and only those."""

import pytest
from expression_cases import MIXED_ROWS, NAMES, ROWS, SCOPE, trees
from hypothesis import example, given, settings
from hypothesis import strategies as st

from expressions import Tree, always_true, check, never_true, parse
from expressions.tree import And, Or
from oracle.conditions import naive


def checked(text: str) -> Tree:
    found = check(parse(text), SCOPE)
    assert found.problems == ()
    return found.tree


@pytest.mark.parametrize(
    "text",
    [
        "views_1h > 5 and views_1h < 3",
        "views_1h > 5 and views_1h < 5",
        "views_1h > 5 and views_1h <= 5",
        "views_1h == 5 and views_1h != 5",
        "views_1h > 5 and attribute.tier == 'a' and views_1h == 2",
        "5 < views_1h and 3 > views_1h",
        "not (views_1h <= 5) and views_1h < 3",
        "not (views_1h > 5 or views_1h <= 5 or views_1h is missing)",
        'attribute.tier == "a" and attribute.tier == "b"',
        'attribute.tier == "a" and attribute.tier in ["b", "c"]',
        'attribute.tier == "a" and attribute.tier not in ["a"]',
        'trait.plan == "a" and trait.plan > 5',
        "trait.age == 1 and trait.age == true",
        "last_order is missing and since(last_order) > 30m",
        "since(last_order) > 30m and since(last_order) < 10m",
        "views_1h is missing and views_1h > 1",
        "views_1h is missing and views_1h / session.spend > 1",
        "session.duration > 2m and session.duration < 90s",
        "segment.vip and not segment.vip",
        "1 > 2",
        "views_1h > 1 / 0",
        "(views_1h > 5 and views_1h < 3) or 1 > 2",
        "segment.vip and not (true or views_1h > 1)",
    ],
)
def test_a_condition_that_never_holds_is_found_with_a_reason(text: str) -> None:
    assert never_true(checked(text))
    assert always_true(checked(f"not ({text})"))


@pytest.mark.parametrize(
    "text",
    [
        "views_1h > 5 and views_1h < 6",
        "views_1h >= 5 and views_1h <= 5",
        "not (views_1h > 5) and not (views_1h <= 5)",  # where it is missing
        "views_1h > 5 or views_1h < 3",
        'trait.plan != "a" and trait.plan != 5',
        "trait.age == 1 and trait.age != true",
        "last_order is missing or since(last_order) > 30m",
        "coalesce(views_1h, 1) > 0 and views_1h is missing",
        "not segment.vip and segment.vip is missing",
    ],
)
def test_a_condition_that_may_hold_is_left_alone(text: str) -> None:
    assert never_true(checked(text)) is None
    assert always_true(checked(text)) is None


def test_the_reason_names_the_two_that_contradict() -> None:
    text = 'views_1h>5 and attribute.tier == "a" and views_1h<3'
    assert never_true(checked(text)) == "views_1h > 5 and views_1h < 3 contradict each other"
    assert never_true(checked("1 > 2 and segment.vip")) == "1 > 2 is always false"
    assert always_true(checked("segment.vip or 2 > 1")) == "2 > 1 is always true"


SHALLOW = st.lists(trees(depth=2), min_size=2, max_size=4)


@settings(max_examples=400, deadline=None)
@given(SHALLOW, st.sampled_from([And, Or]), st.lists(ROWS | MIXED_ROWS, min_size=2, max_size=4))
def test_what_never_or_always_holds_does_so_for_every_row(
    parts: list[Tree], node: type, rows: list[list[object]]
) -> None:
    flat = [p for part in parts for p in (part.parts if isinstance(part, node) else (part,))]
    tree = check(node(parts=tuple(flat)), SCOPE).tree
    never, always = never_true(tree), always_true(tree)
    assert not (never and always)
    for row in rows:
        value = naive(tree, dict(zip(NAMES, row, strict=True)), 1_000)
        assert not (never and value is True)
        assert not (always and value is not True)


_SIMPLE = st.sampled_from(
    [
        *(f"trait.age {sign} {n}" for sign in ("==", "!=", "<", "<=", ">", ">=") for n in (1, 2)),
        *("trait.age is missing", "trait.age is not missing", 'trait.age == "a"', "trait.age"),
        *('trait.age != "a"', "trait.age == true", 'trait.age in [1, "b"]', "trait.age in [1, 3]"),
        *('trait.age not in [2, "a", true]', 'trait.age > "a"', "trait.age + 1 > 2"),
    ]
)
_LITERAL = st.builds(lambda word, text: f"{word} ({text})", st.sampled_from(["", "not"]), _SIMPLE)


@settings(max_examples=500, deadline=None)
@given(st.lists(_LITERAL, min_size=2, max_size=4), st.sampled_from([" and ", " or "]))
@example(["not (trait.age == 1)", "not (trait.age != 1)"], " or ")
def test_nothing_is_called_impossible_that_some_value_meets(texts: list[str], word: str) -> None:
    tree = checked(word.join(texts))
    values = [None, True, False, 0, 1, 1.5, 2, 3, "", "a", "b", "c", []]
    truths = {naive(tree, {"trait.age": value}, 0) is True for value in values}
    assert never_true(tree) is None or truths == {False}
    assert always_true(tree) is None or truths == {True}
