"""Outputs as lines for files: CloudEvents 1.0 in JSON, late events as they came, dead letters.

This is the one place that formats what is written.
"""

from typing import NamedTuple

import msgspec

from connectors import dead_letters
from operators.outputs import DeadLetter, LateEvent, Output, Record
from operators.times import format_time


class Line(NamedTuple):
    """A line to be written, and before it what the lines of a tick are sorted by.

    Attributes:
        time: event time in ms; the line's number for a dead letter.
        subject: the customer; the file for a dead letter.
        id: of the output, where it has one.
        text: the line, without its newline.
    """

    time: int
    subject: str
    id: str
    text: bytes


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
    """Render an output of the config of this name."""
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
        return Line(output.time, output.customer, "", output.original)
    assert isinstance(output, DeadLetter)
    return Line(output.place.line, output.place.file, "", dead_letters.render(output))
