"""Finds customer and time of each line of input, and decodes no further than that.

A block of lines is decoded at once. Where that fails, or is not certain to have taken every line
for itself, it is done line by line, and each line that is no event is rejected with its reason.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
import numpy as np

from operators.head_types import NAME_CHARACTERS, Head, LooseHead, json_type
from operators.identity_plan import IdentityPlan, Names
from operators.json_bytes import UnreadableError
from operators.lines import Ints, Lines
from operators.minimize import UNREADABLE, Minimizer
from operators.naming import NamesReader
from operators.rejections import KEPT_BYTES, RejectedError, Rejection
from operators.times import EventTime, parse_time, parse_times

LINE_BYTES = 1 << 20
"""The longest line that is read as an event (I5)."""

AnyHead = TypeVar("AnyHead", bound=LooseHead)

_heads = msgspec.json.Decoder(Head)
_loose_heads = msgspec.json.Decoder(LooseHead)


_NEWLINE, _BEGIN, _END = b"\n{}"


class LineReader:
    """Finds customer and time of each line.

    Args:
        future_ms: how far an event may lie ahead of its reference.
        now_ms: the reference of a file's events without ``receivedAt``; a live reader moves it on.
        identity: where lines name customers, None where anonymous ids are linked to nobody.
        minimizer: takes out of each line what nobody is to see; None: nothing.

    Attributes:
        minimizer: likewise, for what comes with lines.
    """

    def __init__(
        self,
        future_ms: int,
        now_ms: int,
        identity: IdentityPlan | None = None,
        minimizer: Minimizer | None = None,
    ) -> None:
        self._future_ms = future_ms
        self.now_ms = now_ms
        self.minimizer = minimizer
        if identity and minimizer:  # ids may be hashed by the time that they are looked at
            hashed = frozenset(map(minimizer.hashed, identity.blocked))
            identity = msgspec.structs.replace(identity, blocked=identity.blocked | hashed)
        self._names = NamesReader(identity) if identity else None
        self._heads: msgspec.json.Decoder[Any] = self._names.heads if self._names else _heads

    def read(self, block: bytes, *, file: int, line: int, offset: int) -> Lines:
        """Read whole lines.

        Args:
            block: the lines, with newlines between them and none at the end.
            file: the file's index.
            line: the number of the first line.
            offset: the offset of the first line.
        """
        raw = block.split(b"\n")
        newlines = _newlines(block)
        places = np.empty((3, len(raw)), np.int64)
        places[0] = file
        places[1] = np.arange(line, line + len(raw))
        places[2, 0] = offset
        places[2, 1:] = newlines + (offset + 1)
        now = np.full(len(raw), self.now_ms, np.int64)
        return self._read(block, newlines, raw, places, now)

    def read_records(self, raw: list[bytes], places: Ints, now: Ints) -> Lines:
        """Read the values of records, without newlines in them.

        Args:
            raw: the values.
            places: of each, shape (3, n).
            now: the reference of each without ``receivedAt``, shape (n,).
        """
        block = b"\n".join(raw)
        return self._read(block, _newlines(block), raw, places, now)

    def _read(
        self, block: bytes, newlines: Ints, raw: list[bytes], places: Ints, now: Ints
    ) -> Lines:
        """Take out what nobody is to see, before anything else; then decode the lines."""
        minimizer = self.minimizer
        if minimizer is None:
            return self._decode(block, newlines, raw, places, now)
        unreadable: list[int] = []
        rewritten = raw.copy()
        for index, line in enumerate(raw):
            try:
                if len(line) <= LINE_BYTES:
                    rewritten[index] = minimizer.line(line)
            except UnreadableError:
                unreadable.append(index)
        block = b"\n".join(rewritten)
        lines = self._decode(block, _newlines(block), rewritten, places, now)
        lines.lengths = np.fromiter(map(len, raw), np.int64, len(raw))
        for index in unreadable:
            lines.reject_whole(index, Rejection("route", UNREADABLE))
        minimizer.withhold(lines, raw)
        return lines

    def overlong(self, place: Ints, kept: bytes, length: int, sha256: str) -> Lines:
        """Make a line of which only the beginning was read.

        Args:
            place: of it, shape (3, 1).
            kept: its beginning.
            length: of the whole line.
            sha256: likewise, in hex.
        """
        rejected = {0: overlong(length, sha256)}
        lines = Lines([kept], [""], np.zeros(1, np.int64), place, rejected)
        if self.minimizer is not None:
            self.minimizer.withhold(lines, lines.raw)
        return lines

    def _decode(
        self, block: bytes, newlines: Ints, raw: list[bytes], places: Ints, now: Ints
    ) -> Lines:
        """Decode lines together where that is safe, else one by one."""
        lines = None
        if _is_one_object_a_line(block, newlines) and _is_utf8(block):
            lines = self._read_at_once(block, raw, places, now)
        return lines or self._read_one_by_one(raw, places, now)

    def _read_at_once(
        self, block: bytes, raw: list[bytes], places: Ints, now: Ints
    ) -> Lines | None:
        """Decode all lines together; None where a line needs a closer look."""
        try:
            heads = _decode_all(block, self._heads)
            times = parse_times([head.timestamp for head in heads])
        except (msgspec.DecodeError, RecursionError, ValueError):
            return None
        whose = self._whose(heads) if len(heads) == len(raw) else None
        if whose is None:
            return None
        customers, names = whose
        references = now
        if any(head.receivedAt is not None for head in heads):
            try:
                references = _references(heads, now)
            except ValueError:
                return None
        if (times > references + self._future_ms).any():
            return None
        return Lines(raw, customers, times, places, {}, names=names)

    def _whose(self, heads: Sequence[Any]) -> tuple[list[str], Names | None] | None:
        """Return the customers of lines, and whom they name where that is wanted."""
        if self._names is not None:
            return self._names.at_once(heads)
        customers = [head.userId or head.anonymousId or "" for head in heads]
        return None if "" in customers else (customers, None)

    def _read_one_by_one(self, raw: list[bytes], places: Ints, now: Ints) -> Lines:
        customers: list[str] = []
        names = Names.of_nobody(len(raw))
        times = np.zeros(len(raw), np.int64)
        rejected: dict[int, Rejection] = {}
        for i, line in enumerate(raw):
            try:
                if self._names is None:
                    head = _decode(line, _loose_heads)
                    customer, times[i] = _customer(head), self._time(head, int(now[i]))
                else:
                    naming_head = _decode(line, self._names.loose_heads)
                    named = self._names.of_line(naming_head)
                    customer, times[i] = named.customer, self._time(naming_head, int(now[i]))
                    names.naming[i], names.anonymous[i] = named.naming, named.anonymous
            except RejectedError as error:
                customer = ""
                rejected[i] = error.rejection
                raw[i] = line[:KEPT_BYTES] if error.rejection.length else line
            customers.append(customer)
        given = names if self._names is not None else None
        return Lines(raw, customers, times, places, rejected, names=given)

    def _time(self, head: LooseHead, now_ms: int) -> EventTime:
        time = _parse(head.timestamp, "timestamp")
        received = head.receivedAt
        reference = now_ms if received is None else _parse(received, "receivedAt")
        if time > reference + self._future_ms:
            raise RejectedError(Rejection("route", "too far in the future", "timestamp"))
        return time


def _references(heads: list[Head], now: Ints) -> Ints:
    """Return what each timestamp is held against: receivedAt, else the clock."""
    received = [head.receivedAt for head in heads]
    present = [text is not None for text in received]
    references = now.copy()
    references[present] = parse_times([text for text in received if text is not None])
    return references


def _newlines(block: bytes) -> Ints:
    """Return where the newlines are, shape (n,)."""
    return np.flatnonzero(np.frombuffer(block, np.uint8) == _NEWLINE)


def _is_one_object_a_line(block: bytes, newlines: Ints) -> bool:
    """Tell whether a block is surely made of lines that begin with { and end with }.

    Then no object can go over two lines, and when there are as many objects as lines, each line is
    one. (Its lines are not overlong either: a block is smaller than that, or looked at by lines.)
    """
    if not 0 < len(block) <= LINE_BYTES:
        return False
    codes = np.frombuffer(block, np.uint8)
    return bool(
        codes[0] == _BEGIN
        and codes[-1] == _END
        and (codes[newlines - 1] == _END).all()
        and (codes[newlines + 1] == _BEGIN).all()
    )


def overlong(length: int, sha256: str) -> Rejection:
    """Reject a line for its length."""
    return Rejection("read", f"the line is longer than {LINE_BYTES} bytes", "", length, sha256)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _decode_all(block: bytes, decoder: msgspec.json.Decoder[Any]) -> list[Any]:
    # A function of its own: how deep the decoder may go depends on the frames above it, and a
    # line must not fare differently here than in _decode.
    return decoder.decode_lines(block)


def _decode(line: bytes, decoder: msgspec.json.Decoder[AnyHead]) -> AnyHead:
    if len(line) > LINE_BYTES:
        raise RejectedError(overlong(len(line), hashlib.sha256(line).hexdigest()))
    if not line.strip():
        raise RejectedError(Rejection("route", "the line is blank"))
    if not _is_utf8(line):
        raise RejectedError(Rejection("route", "the line is not UTF-8"))
    try:
        return decoder.decode(line)
    except msgspec.ValidationError as error:
        is_other = str(error).startswith("Expected `object`")
        reason = "not a JSON object" if is_other else f"not readable as JSON: {error}"
        raise RejectedError(Rejection("route", reason)) from None
    except msgspec.DecodeError as error:
        raise RejectedError(Rejection("route", f"not JSON: {error}")) from None
    except RecursionError:
        raise RejectedError(Rejection("route", "nested too deeply")) from None


def _customer(head: LooseHead) -> str:
    named = {"userId": head.userId, "anonymousId": head.anonymousId}
    for field, value in named.items():
        if isinstance(value, str) and value:
            if len(value) > NAME_CHARACTERS:
                reason = f"longer than {NAME_CHARACTERS} characters"
                raise RejectedError(Rejection("route", reason, field))
            return value
    for field, value in named.items():
        if value is not None and value != "":
            reason = f"expected a string, got {json_type(value)}"
            raise RejectedError(Rejection("route", reason, field))
    reason = "no customer: userId and anonymousId are missing or empty"
    raise RejectedError(Rejection("route", reason, "userId"))


def _parse(value: object, field: str) -> EventTime:
    if value is None:
        raise RejectedError(Rejection("route", "missing", field))
    if not isinstance(value, str):
        reason = f"expected an RFC 3339 time, got {json_type(value)}"
        raise RejectedError(Rejection("route", reason, field))
    try:
        return parse_time(value)
    except ValueError:
        reason = "not an RFC 3339 time such as 2026-01-31T09:30:00Z"
        raise RejectedError(Rejection("route", reason, field)) from None
