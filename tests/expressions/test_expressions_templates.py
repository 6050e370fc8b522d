"""Templates: what they write, what they refuse, and that no template and no value does harm."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from expressions import DictScope, ExpressionError, Type
from expressions.template_values import FILTERS
from expressions.templates import compile_template, mistakes_in, names_in, problems

VALUES: dict[str, Any] = {
    "trait.first_name": "Ann",
    "event.properties.name": "<Shoe> & co",
    "cart_value": 20.5,
    "orders": 3,
    "price": 1.005,
    "whole": 20.0,
    "flag": True,
    "items": ["b", "a", 3, "a"],
    "none": None,
}
WRITTEN = [
    ("Hi {{ trait.first_name }}, {{ event.properties.name }}", "Hi Ann, <Shoe> & co"),
    ("{{ cart_value }} {{ whole }} {{ orders }} {{ flag }}", "20.5 20 3 true"),
    ("{{ none }}|{{ nobody }}|{{ trait.nothing.at.all }}", "||"),
    ("{{ items }} {{ items | join('-') }}", "b, a, 3, a b-a-3-a"),
    ("{{ items[0] }} {{ items[-1] }} {{ items[99] }} {{ orders[0] }}", "b a  "),
    ("{{ items[:2] }} {{ items[1:] }} {{ trait.first_name[:1] }}", "b, a a, 3, a A"),
    ("{{ items | first }} {{ items | last }} {{ items | length }}", "b a 4"),
    ("{{ items | reverse }} {{ items | unique }}", "a, 3, a, b b, a, 3"),
    ("{{ orders + 1 }} {{ orders * 2 }} {{ 7 // 2 }} {{ 7 % 4 }} {{ -orders }}", "4 6 3 3 -3"),
    ("{{ orders / 0 }}|{{ 'a' * 3 }}|{{ none + 1 }}|{{ 'a' + 1 }}", "|||"),
    ("{{ 'a' + 'b' }} {{ 'a' ~ 1 ~ none ~ flag }}", "ab a1true"),
    ("{% if orders > 2 and cart_value < 21 %}yes{% else %}no{% endif %}", "yes"),
    ("{% if none > 2 %}a{% elif none != 2 %}b{% elif none is missing %}c{% endif %}", "c"),
    ("{{ 'x' if orders > 5 else 'y' }}{{ 'z' if orders > 5 }}", "y"),
    ("{{ none or trait.first_name }} {{ not none }}", "Ann true"),
    ("{{ 'a' in items }} {{ 4 in items }} {{ 'n' in trait.first_name }}", "true false true"),
    ("{{ orders in [1, 3] }} {{ 3 not in (1, 3) }} {{ true in [1] }}", "true false false"),
    ("{{ 'a' < 'b' }} {{ 'a' < 1 }} {{ 1 == 1.0 }} {{ true == 1 }}", "true false true false"),
    ("{{ trait.first_name is defined }} {{ none is defined }}", "true false"),
    ("{% for i in items if i != 'a' %}{{ loop.index }}{{ i }} {% endfor %}", "1b 23 "),
    ("{% for i in items %}{{ i }}{% if not loop.last %}, {% endif %}{% endfor %}", "b, a, 3, a"),
    ("{% for i in items %}{{ i }}{{ items[loop.index0] }} {% endfor %}", "bb aa 33 aa "),
    ("{% for i in items %}{{ orders[loop.index0] }}{% endfor %}", ""),
    ("{% for i in none %}x{% else %}nothing{% endfor %}", "nothing"),
    ("{% for i in trait.first_name %}x{% endfor %}", ""),
    ("{% for a in items %}{% for b in items %}{{ b }}{% endfor %} {% endfor %}", "ba3a " * 4),
    ("{{ '%.2f' | format(cart_value) }} {{ '%03d%%' | format(orders) }}", "20.50 003%"),
    ("{{ '%s!' | format(orders) }} {{ '%.2f' | format('x') }}", "3! "),
    ("{{ price | round(2) }} {{ cart_value | round }} {{ -2.5 | round }}", "1.01 21 -3"),
    ("{{ trait.first_name | upper }} {{ 'a b' | title }} {{ none | upper }}|", "ANN A B |"),
    ("{{ none | default('you') }} {{ none | d }}|{{ orders | default(5) }}", "you |3"),
    ("{{ event.properties.name | e }}", "&lt;Shoe&gt; &amp; co"),
    ("{{ 'a b/c?' | urlencode }}", "a%20b/c%3F"),
    ("{{ 'banana' | replace('a', 'o') }} {{ 'abcdef' | truncate(4) }}", "bonono abc…"),
    ("{{ -5 | abs }} {{ ' a ' | trim }} {{ 'ABC' | lower | capitalize }}", "5 a Abc"),
    ("{# nothing #}{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
    ("a\n{% if flag %}\nb\n{% endif %}\nc\n", "a\nb\nc"),
]


@pytest.mark.parametrize(("template", "text"), WRITTEN)
def test_a_template_writes(template: str, text: str) -> None:
    assert mistakes_in(template) == []
    assert compile_template(template)(VALUES) == text
    assert compile_template(template)(VALUES) == text, "the same when it is compiled again"


def test_the_names_of_a_template_are_known_with_their_dots() -> None:
    template = """{{ a.b.c | default(d) }} {% for x in e.f if x > g %}{{ x }}{{ loop.index }}
        {% endfor %}{{ x }}{% if h is missing %}{{ i[0] }}{% endif %}{{ a.b.c }}{{ "j" }}"""
    assert names_in(template) == ["a.b.c", "d", "e.f", "g", "x", "h", "i"]
    assert names_in("no names") == names_in("{{ broken") == []


REFUSED = [
    *("{{ a() }}", "{{ a.upper() }}", "{{ range(9) }}", "{{ self.x() }}", "{{ lipsum() }}"),
    *("{{ 2 ** 9 }}", "{% set a = 5 %}", "{% set a %}b{% endset %}", "{% include 'a' %}"),
    *("{% import 'a' as b %}", "{% from 'a' import b %}", "{% extends 'a' %}"),
    *("{% block a %}{% endblock %}", "{% macro a() %}{% endmacro %}", "{{ {'a': 1} }}"),
    *(
        "{% call a() %}{% endcall %}",
        "{% filter upper %}a{% endfilter %}",
        "{% with %}{% endwith %}",
    ),
    *("{% autoescape true %}{% endautoescape %}", "{{ ''.__class__ }}", "{{ (a | first).b }}"),
    *("{{ a['b'] }}", "{{ a[b] }}", "{{ a[::2] }}", "{{ a | attr('b') }}", "{{ a | map('b') }}"),
    *(
        "{{ a | tojson }}",
        "{{ a | center(99) }}",
        "{{ '%9999d' | format(a) }}",
        "{{ 'a' | format }}",
    ),
    *(
        "{{ '%s%s' | format(a) }}",
        "{{ a | format(b) }}",
        "{{ a | upper(1) }}",
        "{{ a | join(*b) }}",
    ),
    *("{{ a | join(x=b) }}", "{{ a is even }}", "{{ a is defined(1) }}", "{{ a < b < c }}"),
    *("{{ 1e999 }}", "{{ 1234567890123456 }}", f"{{{{ {'9' * 5000} }}}}", "{{ +a }}"),
    *("{{ '\\ud800' }}", "{{ a | replace('b', '\\ud83d\\ude00') }}"),
    *("{% for a, b in c %}{% endfor %}", "{% for loop in a %}{% endfor %}"),
    *("{% for _values in a %}{{ _values }}{% endfor %}", "{% for a in b recursive %}{% endfor %}"),
    *("{% for a in b %}{{ a.c }}{% endfor %}", "{% for a in b %}" * 11 + "{% endfor %}" * 11),
    "{% for a in x %}{% for b in x %}{% for c in x %}{% endfor %}{% endfor %}{% endfor %}",
    "{% for a in x %}{% endfor %}" * 11,
    "{% if a %}" * 30 + "{% endif %}" * 30,
    "{{ " + "(" * 500 + "a" + ")" * 500 + " }}",
    "{{ a" + " + a" * 500 + " }}",
    "{{ " + "not " * 500 + "a }}",
    *("{{ a", "{% if a %}", "{% endif %}", "{{ }}", "{{ a b }}", "{% nope %}", "{{ a | }}", "{# a"),
    "x" * 10_001,
]


@pytest.mark.parametrize("template", REFUSED, ids=lambda text: text[:30])
def test_what_could_do_harm_or_means_nothing_is_refused(template: str) -> None:
    found = mistakes_in(template)
    assert found
    assert all(0 <= each.start <= each.end <= len(template) for each in found)
    assert all(each.message.isprintable() for each in found)
    with pytest.raises(ExpressionError):
        compile_template(template)


SCOPE = DictScope(
    {"orders": Type.NUMBER, "items": Type.LIST, "last": Type.TIME}, {"trait.": Type.ANY}
)


def test_each_mistake_is_told_at_its_place() -> None:
    template = "items {{ itms }}\n{% for a in orders %}{{ a }}{% endfor %} {{ ordrs | uper }}"
    told = [(each.start, str(each)) for each in problems(template, SCOPE)]
    assert told == [
        (9, "there is no itms here; did you mean items?"),
        (29, "orders is a number, and a loop goes over a list"),
        (61, "there is no ordrs here; did you mean orders?"),
        (69, "there is no filter uper; did you mean upper?"),
    ]


def test_lists_and_what_may_be_one_can_be_gone_over() -> None:
    template = "{% for a in items %}{% for b in trait.list %}{{ last }}{% endfor %}{% endfor %}"
    assert problems(template, SCOPE) == []


def test_every_filter_is_described_and_works_on_anything() -> None:
    anything = [
        None,
        True,
        5,
        -0.5,
        10**30,
        float("inf"),
        float("nan"),
        "",
        "a%s",
        [],
        ["a", 1, []],
    ]
    for name, apply in FILTERS.items():
        for value in anything:
            arguments = {"replace": ["a", "b"], "format": [5]}.get(name, [])
            apply(value, *arguments)
            for other in anything:
                apply(value, *[other] * len(arguments))


BOMBS = [
    "{% for a in items %}{% for b in items %}{{ long }}{% endfor %}{% endfor %}",
    "{{ long" + " | replace('x', long)" * 9 + " }}",
    "{{ long" + " ~ long" * 90 + " }}",
    "{{ items" + " | join(long)" * 9 + " }}",
    "{{ [long, long, long] | join(long) | replace('x', long) | escape | urlencode }}",
    "{{ 999999999999999" + " * 999999999999999" * 9 + " }}",
    "{{ '%99.99f' | format(999999999999999) }}" * 200,
]


@pytest.mark.parametrize("template", BOMBS, ids=lambda text: text[:30])
def test_nothing_grows_beyond_its_bound(template: str) -> None:
    values = {"long": "x" * 10_000, "items": ["<" * 1_000] * 100}
    text = compile_template(template)(values)
    assert len(text) <= 10_000


def test_a_text_that_is_too_long_is_cut_and_says_so() -> None:
    write = compile_template("{{ a }}{{ b }}")
    assert write({"a": "x" * 10_000}) == "x" * 10_000
    assert write({"a": "x" * 10_000, "b": "y"}) == "x" * 9_999 + "…"


PIECES = st.sampled_from(
    [
        *("{{ ", " }}", "{% ", " %}", "if ", "for i in ", "endif", "endfor", "else", "elif ", "a"),
        *("trait.b", "items", "loop.index", "i", " | ", "upper", "join(a)", "round(2)", "default"),
        *("format(a)", "'%.1f'", "'x'", "5", "2.5", " + ", " * ", " ~ ", " and ", " not ", " in "),
        *(
            " < ",
            " == ",
            "[0]",
            "[1:]",
            "(",
            ")",
            "[",
            "]",
            ", ",
            "-",
            " is missing",
            " if ",
            " else ",
        ),
        *(
            "\n",
            "text",
            "{#",
            "#}",
            "{%-",
            "-%}",
            "set x = ",
            "é",
            "\u2028",
            "\x00",
            "raw",
            "endraw",
        ),
    ]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=4,
)
EXPRESSIONS = st.recursive(
    st.sampled_from(["a", "trait.b", "items", "5", "2.5", "'x'", "'%.1f'", "true", "none", "i"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%", "~"]), inner).map(
            " ".join
        ),
        st.tuples(inner, st.sampled_from(["<", "==", "in", "not in", "and", "or"]), inner).map(
            lambda parts: f"({' '.join(parts)})"
        ),
        st.tuples(inner, st.sampled_from([*FILTERS])).map(" | ".join),
        st.tuples(inner, inner).map(lambda parts: f"({parts[0]} | join({parts[1]}))"),
        st.tuples(inner, inner).map(lambda parts: f"({parts[0]} | replace({parts[1]}, 'y'))"),
        st.tuples(inner, inner).map(lambda parts: f"({parts[0]} | round({parts[1]}))"),
        inner.map(lambda each: f"('%.1f' | format({each}))"),
        inner.map(lambda each: f"(-{each})"),
        inner.map(lambda each: f"({each})[0]"),
        st.tuples(inner, inner).map(lambda parts: f"({parts[0]} if {parts[1]})"),
    ),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(pieces=st.lists(PIECES | st.text(max_size=3), max_size=12))
@example(pieces=["{{ ", "'x'", "é"])
def test_any_text_is_a_template_or_is_told_what_is_wrong(pieces: list[str]) -> None:
    template = "".join(pieces)
    found = problems(template, DictScope({}))
    assert all(0 <= each.start <= len(template) for each in found)
    assert all(len(str(each).splitlines()) == 1 for each in found)
    if not mistakes_in(template):
        assert isinstance(compile_template(template)({}), str)


@settings(max_examples=300, deadline=None)
@given(
    expression=EXPRESSIONS,
    values=st.fixed_dictionaries({"a": ANYTHING, "trait.b": ANYTHING, "items": ANYTHING}),
)
def test_no_value_makes_a_template_fail(expression: str, values: dict[str, Any]) -> None:
    template = f"{{{{ {expression} }}}}{{% for i in items %}}{{{{ {expression} }}}}{{% endfor %}}"
    if not mistakes_in(template):
        text = compile_template(template)(values)
        assert len(text) <= 10_000
