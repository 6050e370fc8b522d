"""A reader with several partitions, against the naive definition of their watermarks."""

from dataclasses import dataclass, field

import msgspec
import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from operators.heads import LineReader
from operators.lines import Lines, join
from operators.rejections import Partition
from operators.route import Route, RouteState
from operators.times import BEFORE_ALL, EventTime, format_time

BASE = 1_767_225_600_000
DISORDER = 5
PARTITIONS = 3
ORIGINS = tuple(Partition("events", number) for number in range(PARTITIONS))
READER = LineReader(future_ms=0, now_ms=1 << 50)

Event = tuple[int, int | None]
"""The partition, and the time; None for what is no event."""


@dataclass
class Tick:
    """Which partitions are idle before it, the clock's watermark if all are, its events."""

    idle: list[int]
    clock: int
    events: list[Event]


TICKS = st.lists(
    st.builds(
        Tick,
        st.lists(st.integers(0, PARTITIONS - 1), max_size=3, unique=True),
        st.integers(0, 40),
        st.lists(
            st.tuples(st.integers(0, PARTITIONS - 1), st.one_of(st.none(), st.integers(0, 40))),
            max_size=6,
        ),
    ),
    max_size=6,
)


@dataclass
class Naive:
    """The definition, one event at a time."""

    own: list[int] = field(default_factory=lambda: [BEFORE_ALL] * PARTITIONS)
    idle: set[int] = field(default_factory=set)
    reader: int = BEFORE_ALL

    def note_idle(self, tick: Tick) -> None:
        self.idle = set(tick.idle)
        if len(self.idle) == PARTITIONS:
            self.reader = max(self.reader, BASE + tick.clock)
        self.advance()

    def advance(self) -> None:
        busy = [self.own[number] for number in range(PARTITIONS) if number not in self.idle]
        self.reader = max(self.reader, min(busy, default=BEFORE_ALL))

    def stamp(self, event: Event) -> tuple[int, int]:
        """Return below which time the event is late, and the reader's watermark before it."""
        partition, time = event
        stamp = max(self.own[partition], self.reader), self.reader
        self.idle.discard(partition)
        if time is not None:
            self.own[partition] = max(self.own[partition], BASE + time - DISORDER)
        self.advance()
        return stamp


def lines_of(events: list[Event]) -> Lines:
    parts = []
    for partition, time in events:
        value = b"no event"
        if time is not None:
            value = msgspec.json.encode(
                {"timestamp": format_time(EventTime(BASE + time)), "userId": "a"}
            )
        place = np.array([[partition], [0], [0]])
        parts.append(READER.read_records([value], place, np.array([1 << 50])))
    return join(parts)


@settings(deadline=None, max_examples=500)
@given(TICKS, st.booleans())
@example([Tick([0, 1, 2], 10, [(0, 3)])], False)
@example([Tick([], 0, [(0, 9), (1, 9), (2, 9)]), Tick([1], 0, [(0, 30), (2, 30), (1, 4)])], True)
def test_each_event_is_stamped_as_the_definition_says(ticks: list[Tick], restart: bool) -> None:  # noqa: FBT001
    naive, state = Naive(), RouteState()
    for tick in ticks:
        route = Route(0, shards=1, disorder_ms=DISORDER, state=state, by_origin=True)
        route.add_partitions(range(PARTITIONS))
        route.note_idle(tick.idle, BASE + tick.clock)
        naive.note_idle(tick)
        [share] = route.split(lines_of(tick.events), ORIGINS)
        stamps = [naive.stamp(event) for event in tick.events]
        wanted = [
            stamp for stamp, (_, time) in zip(stamps, tick.events, strict=True) if time is not None
        ]
        assert share.late_below.tolist() == [late_below for late_below, _ in wanted]
        assert share.watermarks.tolist() == [watermark for _, watermark in wanted]
        assert share.watermark == naive.reader
        if restart:
            state = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=RouteState)


def test_nothing_passes_until_every_partition_was_heard_from_or_is_idle() -> None:
    route = Route(0, shards=1, disorder_ms=DISORDER, state=RouteState(), by_origin=True)
    route.add_partitions([0, 1])
    [share] = route.split(lines_of([(0, 30)]), ORIGINS)
    assert share.watermark == BEFORE_ALL
    route.note_idle([1], 0)
    [share] = route.split(join([]), ORIGINS)
    assert share.watermark == BASE + 30 - DISORDER


def test_a_partition_that_is_added_never_takes_the_watermark_back() -> None:
    route = Route(0, shards=1, disorder_ms=DISORDER, state=RouteState(), by_origin=True)
    route.add_partitions([0])
    route.split(lines_of([(0, 30)]), ORIGINS)
    route.add_partitions([1])
    [share] = route.split(lines_of([(0, 40), (1, 20)]), ORIGINS)
    assert share.watermark == BASE + 30 - DISORDER
    assert share.late_below.tolist() == [BASE + 25, BASE + 25], "the second event is late"
