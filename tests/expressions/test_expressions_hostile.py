"""Whatever text comes in: an expression, or a located error; never a Python name."""

import json
from typing import Any

import pytest
from expression_cases import SCOPE, SLOTS
from hypothesis import example, given, settings
from hypothesis import strategies as st

from expressions import (
    DictScope,
    ExpressionError,
    ExpressionProblem,
    Type,
    always_true,
    check,
    compile_deadline,
    compile_function,
    explain,
    field_types,
    names,
    never_true,
    normalized,
    parse,
)
from expressions.parser import MAX_CHARACTERS, MAX_DEPTH

_WORDS = r"""and or not in is missing true false == != < <= > >= + - * / % ( ) [ ] , " ' \ . ** =
    && || 10 2.5 1e999 1_000 30m 2w 99999999999999999 0x1F views_1h session.duration last_order
    recent segment.vip trait.age attribute.tier nothing __class__ ().__class__ __import__('os')
    f"x" lambda since( min( coalesce( length( lower( "gold" 'gold' é \u0663 := # ;"""
PIECES = st.sampled_from([*_WORDS.split(), "\x00", "\n", "\ud800", "\u202e", "\uff1d", "\u0663"])
HOSTILE = (
    "__class__",
    "().__class__",
    "views_1h.__class__.__mro__",
    '__import__("os").system("true")',
    'f"{views_1h}"',
    "1e999 > 1",
    "9" * 4_000 + " > 1",
    "0." + "1" * 4_000 + " > 1",
    "9" * 4_000 + "d > 1s",
    "not " * 1_000 + "true",
    "-" * 4_000 + "1 > 0",
    "(" * 4_096,
    "(" * 2_000 + "1" + ")" * 2_000,
    "[" * 4_096,
    "abs(" * 1_000,
    "1" + "+1" * 2_000,
    "true" + " and true" * 450,
    "views_1h > \x00",
    '"\ud800" == "a"',
    '"' + "\\" * 4_001,
    "",
    " \n\t",
    "\ufeff1",
    "a" * 5_000,
    "1 if true else 2",
    "[x for x in recent]",
    "r[0]",
    "t",
    "(yield)",
    "views_1h := 1",
)


def problems_of(text: str) -> tuple[ExpressionProblem, ...]:
    """Put a text through everything; give what is wrong with it."""
    try:
        tree = parse(text)
    except ExpressionError as error:
        return error.problems
    normalized(tree)
    for expected in (Type.BOOLEAN, None):
        found = check(tree, SCOPE, expected)
        if not found.problems:
            use(found.tree)
    return check(tree, SCOPE, Type.BOOLEAN).problems


def use(tree: Any) -> None:
    slots = {name: slot for slot, name in enumerate(names(tree))}
    assert all(name in SLOTS or name.startswith("trait.") for name in slots)
    row = [None] * len(slots)
    compile_function(tree, slots)(row, 0)
    compile_deadline(tree, slots)
    explain(tree, slots, row, 0)
    field_types(tree)
    never_true(tree), always_true(tree)


def assert_located(text: str) -> None:
    for problem in problems_of(text):
        assert 0 <= problem.start <= problem.end <= len(text)
        assert problem.message
        assert problem.message.isprintable()
        assert len(problem.message) < 400
        json.dumps(problem.message).encode()


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=60))
@example("1 in[]")
def test_random_text_gives_an_expression_or_a_located_error(text: str) -> None:
    assert_located(text)


@settings(max_examples=1_000, deadline=None)
@given(st.lists(PIECES, max_size=14), st.sampled_from(["", " "]))
def test_pieces_of_the_language_in_any_order_give_an_expression_or_a_located_error(
    pieces: list[str], between: str
) -> None:
    assert_located(between.join(pieces))


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:20]))
def test_hostile_text_is_refused_with_a_place(text: str) -> None:
    if text.startswith("true and"):
        assert not problems_of(text)
    else:
        assert problems_of(text)
        assert_located(text)


def test_a_dunder_name_that_the_scope_knows_is_a_plain_slot() -> None:
    tree = check(parse("__class__ == 5 and r == 6"), DictScope({}, {"": Type.ANY})).tree
    function = compile_function(tree, {"__class__": 0, "r": 1})
    assert function([5, 6], 0) is True
    assert function([6, 5], 0) is False


def nested(kind: str, depth: int) -> str:
    """An expression with one construct nested as deeply as asked."""
    openings = {
        "parentheses": ("(", "views_1h > 1", ")"),
        "not": ("not ", "segment.vip", ""),
        "minus": ("-", "views_1h", ""),
        "sums": ("", "views_1h", " + 1"),
        "differences": ("1 - (", "views_1h", ")"),
        "quotients": ("1 / (", "views_1h", ")"),
        "abs": ("abs(", "views_1h", ")"),
        "min": ("min(2.5, ", "views_1h", ")"),
        "coalesce": ("coalesce(", "views_1h", ", 5)"),
        "coalesce of any": ("coalesce(", "trait.age", ", views_1h)"),
        "lower": ("lower(", "trait.plan", ")"),
        "comparisons": ("(", "segment.vip", ") == true"),
        "unequal of any": ("trait.age != (", "trait.plan == trait.age", ")"),
        "missing": ("(", "views_1h", ") is missing"),
        "in": ("(", "trait.age", ") in recent"),
    }
    opening, inner, closing = openings[kind]
    return opening * depth + inner + closing * depth


@pytest.mark.parametrize(
    "kind",
    [
        *("parentheses", "not", "minus", "sums", "differences", "quotients", "abs", "min"),
        *("coalesce", "coalesce of any", "lower", "comparisons", "unequal of any", "missing", "in"),
    ],
)
def test_the_deepest_expression_compiles_and_a_deeper_one_is_refused(kind: str) -> None:
    deepest = max(depth for depth in range(1, 80) if is_read(nested(kind, depth)))
    assert MAX_DEPTH // 2 - 1 <= deepest <= MAX_DEPTH
    with pytest.raises(ExpressionError, match="levels deep"):
        parse(nested(kind, deepest + 1))
    found = check(parse(nested(kind, deepest)), SCOPE)
    assert not found.problems
    function = compile_function(found.tree, SLOTS)
    row = [None] * len(SLOTS)
    function(row, 0)
    row[SLOTS["views_1h"]] = row[SLOTS["attribute.tier"]] = {}  # compiles the slower one too
    function(row, 0)
    compile_deadline(found.tree, SLOTS)
    explain(found.tree, SLOTS, row, 0)


def is_read(text: str) -> bool:
    try:
        parse(text)
    except ExpressionError:
        return False
    return True


@pytest.mark.parametrize("joined", [" and ", " or "])
def test_the_longest_expression_compiles(joined: str) -> None:
    text = joined.join(["views_1h>1"] * 280)
    assert len(text) > MAX_CHARACTERS * 0.8
    assert not problems_of(text[:MAX_CHARACTERS].rpartition(joined)[0])


def test_a_text_of_one_character_too_many_is_refused() -> None:
    assert not problems_of("true" + " " * (MAX_CHARACTERS - 4))
    assert problems_of("true" + " " * (MAX_CHARACTERS - 3))
