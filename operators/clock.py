"""A shard's view of the readers: which ticks it has seen, and up to when its input is complete."""

import msgspec
import numpy as np

from operators.lines import Ints
from operators.ticks import TickName
from operators.times import AFTER_ALL, BEFORE_ALL, EventTime


class Clock(msgspec.Struct):
    """The readers' last ticks and watermarks; a snapshot of a step holds one.

    The shard's watermark is the least over the readers that have not ended. It never goes back.
    When all have ended it is the greatest that any of them has reached: whichever reader ends
    last by chance, the end is the same.

    Attributes:
        ticks: the number of each reader's last tick.
        marks: each reader's watermark.
        ended: which readers have ended, or have no partition for the time being.
        watermark: the shard's.
    """

    ticks: list[int]
    marks: list[int]
    ended: list[bool]
    watermark: int = BEFORE_ALL

    @classmethod
    def new(cls, readers: int) -> "Clock":
        """Make the clock of a shard that has heard of no reader."""
        return cls([0] * readers, [BEFORE_ALL] * readers, [False] * readers)

    def others(self, reader: int) -> EventTime:
        """Return the least watermark over the other readers that have not ended."""
        others = (
            mark
            for number, mark in enumerate(self.marks)
            if number != reader and not self.ended[number]
        )
        return EventTime(min(others, default=AFTER_ALL))

    def before(self, reader: int, watermarks: Ints) -> Ints:
        """Return the shard's watermark before each event of a reader's next tick.

        Args:
            reader: whose tick it is.
            watermarks: the reader's before each event, shape (n,).
        """
        return np.maximum(np.minimum(watermarks, self.others(reader)), self.watermark)

    def advance(self, name: TickName, mark: int, *, ended: bool) -> None:
        """Take note of a tick, which must be its reader's next."""
        expected = self.ticks[name.reader] + 1
        assert name.number == expected, f"expected tick {expected}, got {name}"
        self.ticks[name.reader] = name.number
        self.marks[name.reader] = mark
        self._raise_to(min(mark, self.others(name.reader)))
        self.ended[name.reader] = ended
        if ended:
            self._raise_to(max(self.marks) if all(self.ended) else self.others(name.reader))

    def _raise_to(self, time: int) -> None:
        self.watermark = max(self.watermark, time)
