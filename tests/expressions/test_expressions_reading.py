"""How text is read: what binds how strongly, and what says the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expressions import DictScope, Type, check, compile_function, field_types, normalized, parse

ANY = DictScope({}, {"": Type.ANY})


@pytest.mark.parametrize(
    "text",
    [
        "a or b and not c == d + e * -f",
        "(a or b) and c",
        "not (a and b)",
        "(a + b) * c - (d - e)",
        "a - b - c",
        "-(a + b)",
        "-a * b",
        "a not in b",
        "not a in b",
        "a + b is not missing",
        "(a == b) == (c < d)",
        'a == "say \\"x\\" and \\\\"',
        "properties.in.is > 0.00001",
        "a in [1, -2, true, 'x']".replace("'", '"'),
        "since(a) > 1h",
        "properties.products[].price > 1",
    ],
)
def test_canonical_text_stays_as_it_is(text: str) -> None:
    assert normalized(parse(text)) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("60m", "1h"),
        ("24h", "1d"),
        ("1000ms", "1s"),
        ("0d", "0s"),
        ("2.50", "2.5"),
        ("2.0", "2"),
        ("- 5", "-5"),
        ("-0", "0"),
        ("'x'", '"x"'),
        ("a and (b and c)", "a and b and c"),
        ("((a))", "a"),
        ("(a * b) + c", "a*b+c"),
        ("a\n  or\tb", "a or b"),
        ("not(a)", "not a"),
        ("(not a) and (b == c)", "not a and b == c"),
    ],
)
def test_two_ways_of_writing_the_same_are_one(one: str, other: str) -> None:
    assert parse(one) == parse(other)
    assert hash(parse(one)) == hash(parse(other))
    assert normalized(parse(one)) == normalized(parse(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a - (b - c)", "a - b - c"),
        ("a and b or c", "a and (b or c)"),
        ("not a == b", "(not a) == b"),
        ("not a in b", "a not in b"),  # they differ where a is missing
        ("5", '"5"'),
        ("1000", "1s"),
        ("a", "b"),
    ],
)
def test_what_means_something_else_is_another_tree(one: str, other: str) -> None:
    assert parse(one) != parse(other)
    assert normalized(parse(one)) != normalized(parse(other))


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_text_can_be_written_in_quotes(text: str) -> None:
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    tree = check(parse(quoted), ANY).tree
    assert compile_function(tree, {})((), 0) == text
    assert parse(normalized(tree)) == tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", 7),
        ("7 / 2", 3.5),
        ("6 / 2", 3),
        ("7 % 3", 1),
        ("-7 % 3", 2),
        ("1 / 0", None),
        ("1 % 0", None),
        ("0.1 + 0.2", 0.1 + 0.2),
        ("999999999999999 * 999999999999999", None),
        ("90s / 1m", 1.5),
        ("1h - 90m", -1_800_000),
        ("round(2.5)", 3),
        ("round(-2.5)", -3),
        ("round(0.499999999999999)", 0),
        ("length('häh')", 3),
        ("true == true", True),
        ("'a' < 'b'", True),
        ("'Z' < 'a'", True),
        ("starts_with('gold', 'go') and contains('gold', 'ol')", True),
    ],
)
def test_constants_compute(text: str, value: object) -> None:
    result = compile_function(check(parse(text), ANY).tree, {})((), 0)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("text", "row", "value"),
    [
        ("not a > 1", [None], True),
        ("a > 1", [None], False),
        ("a != 1", [None], False),
        ("a != 1", ["x"], True),
        ("a != 1", [[1]], False),
        ("a == 1", [True], False),
        ("a == 1", [1.0], True),
        ("a in [1]", [True], False),
        ("a < 'b'", [1], False),
        ("not (a < 5)", ["x"], True),
        ("coalesce(a, 5) == 5", [None], True),
        ("a + 1 is missing", ["x"], True),
        ("a is missing", [[]], False),
        ("a + 0 is missing", [2**63], True),
        ("a + 0 is missing", [-(2**63)], True),
        ("a + 0 is missing", [2**63 - 1], False),
        ("a * a is missing", [1e200], True),
        ("a * 2.5 is missing", [10**400], True),
        ("a > 1", [10**400], True),
        ("a % 5 is missing", ["%999999999d"], True),
        ("a not in [1]", [None], False),
        ("1 in a", [[True, 1]], True),
        ("a and true", ["yes"], False),
        ("length(a) == 2", [["x", None]], True),
        ("lower(a) == 'é'", ["É"], True),
    ],
)
def test_missing_and_mixed_values_behave_as_the_reference_says(
    text: str, row: list[object], value: object
) -> None:
    tree = check(parse(text), ANY, Type.BOOLEAN)
    assert not tree.problems
    assert compile_function(tree.tree, {"a": 0})(row, 0) is value


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        ("a * 2 > b", {"a": Type.NUMBER, "b": Type.NUMBER}),
        ("a == 'x' and b in ['y'] and lower(c) == d", dict.fromkeys("abcd", Type.TEXT)),
        ("a and not b", {"a": Type.BOOLEAN, "b": Type.BOOLEAN}),
        ("a == b", {"a": Type.ANY, "b": Type.ANY}),
        ("a > 1 and a == 'x'", {"a": Type.ANY}),
        ("a is missing or a > 1", {"a": Type.NUMBER}),
        ("coalesce(a, b, 0) > 1", {"a": Type.NUMBER, "b": Type.NUMBER}),
        ("'x' in a", {"a": Type.LIST}),
        ("length(a) > 1", {"a": Type.ANY}),
        ("known > a", {"a": Type.NUMBER}),
        ("a in [1, 'x']", {"a": Type.ANY}),
    ],
)
def test_each_name_of_unknown_type_gets_the_type_that_its_uses_need(
    text: str, needs: dict[str, Type]
) -> None:
    scope = DictScope({"known": Type.NUMBER}, {"": Type.ANY})
    found = check(parse(text), scope, Type.BOOLEAN)
    assert not found.problems
    assert field_types(found.tree) == needs


def test_a_bare_field_needs_what_the_whole_is_used_as() -> None:
    assert field_types(parse("properties.price"), Type.NUMBER) == {"properties.price": Type.NUMBER}
    assert field_types(parse("coalesce(a, b)"), Type.TEXT) == {"a": Type.TEXT, "b": Type.TEXT}
