"""How long a payload may be, to the byte."""

import json
from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from expressions import parse
from operators.payloads import PAYLOAD_BYTES, Payload, PayloadWriter
from operators.plans import PayloadField
from operators.times import EventTime

NAMES_MOST = 50
NOW = EventTime(0)


def written(values: dict[str, Any]) -> Payload:
    """Write a payload of values that stand in a row."""
    fields = [PayloadField(name, parse(f"f{place}")) for place, name in enumerate(values)]
    slots = {f"f{place}": place for place in range(len(values))}
    return PayloadWriter(fields, slots).write(list(values.values()), {}, NOW)


def length(payload: Payload) -> int:
    """Measure a payload as it stands in a line, by another writer of JSON."""
    return len(json.dumps(payload.values, separators=(",", ":"), ensure_ascii=False).encode())


def test_a_payload_of_just_so_many_bytes_is_whole_and_one_more_is_too_long() -> None:
    frame = len('{"text":""}')
    whole = written({"text": "x" * (PAYLOAD_BYTES - frame)})
    assert (length(whole), whole.is_cut) == (65_536, False)
    assert written({"text": "x" * (PAYLOAD_BYTES - frame + 1)}) == ({"text": None}, True)


def test_bytes_count_not_characters() -> None:
    frame = len('{"text":""}')
    half = (PAYLOAD_BYTES - frame) // 2
    assert not written({"text": "é" * half}).is_cut
    assert written({"text": "é" * (half + 1)}).is_cut
    assert written({"text": '"' * (half + 1)}).is_cut  # two bytes each, as \"


def test_nulls_count_too() -> None:
    many: dict[str, Any] = {f"n{number:02d}": None for number in range(NAMES_MOST - 1)}
    frame = len(msgspec.json.encode({**many, "text": ""}))
    whole = written({**many, "text": "x" * (PAYLOAD_BYTES - frame)})
    assert (length(whole), whole.is_cut) == (PAYLOAD_BYTES, False)
    assert written({**many, "text": "x" * (PAYLOAD_BYTES - frame + 1)}).is_cut


LONG = PAYLOAD_BYTES // 4


@given(
    st.dictionaries(
        st.from_regex(r"\A[a-z][a-z0-9_.-]{0,99}\Z"),
        st.none() | st.integers(0, 10**9) | st.integers(0, PAYLOAD_BYTES).map(lambda n: "x" * n),
        max_size=NAMES_MOST,
    )
)
@example({"a": "x" * LONG, "b": "x" * LONG, "c": "x" * LONG, "d": "x" * (LONG - 30)})
@example({f"{'n' * 97}{number:03d}": "x" * 2000 for number in range(NAMES_MOST)})
def test_of_a_payload_no_more_becomes_null_than_must(values: dict[str, Any]) -> None:
    payload = written(values)
    assert length(payload) <= PAYLOAD_BYTES
    gone = [name for name in values if payload.values[name] != values[name]]
    assert payload.is_cut is bool(gone)
    assert all(payload.values[name] is None for name in gone)
    if gone:
        last = min(gone, key=lambda name: (len(str(values[name])), name))
        kept = [name for name in values if name not in gone and isinstance(values[name], str)]
        assert all(len(values[name]) <= len(str(values[last])) for name in kept)
        restored = Payload({**payload.values, last: values[last]})
        assert length(restored) > PAYLOAD_BYTES
