"""Dead letters as JSON lines in files (F3), and what their records in a topic say in headers."""

import base64
import hashlib

import msgspec
from lz4.frame import compress  # type: ignore[import-untyped]

from operators.lines import Headers
from operators.outputs import DeadLetter
from operators.rejections import KEPT_BYTES, Partition, Place

PREFIX = "__connect.errors."
"""How the names of headers begin that tell of an error, as Kafka Connect names them (KIP-298)."""


RECORD_BYTES = (1 << 20) - (1 << 14)
"""The largest value that is written whole, compressed: brokers take 1 MiB unless told otherwise."""


def render(letter: DeadLetter) -> bytes:
    """Write a dead letter as one line, without its newline."""
    rejection, original = letter.rejection, letter.original
    fields: dict[str, object] = {
        **_where(letter.place),
        "stage": rejection.stage,
        "reason": rejection.reason,
        "field": rejection.field or None,
    }
    if rejection.length is not None:
        fields["length"] = rejection.length
        fields["sha256"] = rejection.sha256
    try:
        fields["original"] = None if original.value is None else original.value.decode()
    except UnicodeDecodeError:
        fields["original_base64"] = base64.b64encode(original.value or b"").decode()
    return msgspec.json.encode(fields)


def headers(letter: DeadLetter) -> Headers:
    """Give the headers of a dead letter's record: its own, and what was wrong with it."""
    rejection = letter.rejection
    told = {
        **_where(letter.place),
        "stage": rejection.stage,
        "exception.message": rejection.reason,
        "field": rejection.field,
        "length": rejection.length,
        "sha256": rejection.sha256,
    }
    own = [header for header in letter.original.headers if not header[0].startswith(PREFIX)]
    errors = [(PREFIX + name, str(value).encode()) for name, value in told.items() if _says(value)]
    return (*own, *errors)


def shortened(letter: DeadLetter) -> DeadLetter:
    """Cut what might not fit into a topic with the headers that are added, as is done for lines."""
    value = letter.original.value
    if value is None or len(value) <= RECORD_BYTES or len(compress(value)) <= RECORD_BYTES:
        return letter
    rejection = letter.rejection
    if rejection.length is None:
        sha256 = hashlib.sha256(value).hexdigest()
        rejection = rejection._replace(length=len(value), sha256=sha256)
    original = letter.original._replace(value=value[:KEPT_BYTES])
    return letter._replace(rejection=rejection, original=original)


def _says(value: object) -> bool:
    return value is not None and value != ""


def _where(place: Place) -> dict[str, object]:
    if isinstance(place.origin, Partition):
        topic, partition = place.origin
        return {"topic": topic, "partition": partition, "offset": place.offset}
    return {"file": place.origin, "line": place.line, "offset": place.offset}
