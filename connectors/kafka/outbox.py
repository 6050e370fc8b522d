"""What an epoch produced, kept in a file until the epoch is known to be committed.

::

    STATE/outbox/000123     records in the order in which they are sent
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from connectors.errors import FileProblem
from operators.lines import Headers

_LENGTH_BYTES = 4


class OutboxRecord(msgspec.Struct, frozen=True, array_like=True):
    """A record that is to be sent: its kind names the topic."""

    kind: str
    key: bytes | None
    value: bytes | None
    headers: Headers


class Outbox:
    """The outboxes of a sink, by number; only the newest is written to.

    Args:
        folder: where they are; made when it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._encode = msgspec.msgpack.Encoder().encode
        self._file: BinaryIO | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileProblem(f"{folder}: cannot be made: {error.strerror}") from error

    def path(self, number: int) -> Path:
        """Return where an outbox is."""
        return self._folder / f"{number:06d}"

    def add(self, number: int, record: OutboxRecord) -> None:
        """Add a record; the first of a number begins its outbox anew.

        Raises:
            FileProblem: the disk is full, or something else prevents writing.
        """
        data = self._encode(record)
        try:
            if self._file is None:
                self._file = self.path(number).open("wb")
            self._file.write(len(data).to_bytes(_LENGTH_BYTES, "big"))
            self._file.write(data)
        except OSError as error:
            raise self._unwritable(number, error) from error

    def finish(self, number: int) -> None:
        """Make the outbox durable; the next record begins another.

        Raises:
            FileProblem: the disk is full, or something else prevents writing.
        """
        assert self._file is not None, "something was added to it"
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            raise self._unwritable(number, error) from error
        self._file = None

    def records(self, number: int) -> Iterator[OutboxRecord]:
        """Read an outbox.

        Raises:
            FileProblem: it is missing or damaged.
        """
        path = self.path(number)
        decode = msgspec.msgpack.Decoder(OutboxRecord).decode
        try:
            with path.open("rb") as file:
                while head := file.read(_LENGTH_BYTES):
                    yield decode(file.read(int.from_bytes(head, "big")))
        except OSError as error:
            raise FileProblem(
                f"{path}: cannot be read: {error.strerror}; it holds results that were not sent:"
                " restore the state from a backup"
            ) from error
        except msgspec.DecodeError as error:
            raise FileProblem(f"{path}: is damaged: restore the state from a backup") from error

    def remove_up_to(self, number: int) -> None:
        """Remove the outboxes that were sent."""
        for path in self._folder.iterdir():
            if path.name.isdecimal() and int(path.name) <= number:
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Leave an unfinished outbox as it is: it is begun anew."""
        if self._file is not None:
            with suppress(OSError):  # a full disk has been told of, and closing tries once more
                self._file.close()

    def _unwritable(self, number: int, error: OSError) -> FileProblem:
        return FileProblem(
            f"{self.path(number)}: cannot be written: {error.strerror}; make room and start again,"
            " nothing is lost"
        )
