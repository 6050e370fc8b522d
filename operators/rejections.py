"""Input that cannot be an event: where it stands, and why it is none."""

from typing import NamedTuple

KEPT_BYTES = 64 * 1024
"""How much of an overlong line a dead letter keeps."""


class Partition(NamedTuple):
    """A partition of a topic."""

    topic: str
    number: int


Origin = str | Partition
"""What a line was read from: a file, by its name, or a partition."""


class Place(NamedTuple):
    """Where a line stands.

    Attributes:
        origin: what it was read from.
        line: its number from 1 in a file; 0 in a partition.
        offset: from 0; of its first byte in a file (uncompressed), of the record in a partition.
    """

    origin: Origin
    line: int
    offset: int


class Rejection(NamedTuple):
    """Why a line is no event.

    Attributes:
        stage: the step that says so: ``read``, ``route`` or ``profile``.
        reason: in words.
        field: the path of the field, empty where it is the whole line.
        length: of the line, where only its beginning is kept.
        sha256: of the whole line, likewise.
    """

    stage: str
    reason: str
    field: str = ""
    length: int | None = None
    sha256: str | None = None


class RejectedError(Exception):
    """A line is no event."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__(rejection.reason)
        self.rejection = rejection
