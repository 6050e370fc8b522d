"""Every kind of output as the line that is written, to the byte."""

import base64
import hashlib
import json
import random
from hashlib import blake2b

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.dead_letters import RECORD_BYTES
from connectors.rendering import render_line, render_record
from operators.decisions import Subject, Verdict, decision, message
from operators.instances import Instance
from operators.outputs import DeadLetter, LateEvent, Original, Record
from operators.payloads import Payload
from operators.rejections import KEPT_BYTES, Partition, Place, Rejection
from operators.times import EventTime

TIME = EventTime(1_769_851_800_123)
OPENED = EventTime(TIME - 3_600_000)
INSTANCE = Instance(OPENED, TIME, "cart-1", ["m2", "m1"], started=OPENED)
SUBJECT = Subject("shop", "cart_abandoned", "0123abcd", 'zoë "z"', INSTANCE)
INSTANCE_ID = "04cb6b2be1e0225617f7f22e837d3a95"


def text(output: Record | LateEvent | DeadLetter) -> str:
    return render_line("shop", output).text.decode()


def test_a_closed_session() -> None:
    data: dict[str, object] = {
        "session_id": "5e55",
        "start": "2026-01-31T09:00:00.000Z",
        "end": "2026-01-31T09:00:00.123Z",
        "duration_s": 0.123,
        "events": 2,
        "revision": 1,
        "revenue": 19.9,
        "first_item": None,
        "many": 64,
        "many_exact": False,
    }
    line = render_line("shop", Record("session.closed", "5e55-1", "u/1", TIME, data))
    assert line[:3] == (TIME, "u/1", "5e55-1")
    assert line.text == (
        b'{"specversion":"1.0","id":"5e55-1","source":"cartwheel/shop",'
        b'"type":"cartwheel.session.closed","subject":"u/1","time":"2026-01-31T09:30:00.123Z",'
        b'"datacontenttype":"application/json","data":{"session_id":"5e55",'
        b'"start":"2026-01-31T09:00:00.000Z","end":"2026-01-31T09:00:00.123Z","duration_s":0.123,'
        b'"events":2,"revision":1,"revenue":19.9,"first_item":null,"many":64,"many_exact":false}}'
    )


def test_the_id_of_an_instance_is_the_digest_of_what_it_is_about() -> None:
    parts = '["instance","shop","cart_abandoned","zoë \\"z\\"","cart-1",1769848200123]'
    assert blake2b(parts.encode(), digest_size=16).hexdigest() == INSTANCE_ID
    assert SUBJECT.id == INSTANCE_ID


def test_a_message_that_is_sent() -> None:
    payload = Payload({"value": 7.5})
    assert text(message(SUBJECT, TIME, "email", payload)) == (
        f'{{"specversion":"1.0","id":"{INSTANCE_ID}-sent","source":"cartwheel/shop",'
        '"type":"cartwheel.trigger.sent","subject":"zoë \\"z\\"",'
        '"time":"2026-01-31T09:30:00.123Z","datacontenttype":"application/json",'
        f'"data":{{"trigger":"cart_abandoned","version":"0123abcd","instance":"{INSTANCE_ID}",'
        '"key":"cart-1","started":"2026-01-31T08:30:00.123Z","due":"2026-01-31T09:30:00.123Z",'
        '"channel":"email","cause":["m1","m2"],"payload":{"value":7.5}}}'
    )


@pytest.mark.parametrize(
    ("outcome", "reason", "cause", "ending"),
    [
        ("sent", None, None, '"outcome":"sent","reason":null,"cause":null'),
        ("cancelled", None, "m9", '"outcome":"cancelled","reason":null,"cause":"m9"'),
        ("superseded", None, "m8", '"outcome":"superseded","reason":null,"cause":"m8"'),
        ("suppressed", "again", None, '"outcome":"suppressed","reason":"again","cause":null'),
    ],
)
def test_a_decision(outcome: str, reason: str | None, cause: str | None, ending: str) -> None:
    assert text(decision(SUBJECT, Verdict(TIME, outcome, reason=reason, cause=cause))) == (
        f'{{"specversion":"1.0","id":"{INSTANCE_ID}-decision","source":"cartwheel/shop",'
        '"type":"cartwheel.decision","subject":"zoë \\"z\\"",'
        '"time":"2026-01-31T09:30:00.123Z","datacontenttype":"application/json",'
        f'"data":{{"trigger":"cart_abandoned","version":"0123abcd","instance":"{INSTANCE_ID}",'
        '"key":"cart-1","started":"2026-01-31T08:30:00.123Z","due":"2026-01-31T09:30:00.123Z",'
        f"{ending}}}}}"
    )


def test_a_decision_names_the_limit_that_was_reached() -> None:
    verdict = Verdict(TIME, "suppressed", "limit", None, "at most 3 per 7d, channel email")
    line = text(decision(SUBJECT, verdict))
    assert line.endswith(
        '"reason":"limit","limit":"at most 3 per 7d, channel email","cause":null}}'
    )


def test_a_late_event_is_written_as_it_came() -> None:
    original = b'{ "userId":"a",\t"x": 1.0, "x": 2}\r'
    line = render_line("shop", LateEvent(TIME, "a", Original(b"a", original)))
    assert line[:4] == (TIME, "a", "", original)


def test_a_dead_letter_with_its_text() -> None:
    place = Place("in/events.jsonl", 17, 2048)
    rejection = Rejection("profile", "expected a number, got a string", "properties.price")
    line = render_line(
        "shop", DeadLetter(place, rejection, Original(None, 'zoë "\0"\t\x7f'.encode()))
    )
    assert line[:3] == (17, "in/events.jsonl", "")
    assert line.text.decode() == (
        '{"file":"in/events.jsonl","line":17,"offset":2048,"stage":"profile",'
        '"reason":"expected a number, got a string","field":"properties.price",'
        '"original":"zoë \\"\\u0000\\"\\t\x7f"}'
    )


def test_a_dead_letter_that_is_no_text_is_in_base64() -> None:
    letter = DeadLetter(
        Place("f", 1, 0), Rejection("route", "the line is not UTF-8"), Original(None, b"\xff\xfe\n")
    )
    assert text(letter) == (
        '{"file":"f","line":1,"offset":0,"stage":"route","reason":"the line is not UTF-8",'
        '"field":null,"original_base64":"//4K"}'
    )


def test_a_dead_letter_of_an_overlong_line_has_its_length_and_digest() -> None:
    rejection = Rejection("read", "the line is too long", "", 5_000_000, "ab12")
    assert text(DeadLetter(Place("f", 1, 0), rejection, Original(None, b"{}"))) == (
        '{"file":"f","line":1,"offset":0,"stage":"read","reason":"the line is too long",'
        '"field":null,"length":5000000,"sha256":"ab12","original":"{}"}'
    )


@settings(deadline=None, max_examples=200)
@given(st.one_of(st.binary(max_size=50), st.text(max_size=20).map(str.encode)))
def test_any_dead_letter_is_one_line_of_json_that_holds_the_original(original: bytes) -> None:
    line = render_line(
        "shop", DeadLetter(Place("f", 1, 0), Rejection("route", "why"), Original(None, original))
    )
    assert b"\n" not in line.text
    fields = json.loads(line.text)
    if "original" in fields:
        assert fields["original"].encode() == original
    else:
        assert base64.b64decode(fields["original_base64"]) == original
        with pytest.raises(UnicodeDecodeError):
            original.decode()


def test_a_dead_letter_that_might_not_fit_into_a_topic_keeps_its_beginning() -> None:
    value = random.Random(1).randbytes(RECORD_BYTES + 1)
    letter = DeadLetter(
        Place(Partition("events", 3), 0, 7), Rejection("route", "why"), Original(b"k", value)
    )
    record = render_record("shop", letter)
    headers = dict(record.headers)
    assert record.text == value[:KEPT_BYTES]
    assert headers["__connect.errors.length"] == str(RECORD_BYTES + 1).encode()
    assert headers["__connect.errors.sha256"] == hashlib.sha256(value).hexdigest().encode()
    for whole in (value[:-100_000], b"x" * len(value)):
        same = letter._replace(original=Original(b"k", whole))
        assert render_record("shop", same).text == whole


def test_a_dead_letter_in_a_topic_keeps_what_came_and_says_what_was_wrong() -> None:
    before = (("trace", b"\xff"), ("trace", None), ("__connect.errors.stage", b"old"))
    letter = DeadLetter(
        Place(Partition("events", 3), 0, 7),
        Rejection("profile", "expected a number", "properties.price"),
        Original(b"\xfe", None, before),
    )
    record = render_record("shop", letter)
    assert (record.key, record.is_null) == (b"\xfe", True)
    assert record.headers == (
        ("trace", b"\xff"),
        ("trace", None),
        ("__connect.errors.topic", b"events"),
        ("__connect.errors.partition", b"3"),
        ("__connect.errors.offset", b"7"),
        ("__connect.errors.stage", b"profile"),
        ("__connect.errors.exception.message", b"expected a number"),
        ("__connect.errors.field", b"properties.price"),
    )
