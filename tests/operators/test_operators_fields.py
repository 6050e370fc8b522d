"""Fields out of events against walking through the decoded JSON."""

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from operators.fields import Body, Field, FieldType, field_reader, read_nothing, wrong_type
from operators.rejections import RejectedError

BODIES = msgspec.json.Decoder(Body)

PARTS = st.sampled_from(["a", "b", "cart id", "é", "a.b", "class", "1", "", "$", "f61", "_x"])


def with_array(path: tuple[str, ...], place: int) -> tuple[str, ...]:
    """Make a part of a path an array; none for place 0 or one beyond it."""
    return tuple(part + "[]" * (number == place > 0) for number, part in enumerate(path))


FIELDS = st.builds(
    Field,
    st.builds(
        lambda path, length, place: with_array(path[:length], place),
        st.tuples(st.sampled_from(["properties", "context"]), PARTS, PARTS, PARTS),
        st.integers(2, 4),
        st.sampled_from([0, 0, 0, 1, 2, 3]),
    ),
    st.sampled_from(FieldType),
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**64), 2**64),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=3),
    st.just("n" * 1000),
    st.just("n" * 1001),
    st.just([]),
)
OBJECTS = st.recursive(
    LEAVES,
    lambda inner: (
        st.dictionaries(PARTS, inner, max_size=4)
        | st.lists(st.dictionaries(PARTS, inner, max_size=3) | inner, max_size=3)
    ),
    max_leaves=12,
)

INTEGERS = range(-(2**63), 2**63)


class WrongError(Exception):
    """A value has the wrong type; the text is its path."""


def naive(event: dict[str, Any], field: Field) -> Any:
    path, field_type = field
    return walk(event, path, 0, field_type)


def walk(value: Any, path: tuple[str, ...], depth: int, field_type: FieldType) -> Any:
    """Follow a path from some depth on; raise at the first value that is of no use."""
    place = ".".join(path[:depth])
    if value is None:
        return None
    if depth and path[depth - 1].endswith("[]"):
        if not isinstance(value, list):
            raise WrongError(place.removesuffix("[]"))
        return [follow(item, path, depth, field_type) for item in value][:1000]
    return follow(value, path, depth, field_type)


def follow(value: Any, path: tuple[str, ...], depth: int, field_type: FieldType) -> Any:
    """Go one part further, or take the value at the end."""
    place = ".".join(path[:depth])
    if value is None:
        return None
    if depth < len(path):
        if not isinstance(value, dict):
            raise WrongError(place)
        return walk(value.get(path[depth].removesuffix("[]")), path, depth + 1, field_type)
    if not fits(value, field_type):
        raise WrongError(place)
    return float(value) if field_type is FieldType.NUMBER else value


def fits(value: Any, field_type: FieldType) -> bool:
    if isinstance(value, bool):
        return field_type is FieldType.SCALAR
    if isinstance(value, str):
        return field_type is not FieldType.NUMBER and len(value) <= 1000
    if isinstance(value, int):
        return field_type is FieldType.NUMBER or value in INTEGERS
    return isinstance(value, float)


def typed(values: Any) -> list[tuple[type, Any]]:
    return [(type(value), value) for value in values]


def read(event: dict[str, Any], *wanted: Field) -> Any:
    return field_reader(wanted)(BODIES.decode(json.dumps({"type": "track", **event})))


@settings(deadline=None, max_examples=500)
@given(
    st.lists(FIELDS, min_size=1, max_size=5),
    st.fixed_dictionaries({}, optional=dict.fromkeys(["properties", "context", "traits"], OBJECTS)),
)
@example([Field(("properties", "a"), FieldType.KEY)], {"properties": {"a": 2**63}})
def test_fields_are_what_a_walk_through_the_event_finds(
    wanted: list[Field], event: dict[str, Any]
) -> None:
    expected: list[Any] = []
    wrong: set[str] = set()
    for field in wanted:
        try:
            expected.append(naive(event, field))
        except WrongError as error:
            wrong.add(str(error))
    if wrong:
        with pytest.raises(RejectedError) as caught:
            read(event, *wanted)
        rejection = caught.value.rejection
        place = re.sub(r"\[\d+\]", "[]", rejection.field)
        assert (rejection.stage, place in wrong) == ("profile", True), rejection
    else:
        assert typed(read(event, *wanted))[: len(wanted)] == typed(expected)


def test_a_path_into_an_array_gives_a_value_for_each_item() -> None:
    event = {"properties": {"products": [{"price": 2}, None, {}, {"price": 0.5}], "tags": ["a", 1]}}
    price = Field(("properties", "products[]", "price"), NUMBER)
    tags = Field(("properties", "tags[]"), SCALAR)
    assert typed(read(event, price)[0]) == typed([2.0, None, None, 0.5])
    assert list(read(event, tags, price)) == [["a", 1], [2.0, None, None, 0.5]]
    for none in ({}, {"properties": None}, {"properties": {}}, {"properties": {"products": None}}):
        assert list(read(none, price)) == [None]
    assert list(read({"properties": {"products": []}}, price)) == [[]]


def test_one_part_may_be_read_as_an_array_and_as_an_object() -> None:
    price = Field(("properties", "products[]", "price"), NUMBER)
    other = Field(("properties", "products", "price"), NUMBER)
    assert list(read({"properties": {"products": None}}, price, other)) == [None, None]
    for products in ([], {}):
        with pytest.raises(RejectedError):
            read({"properties": {"products": products}}, price, other)


def test_of_a_long_array_the_first_items_are_read() -> None:
    event = {"properties": {"products": [{"price": n} for n in range(1500)]}}
    [prices] = read(event, Field(("properties", "products[]", "price"), NUMBER))
    assert prices == list(range(1000))


NUMBER, KEY, SCALAR = FieldType.NUMBER, FieldType.KEY, FieldType.SCALAR


@pytest.mark.parametrize(
    "event", [{}, {"properties": None}, {"properties": {}}, {"properties": {"cart": None}}]
)
def test_null_and_missing_are_the_same_at_every_level(event: dict[str, Any]) -> None:
    [value, *_] = read(event, Field(("properties", "cart", "id"), KEY))
    assert value is None
    [value, *_] = read(event, Field(("properties", "cart"), KEY))
    assert value is None


def test_a_field_and_one_inside_it_may_both_be_wanted() -> None:
    wanted = (Field(("properties", "a"), KEY), Field(("properties", "a", "b"), NUMBER))
    assert list(read({"properties": {"a": None}}, *wanted)) == [None, None]
    with pytest.raises(RejectedError):
        read({"properties": {"a": {"b": 1}}}, *wanted)
    with pytest.raises(RejectedError):
        read({"properties": {"a": "x"}}, *wanted)


def test_one_field_may_be_wanted_as_two_types() -> None:
    wanted = (Field(("properties", "a"), NUMBER), Field(("properties", "a"), SCALAR))
    assert typed(read({"properties": {"a": 3}}, *wanted)) == [(float, 3.0), (int, 3)]
    with pytest.raises(RejectedError):
        read({"properties": {"a": "3"}}, *wanted)


@pytest.mark.parametrize(
    ("event", "field", "place", "reason"),
    [
        (
            {"properties": {"price": "9"}},
            Field(("properties", "price"), NUMBER),
            "properties.price",
            "",
        ),
        ({"properties": []}, Field(("properties", "price"), NUMBER), "properties", "got array"),
        (
            {"properties": {"products": [{}, {"price": "9"}]}},
            Field(("properties", "products[]", "price"), NUMBER),
            "properties.products[1].price",
            "got str",
        ),
        (
            {"properties": {"products": [3]}},
            Field(("properties", "products[]", "price"), NUMBER),
            "properties.products[0]",
            "got int",
        ),
        ({"properties": {"tags": {}}}, Field(("properties", "tags[]"), KEY), "properties.tags", ""),
        (
            {"context": {"a": {"b": []}}},
            Field(("context", "a", "b"), KEY),
            "context.a.b",
            "got array",
        ),
        ({"context": {"a": 1}}, Field(("context", "a", "b"), KEY), "context.a", "got int"),
        ({"traits": {"cart id": {}}}, Field(("traits", "cart id"), SCALAR), "traits.cart id", ""),
        ({"traits": {"a": True}}, Field(("traits", "a"), KEY), "traits.a", "got bool"),
    ],
)
def test_a_wrong_type_is_rejected_with_the_path_of_the_field(
    event: dict[str, Any], field: Field, place: str, reason: str
) -> None:
    with pytest.raises(RejectedError) as caught:
        read(event, field)
    rejection = caught.value.rejection
    assert (rejection.stage, rejection.field) == ("profile", place)
    assert reason in rejection.reason
    assert "Expected" in rejection.reason
    assert "`" not in rejection.reason


def test_fields_that_no_rule_uses_may_hold_anything() -> None:
    event = {"properties": {"a": 1, "b": [{}], "c": "x" * 5000}, "context": 7, "event": [1]}
    assert read(event, Field(("properties", "a"), NUMBER))[0] == 1.0
    assert list(read_nothing(BODIES.decode(json.dumps({"type": "track", **event})))) == []


def test_the_last_of_two_values_of_one_name_counts() -> None:
    read_price = field_reader([Field(("properties", "price"), NUMBER)])
    body = BODIES.decode(
        '{"type":"track","properties":{"price":1},"properties":{"price":2,"price":3}}'
    )
    assert read_price(body)[0] == 3.0


def test_a_number_that_no_float_can_hold_is_rejected() -> None:
    read_price = field_reader([Field(("properties", "price"), NUMBER)])
    for number in ("1e400", "-1e400", "9" * 400, "9" * 5000):
        with pytest.raises(RejectedError) as caught:
            read_price(BODIES.decode(f'{{"type":"track","properties":{{"price":{number}}}}}'))
        assert caught.value.rejection.field == "properties.price"


def test_a_field_that_is_nested_too_deeply_is_rejected() -> None:
    read_price = field_reader([Field(("properties", "price"), NUMBER)])
    body = Body("track", properties=msgspec.Raw(b'{"x":' + b"[" * 200_000 + b"]" * 200_000 + b"}"))
    with pytest.raises(RejectedError) as caught:
        read_price(body)
    assert (caught.value.rejection.reason, caught.value.rejection.field) == (
        "nested too deeply",
        "properties",
    )


@pytest.mark.parametrize(
    ("event", "field", "reason"),
    [
        (b'{"event":"x"}', "type", "missing"),
        (b'{"type":null}', "type", "Expected str, got null"),
        (b'{"type":"track","messageId":5}', "messageId", "Expected str | null, got int"),
    ],
)
def test_a_wrong_event_is_rejected_with_its_field(event: bytes, field: str, reason: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        BODIES.decode(event)
    assert wrong_type(caught.value)[1:3] == (reason, field)
