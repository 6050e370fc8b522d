"""Whom lines name where anonymous ids are linked: as the naive reading says, whatever they hold."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from operators.head_types import NAME_CHARACTERS
from operators.heads import LineReader
from operators.identity_plan import CustomerPath, IdentityPlan, Naming
from operators.lines import Lines, join
from oracle.input import Rejected
from oracle.naming import EXTERNAL, Whom, whom

NOW = 1 << 50
BLOCKED = ("unknown", "null")
PATHS = ("userId", "traits.email", "context.externalIds.loyalty", "properties.a.b", "traits.x y")
KINDS = {Naming.CUSTOMER: "customer", Naming.ANONYMOUS: "anonymous", Naming.LINKING: "linking"}
LONGEST, TOO_LONG = "n" * NAME_CHARACTERS, "n" * (NAME_CHARACTERS + 1)


def plan_of(paths: Sequence[str]) -> IdentityPlan:
    def compiled(path: str) -> CustomerPath:
        if path.startswith(EXTERNAL):
            return CustomerPath(("context", "externalIds"), path.removeprefix(EXTERNAL))
        return CustomerPath(tuple(path.split(".")))

    return IdentityPlan(tuple(map(compiled, paths)), frozenset(BLOCKED), 200, 1)


def read(block: bytes, paths: Sequence[str] = PATHS, *, at_once: bool = True) -> Lines:
    with pytest.MonkeyPatch.context() as patch:
        if not at_once:
            patch.setattr(LineReader, "_read_at_once", lambda *_: None)
        return LineReader(0, NOW, plan_of(paths)).read(block, file=0, line=1, offset=0)


def told(lines: Lines) -> list[Whom | None]:
    """Say whom each line names, None for one that was rejected."""
    names = lines.names
    assert names is not None
    assert len(names.naming) == len(names.anonymous) == len(lines)
    return [
        None
        if index in lines.rejected
        else Whom(KINDS[Naming(names.naming[index])], customer, names.anonymous[index])  # type: ignore[arg-type]
        for index, customer in enumerate(lines.customers)
    ]


def expected(event: dict[str, Any], paths: Sequence[str] = PATHS) -> Whom | None:
    try:
        return whom(event, paths, BLOCKED)
    except Rejected:
        return None


def dumped(event: dict[str, Any]) -> bytes:
    return json.dumps({"timestamp": "2026-01-01T00:00:00Z", **event}).encode()


IDS = st.one_of(
    st.sampled_from(["a", "b", "", *BLOCKED, "Null", "é", "e\u0301", "\0\n\x7f", "😀", TOO_LONG]),
    st.sampled_from([LONGEST, None, 5, -1.5, True, [], {}, ["a"], {"id": "a"}]),
)
ENTRIES = st.one_of(
    st.fixed_dictionaries(
        {}, optional={"id": IDS, "type": st.sampled_from(["loyalty", "other", None, 5, ["x"]])}
    ),
    st.sampled_from([None, "loyalty", 5, []]),
)
EXTERNAL_IDS = st.one_of(st.lists(ENTRIES, max_size=3), st.sampled_from([None, {}, "x", 7]))
NOT_AN_OBJECT = st.sampled_from([None, "a", 5, [], True])
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["track", "identify", "alias", "identify", "alias", None, 5, {}]),
        "userId": IDS,
        "anonymousId": IDS,
        "previousId": IDS,
        "traits": st.one_of(
            st.fixed_dictionaries({}, optional={"email": IDS, "x y": IDS, "z": IDS}), NOT_AN_OBJECT
        ),
        "context": st.one_of(
            st.fixed_dictionaries({}, optional={"externalIds": EXTERNAL_IDS}), NOT_AN_OBJECT
        ),
        "properties": st.one_of(
            st.fixed_dictionaries(
                {},
                optional={
                    "a": st.one_of(st.fixed_dictionaries({}, optional={"b": IDS}), NOT_AN_OBJECT)
                },
            ),
            NOT_AN_OBJECT,
        ),
    },
)
SOME_PATHS = st.one_of(
    st.just(["userId"]),
    st.lists(st.sampled_from(PATHS), min_size=1, unique=True),
)


@settings(deadline=None, max_examples=600)
@given(st.lists(EVENTS, min_size=1, max_size=4), SOME_PATHS)
@example([{"traits": None, "userId": "a"}], ["traits.email", "userId"])
@example([{"type": "alias", "userId": "a", "previousId": 5}], ["userId"])
def test_lines_name_whom_the_naive_reading_says(
    events: list[dict[str, Any]], paths: list[str]
) -> None:
    block = b"\n".join(map(dumped, events))
    naive = [expected(event, paths) for event in events]
    assert told(read(block, paths)) == naive
    one_by_one = read(block, paths, at_once=False)
    assert told(one_by_one) == naive
    assert read(block, paths).rejected == one_by_one.rejected


CLEAN = st.sampled_from(["a", "b", "c", "é", "e\u0301"])
GOOD = st.fixed_dictionaries(
    {"anonymousId": CLEAN},
    optional={
        "type": st.sampled_from(["track", "identify", "alias"]),
        "userId": st.one_of(CLEAN, st.sampled_from(["null", "", None])),
        "previousId": CLEAN,
        "traits": st.one_of(st.none(), st.fixed_dictionaries({}, optional={"email": CLEAN})),
        "context": st.fixed_dictionaries(
            {},
            optional={
                "externalIds": st.one_of(
                    st.none(),
                    st.lists(
                        st.fixed_dictionaries(
                            {"id": CLEAN, "type": st.sampled_from(["loyalty", "other"])}
                        ),
                        max_size=3,
                    ),
                )
            },
        ),
    },
)


@settings(deadline=None, max_examples=300)
@given(st.lists(GOOD, min_size=1, max_size=6), SOME_PATHS)
def test_good_lines_are_really_read_at_once(events: list[dict[str, Any]], paths: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LineReader, "_read_one_by_one", lambda *_: None)
        lines = read(b"\n".join(map(dumped, events)), paths)
    assert told(lines) == [expected(event, paths) for event in events]


def only(event: dict[str, Any], paths: Sequence[str] = PATHS) -> Whom | None:
    [one] = told(read(dumped(event), paths))
    [same] = told(read(dumped(event), paths, at_once=False))
    assert one == same
    return one


LINKS = [
    ({"type": "identify", "userId": "u", "anonymousId": "a"}, Whom("linking", "u", "a")),
    ({"type": "alias", "userId": "u", "previousId": "a"}, Whom("linking", "u", "a")),
    ({"type": "alias", "userId": "u", "anonymousId": "a"}, Whom("customer", "u")),
    ({"type": "identify", "userId": "u", "previousId": "a"}, Whom("customer", "u")),
    ({"type": "identify", "userId": "u", "anonymousId": "u"}, Whom("customer", "u")),
    ({"type": "Identify", "userId": "u", "anonymousId": "a"}, Whom("customer", "u")),
    ({"type": "track", "userId": "u", "anonymousId": "a"}, Whom("customer", "u")),
    ({"type": "alias", "anonymousId": "b", "previousId": "a"}, Whom("anonymous", "b", "b")),
    ({"type": "identify", "userId": "u", "anonymousId": "null"}, Whom("customer", "u")),
    ({"type": "alias", "userId": "null", "previousId": "a", "anonymousId": "b"}, None),
]


@pytest.mark.parametrize(("event", "named"), LINKS[:-1])
def test_only_identify_and_alias_link(event: dict[str, Any], named: Whom) -> None:
    assert only(event) == named


def test_an_alias_of_nobody_links_nothing() -> None:
    event, _ = LINKS[-1]
    assert only(event) == Whom("anonymous", "b", "b")


def test_the_first_path_that_is_there_and_not_blocked_counts() -> None:
    external = {"externalIds": [{"type": "other", "id": "o"}, {"type": "loyalty", "id": "l"}]}
    event: dict[str, Any] = {"traits": {"email": "e"}, "context": external, "anonymousId": "a"}
    assert only(event | {"userId": "u"}) == Whom("customer", "u")
    assert only(event | {"userId": "unknown"}) == Whom("customer", "e")
    assert only(event | {"userId": 5, "traits": {"email": ""}}) == Whom("customer", "l")
    assert only(event | {"traits": [], "context": None}) == Whom("anonymous", "a", "a")
    again = [{"type": "loyalty", "id": "null"}, {"type": "loyalty", "id": "l"}]
    assert only({"context": {"externalIds": again}, "anonymousId": "a"}) == Whom(
        "anonymous", "a", "a"
    ), "the first entry of the type counts, also where it is blocked"


REASONS: list[tuple[dict[str, Any], list[str], str, str]] = [
    ({}, ["userId"], "userId", "no customer: userId and anonymousId are missing or empty"),
    (
        {"userId": "null"},
        ["userId"],
        "userId",
        "no customer: userId and anonymousId are missing, empty or blocked",
    ),
    (
        {"anonymousId": "unknown"},
        ["traits.email", "userId"],
        "traits.email",
        "no customer: traits.email, userId and anonymousId are missing, empty or blocked",
    ),
    ({"userId": 5}, ["userId"], "userId", "expected a string, got a number"),
    ({"traits": []}, ["traits.email"], "traits", "expected an object, got an array"),
    (
        {"properties": {"a": {"b": {"c": 1}}}},
        ["properties.a.b"],
        "properties.a.b",
        "expected a string, got an object",
    ),
    (
        {"context": {"externalIds": {"loyalty": "x"}}},
        [f"{EXTERNAL}loyalty"],
        "context.externalIds",
        "expected an array, got an object",
    ),
    (
        {"context": {"externalIds": [{"type": "loyalty", "id": True}]}},
        [f"{EXTERNAL}loyalty"],
        f"{EXTERNAL}loyalty",
        "expected a string, got a boolean",
    ),
    ({"traits": {"email": TOO_LONG}}, ["traits.email"], "traits.email", "longer than 1000 charac"),
    (
        {"type": "alias", "userId": "u", "previousId": TOO_LONG},
        ["userId"],
        "previousId",
        "longer than 1000 characters",
    ),
    (
        {"type": "identify", "userId": "u", "anonymousId": 7},
        ["userId"],
        "anonymousId",
        "expected a string, got a number",
    ),
]


@pytest.mark.parametrize(("event", "paths", "field", "reason"), REASONS)
def test_each_rejection_names_its_field_and_its_reason(
    event: dict[str, Any], paths: list[str], field: str, reason: str
) -> None:
    lines = read(dumped(event), paths)
    rejection = lines.rejected[0]
    assert (rejection.stage, rejection.field) == ("route", field)
    assert rejection.reason.startswith(reason)
    assert TOO_LONG not in rejection.reason
    assert lines.customers == [""]


def test_ids_that_look_alike_are_different_ids() -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    link = {"type": "identify", "userId": composed, "anonymousId": decomposed}
    assert only(link) == Whom("linking", composed, decomposed)
    for blocked_in_other_case in ("NULL", "Unknown", " null", "null\u200b"):
        assert only({"userId": blocked_in_other_case}) == Whom("customer", blocked_in_other_case)
    assert only({"userId": "\0\u202e\n"}) == Whom("customer", "\0\u202e\n")


@pytest.mark.parametrize("field", ["userId", "anonymousId", "previousId"])
@pytest.mark.parametrize("text", [rb"\ud800", rb"x\udc00y", b"\xff", b"x" * (1 << 20)])
def test_ids_that_are_no_text_or_without_end_are_dead_letters(field: str, text: bytes) -> None:
    line = b'{"timestamp":"2026-01-01T00:00:00Z","type":"alias","%s":"%s"}'
    hostile = line % (field.encode(), text)
    good = dumped({"userId": "u"})
    lines = read(b"\n".join([good, hostile, good]))
    assert sorted(lines.rejected) == [1]
    assert told(lines)[0] == told(lines)[2] == Whom("customer", "u")
    assert len(lines.rejected[1].reason) < 200


@pytest.mark.parametrize(
    "entry", ['{"type":"x","id":"y"}', "5", "[]", '{"type":"loyalty"}', '{"type":{},"id":[]}']
)
def test_many_external_ids_of_any_shape_are_read_up_to_the_longest_line(entry: str) -> None:
    count = min(100_000, 1_000_000 // (len(entry) + 1))
    last = '{"type":"loyalty","id":"l"}'
    entries = ",".join([entry] * count + [last])
    line = (
        '{"timestamp":"2026-01-01T00:00:00Z","anonymousId":"a",'
        f'"context":{{"externalIds":[{entries}]}}}}'
    ).encode()
    [named] = told(read(line, [f"{EXTERNAL}loyalty"]))
    is_first = entry != '{"type":"loyalty"}'
    assert named == (Whom("customer", "l") if is_first else Whom("anonymous", "a", "a"))


@pytest.mark.parametrize("paths", [["userId"], list(PATHS)])
@pytest.mark.parametrize("root", ["context", "traits", "properties", "x"])
def test_a_line_of_any_depth_fares_the_same_whatever_stands_beside_it(
    root: str, paths: list[str]
) -> None:
    def nested(depth: int) -> bytes:
        inner = '{"a":' * depth + "1" + "}" * depth
        return f'{{"timestamp":"2026-01-01T00:00:00Z","anonymousId":"a","{root}":{inner}}}'.encode()

    def is_taken(depth: int, *, at_once: bool) -> bool:
        return not read(nested(depth), paths, at_once=at_once).rejected

    low, high = 100, 100_000
    assert is_taken(low, at_once=True)
    assert not is_taken(high, at_once=True)
    while high - low > 1:
        middle = (low + high) // 2
        assert is_taken(middle, at_once=True) == is_taken(middle, at_once=False)
        low, high = (middle, high) if is_taken(middle, at_once=True) else (low, middle)
    for depth in range(low - 3, high + 4):
        assert is_taken(depth, at_once=True) == is_taken(depth, at_once=False), depth


def test_names_stay_with_their_lines_when_these_are_cut_and_joined() -> None:
    events = [
        {"userId": "u"},
        {"anonymousId": "a"},
        {"type": "identify", "userId": "u", "anonymousId": "a"},
        {},
        {"anonymousId": "b"},
    ]
    lines = read(b"\n".join(map(dumped, events)), ["userId"])
    whole = told(lines)
    assert told(join([lines.slice(0, 2), lines.slice(2, 2), lines.slice(2, 5)])) == whole
    assert told(lines.take(lines.places[1][::-1] - 1)) == whole[::-1]
    cut_off = Lines(
        [b"x"], [""], lines.times[:1], lines.places[:, :1], {0: lines.rejected[3]}
    )  # as a line that is too long comes
    assert told(join([cut_off, lines])) == [None, *whole]


def test_without_identity_lines_name_their_customers_alone() -> None:
    lines = LineReader(0, NOW).read(dumped({"anonymousId": "a"}), file=0, line=1, offset=0)
    assert (lines.customers, lines.names) == (["a"], None)
    assert join([lines, lines]).names is None
