"""Route: cuts a reader's lines into ticks, and gives every shard its share of each."""

from collections import Counter
from zlib import crc32

import msgspec
import numpy as np

from operators.lines import Ints, Lines
from operators.outputs import DeadLetter, Outputs
from operators.rejections import Place
from operators.ticks import ShardTick, TickName
from operators.times import BEFORE_ALL, EventTime


def shard_of(customer: str, shards: int) -> int:
    """Return the slice that a customer belongs to: CRC-32 of the UTF-8 text, modulo shards."""
    return crc32(customer.encode()) % shards


class RouteState(msgspec.Struct):
    """What route remembers.

    Attributes:
        tick: its last.
        latest: the latest event time so far.
        watermark: which never goes back, also when ``disorder`` is made longer.
    """

    tick: int = 0
    latest: int = BEFORE_ALL
    watermark: int = BEFORE_ALL


class Route:
    """Stamps events with the watermarks as they stood before them, and finds their shards.

    Here a reader has one partition, so both watermarks are the same.

    Args:
        reader: its number.
        shards: how many slices of the customers.
        disorder_ms: how far the watermark lies behind the latest event.
        files: the names of the reader's files.
        state: as of the last snapshot.
    """

    def __init__(
        self,
        reader: int,
        *,
        shards: int,
        disorder_ms: int,
        files: tuple[str, ...],
        state: RouteState,
    ) -> None:
        self._reader = reader
        self._shards = shards
        self._disorder_ms = disorder_ms
        self._files = files
        self.state = state

    @property
    def watermark(self) -> EventTime:
        """The reader's watermark."""
        return EventTime(self.state.watermark)

    def split(self, lines: Lines, *, ended: bool = False, close: bool = False) -> list[ShardTick]:
        """Make a tick of some lines (perhaps none) and return each shard's share, in order."""
        self.state.tick += 1
        name = TickName(self._reader, self.state.tick)
        watermarks = self._advance(lines)
        chosen = self._indices(lines)
        ticks = []
        for shard in range(self._shards):
            indices = chosen[shard]
            listed = indices.tolist()
            marks = watermarks[indices]
            ticks.append(
                ShardTick(
                    name=name,
                    shard=shard,
                    watermark=self.watermark,
                    ended=ended,
                    close=close,
                    lines=b"\n".join([lines.raw[i] for i in listed]),
                    customers=[lines.customers[i] for i in listed],
                    times=lines.times[indices],
                    late_below=marks,
                    watermarks=marks,
                    places=lines.places[:, indices],
                    files=self._files,
                    counts=Counter(),
                    outputs=Outputs(),
                )
            )
        self._reject(lines, ticks[0])
        return ticks

    def _advance(self, lines: Lines) -> Ints:
        """Return the watermark before each line, and move it past them."""
        times = lines.times
        if lines.rejected:
            times = times.copy()
            times[list(lines.rejected)] = BEFORE_ALL
        latest = np.maximum.accumulate(np.concatenate([[self.state.latest], times]))
        self.state.latest = int(latest[-1])
        watermarks: Ints = np.maximum(latest - self._disorder_ms, self.state.watermark)
        self.state.watermark = int(watermarks[-1])
        return watermarks[:-1]

    def _indices(self, lines: Lines) -> list[Ints]:
        """Return the indices of each shard's events."""
        hashes = map(crc32, map(str.encode, lines.customers))
        shards = np.fromiter(hashes, np.uint32, len(lines)) % self._shards
        if lines.rejected:
            shards[list(lines.rejected)] = self._shards
        order = np.argsort(shards, kind="stable")
        ends = np.searchsorted(shards[order], np.arange(self._shards + 1))
        return [order[ends[shard] : ends[shard + 1]] for shard in range(self._shards)]

    def _reject(self, lines: Lines, tick: ShardTick) -> None:
        """Give the first shard what belongs to none: the counts and the dead letters."""
        tick.counts["read"] = len(lines)
        tick.counts["dead_letters"] = len(lines.rejected)
        for index, rejection in lines.rejected.items():
            file, line, offset = lines.places[:, index].tolist()
            place = Place(self._files[file], line, offset)
            tick.outputs.add("dead-letters", DeadLetter(place, rejection, lines.raw[index]))
