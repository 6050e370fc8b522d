"""What two replays have written, put beside each other on disk.

Outcomes are read line by line into a table of SQLite, which sorts them in files of its own. So
memory is bounded, whatever their number: one line, what SQLite keeps (``_CACHE_KIB``), and the
outcomes of one instance.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from enum import IntEnum
from itertools import groupby, zip_longest
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import msgspec

from cartwheel.diff_result import Retraction

_CACHE_KIB = 32 * 1024

_TABLE = """
create table outcomes (
    kind integer, rule text, customer text, started text, number integer, key text,
    side integer, part integer, time text,
    outcome text, reason text, reached text, cause text, content blob
)
"""
_ADD = f"insert into outcomes values ({', '.join('?' * 14)})"  # noqa: S608 (question marks only)
_SORTED = """
select rule, customer, started, number, key, side, part,
    time, outcome, reason, reached, cause, content
from outcomes where kind = ?
order by rule, customer, started, number, key, side, part, rowid
"""
_CLOSED = """
select '', customer, started, 0, key, side, part,
    time, outcome, reason, reached, cause, content
from (select *, max(number) from outcomes where kind = ? group by side, rule)
where outcome = 'closed'
order by customer, started, side, time
"""
"""Of a session the highest revision counts (with max() SQLite gives that row's columns)."""
_SPAN = "select min(time), max(time) from outcomes where kind = ? and outcome = 'sent'"
_ABOUT = 5  # as many columns say which instance it is
_DECISION, _MESSAGE, _RETRACTION = 0, 1, 2


class Kind(IntEnum):
    """What outcomes are of; a number in the table."""

    TRIGGER = 0
    SEGMENT = 1
    SESSION = 2


class Outcome(NamedTuple):
    """What has happened under one config.

    Attributes:
        outcome: a decision's; ``entered``, ``left`` or ``closed``.
        time: of the record, the last event's for a session; such texts sort like the times.
        reason: a decision's, or None.
        cause: likewise.
        content: what is in a message, or what a session amounts to, as JSON.
        retracted: that the message was taken back, None where it was not.
        limit: which one was reached, where that is the reason.
    """

    outcome: str
    time: str
    reason: str | None = None
    cause: str | None = None
    content: bytes | None = None
    retracted: Retraction | None = None
    limit: str | None = None


class Pair(NamedTuple):
    """One instance, change of a membership or session under both configs; None: not there.

    Attributes:
        rule: the trigger or the segment; empty for sessions.
        customer: whose.
        started: of an instance or a session; empty for memberships.
        number: the step of an instance; that of the change for memberships; 0 for sessions.
        key: of an instance, else empty.
        old: under the old config.
        new: under the new one.
    """

    rule: str
    customer: str
    started: str
    number: int
    key: str
    old: Outcome | None
    new: Outcome | None


class _Data(msgspec.Struct):
    """What is of interest in the data of any kind of record."""

    trigger: str = ""
    segment: str = ""
    key: str = ""
    step: int = 1
    started: str = ""
    start: str = ""
    end: str = ""
    session_id: str = ""
    revision: int = 0
    events: int = 0
    outcome: str = ""
    reason: str | None = None
    limit: str | None = None
    cause: str | list[str] | None = None
    channel: str | None = None
    payload: msgspec.Raw = msgspec.Raw(b"{}")


class _Record(msgspec.Struct):
    id: str
    type: str
    subject: str
    time: str
    data: _Data


_About = tuple[int, str, str, str, int, str, int]
_Row = tuple[*_About, int, str, str, str | None, str | None, str | None, bytes | None]


class Outcomes:
    """The outcomes of two replays.

    Args:
        path: of the file to keep them in, which is not there yet.
    """

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        for setting in (
            "journal_mode = off",
            "synchronous = off",
            "temp_store = file",
            f"cache_size = -{_CACHE_KIB}",
        ):
            self._database.execute(f"pragma {setting}")
        self._database.execute(_TABLE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._database.close()

    def take(self, side: int, folder: Path) -> None:
        """Take what a replay has written.

        Args:
            side: 0 for the old config, 1 for the new one.
            folder: with the files; those that it lacks are empty.
        """
        self._database.execute("begin")
        for name in ("decisions", "triggers", "segments", "sessions"):
            file = folder / f"{name}.jsonl"
            if file.exists():
                self._database.executemany(_ADD, _rows(side, file))
        self._database.execute("commit")

    def sent_within(self) -> tuple[str, str] | None:
        """Return the times of the first and the last message under either config."""
        first, last = self._database.execute(_SPAN, (Kind.TRIGGER,)).fetchone()
        return None if first is None else (first, last)

    def pairs(self, kind: Kind) -> Iterator[Pair]:
        """Give all outcomes of a kind, sorted by rule, customer and start."""
        query = _CLOSED if kind is Kind.SESSION else _SORTED
        with closing(self._database.execute(query, (kind,))) as rows:
            for (rule, customer, started, number, key), same in groupby(
                rows, key=lambda row: row[:_ABOUT]
            ):
                sides: tuple[list[Outcome], list[Outcome]] = ([], [])
                for row in same:
                    _add(sides[row[_ABOUT]], row[_ABOUT + 1 :])
                for old, new in zip_longest(*sides):
                    yield Pair(rule, customer, started, number, key, old, new)


def _add(
    outcomes: list[Outcome],
    row: tuple[int, str, str, str | None, str | None, str | None, bytes | None],
) -> None:
    """Add an outcome, or to the last one what its message held, or that it was taken back."""
    part, time, outcome, reason, limit, cause, content = row
    if part == _DECISION:
        outcomes.append(Outcome(outcome, time, reason, cause, content, limit=limit))
    elif outcomes and part == _MESSAGE:
        outcomes[-1] = outcomes[-1]._replace(content=content)
    elif outcomes:
        outcomes[-1] = outcomes[-1]._replace(retracted=Retraction(time, cause))


def _rows(side: int, file: Path) -> Iterator[_Row]:
    decoder = msgspec.json.Decoder(_Record)
    with file.open("rb") as lines:
        for line in lines:
            record = decoder.decode(line)
            row = _ROWS.get(record.type)
            if row:
                yield row(side, record)


def _decision(side: int, record: _Record) -> _Row:
    data = record.data
    assert not isinstance(data.cause, list), "a decision has one cause"
    ending = (record.time, data.outcome, data.reason, data.limit, data.cause, None)
    return *_instance(side, record), _DECISION, *ending


def _message(side: int, record: _Record) -> _Row:
    data = record.data
    content = msgspec.json.encode({"channel": data.channel, "payload": data.payload})
    return *_instance(side, record), _MESSAGE, record.time, "", None, None, None, content


def _retraction(side: int, record: _Record) -> _Row:
    cause = record.data.cause
    assert not isinstance(cause, list), "a retraction has one cause"
    return *_instance(side, record), _RETRACTION, record.time, "", None, None, cause, None


def _instance(side: int, record: _Record) -> _About:
    data = record.data
    return Kind.TRIGGER, data.trigger, record.subject, data.started, data.step, data.key, side


def _membership(side: int, record: _Record) -> _Row:
    number = int(record.id.rpartition("-")[2])
    change = record.type.rpartition(".")[2]
    about = (Kind.SEGMENT, record.data.segment, record.subject, "", number, "", side)
    return *about, _DECISION, record.time, change, None, None, None, None


def _session(side: int, record: _Record) -> _Row:
    data = record.data
    content = msgspec.json.encode(data.events)
    change = record.type.rpartition(".")[2]
    session, revision = data.session_id, data.revision
    about = (Kind.SESSION, session, record.subject, data.start, revision, "", side)
    return *about, _DECISION, data.end, change, None, None, None, content  # not of a longer gap


_ROWS = {
    "cartwheel.decision": _decision,
    "cartwheel.trigger.sent": _message,
    "cartwheel.trigger.retracted": _retraction,
    "cartwheel.segment.entered": _membership,
    "cartwheel.segment.left": _membership,
    "cartwheel.session.closed": _session,
    "cartwheel.session.retracted": _session,
}
