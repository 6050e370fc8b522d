"""Reading a block at once gives what reading its lines one by one gives."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from operators.head_types import NAME_CHARACTERS
from operators.heads import LINE_BYTES, LineReader
from operators.lines import Lines, join

NOW = 1_769_851_800_000
T = '"timestamp":"2026-01-01T00:00:00Z"'
GOOD = f'{{{T},"userId":"a"}}'

LINES = [
    GOOD,
    f'{{{T},"anonymousId":"b","properties":{{"x":[1,{{"y":2}}]}}}}',
    f'{{"userId":"c",{T},"receivedAt":"2026-01-01T00:00:01.5+01:00"}}',
    '{"timestamp":"2026-01-01T00:00:00.123Z","userId":"é\\u0000\\ud83d\\ude00"}',
    f'{{{T},"userId":"","anonymousId":"d"}}',
    f'{{{T},"userId":null,"anonymousId":"e"}}',
    f'{{{T},"userId":5,"anonymousId":"f"}}',
    f'{{{T},"userId":"g","anonymousId":["x"]}}',
    f'{{{T},"userId":1,"userId":"twice"}}',
    f'{{{T},"userId":"twice","userId":1}}',
    f'{{"timestamp":1,{T},"userId":"a"}}',
    f'{{{T},"userId":"a","receivedAt":null}}',
    f'{{{T},"userId":"a","receivedAt":"soon"}}',
    f'{{{T},"userId":"a","receivedAt":7}}',
    f'{{{T},"userId":"{"n" * NAME_CHARACTERS}"}}',
    f'{{{T},"userId":"{"n" * (NAME_CHARACTERS + 1)}"}}',
    f'{{{T},"userId":"a","anonymousId":"{"n" * (NAME_CHARACTERS + 1)}"}}',
    f'{{{T},"userId":"\\ud800"}}',
    f'{{{T},"userId":"a","x":"\\udc00"}}',
    f'{{{T},"userId":"a","x":1e999,"y":{"9" * 400}}}',
    f'{{"timestamp":{"9" * 5000},"userId":"a"}}',
    f'{{{T},"userId":"a","x":NaN}}',
    f'{{{T},"userId":"a","x":"tab\tin it"}}',
    '{"timestamp":"9000-01-01T00:00:00Z","userId":"a"}',
    '{"timestamp":"2026-02-01T00:00:00Z","userId":"a"}',
    '{"timestamp":"2026-02-01T00:00:00Z","userId":"a","receivedAt":"2026-02-01T00:00:00Z"}',
    '{"timestamp":"2026-02-30T00:00:00Z","userId":"a"}',
    '{"timestamp":null,"userId":"a"}',
    '{"userId":"a"}',
    f"{{{T}}}",
    "{}",
    "",
    " ",
    "null",
    "[1]",
    "1e999",
    "x",
    GOOD + GOOD,
    f"{GOOD} {GOOD}",
    f" {GOOD} ",
    f"{GOOD}\r",
    f"{GOOD}x",
    f'{{{T},\n"userId":"a"}}',
    f'{{{T},"userId":"a","x":{{}}\n}}',
    f'{{{T},"userId":"a","x":[{{}}\n{{}}]}}',
    f'{{{T},"userId":"a","x":[\n{{}}]}}',
    f'{{{T},"userId":"a","x":"}}\n{{"}}',
    f'{{{T},"userId":"a","x":{{"y":1}}\n,"z":{{}}}}',
]
"""Lines of all sorts; those with a newline are objects over two lines."""

TEXTS = st.one_of(
    st.sampled_from(LINES).map(str.encode),
    st.just(GOOD.encode()),
    st.sampled_from([b"\xff", b'{"userId":"\xed\xa0\x80"}', b"\0", b"{\0}", b"\xef\xbb\xbf{}"]),
)


def reader() -> LineReader:
    return LineReader(future_ms=3_600_000, now_ms=NOW)


def everything(lines: Lines) -> tuple[Any, ...]:
    return (
        lines.raw,
        lines.customers,
        lines.times.tolist(),
        lines.places.tolist(),
        lines.rejected,
    )


def at_once(block: bytes) -> Lines:
    return reader().read(block, file=3, line=10, offset=100)


def one_by_one(block: bytes) -> Lines:
    """Read with the quick way switched off."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LineReader, "_read_at_once", lambda *_: None)
        return at_once(block)


@settings(deadline=None, max_examples=600)
@given(st.lists(TEXTS, min_size=1, max_size=6))
@example([(GOOD + GOOD).encode(), f'{{{T},\n"userId":"a"}}'.encode()])
@example([(GOOD + GOOD).encode(), f'{{{T},"userId":"a","x":"}}\n{{"}}'.encode()])
@example([(GOOD + GOOD).encode(), f'{{{T},"userId":"a","x":[\n{{}}]}}'.encode()])
@example([f"{GOOD} {GOOD}".encode(), f'{{{T},"userId":"a","x":{{}}\n}}'.encode()])
def test_at_once_is_the_same_as_one_by_one(texts: list[bytes]) -> None:
    block = b"\n".join(texts)
    assert everything(at_once(block)) == everything(one_by_one(block))


@settings(deadline=None, max_examples=300)
@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_a_line_fares_the_same_whatever_stands_beside_it(texts: list[bytes]) -> None:
    block = b"\n".join(texts)
    together = at_once(block)
    assert together.raw == block.split(b"\n")
    offset = 100
    for index, line in enumerate(block.split(b"\n")):
        alone = reader().read(line, file=3, line=10 + index, offset=offset)
        assert everything(together.slice(index, index + 1)) == everything(alone)
        offset += len(line) + 1


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=4,
)
NAMES = st.sampled_from(["userId", "anonymousId", "timestamp", "receivedAt", "x"])
VALUES = st.one_of(
    JSON, st.sampled_from(["a", "b", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"])
)


def dump(pairs: list[tuple[str, Any]]) -> bytes:
    """Write an object that may name a field twice."""
    return ("{" + ",".join(f"{json.dumps(k)}:{json.dumps(v)}" for k, v in pairs) + "}").encode()


@settings(deadline=None, max_examples=300)
@given(st.lists(st.lists(st.tuples(NAMES, VALUES), max_size=5).map(dump), min_size=1, max_size=4))
def test_any_objects_at_once_are_the_same_as_one_by_one(texts: list[bytes]) -> None:
    block = b"\n".join(texts)
    assert everything(at_once(block)) == everything(one_by_one(block))


def test_good_lines_are_really_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LineReader, "_read_one_by_one", lambda *_: None)
    lines = at_once(f"{GOOD}\n{LINES[1]}\n{LINES[2]}\n{LINES[3]}\n{LINES[4]}".encode())
    assert lines.customers == ["a", "b", "c", "é\0😀", "d"]
    assert lines.times.tolist()[3] - lines.times.tolist()[0] == 123


def nested(depth: int) -> bytes:
    return f'{{{T},"userId":"a","x":{"[" * depth}{"]" * depth}}}'.encode()


@pytest.mark.parametrize(("depth", "rejected"), [(200, False), (500_000, True)])
@pytest.mark.parametrize("beside", [b"", GOOD.encode() + b"\n", b"x\n"])
def test_a_deeply_nested_line_fares_the_same_whatever_stands_beside_it(
    depth: int, beside: bytes, *, rejected: bool
) -> None:
    for read in (at_once, one_by_one):
        lines = read(beside + nested(depth))
        assert (len(lines) - 1 in lines.rejected) == rejected


def test_a_line_may_be_nested_as_deep_as_anybody_needs_and_no_depth_is_a_crash() -> None:
    assert at_once(nested(200)).customers == ["a"]
    lines = at_once(nested(500_000) + b"\n" + GOOD.encode())
    assert lines.rejected[0].reason == "nested too deeply"
    assert lines.customers == ["", "a"]


REASONS = [
    ('{"userId":"a"}', "timestamp", "missing"),
    ('{"timestamp":7,"userId":"a"}', "timestamp", "expected an RFC 3339 time, got a number"),
    ('{"timestamp":"soon","userId":"a"}', "timestamp", "not an RFC 3339 time such as"),
    ('{"timestamp":"0999-12-31T23:59:59Z","userId":"a"}', "timestamp", "not an RFC 3339 time such"),
    (LINES[24], "timestamp", "too far in the future"),
    (f'{{{T},"userId":"a","receivedAt":[]}}', "receivedAt", "expected an RFC 3339 time, got an a"),
    (f"{{{T}}}", "userId", "no customer: userId and anonymousId are missing or empty"),
    (f'{{{T},"userId":{{}}}}', "userId", "expected a string, got an object"),
    (f'{{{T},"anonymousId":true}}', "anonymousId", "expected a string, got a boolean"),
    (LINES[15], "userId", "longer than 1000 characters"),
    ("", "", "the line is blank"),
    (" \t\r", "", "the line is blank"),
    ("[1]", "", "not a JSON object"),
    ("nope", "", "not JSON: "),
    (GOOD + GOOD, "", "not JSON: "),
]


@pytest.mark.parametrize(("line", "field", "reason"), REASONS)
def test_each_rejection_names_its_field_and_its_reason(line: str, field: str, reason: str) -> None:
    lines = at_once(line.encode())
    assert lines.rejected[0].stage == "route"
    assert lines.rejected[0].field == field
    assert lines.rejected[0].reason.startswith(reason)
    assert (lines.customers, lines.times.tolist()) == ([""], [0])


def test_an_integer_of_too_many_digits_is_not_called_a_wrong_type() -> None:
    rejection = at_once(LINES[20].encode()).rejected[0]
    assert "not a JSON object" not in rejection.reason


def test_an_event_may_lie_exactly_as_far_ahead_as_is_allowed() -> None:
    received = '"receivedAt":"2030-01-01T00:00:00Z"'
    allowed, refused = (
        f'{{"timestamp":"2030-01-01T01:00:00.00{ms}Z","userId":"a",{received}}}'.encode()
        for ms in (0, 1)
    )
    for block in (allowed + b"\n" + refused, refused + b"\n" + allowed, allowed + b"\n" + allowed):
        expected = [line == refused for line in block.split(b"\n")]
        for lines in (at_once(block), one_by_one(block)):
            assert [index in lines.rejected for index in range(2)] == expected


def test_lines_are_cut_and_joined_without_losing_their_rejections() -> None:
    lines = at_once(f"{GOOD}\nx\n{LINES[1]}\n\n{GOOD}".encode())
    parts = [lines.slice(0, 2), lines.slice(2, 2), lines.slice(2, 5)]
    assert everything(join(parts)) == everything(lines)
    turned = lines.take(np.array([4, 3, 1, 0, 2]))
    assert turned.customers == ["a", "", "", "a", "b"]
    assert sorted(turned.rejected) == [1, 2]
    assert turned.rejected[1].reason == "the line is blank"
    assert turned.places[1].tolist() == [14, 13, 11, 10, 12]
    assert len(join([])) == 0


def test_a_block_with_a_line_of_exactly_the_longest_length_is_read() -> None:
    longest = GOOD[:-1].encode() + b" " * (LINE_BYTES - len(GOOD)) + b"}"
    lines = at_once(GOOD.encode() + b"\n" + longest + b"\n" + longest + b" ")
    assert sorted(lines.rejected) == [2]
    assert lines.customers == ["a", "a", ""]
