"""Records that are no events: each is a dead letter as it came, and everything is accounted for."""

import json
import time
from pathlib import Path

from broker.topics import Kafka
from kafka_arrivals import START_MS
from kafka_running import KafkaRun, Record, produce
from oracle import Rules
from oracle.writing import HOUR_MS, MINUTE_MS, stamp, write

RULES = Rules(
    triggers={"welcome": {"on": "Signed Up", "after_ms": 0, "key": "properties.plan"}},
    disorder_ms=MINUTE_MS,
)
ERRORS = "__connect.errors."
MEGABYTE = 1 << 20


def event(customer: str, at_ms: int = START_MS, **changed: object) -> bytes:
    fields: dict[str, object] = {
        "userId": customer,
        "type": "track",
        "event": "Signed Up",
        "messageId": f"m-{customer}",
        "timestamp": stamp(at_ms),
    }
    return write(fields | changed)


def padded(customer: str, length: int) -> bytes:
    """Write an event of exactly so many bytes."""
    empty = len(event(customer, note=""))
    return event(customer, note="x" * (length - empty))


PRETTY = json.dumps(json.loads(event("pretty")), indent=4).encode()

GOOD: dict[str, tuple[bytes | None, bytes]] = {
    "pretty-printed": (b"pretty", PRETTY),
    "a null key": (None, event("no-key")),
    "a key that is not UTF-8": (b"\xff\xfe", event("odd-key")),
    "as long as it may be": (b"long", padded("long", MEGABYTE)),
    "with a newline at its end": (b"ended", event("ended") + b"\r\n"),
}

BAD: dict[str, tuple[bytes | None, bytes | None, str, str]] = {
    "a tombstone": (b"k", None, "route", "a tombstone: the record has no value"),
    "an empty value": (b"k", b"", "route", "the line is blank"),
    "broken JSON": (b"k", b'{"userId": "u1",', "route", "not JSON: "),
    "not UTF-8": (b"k", event("u")[:-1] + b',"note":"\xff"}', "route", "the line is not UTF-8"),
    "schema registry": (b"k", b"\0\0\0\0\x07\x02u1", "route", "what a schema registry frames"),
    "two objects": (b"k", event("u") + b"\n" + event("u"), "route", "not JSON: "),
    "too long": (b"k", padded("u", MEGABYTE + 1), "read", "longer than 1048576 bytes"),
    "no customer and a null key": (None, event(""), "route", "no customer"),
    "a key that is not UTF-8": (b"\xff\xfe", b"oops", "route", "not JSON: "),
    "of a wrong type": (b"k", event("u", properties={"plan": [1]}), "profile", "got array"),
    "no object": (b"k", b"[]", "route", "not a JSON object"),
}


def test_bad_records_are_dead_letters_as_they_came(kafka: Kafka, tmp_path: Path) -> None:
    topic = kafka.topic("bad", 1)
    own = [("trace", b"\x00\x01"), ("trace", b"again"), (f"{ERRORS}stage", b"of an earlier run")]
    for key, value in GOOD.values():
        produce(kafka.bootstrap, topic, (key, value))
    for key, bad, _, _ in BAD.values():
        produce(kafka.bootstrap, topic, (key, bad), headers=own)
    run = KafkaRun(tmp_path, kafka.bootstrap, topic, RULES, source={"readers": 1})
    with run.started() as running:
        running.wait_for_all_read()
        assert running.stop() == 0

    sent = {record.header("ce_subject"): record.key for record in run.results("triggers")}
    customers = ["pretty", "no-key", "odd-key", "long", "ended"]
    assert sent == {customer: customer.encode() for customer in customers}
    letters = {int(str(one.header(f"{ERRORS}offset"))): one for one in run.results("dead-letters")}
    assert sorted(letters) == list(range(len(GOOD), len(GOOD) + len(BAD)))
    for offset, (key, value, stage, reason) in enumerate(BAD.values(), start=len(GOOD)):
        letter = letters[offset]
        assert (letter.key, letter.value) == (key, value)
        assert letter.headers[:2] == tuple(own[:2])
        assert told(letter) >= {("topic", topic), ("partition", "0"), ("stage", stage)}
        assert reason in str(letter.header(f"{ERRORS}exception.message"))
    assert run.counts["read"] == len(GOOD) + len(BAD)
    assert (run.counts["applied"], run.counts["dead_letters"]) == (len(GOOD), len(BAD))


def told(letter: Record) -> set[tuple[str, str]]:
    """Return what the headers say of the error, without the beginning of their names."""
    return {
        (name.removeprefix(ERRORS), value.decode())
        for name, value in letter.headers
        if name.startswith(ERRORS)
    }


def test_an_event_is_in_the_future_by_its_records_time(kafka: Kafka, tmp_path: Path) -> None:
    topic = kafka.topic("future", 1)
    now = int(time.time() * 1000)
    sent = now - 10 * HOUR_MS
    for customer, ahead_ms in [("fits", HOUR_MS), ("beyond", HOUR_MS + 1000)]:
        record = (customer.encode(), event(customer, sent + ahead_ms))
        produce(kafka.bootstrap, topic, record, timestamp_ms=sent)
    received = event("received", sent + 2 * HOUR_MS, receivedAt=stamp(sent + 2 * HOUR_MS))
    produce(kafka.bootstrap, topic, (b"received", received), timestamp_ms=sent)
    run = KafkaRun(tmp_path, kafka.bootstrap, topic, RULES, source={"readers": 1})
    with run.started() as running:
        running.wait_for_all_read()
        assert running.stop() == 0
    (letter,) = run.results("dead-letters")
    assert letter.key == b"beyond"
    assert told(letter) >= {("exception.message", "too far in the future"), ("field", "timestamp")}
    assert {record.key for record in run.results("triggers")} == {b"fits", b"received"}


def test_late_events_keep_their_key_value_and_headers_and_all_is_accounted_for(
    kafka: Kafka, tmp_path: Path
) -> None:
    topic = kafka.topic("late", 1)
    first = [(b"a", event("a", START_MS)), (b"b", event("b", START_MS + HOUR_MS))]
    late = json.dumps(json.loads(event("c", START_MS)), indent=1).encode()
    produce(kafka.bootstrap, topic, *first, (b"b", event("b", START_MS + HOUR_MS)))
    produce(kafka.bootstrap, topic, (None, late), headers=[("trace", b"1"), ("trace", b"2")])
    produce(kafka.bootstrap, topic, (b"\xff", event("d", START_MS)), (b"k", b"oops"))
    run = KafkaRun(tmp_path, kafka.bootstrap, topic, RULES, source={"readers": 1})
    with run.started() as running:
        running.wait_for_all_read()
        assert running.stop() == 0
    records = run.results("late")
    assert {(one.key, one.value) for one in records} == {
        (None, late),
        (b"\xff", event("d", START_MS)),
    }
    (with_headers,) = [one for one in records if one.value == late]
    assert with_headers.headers == (("trace", b"1"), ("trace", b"2"))
    names = ("read", "applied", "duplicates", "late", "dead_letters")
    assert [run.counts[name] for name in names] == [6, 2, 1, 2, 1]
