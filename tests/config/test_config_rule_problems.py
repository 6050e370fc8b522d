"""What is said about wrong features, segments and attributes: each with its place."""

from collections.abc import Callable

import pytest

ProblemsOf = Callable[..., list[tuple[int, int, str]]]

FEATURES = [
    # what stands at `x:`, column, parts of the message
    ("{cuont: A}", 16, ['found "cuont"', 'did you mean "count"?']),
    ("{count: A, sum: traits.a}", 26, ['found "sum"', "exactly one of count, sum"]),
    ("{avg: traits.a}", 16, ['found "avg"', 'did you mean "mean"?']),
    ("{count:A B}", 16, ['found "count:A B"', 'did you mean "count: A B"?']),
    ("{of: A}", 15, ["found a mapping, expected exactly one of count"]),
    ("count", 15, ['found "count", expected a mapping with exactly one of']),
    ("{count: }", 16, ["found nothing, expected an event's name"]),
    ("{count: A, of: B}", 26, ["features.x.of: found with count, goes with sum, min"]),
    ("{rate: A, over: 1h}", 25, ["over: found with rate, goes with count, sum"]),
    ("{mean: traits.a, half_life: 7d}", 32, ["found with mean, goes with count and sum only"]),
    ("{sum: traits.a, at_most: 5}", 31, ["found with sum, goes with distinct and recent only"]),
    ("{count: A, ovre: 1h}", 26, ['unknown key; did you mean "over"?']),
    ("{recent: traits.a, at_most: 101}", 43, ["found 101, expected a whole number from 1 to 100"]),
    (
        "{recent: traits.a, over: 1d, pane: 1m, at_most: 7}",
        63,
        ["found 1,440 panes that keep up to 7 values each, expected at most 10,000"],
    ),
    ("{distinct: traits.a, over: 1d, at_most: 167}", 55, ["60 panes that keep up to 167"]),
    ("{distinct: traits.a, over: 1d, pane: 1m}", 52, ["1,440 panes that keep up to 64"]),
    ("{count: A, over: 59m}", 32, ['found "59m", expected a duration of at least 1h']),
    ("{count: A, over: 90 min}", 32, ['found "90 min"', 'did you mean "90m"?']),
    ("{count: A, over: 2 weeks}", 32, ['did you mean "14d"?']),
    ("{count: A, within: 10m}", 34, ['found "10m", expected session']),
    ("{sum: Order Completed}", 21, ["Order Completed looks like an event"]),
    ("{count: A, where: event.traits.a == shoes}", 51, ['or a text in quotes: "shoes"']),
    ("{count: A, over: 366d}", 32, ['found "366d", expected a duration of at most 365d']),
    ("{count: A, over: }", 26, ["found nothing, expected a duration such as 24h"]),
    ("{count: A, over: 1h, per: 1d}", 36, ["per: found beside over, expected one of the two"]),
    ("{count: A, half_life: 1h, since: B}", 41, ["since: found beside half_life"]),
    ("{count: A, pane: 1m}", 26, ["pane: found without over, goes with over only"]),
    ("{count: A, zone: utc}", 26, ["zone: found without per, goes with per only"]),
    ("{count: A, over: 1h, pane: 7m}", 42, ["found 7m, expected a part of over (1h)", "60 to"]),
    ("{count: A, over: 1h, pane: 2m}", 42, ["found 2m, expected a part of over (1h)"]),
    ("{count: A, over: 2d, pane: 1m}", 42, ["fits into it 60 to 1,440 times, such as 48m"]),
    ("{count: A, per: 1D}", 31, ['found "1D"', 'did you mean "1d"?']),
    ("{count: A, per: 1d, zone: Europe/Berlin}", 41, ["expected one of utc, customer"]),
    ("{count: A, within: sesion}", 34, ['did you mean "session"?']),
    ("{count: A, since: any}", 33, ["found any, expected the name of one event"]),
    ("{count: A, half_life: 59s}", 37, ["at least 1m"]),
    ("{count: A, where: }", 26, ["found nothing, expected a condition, as text"]),
    ("{count: A, where: true}", 33, ["found true, expected a condition such as"]),
    ("{sum: 5}", 21, ["found 5, expected an expression such as properties.price"]),
    ("{sum: '5'}", 22, ["found nothing of the event in it, expected a field"]),
    ("{last: hour}", 22, ['found "hour"', 'did you mean "event.hour"?']),
    ("{last: event.our}", 22, ["or one of event.name, event.hour", "event.hour"]),
    ("{last: device}", 22, ["a field such as properties.price", '"properties.device"']),
    ("{sum: propertis.a + traits.b}", 21, ['did you mean "properties.a"?']),
    ("{sum: traits.b + propertis.a}", 32, ['did you mean "properties.a"?']),
    ("{sum: traits.a == 5}", 21, ["is a boolean, where a number is expected"]),
    ("{sum: 'lower(traits.a)'}", 22, ["is a text, where a number is expected"]),
    ("{last: traits.a * 5m}", 22, ["found a duration, expected a number, a text or true or"]),
    ("{count: A, where: event.traits.a + 1}", 33, ["is a number, where a condition is expected"]),
    ("{count: A, where: traits.a > 1}", 33, ['did you mean "event.traits.a"?']),
    ("{last: since(traits.a) > 5m}", 22, ["since() looks at a customer's features"]),
    ("{last: 'properties.a[].b[].c'}", 23, ["properties.a[].b[].c looks into two arrays"]),
    ("{sum: 'properties.a[].b * properties.c[].d'}", 41, ["a second array beside properties.a[]"]),
    (
        "{sum: 'properties.a[].b', where: 'event.properties.c[].d > 1'}",
        49,
        ["features.x.where: found a second array beside properties.a[], expected one"],
    ),
    ("{last: '${V}'}", 22, ['found the value of "${V}", expected an expression']),
    ("{last: 'traits.${V}'}", 22, ['found the value of "traits.${V}", expected an expression']),
]
SEGMENTS = [
    # what stands at `s:`, line, column, parts of the message
    ("veiws > 5", 12, 6, ["there is no veiws here", 'did you mean "views"?']),
    ("views", 12, 6, ["views is a number, where a condition is expected; write views > 0"]),
    ("session.addz > 1", 12, 6, ['did you mean "session.adds"?']),
    ("session.durations > 1m", 12, 6, ['did you mean "session.duration"?']),
    ("session.sales > 1", 12, 6, ["there is no session.sales here; a session has session.adds"]),
    ("session.duration > 2", 12, 6, ["write a duration such as 2s"]),
    ("views > 1 and score.intent > 1", 12, 20, ["scores come with models", "there is none"]),
    ("segment.othr", 12, 6, ['did you mean "segment.other"?']),
    ("other", 12, 6, ['did you mean "segment.other"?']),
    ("views > 1 or segment.s", 12, 19, ["cannot depend on itself: s → s"]),
    ("s and views > 1", 12, 6, ["there is no s here"]),
    ("segments.other", 12, 6, ['did you mean "segment.other"?']),
    ('attributes.tier == "a"', 12, 6, ['did you mean "attribute.tier"?']),
    ("traits.age > 5", 12, 6, ['did you mean "trait.age"?']),
    ('attribute.teir == "a"', 12, 6, ['did you mean "attribute.tier"?']),
    ("attribute.tier > 5", 12, 6, ["attribute.tier is a text and 5 is a number"]),
    ('context.devise == "mobile"', 12, 6, ['did you mean "context.device"?']),
    ("context.hour == 'x'", 12, 6, ["is a number", "cannot be compared"]),
    ("device == mobile", 12, 16, ['a text stands in quotes: "mobile"']),
    ("since(last) > 5", 12, 20, ["write a duration such as 5s"]),
    ("1 < views < 5", 12, 6, ["write 1 < views and views < 5"]),
    ("trait.tags[] == 5", 12, 6, ["trait.tags[] looks into an array"]),
    ("event.properties.a > 5", 12, 6, ["of one event", "make a feature of it"]),
    ("properties.a > 5", 12, 6, ["of one event", "make a feature of it"]),
    ("session.start > 5", 12, 6, ["write since(session.start)"]),
    ("true", 12, 6, ["found true, expected a condition, as text, or a mapping"]),
    ("[views > 5]", 12, 6, ["found a list, expected a condition"]),
    ("", 12, 3, ["found nothing, expected a condition"]),
    ("{for: 5m}", 12, 3, ['the key "when" is missing, or "enter" and "leave"']),
    ("{enter: views > 5}", 12, 3, ['the key "leave" is missing: enter and leave stand together']),
    ("{leave: views > 5}", 12, 3, ['the key "enter" is missing']),
    ("{wehn: views > 5}", 12, 7, ['s.wehn: unknown key; did you mean "when"?']),
    ("{when: views > 5, leave: views < 2}", 12, 24, ["found beside when, expected when, or enter"]),
    ("{when: views > 5, for: 400d}", 12, 29, ["found 400d, expected less than retention"]),
    ("{when: views > 5, hold: soon}", 12, 30, ['found "soon"']),
    ("{when: veiws > 5}", 12, 13, ["segments.s.when: there is no veiws here"]),
    ("{enter: views > 5, leave: veiws < 5}", 12, 32, ["segments.s.leave: there is no veiws"]),
    ("views > ${V}", 12, 6, ['found the value of "views > ${V}", expected an expression that']),
    # the place inside texts of several lines and in quotes
    (">\n    views > 5\n    and veiws > 5\n", 14, 9, ["no veiws"]),
    (">-\n    views > 5\n\n      and veiws > 5\n", 15, 11, ["no veiws"]),
    ("|\n    views > 5 and\n    veiws > 5\n", 14, 5, ["no veiws"]),
    ("|\n    views > 5 and\n", 13, 18, ["ends where a value is expected"]),
    ("views > 5\n    and veiws > 5", 13, 9, ["no veiws"]),
    ("'device == ''x'' and veiws > 5'", 12, 27, ["no veiws"]),
    ("\"device == 'x' and veiws > 5\"", 12, 25, ["no veiws"]),
    ('"device == \\"x\\" and veiws > 5"', 12, 27, ["no veiws"]),
    ('"device == \\x22x\\x22 and veiws > 5"', 12, 6, ["no veiws"]),
    ("device == 'é' and veiws > 5", 12, 24, ["no veiws"]),
]
BEFORE = """name: shop
session: {collect: {adds: {count: Product Added}}}
attributes: {file: a.csv, customer: id, columns: {tier: text}}
features:
  views: {count: Product Viewed}
  last: {time: Product Viewed}
  x: {rate: Product Viewed}
  device: {last: context.device.type}
segments:
  other: views > 1
  more: views > 2
"""


@pytest.mark.parametrize(("spec", "column", "parts"), FEATURES)
def test_a_wrong_feature_is_told_with_its_place(
    problems_of: ProblemsOf, spec: str, column: int, parts: list[str]
) -> None:
    text = f"name: s\nfeatures: {{y: {{count: A}}, x: {spec}}}"
    [(line, found_column, message)] = problems_of(text, {"V": "geheim +"})
    assert (line, found_column) == (2, column + len("y: {count: A}, "))
    assert message.startswith("features.x")
    assert "geheim" not in message
    assert all(part in message for part in parts), message


@pytest.mark.parametrize(("spec", "line", "column", "parts"), SEGMENTS)
def test_a_wrong_segment_is_told_with_its_place(
    problems_of: ProblemsOf, spec: str, line: int, column: int, parts: list[str]
) -> None:
    [(found_line, found_column, message)] = problems_of(f"{BEFORE}  s: {spec}", {"V": "geheim"})
    assert (found_line, found_column) == (line, column), message
    assert message.startswith("segments.s")
    assert "geheim" not in message
    assert all(part in message for part in parts), message


OTHERS = [
    ("features: [a]", 2, 11, "features: found a list, expected a mapping"),
    ("features: {Ab: {count: A}}", 2, 12, 'features.Ab: found "Ab", expected a name of a-z'),
    ("segments: {a-b: 'true'}", 2, 12, 'segments.a-b: found "a-b", expected a name'),
    ("attributes:", 2, 1, "attributes: found nothing, expected a mapping"),
    (
        "attributes: {file: a, columns: {c: text}}",
        2,
        1,
        'attributes: the key "customer" is missing',
    ),
    (
        "attributes: {file: a, customer: b, columns: {}}",
        2,
        45,
        "attributes.columns: found none, expected at least 1",
    ),
    (
        "attributes: {file: a, customer: b, columns: {c: string}}",
        2,
        49,
        'attributes.columns.c: found "string", expected one of text, number, true_false',
    ),
    (
        "attributes: {file: a, customer: b, columns: {a-b: text}}",
        2,
        46,
        'attributes.columns.a-b: found "a-b", expected a name of letters',
    ),
    (
        "retention: 30d\nfeatures: {a: {count: A, over: 31d}}",
        3,
        32,
        "features.a.over: found 31d, expected less than retention (30d)",
    ),
    (
        "retention: 5d\nfeatures: {a: {count: A, per: 1w}}",
        3,
        31,
        "features.a.per: found 7d, expected less than retention (5d)",
    ),
    (
        "retention: 5d\nfeatures: {a: {count: A, half_life: 6d}}",
        3,
        37,
        "features.a.half_life: found 6d, expected less than retention (5d)",
    ),
    (
        "features: {a: {sum: properties.products[].price}}",
        2,
        40,
        "not YAML: while parsing a flow mapping",
    ),
]


@pytest.mark.parametrize(("text", "line", "column", "start"), OTHERS)
def test_what_is_wrong_around_them_is_told_as_well(
    problems_of: ProblemsOf, text: str, line: int, column: int, start: str
) -> None:
    [(found_line, found_column, message)] = problems_of(f"name: s\n{text}")
    assert (found_line, found_column) == (line, column), message
    assert message.startswith(start), message


def test_a_value_with_brackets_is_advised_to_stand_in_quotes(problems_of: ProblemsOf) -> None:
    [(_, _, message)] = problems_of("name: s\nfeatures: {a: {sum: properties.a[].b}}")
    assert "stands in quotes" in message


def test_an_attribute_without_a_file_is_told_where_its_column_is_named(
    problems_of: ProblemsOf,
) -> None:
    [(_, _, message)] = problems_of("name: s\nsegments: {a: attribute.tier == 'x'}")
    assert message.endswith("attributes are columns of the file under attributes")


def test_everything_wrong_is_told_at_once_in_the_order_of_the_file(problems_of: ProblemsOf) -> None:
    found = problems_of("""\
        name: shop
        retention: soon
        features:
          a: {count: A, over: 1m}
          b: {sum: price, of: 5}
          c: {last: traits.x}
          session: {kount: A}
        segments:
          one: a > 5 and nope > 5 and neither > 5
          two: segment.three and c
          three:
            enter: segment.two or d
            leave: b == "x"
          four: a >
        """)
    assert [(line, message.partition(":")[0]) for line, _, message in found] == [
        (2, "retention"),
        (4, "features.a.over"),
        (5, "features.b.sum"),
        (5, "features.b.of"),
        (7, "features.session"),
        (7, "features.session"),
        (9, "segments.one"),
        (9, "segments.one"),
        (10, "segments.two"),
        (12, "segments.three.enter"),
        (13, "segments.three.leave"),
        (14, "segments.four"),
    ]


def test_a_wrong_feature_brings_no_further_problem_in_its_segments(problems_of: ProblemsOf) -> None:
    [(line, _, _)] = problems_of("""\
        name: shop
        features:
          a: {coutn: A}
          b: {last: traits.x}
        segments:
          one: a > 5 and b == "x"
        """)
    assert line == 3


def test_a_cycle_is_told_once_and_whole(problems_of: ProblemsOf) -> None:
    [(line, column, message)] = problems_of("""\
        name: shop
        features: {a: {count: A}}
        segments:
          one: a > 5
          two: {enter: segment.one, leave: a > 5 and segment.four}
          three: segment.two and segment.one
          four: {when: not segment.three}
        """)
    assert (line, column) == (5, 46)
    assert message == (
        "segments.two.leave: a segment cannot depend on itself: two → four → three → two"
    )


def test_what_sessions_collect_is_offered_before_a_feature_of_that_name(
    problems_of: ProblemsOf,
) -> None:
    text = """name: s
session: {collect: {sale: {count: Order Completed}}}
features: {sales: {count: Order Completed}, visits: {count: page}}
segments: {a: session.sales > 1, b: session.visits > 1}
"""
    assert [message for _, _, message in problems_of(text)] == [
        'segments.a: there is no session.sales here; did you mean "session.sale"?',
        'segments.b: there is no session.visits here; did you mean "visits"?',
    ]
