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
from operators.erasing import CUSTOMERS, KEYED
from operators.lines import Headers
from operators.named_customers import named_customers

_LENGTH_BYTES = 4
_DEAD_LETTERS = "dead-letters"


class OutboxRecord(msgspec.Struct, frozen=True, array_like=True):
    """A record that is to be sent.

    Attributes:
        kind: names the topic.
        key: of the record.
        value: of the record.
        headers: of the record.
        subject: whom it is about; of a dead letter where it was read.
    """

    kind: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    subject: str = ""


def is_tombstone(record: OutboxRecord) -> bool:
    """Tell whether a record says that its customer was forgotten, for a compacted topic."""
    return record.value is None and record.kind in KEYED


def customers_of(record: OutboxRecord) -> set[str]:
    """Return whose a record is; of a dead letter, as far as it can be read.

    What tells consumers that somebody was forgotten is nobody's.
    """
    if record.kind == CUSTOMERS:
        return set()
    is_letter = record.kind == _DEAD_LETTERS
    named = named_customers(record.value or b"") if is_letter else {record.subject}
    if record.key is not None:
        named.add(record.key.decode(errors="replace"))
    return named


def kinds_waiting(folder: Path) -> set[str]:
    """Return the kinds of the records that may be still to be sent."""
    if not folder.exists():
        return set()
    kinds: set[str] = set()
    outbox = Outbox(folder)
    for number in outbox.numbers():
        with suppress(FileProblem):  # the last one may have been broken off
            kinds.update(record.kind for record in outbox.records(number))
    return kinds


class Outbox:
    """The outboxes of a sink, by number; only the newest is written to.

    Args:
        folder: where they are; made when it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._encode = msgspec.msgpack.Encoder().encode
        self._file: BinaryIO | None = None
        self._records = 0
        self._left_out: dict[str, int] = {}
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
            self._records += 1
        except OSError as error:
            raise self._unwritable(number, error) from error

    def leave_out(self, customer: str) -> None:
        """Let nothing be sent of a customer that was added to this outbox so far."""
        self._left_out[customer] = self._records

    def finish(self, number: int) -> None:
        """Make the outbox durable; the next record begins another.

        Raises:
            FileProblem: the disk is full, or something else prevents writing.
        """
        try:
            if self._file is None:  # nothing was added to it
                self._file = self.path(number).open("wb")
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            if self._left_out:
                self._write_without(number)
        except OSError as error:
            raise self._unwritable(number, error) from error
        self._file = None
        self._records, self._left_out = 0, {}

    def _write_without(self, number: int) -> None:
        """Write an outbox anew, without what is to be left out."""
        beside = self.path(number).with_suffix(".new")
        with beside.open("wb") as file:
            for place, record in enumerate(self.records(number)):
                named = customers_of(record)
                if any(place < self._left_out.get(each, 0) for each in named):
                    continue
                data = self._encode(record)
                file.write(len(data).to_bytes(_LENGTH_BYTES, "big") + data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path(number))

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

    def numbers(self) -> list[int]:
        """Return the numbers of the outboxes that are there, in order."""
        names = (path.name for path in self._folder.iterdir())
        return sorted(int(name) for name in names if name.isdecimal())

    def remove_up_to(self, number: int) -> None:
        """Remove the outboxes that were sent."""
        for path in self._folder.iterdir():
            if path.name.isdecimal() and int(path.name) <= number:
                path.unlink(missing_ok=True)

    def remove_after(self, number: int) -> None:
        """Remove what was begun and never finished, or never committed."""
        for path in self._folder.iterdir():
            if not path.name.isdecimal() or int(path.name) > number:
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
