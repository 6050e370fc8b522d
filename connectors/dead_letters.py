"""Dead letters as JSON lines (F3)."""

import base64

import msgspec

from operators.outputs import DeadLetter


def render(letter: DeadLetter) -> bytes:
    """Write a dead letter as one line, without its newline."""
    place, rejection, original = letter
    fields: dict[str, object] = {
        "file": place.file,
        "line": place.line,
        "offset": place.offset,
        "stage": rejection.stage,
        "reason": rejection.reason,
        "field": rejection.field or None,
    }
    if rejection.length is not None:
        fields["length"] = rejection.length
        fields["sha256"] = rejection.sha256
    try:
        fields["original"] = original.decode()
    except UnicodeDecodeError:
        fields["original_base64"] = base64.b64encode(original).decode()
    return msgspec.json.encode(fields)
