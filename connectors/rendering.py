"""Outputs as they are written: as lines of files, or as records of topics.

This is the one place that formats what is written: CloudEvents 1.0 (structured in files, binary
mode in topics), late events as they came, dead letters.
"""

from typing import NamedTuple

import msgspec

from connectors import dead_letters
from operators.lines import Headers
from operators.outputs import DeadLetter, LateEvent, Output, Record, Tombstone
from operators.rejections import Partition
from operators.times import format_time

_JSON = b"application/json"
_CONTENT_TYPE = ("content-type", _JSON)


class Line(NamedTuple):
    """A line or a record to be written.

    Attributes:
        time: event time in ms; the line's number or the offset for a dead letter.
        subject: the customer; where it was read from for a dead letter.
        id: of the output, where it has one.
        text: the line without its newline, or the record's value.
        key: of the record.
        headers: of the record.
        is_null: whether the record has no value at all, and ``text`` is empty.
    """

    time: int
    subject: str
    id: str
    text: bytes
    key: bytes | None = None
    headers: Headers = ()
    is_null: bool = False

    @property
    def value(self) -> bytes | None:
        """The record's value."""
        return None if self.is_null else self.text

    def order(self) -> tuple[int, str, str, bytes]:
        """Return what the lines of a tick are sorted by."""
        return self.time, self.subject, self.id, self.text


_LAST = "~"
"""Sorts behind all ids, which are hexadecimal."""


class _Envelope(msgspec.Struct):
    """A CloudEvent; the order of its fields is the order in the line."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    datacontenttype: str
    data: dict[str, object]


_encoder = msgspec.json.Encoder()


def render_line(name: str, output: Output) -> Line:
    """Render an output of the config of this name for a file."""
    if isinstance(output, Record):
        text = _encoder.encode(
            _Envelope(
                "1.0",
                output.id,
                f"cartwheel/{name}",
                f"cartwheel.{output.type}",
                output.subject,
                format_time(output.time),
                "application/json",
                output.data,
            )
        )
        return Line(output.time, output.subject, output.id, text)
    if isinstance(output, LateEvent):
        value = output.original.value or b""
        return Line(output.time, output.customer, "", value.replace(b"\n", b" "))
    assert isinstance(output, DeadLetter)
    time, subject = _dead_letter_order(output)
    return Line(time, subject, "", dead_letters.render(output))


def render_record(name: str, output: Output) -> Line:
    """Render an output of the config of this name for a topic."""
    if isinstance(output, Record):
        headers: Headers = (
            ("ce_specversion", b"1.0"),
            ("ce_id", output.id.encode()),
            ("ce_source", f"cartwheel/{name}".encode()),
            ("ce_type", f"cartwheel.{output.type}".encode()),
            ("ce_subject", output.subject.encode()),
            ("ce_time", format_time(output.time).encode()),
            _CONTENT_TYPE,
        )
        text = _encoder.encode(output.data)
        key = output.subject.encode()
        return Line(output.time, output.subject, output.id, text, key, headers)
    if isinstance(output, DeadLetter):
        output = dead_letters.shortened(output)
    if isinstance(output, Tombstone):
        key = output.customer.encode()
        return Line(output.time, output.customer, _LAST, b"", key, is_null=True)
    original = output.original
    text, is_null = original.value or b"", original.value is None
    if isinstance(output, LateEvent):
        headers = original.headers or (_CONTENT_TYPE,)
        return Line(output.time, output.customer, "", text, original.key, headers, is_null)
    time, subject = _dead_letter_order(output)
    headers = dead_letters.headers(output)
    return Line(time, subject, "", text, original.key, headers, is_null)


def in_order(lines: list[Line]) -> list[Line]:
    """Let lines of one shard and kind, in the order of their making, be sorted around tombstones.

    What a tombstone is to remove must stand before it in the topic, and what came after it behind
    it, whatever the event times are.
    """
    latest: dict[str, int] = {}
    least: dict[str, int] = {}
    ordered = []
    for line in lines:
        time = max(line.time, least.get(line.subject, line.time))
        if line.id == _LAST:
            time = max(time, latest.get(line.subject, time))
            least[line.subject] = time + 1
        latest[line.subject] = max(time, latest.get(line.subject, time))
        ordered.append(line._replace(time=time))
    return ordered


def _dead_letter_order(letter: DeadLetter) -> tuple[int, str]:
    place = letter.place
    if isinstance(place.origin, Partition):
        return place.offset, f"{place.origin.topic}/{place.origin.number}"
    return place.line, place.origin
