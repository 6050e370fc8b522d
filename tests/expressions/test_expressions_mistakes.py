"""What a marketer gets to read after a mistake: all of them, each with its place."""

import pytest
from expression_cases import SCOPE

from expressions import DictScope, ExpressionError, ExpressionProblem, Type, check, names, parse


def mistakes(text: str, expected: Type | None = Type.BOOLEAN) -> tuple[ExpressionProblem, ...]:
    try:
        return check(parse(text), SCOPE, expected).problems
    except ExpressionError as error:
        return error.problems


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        (
            "session.duration > 2",
            "session.duration > 2",
            "write a duration such as 2s, 2m, 2h or 2d",
        ),
        ('views_1h == "x"', 'views_1h == "x"', 'views_1h is a number and "x" is a text'),
        ("1 < views_1h < 5", "1 < views_1h < 5", "write 1 < views_1h and views_1h < 5"),
        ("last_order > 5", "last_order", "write since(last_order) > 30m"),
        ("recent == 1", "recent", "length(recent) == 1"),
        ("since(last_order) > views_1h", "views_1h", "a fixed duration such as 30m"),
        ("since(last_order) > 5", "5", "write a duration such as 5s, 5m, 5h or 5d"),
        ("since(last_order) + 1m > 5m", "since(last_order)", "alone on one side of a comparison"),
        ("since(last_order) is missing", "since(last_order) is missing", "last_order is missing"),
        ("since(last_order) > since(session.start)", "since(session.start)", "such as 30m alone"),
        ("since(last_order) > 5m / 0", "5m / 0", "has no value"),
        ("since(trait.plan) > 5m", "trait.plan", "since() takes a time"),
        ('trait.plan == "a" or "b"', '"b"', 'x in ["a", "b"]'),
        ("views_1h", "views_1h", "write views_1h > 0"),
        ("last_order", "last_order", "since(last_order) < 30m"),
        ("last_order and true", "last_order", "write last_order is not missing"),
        ("attribute.tier", "attribute.tier", "where a condition is expected"),
        ("attribute.tier == gold", "gold", 'a text stands in quotes: "gold"'),
        (
            '"gold" in attribute.tier',
            '"gold" in attribute.tier',
            'contains(attribute.tier, "gold")',
        ),
        ("views_1h in segment.vip", "segment.vip", "not a list"),
        ('attribute.tier in ["a", 5]', "5", "attribute.tier is a text, but 5 is a number"),
        ("attribute.tier in [views_1h]", "views_1h", "not views_1h"),
        ("attribute.tier in []", "[]", "the list is empty"),
        ("[1] == 2", "[1]", "on the right of in alone"),
        ("segment.vip > true", "segment.vip", "segment.vip or not segment.vip"),
        ("trait.age > 5m", "trait.age > 5m", "no duration or time"),
        ("views_1h + 5m > 5m", "views_1h + 5m", "write a duration in both places"),
        ("attribute.tier * 2 > 1", "attribute.tier", "arithmetic is for numbers and durations"),
        ("recent + 1 > 1", "recent", "write length(recent)"),
        ("lower(views_1h) == 'a'", "views_1h", "lower() takes a text"),
        ("coalesce(views_1h, 'a') == 1", "coalesce(views_1h, 'a')", "values of one type"),
        ("min(views_1h) > 1", "min(views_1h)", "min(a, b, …)"),
        ("views_1h ** 2 > 1", "**", "no power operator; write x * x"),
        ("views_1h == null", "null", "x is missing"),
        ("views_1h > 30min", "30min", "write a number such as 10 or 2.5, or a duration"),
        ("views_1h > 1_000", "1_000", "1_000 is no number"),
        ("attribute.tier == 'a", "'a", "lacks its closing '"),
        (r'attribute.tier == "a\n"', r"\n", "a backslash in a text stands before"),
        ("views_1h >", "", "ends where a value is expected"),
        ("(views_1h > 1", "", "ends where ) or an operator is expected"),
        ("views_1h > 1 views_1h", "views_1h", "expected the end or an operator"),
        ("", "", "there is no expression"),
        ("Hello there", "there", """a text has quotes of its own: '"Hello there"'"""),
        ("views_1h > 10%", "10%", "write 0.1"),
        ("views_1h > 10% and segment.vip", "10%", "write 0.1"),
        ("views_1h > 1.000,50", "1.000,50", "digits and at most one point"),
        ("trait.born > 2026-01-01", "2026-01-01", 'a date in quotes: "2026-01-31"'),
        ("trait.born > 01.01.2026", "01.01.2026", "write since(x) < 30d for how long ago"),
        ("attribute.tier == “gold”", "“", 'write "'),
        ("views_1h > 5€", "€", "write the number alone"),
        ("views_1h ^ 2 > 1", "^", "no power operator"),
        ("views_1h between 1 and 5", "between", "write views_1h >= 1 and views_1h <= 5"),
        ("views_1h > 1 and < 5", "<", "name it again, such as views_1h < 5"),
        ('attribute.tier like "g%"', "like", 'write contains(attribute.tier, "…")'),
        ('attribute.tier is "gold"', '"gold"', "write == to compare"),
        ('attribute.tier is not "gold"', '"gold"', "write != to compare"),
        ('attribute.tier in ("a", "b")', '("a",', 'square brackets: in ["a", "b"]'),
        ('attribute.tier in "a", "b"', '"a",', 'square brackets: in ["a", "b"]'),
        ("if views_1h > 1 then true", "if views_1h", "a condition stands by itself"),
        ("views_1h > 1 then true", "then", "a condition stands by itself"),
        ("Order Completed > 1", "Order Completed", "such as {count: Order Completed}"),
        ("IF(views_1h > 1, true)", "IF(views_1h > 1, true)", "a condition stands by itself"),
        ("COUNTIF(views_1h) > 2", "COUNTIF(views_1h)", "counts and sums over events are features"),
        ("AND(segment.vip, true)", "AND(segment.vip, true)", "write a and b"),
        ("NOT(segment.vip)", "NOT(segment.vip)", "write not x"),
        ("today() > 2", "today()", "write since(x) < 30d"),
        ("pow(views_1h, 2) > 2", "pow(views_1h, 2)", "the functions are since, min"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_to_write(
    text: str, at: str, message: str
) -> None:
    (problem,) = mistakes(text)
    assert message in problem.message
    assert text[problem.start : problem.end] == at


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("view_1h > 1", "views_1h"),
        ("vip", "segment.vip"),
        ("session.vip", "segment.vip"),
        ("context.contry == 'DE'", "context.country"),
        ("mn(1, 2) > 1", "min"),
        ("segment.vip AND segment.vip", "and"),
        ("segment.vip && segment.vip", "and"),
        ("segment.vip || segment.vip", "or"),
        ("views_1h = 1", "=="),
        ("views_1h <> 1", "!="),
        ("!segment.vip", "not"),
        ("segment.vip == True", "true"),
        ("nothing_like_it > 1", None),
        ("since(last_order) > 30 min", "30m"),
        ("since(last_order) > 30 Minutes", "30m"),
        ("since(last_order) > 1.5h", "90m"),
        ("since(last_order) > 2w", "14d"),
        ("since(last_order) > 0.3333 ms", None),
        ("views_1h > 1,000", "1000"),
        ("views_1h > 2,5", "2.5"),
        ("views_1h => 1", ">="),
        ("views_1h ≥ 1", ">="),
        ("NOT segment.vip", "not"),
        ("trait.plan == missing", "is missing"),
        ("trait.plan != missing", "is not missing"),
        ("trait.plan is null", "missing"),
    ],
)
def test_the_nearest_valid_name_is_offered(text: str, near: str | None) -> None:
    (problem,) = mistakes(text)
    assert problem.near == near
    assert str(problem).endswith(f"did you mean {near}?") is (near is not None)


def test_all_mistakes_come_at_once_and_in_order() -> None:
    text = "view_1h > 1 and session.duration > 2 and foo(bar) and attribute.tier == 5"
    found = mistakes(text)
    assert [text[problem.start : problem.end] for problem in found] == [
        "view_1h",
        "session.duration > 2",
        "foo(bar)",
        "bar",
        "attribute.tier == 5",
    ]


def test_a_mistake_is_reported_once_not_again_by_what_stands_around_it() -> None:
    assert len(mistakes("-(nothing + 1) * 2 > min(1, 2) and true")) == 1


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("views_1h * 2", Type.NUMBER),
        ("trait.age * 2", Type.NUMBER),
        ("session.duration * 2", Type.DURATION),
        ("session.duration / 1h", Type.NUMBER),
        ("coalesce(last_order, session.start)", Type.TIME),
        ("coalesce(trait.plan, 'none')", Type.ANY),
        ("lower(trait.plan)", Type.TEXT),
        ("recent", Type.LIST),
        ("views_1h > 1", Type.BOOLEAN),
    ],
)
def test_the_type_of_the_whole_is_told_and_compared_with_the_expected_one(
    text: str, kind: Type
) -> None:
    assert check(parse(text), SCOPE).type is kind
    assert not mistakes(text, kind)
    for other in set(Type) - {kind, Type.ANY}:
        assert bool(mistakes(text, other)) is (
            kind is not Type.ANY or other in {Type.DURATION, Type.TIME}
        )


def test_an_unknown_value_where_a_boolean_is_expected_counts_when_it_is_true() -> None:
    found = check(parse("trait.plan"), SCOPE, Type.BOOLEAN)
    assert found.tree == check(parse("trait.plan == true"), SCOPE).tree
    assert found.type is Type.BOOLEAN


def test_a_name_belongs_to_the_longest_open_namespace() -> None:
    scope = DictScope(
        {"event.name": Type.TEXT}, {"event.": Type.NUMBER, "event.properties.": Type.ANY}
    )
    assert scope.resolve("event.name") is Type.TEXT
    assert scope.resolve("event.properties.x.y") is Type.ANY
    assert scope.resolve("event.hour") is Type.NUMBER
    assert scope.resolve("event.") is None
    assert scope.resolve("events") is None


def test_names_come_once_in_the_order_of_use() -> None:
    tree = parse("b > 1 and a > 1 and b in c and since(properties.products[].price) > 1m")
    assert names(tree) == ("b", "a", "c", "properties.products[].price")
