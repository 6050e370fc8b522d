"""What travels between the steps: a shard's share of a tick, and what came of it."""

from collections import Counter
from dataclasses import dataclass

from operators.lines import Ints
from operators.outputs import Outputs
from operators.rejections import Place
from operators.times import EventTime


@dataclass(frozen=True, slots=True)
class TickName:
    """A tick is the n-th batch of a reader, n from 1."""

    reader: int
    number: int


@dataclass(slots=True)
class ShardTick:
    """One shard's share of a tick.

    Attributes:
        name: of the tick.
        shard: whose share it is.
        watermark: the reader's, after the tick.
        ended: whether the reader's input has ended with this tick.
        close: whether the clock moves past every timer once all readers have ended.
        lines: the events, as they came, with newlines between them.
        customers: of each event.
        times: of each event, in ms.
        late_below: an event is late when its time is below this, shape (n,).
        watermarks: the reader's before each event, shape (n,).
        places: file, line and offset of each event, shape (3, n).
        files: the names of the reader's files.
        counts: what the reader has counted, on one shard only.
        outputs: what the reader has rejected, on one shard only.
    """

    name: TickName
    shard: int
    watermark: EventTime
    ended: bool
    close: bool
    lines: bytes
    customers: list[str]
    times: Ints
    late_below: Ints
    watermarks: Ints
    places: Ints
    files: tuple[str, ...]
    counts: Counter[str]
    outputs: Outputs

    def place(self, index: int) -> Place:
        """Say where an event stands in the input."""
        file, line, offset = self.places[:, index].tolist()
        return Place(self.files[file], line, offset)

    def line(self, index: int) -> bytes:
        """Return an event as it came; slow, for the few that are not applied."""
        return self.lines.split(b"\n")[index]


@dataclass(slots=True)
class ShardResult:
    """What came of one shard's share of a tick: what a sink gets.

    Attributes:
        name: of the tick.
        shard: of the customers.
        outputs: what is to be written.
        counts: for the summary.
    """

    name: TickName
    shard: int
    outputs: Outputs
    counts: Counter[str]
