"""Route: cuts a reader's lines into ticks, and gives every shard its share of each."""

from collections import Counter
from collections.abc import Iterable, Sequence
from zlib import crc32

import msgspec
import numpy as np
from numpy.typing import NDArray

from operators.forget_events import forget_in
from operators.identity_plan import Names, Naming
from operators.joins import Forget, Linked
from operators.lines import Envelope, Ints, Lines
from operators.named_customers import named_customer
from operators.outputs import DeadLetter, Original, Outputs
from operators.rejections import Origin, Place
from operators.ticks import ShardTick, TickName
from operators.times import AFTER_ALL, BEFORE_ALL, EventTime


def shard_of(customer: str, shards: int) -> int:
    """Return the slice that a customer belongs to: CRC-32 of the UTF-8 text, modulo shards."""
    return crc32(customer.encode()) % shards


def shards_of(customers: Sequence[str], shards: int) -> NDArray[np.uint32]:
    """Return the slices that customers belong to, shape (n,)."""
    hashes = map(crc32, map(str.encode, customers))
    return np.fromiter(hashes, np.uint32, len(customers)) % np.uint32(shards)


def by_shard(shards_of_events: NDArray[np.uint32], shards: int) -> list[Ints]:
    """Return the indices of each shard's events; those of none belong to a shard past the last."""
    order = np.argsort(shards_of_events, kind="stable")
    ends = np.searchsorted(shards_of_events[order], np.arange(shards + 1))
    return [order[ends[shard] : ends[shard + 1]] for shard in range(shards)]


class PartitionMark(msgspec.Struct):
    """How far one partition of a reader is.

    Attributes:
        latest: its latest event time so far.
        watermark: which never goes back, also when ``disorder`` is made longer.
        idle: whether nothing has come for so long that it holds the others back no more.
    """

    latest: int = BEFORE_ALL
    watermark: int = BEFORE_ALL
    idle: bool = False


class RouteState(msgspec.Struct):
    """What route remembers.

    Attributes:
        tick: its last.
        watermark: of the reader: the least over its partitions that are not idle, so far.
        partitions: those that the reader has, by number; a replay is one, with number 0.
    """

    tick: int = 0
    watermark: int = BEFORE_ALL
    partitions: dict[int, PartitionMark] = {}


class Route:
    """Stamps events with the watermarks as they stood before them, and finds their shards.

    Args:
        reader: its number.
        shards: how many slices of the customers.
        disorder_ms: how far a watermark lies behind the latest event.
        state: as of the last snapshot.
        by_origin: whether each origin of the lines is a partition of its own.
        forgets: whether events may let their customers be forgotten; of no account where anonymous
            ids are linked to nobody: then the shard of the customer alone needs to know.
    """

    def __init__(  # noqa: PLR0913 (each is one thing that may differ)
        self,
        reader: int,
        *,
        shards: int,
        disorder_ms: int,
        state: RouteState,
        by_origin: bool = False,
        forgets: bool = False,
    ) -> None:
        self._reader = reader
        self._shards = shards
        self._disorder_ms = disorder_ms
        self._by_origin = by_origin
        self._forgets = forgets
        self.state = state
        if not by_origin:
            state.partitions.setdefault(0, PartitionMark())

    @property
    def watermark(self) -> EventTime:
        """The reader's watermark."""
        return EventTime(self.state.watermark)

    def add_partitions(self, numbers: Iterable[int]) -> None:
        """Take note of partitions that the reader has; until one is heard from nothing passes."""
        for number in numbers:
            self.state.partitions.setdefault(number, PartitionMark())

    def note_idle(self, numbers: Iterable[int], watermark: int) -> None:
        """Take note of which partitions are without events, before the next tick.

        Args:
            numbers: those that hold the others back no more, until their next event.
            watermark: what the reader's rises to when all of its partitions are idle.
        """
        idle = set(numbers)
        for number, mark in self.state.partitions.items():
            mark.idle = number in idle
        if idle and idle == self.state.partitions.keys():
            self.state.watermark = max(self.state.watermark, watermark)

    def split(
        self, lines: Lines, origins: tuple[Origin, ...], *, ended: bool = False, close: bool = False
    ) -> list[ShardTick]:
        """Make a tick of some lines (perhaps none) and return each shard's share, in order.

        Args:
            lines: the events.
            origins: what their places mean.
            ended: whether the reader has no more input after this tick.
            close: whether the clock moves past every timer once all readers have ended.
        """
        self.state.tick += 1
        name = TickName(self._reader, self.state.tick)
        late_below, watermarks = self._advance(lines)
        chosen = self._indices(lines)
        linked = self._linked(lines, watermarks) if lines.names else None
        forgets = _forgets(lines, watermarks) if lines.names and self._forgets else []
        some = range(self._shards) if lines.names else ()
        givers = frozenset(each for each in some if len(chosen[each]))
        ticks = []
        for shard in range(self._shards):
            indices = chosen[shard]
            share = lines.take(indices)
            ticks.append(
                ShardTick(
                    name=name,
                    shard=shard,
                    watermark=self.watermark,
                    ended=ended,
                    close=close,
                    lines=b"\n".join(share.raw),
                    customers=share.customers,
                    times=share.times,
                    late_below=late_below[indices],
                    watermarks=watermarks[indices],
                    places=share.places,
                    origins=origins,
                    envelopes=share.envelopes,
                    counts=Counter(),
                    outputs=Outputs(),
                    order=indices if lines.names else None,
                    names=share.names,
                    linked=linked[shard] if linked else [],
                    forgets=forgets,
                    giver=shard,
                    givers=givers,
                )
            )
        self._reject(lines, origins, ticks, chosen)
        return ticks

    def _advance(self, lines: Lines) -> tuple[Ints, Ints]:
        """Return, for each line, below which time it is late, and the reader's watermark before it.

        The watermarks then stand past the lines; a line that was rejected moves none.
        """
        times = lines.times
        if lines.rejected:
            times = times.copy()
            times[list(lines.rejected)] = BEFORE_ALL
        if not self._by_origin:
            before = self._advance_partition(self.state.partitions[0], times)
            marks = np.maximum(before, self.state.watermark)
            self.state.watermark = int(marks[-1])
            return marks[:-1], marks[:-1]
        own = np.empty(len(lines), np.int64)
        heard = 0
        least = np.full(len(lines) + 1, AFTER_ALL, np.int64)
        for number, mark in self.state.partitions.items():
            indices = np.flatnonzero(lines.places[0] == number)
            was_idle = mark.idle
            before = self._advance_partition(mark, times[indices])
            own[indices] = before[:-1]
            heard += len(indices)
            mark.idle = was_idle and not len(indices)
            if was_idle:
                before[0] = AFTER_ALL
            lasting = np.diff(np.concatenate([[-1], indices, [len(lines)]]))
            least = np.minimum(least, np.repeat(before, lasting))
        assert heard == len(lines), "every partition was added before its first event"
        least[least == AFTER_ALL] = BEFORE_ALL  # all are idle
        watermarks = np.maximum(np.maximum.accumulate(least), self.state.watermark)
        self.state.watermark = int(watermarks[-1])
        return np.maximum(own, watermarks[:-1]), watermarks[:-1]

    def _advance_partition(self, mark: PartitionMark, times: Ints) -> Ints:
        """Return a partition's watermark before each of its events and after the last."""
        latest = np.maximum.accumulate(np.concatenate([[mark.latest], times]))
        watermarks: Ints = np.maximum(latest - self._disorder_ms, mark.watermark)
        mark.latest, mark.watermark = int(latest[-1]), int(watermarks[-1])
        return watermarks

    def _indices(self, lines: Lines) -> list[Ints]:
        """Return the indices of each shard's events."""
        keys = _keys(lines.customers, lines.names) if lines.names else lines.customers
        shards = shards_of(keys, self._shards)
        if lines.rejected:
            shards[list(lines.rejected)] = self._shards
        return by_shard(shards, self._shards)

    def _linked(self, lines: Lines, watermarks: Ints) -> list[list[Linked]]:
        """Return whom events link anonymous ids to, by the customers' shards."""
        linked: list[list[Linked]] = [[] for _ in range(self._shards)]
        assert lines.names, "identity is on"
        for index in np.flatnonzero(lines.names.naming == Naming.LINKING).tolist():
            customer = lines.customers[index]
            about = (EventTime(int(lines.times[index])), EventTime(int(watermarks[index])))
            linked[shard_of(customer, self._shards)].append(Linked(index, customer, *about))
        return linked

    def _reject(
        self,
        lines: Lines,
        origins: tuple[Origin, ...],
        ticks: list[ShardTick],
        chosen: list[Ints],
    ) -> None:
        """Give the first shard the counts, and the shard of whom a line names its dead letter.

        That shard alone knows whether somebody is kept out, and from which of its events on.
        """
        ticks[0].counts["read"] = len(lines)
        ticks[0].counts["dead_letters"] = len(lines.rejected)
        for index, rejection in lines.rejected.items():
            origin, line, offset = lines.places[:, index].tolist()
            place = Place(origins[origin], line, offset)
            original = Original.of(lines.raw[index], lines.envelopes.get(index) or Envelope(None))
            shard = shard_of(named_customer(original.value or b""), self._shards)
            ticks[shard].letters_after.append(int(np.searchsorted(chosen[shard], index)))
            ticks[shard].letter_places.append(index)
            ticks[shard].outputs.add("dead-letters", DeadLetter(place, rejection, original))


def _forgets(lines: Lines, watermarks: Ints) -> list[Forget]:
    """Return whom events let be forgotten, which every shard is told."""
    found = []
    for index, line in enumerate(lines.raw):
        event = forget_in(line) if index not in lines.rejected else None
        if event is not None:
            about = (EventTime(int(lines.times[index])), EventTime(int(watermarks[index])))
            found.append(Forget(index, lines.customers[index], *about, event))
    return found


def _keys(customers: list[str], names: Names) -> list[str]:
    """Return by whom events find their shards: by the anonymous id where there is one."""
    return [
        anonymous or customer
        for anonymous, customer in zip(names.anonymous, customers, strict=True)
    ]
