"""Puts the shards' parts of each tick together again, for a sink to write."""

from collections import Counter
from collections.abc import Sequence
from time import monotonic

import msgspec

from connectors.rendering import Line
from operators.signs import Removal
from operators.ticks import TickName
from state import audit


class RenderedPart(msgspec.Struct, frozen=True):
    """One shard's part of a tick, as it is written.

    Attributes:
        name: of the tick.
        shard: whose part.
        lines: by kind.
        counts: for the summary.
        removals: of customers who were forgotten.
    """

    name: TickName
    shard: int
    lines: dict[str, list[Line]]
    counts: Counter[str]
    removals: Sequence[Removal] = ()


class SinkState(msgspec.Struct):
    """What a sink remembers.

    Attributes:
        ticks: each reader's last tick that was written.
        lengths: of each file, in bytes.
        counts: of everything so far, for the summary.
        seconds: spent so far, over all runs.
        outbox: the number of the last outbox that was filled for a topic sink.
        written: outputs so far, by kind.
        forgotten: who was forgotten or merged since the snapshot before, for the audit file.
    """

    ticks: list[int]
    lengths: dict[str, int] = {}
    counts: dict[str, int] = {}
    seconds: float = 0.0
    outbox: int = 0
    written: dict[str, int] = {}
    forgotten: list[audit.Entry] = []


class TickParts:
    """Collects the parts of ticks, and counts.

    Args:
        shards: how many parts a tick has.
        state: the sink's, as of the last snapshot; its ticks, counts and seconds are moved on here.
    """

    def __init__(self, *, shards: int, state: SinkState) -> None:
        self._state = state
        self._shards = shards
        self._parts: dict[TickName, list[RenderedPart]] = {}
        self._seconds_before, self._started = state.seconds, monotonic()

    def add(self, part: RenderedPart) -> dict[str, list[Line]]:
        """Take one shard's part of a tick; return the tick's lines by kind once it is whole.

        They are sorted, so that they are the same whatever the number of processes.
        """
        parts = self._parts.setdefault(part.name, [])
        parts.append(part)
        if len(parts) < self._shards:
            return {}
        del self._parts[part.name]
        reader = part.name.reader
        expected = self._state.ticks[reader] + 1
        assert part.name.number == expected, f"expected tick {expected}, got {part.name}"
        self._state.ticks[reader] = part.name.number
        counts = self._state.counts
        lines: dict[str, list[Line]] = {}
        for each in parts:
            for kind, some in each.lines.items():
                if some:
                    lines.setdefault(kind, []).extend(some)
            for name, count in each.counts.items():
                counts[name] = counts.get(name, 0) + count
        written = self._state.written
        for kind, some in lines.items():
            some.sort(key=Line.order)
            written[kind] = written.get(kind, 0) + len(some)
        return lines

    def snapshot(self) -> SinkState:
        """Return the state, for the sink to complete; no tick may be halfway through."""
        assert not self._parts, "a snapshot lies between ticks"
        self._state.seconds = self._seconds_before + monotonic() - self._started
        return self._state
