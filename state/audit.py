"""The state's audit file: who was looked at, merged or forgotten, and when the rules changed.

It is only ever added to, a line for each, also while a run goes on. It names customers by their
hash alone.
"""

import os
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec

FILE = "audit.jsonl"

_LAST_BYTES = 1 << 16
_SINCE_BYTES = 1 << 22


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of the file.

    Attributes:
        time: when, by the wall clock, in ms since 1970.
        action: what was done.
        customer: to whom, as a hash with the state's key; empty where it is about nobody.
        removed: how many of what, of somebody who was forgotten.
        suppressed: whether later events of theirs are dropped.
        rules: of a change of the rules, a hash of the new ones.
        changed: likewise, what is other than before, by the names of the config.
        merged: how many anonymous ids became customers' pasts, with one commit.
    """

    time: int
    action: Literal["forget", "export", "explain", "config", "merge"]
    customer: str = ""
    removed: dict[str, int] = {}
    suppressed: bool = False
    rules: str = ""
    changed: list[str] = []
    merged: int = 0


def now_ms() -> int:
    """Return the wall clock."""
    return int(time.time() * 1000)


def append(folder: Path, entry: Entry) -> None:
    """Add a line, on disk before this returns; one that was just added is not added again."""
    line = msgspec.json.encode(entry) + b"\n"
    with _opened(folder) as file:
        if not (b"\n" + _end_of(file, _LAST_BYTES)).endswith(b"\n" + line):
            file.write(line)
            os.fsync(file.fileno())


def append_once(folder: Path, entries: Sequence[Entry]) -> None:
    """Add lines of one time, on disk before this returns, but for those that were added lately.

    What was added since is short: nobody has committed anything since.
    """
    lines = [msgspec.json.encode(entry) for entry in entries]
    if not lines:
        return
    with _opened(folder) as file:
        known = Counter(_end_of(file, sum(map(len, lines)) + _SINCE_BYTES).split(b"\n"))
        missing = Counter(lines) - known
        if missing:
            file.write(b"".join(line + b"\n" for line in missing.elements()))
            os.fsync(file.fileno())


def _opened(folder: Path) -> BinaryIO:
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
    return os.fdopen(os.open(folder / FILE, flags, 0o600), "r+b", buffering=0)


def _end_of(file: BinaryIO, most: int) -> bytes:
    file.seek(max(0, file.seek(0, os.SEEK_END) - most))
    return file.read()
