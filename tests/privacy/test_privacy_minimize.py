"""What nobody is to see goes; all else of an event comes out byte for byte."""

import time
from contextlib import suppress
from functools import partial

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flows.privacy import minimizer
from operators.json_bytes import UnreadableError
from operators.masks import masked
from operators.privacy_plan import PrivacyPlan
from oracle.privacy import List, Member, Object, Scalar, Tree, hidden, write
from state.keyed_hash import field_hash

KEY = bytes(range(32))
NAMES = ["a", "b", "email", "ip", "ä", 'q"', "back\\slash", "", "*"]
BLANKS = st.sampled_from(["", "", "", " ", "\t ", "  "])
SCALARS = st.sampled_from(
    [
        *("1e3", "0.10", "-0", "12345678", "4111111111111111", "null", "true", "false", '""'),
        *('"x"', '"a@b.c"', '"\\u0061@b.c, 0170 1234567"', '"\\"}{,:[]"', '"\\\\"', '"ä\\n"'),
        *('"203.0.113.7 or 2001:db8::1"', '"{\\"email\\":1}"'),
    ]
)


def written(name: str, *, escaped: bool) -> str:
    if escaped and name and ord(name[0]) < 0x10000:
        return f'"\\u{ord(name[0]):04x}{msgspec.json.encode(name[1:]).decode()[1:-1]}"'
    return msgspec.json.encode(name).decode()


@st.composite
def members(draw: st.DrawFn, values: st.SearchStrategy[Tree]) -> Member:
    name = draw(st.sampled_from(NAMES))
    text = written(name, escaped=draw(st.booleans()))
    blanks = (draw(BLANKS), draw(BLANKS), draw(BLANKS), draw(BLANKS))
    return Member(text, name, draw(values), blanks)


def objects(values: st.SearchStrategy[Tree]) -> st.SearchStrategy[Object]:
    return st.lists(members(values), max_size=5).map(lambda each: Object(tuple(each)))


TREES = st.recursive(
    SCALARS.map(Scalar),
    lambda inner: st.one_of(
        objects(inner),
        st.builds(List, st.lists(inner, max_size=3).map(tuple), BLANKS),
    ),
    max_leaves=12,
)
PATHS = st.lists(st.sampled_from([name for name in NAMES if name not in {"", "*"}]), min_size=1)
PATHS = PATHS.map(lambda names: tuple(names[:3]))


@st.composite
def plans(draw: st.DrawFn) -> PrivacyPlan:
    """Draw a plan no path of which lies in another."""
    taken: list[tuple[str, ...]] = []
    kinds: dict[str, list[tuple[str, ...]]] = {"drop": [], "hash": [], "mask": []}
    for path in draw(st.lists(PATHS, max_size=6)):
        full = (*path, "*") if draw(st.integers(0, 4)) == 0 else path
        if not any(path[: len(each)] == each or each[: len(path)] == path for each in taken):
            taken.append(path)
            kinds[draw(st.sampled_from(sorted(kinds)))].append(full)
    return PrivacyPlan(*(tuple(kinds[kind]) for kind in ("drop", "hash", "mask")))


def plan(**paths: str) -> PrivacyPlan:
    """Give a plan by paths as in a config, several with blanks between."""
    return PrivacyPlan(
        **{kind: tuple(tuple(p.split(".")) for p in each.split()) for kind, each in paths.items()}
    )


def rewritten(line: str, of: PrivacyPlan) -> str:
    return minimizer(of, KEY).line(line.encode()).decode()


HASH = partial(field_hash, KEY)


@settings(deadline=None, max_examples=500)
@given(objects(TREES), plans())
@example(Object(()), plan(drop="a"))
def test_the_bytes_are_those_of_the_document_without_what_is_hidden(
    document: Object, of: PrivacyPlan
) -> None:
    assert rewritten(write(document), of) == write(hidden(document, of, HASH, masked))


@settings(deadline=None, max_examples=300)
@given(objects(TREES), plans())
def test_what_was_hidden_once_stays_as_it_is(document: Object, of: PrivacyPlan) -> None:
    """So an event may come a second time as it was written to late.jsonl or a dead letter."""
    once = rewritten(write(document), of)
    assert rewritten(once, of) == once


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=60), plans())
@example(b'{"a":1,}', plan(drop="a"))
@example(b'{"a":"\\q"}', plan(hash="a"))
@example(b'{"a":"\\ud800"}', plan(mask="a"))
@example(b'{"\\ud800":1}', plan(drop="a"))
@example(b'{"a":\xff}', plan(hash="a"))
@example(b'{"a":["b" "c"]}', plan(hash="a"))
def test_what_is_no_document_is_told_or_left_as_it_is(line: bytes, of: PrivacyPlan) -> None:
    try:
        found = minimizer(of, KEY).line(line)
    except UnreadableError:
        return
    assert isinstance(found, bytes)


@pytest.mark.parametrize(
    ("line", "of", "left"),
    [
        ('{"a":1,"b":2}', plan(drop="a"), '{"b":2}'),
        ('{"a":1,"b":2}', plan(drop="b"), '{"a":1}'),
        ('{"a":1 , "b":2 , "c":3}', plan(drop="b c"), '{"a":1 }'),
        ('{ "a" : 1 }', plan(drop="a"), "{}"),
        ('{"a":1,"\\u0061":2,"b":1e3}', plan(drop="a"), '{"b":1e3}'),
        ('{"a":[{"b":1},{"c":[2]},3,[{"b":4}]]}', plan(drop="a.b"), '{"a":[{},{"c":[2]},3,[{}]]}'),
        ('{"a":{"x":1,"y":{}},"x":0.10}', plan(drop="a.*"), '{"a":{},"x":0.10}'),
        ('{"a":"b","b":"a"}', plan(drop="a.b"), '{"a":"b","b":"a"}'),
        ('{"a":["x","a@b.c",12345678]}', plan(mask="a"), '{"a":["x","[email]","[phone]"]}'),
        ('{"a":{"a@b.c":"ok"}}', plan(mask="a"), '{"a":{"[email]":"ok"}}'),
        ('{"a":"\\u0031 2"}', plan(mask="a"), '{"a":"\\u0031 2"}'),
        ('{"a":null,"b":""}', plan(hash="a b"), '{"a":null,"b":""}'),
    ],
)
def test_what_is_left(line: str, of: PrivacyPlan, left: str) -> None:
    assert rewritten(line, of) == left


def test_a_hash_depends_on_what_a_text_says_and_not_on_how_it_is_written() -> None:
    of = plan(hash="a")
    found = {rewritten(f'{{"a":{each}}}', of) for each in ('"17"', '"\\u00317"', "17")}
    assert found == {f'{{"a":"{HASH("17")}"}}'}
    assert len(HASH("17")) == 40
    assert HASH("17") != field_hash(KEY[::-1], "17")
    assert HASH(HASH("17")) == HASH("17")
    assert HASH("0" * 40) != "0" * 40


@pytest.mark.parametrize(
    "line",
    [
        '{"a":"' + "\\\\" * 500_000 + '"}',
        '{"a":' + "[" * 400_000,
        '{"b":' + "[" * 400_000 + "]" * 400_000 + ',"a":1}',
        "{" + '"b":{' * 100_000,
        "{" + '"b":[],' * 100_000,
        '{"a":"' + "1 " * 400_000 + '"}',
        '{"a":"' + "a@" * 400_000 + '"}',
        '{"a":"' + "1:" * 400_000 + '"}',
        '{"b":[' + "[[]]," * 100_000 + '"a"',
    ],
)
def test_no_line_takes_long(line: str) -> None:
    hides = minimizer(plan(mask="a", drop="b.c"), KEY)
    started = time.process_time()
    with suppress(UnreadableError):
        hides.line(line.encode())
    assert time.process_time() - started < 5
