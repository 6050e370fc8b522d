"""Input that cannot be an event: where it stands, and why it is none."""

from typing import NamedTuple

KEPT_BYTES = 64 * 1024
"""How much of an overlong line a dead letter keeps."""


class Place(NamedTuple):
    """Where a line stands: its file, its number from 1, its offset from 0 (uncompressed)."""

    file: str
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
