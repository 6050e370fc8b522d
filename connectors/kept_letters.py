"""Dead letters that were written, read again; and followed folders that some are sent back to."""

import base64
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from connectors.errors import FileProblem
from operators.outputs import Original
from operators.rejections import Partition, Place, Rejection

RESENT = "cartwheel-resent"
"""The header of a record that was sent again; it says where it stood."""


class KeptLetter(NamedTuple):
    """A dead letter.

    Attributes:
        place: where it was read from at first.
        rejection: why it is no event.
        original: what came; a file keeps no key and no headers.
    """

    place: Place
    rejection: Rejection
    original: Original

    @property
    def position(self) -> str:
        """Where it stood: TOPIC/PARTITION/OFFSET, or FILE:LINE."""
        origin = self.place.origin
        if isinstance(origin, Partition):
            return f"{origin.topic}/{origin.number}/{self.place.offset}"
        return f"{origin}:{self.place.line}"

    @property
    def is_whole(self) -> bool:
        """Whether all of it was kept, and not just the beginning."""
        length = self.rejection.length
        return length is None or len(self.original.value or b"") >= length

    @property
    def was_resent(self) -> bool:
        """Whether it had been sent again when it was rejected."""
        return any(name == RESENT for name, _ in self.original.headers)


class _Line(msgspec.Struct):
    offset: int
    stage: str
    reason: str
    field: str | None = None
    file: str = ""
    line: int = 0
    topic: str | None = None
    partition: int = 0
    length: int | None = None
    sha256: str | None = None
    original: str | None = None
    original_base64: str | None = None


def read_file(path: Path) -> Iterator[KeptLetter]:
    """Read a file of dead letters; a last line that is still being written is left out.

    Raises:
        FileProblem: it is missing, or a line is no dead letter.
    """
    decode = msgspec.json.Decoder(_Line).decode
    try:
        with path.open("rb") as file:
            for number, text in enumerate(file, start=1):
                if not text.endswith(b"\n"):
                    return
                try:
                    yield _letter(decode(text))
                except (msgspec.DecodeError, ValueError) as error:
                    raise FileProblem(f"{path}:{number}: is no dead letter ({error})") from error
    except OSError as error:
        raise FileProblem(f"{path}: cannot be read: {error.strerror}") from error


def _letter(line: _Line) -> KeptLetter:
    value = None if line.original is None else line.original.encode()
    if line.original_base64 is not None:
        value = base64.b64decode(line.original_base64, validate=True)
    origin = line.file if line.topic is None else Partition(line.topic, line.partition)
    return KeptLetter(
        Place(origin, line.line, line.offset),
        Rejection(line.stage, line.reason, line.field or "", line.length, line.sha256),
        Original(None, value),
    )


def send_to_folder(folder: Path, letters: Iterable[KeptLetter]) -> int:
    """Put dead letters into a new file of a followed folder, all of them or, on failure, none.

    Returns:
        How many there were; without any there is no file.

    Raises:
        FileProblem: it cannot be written.
    """
    name = f"resent-{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{os.getpid()}.jsonl"
    hidden = folder / f".{name}"
    count = 0
    try:
        try:
            with hidden.open("xb") as file:
                for count, letter in enumerate(letters, start=1):  # noqa: B007 (the last one counts)
                    value = letter.original.value
                    assert value is not None, "what has no value cannot be a line"
                    file.write(value.replace(b"\n", b" ") + b"\n")
                file.flush()
                os.fsync(file.fileno())
            if count:
                hidden.rename(folder / name)
        finally:
            hidden.unlink(missing_ok=True)
    except OSError as error:
        raise FileProblem(f"{folder}: cannot be written: {error.strerror}") from error
    return count
