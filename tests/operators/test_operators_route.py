"""Route against the naive definition: each event's shard, and the watermark before it."""

from collections import Counter
from itertools import pairwise
from zlib import crc32

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from operators.clock import Clock
from operators.heads import LineReader
from operators.lines import join
from operators.outputs import DeadLetter
from operators.rejections import Place
from operators.route import Route, RouteState, shard_of
from operators.ticks import ShardTick, TickName
from operators.times import AFTER_ALL, BEFORE_ALL, EventTime, format_time

BASE = 1_767_225_600_000
FILES = ("one.jsonl", "two.jsonl")
DISORDER = 5

Line = tuple[int, str] | None
"""Time and customer; None for a line that is no event."""

LINES = st.lists(
    st.one_of(
        st.tuples(st.integers(0, 30), st.sampled_from(["a", "b", "é\0", "\U0001f600", "x" * 50])),
        st.none(),
    ),
    max_size=12,
)


def raw(line: Line, number: int) -> bytes:
    if line is None:
        return b"bad %d" % number
    event = {"timestamp": format_time(EventTime(BASE + line[0])), "userId": line[1], "n": number}
    return msgspec.json.encode(event)


def make(shards: int, state: RouteState | None = None, reader: int = 0) -> Route:
    state = state or RouteState()
    return Route(reader, shards=shards, disorder_ms=DISORDER, state=state)


def cut(lines: list[Line], cuts: list[int]) -> list[range]:
    """Say which lines are in each tick; some ticks are empty."""
    bounds = [0, *sorted(min(place, len(lines)) for place in cuts), len(lines)]
    return [range(start, stop) for start, stop in pairwise(bounds)]


def route_all(
    lines: list[Line], ticks: list[range], shards: int, *, restart: bool
) -> list[list[ShardTick]]:
    reader = LineReader(future_ms=0, now_ms=1 << 50)
    content = [raw(line, number) for number, line in enumerate(lines)]
    everything = reader.read(b"\n".join(content), file=1, line=1, offset=0) if content else None
    route = make(shards)
    split = []
    for tick in ticks:
        if restart:
            stored = msgspec.msgpack.encode(route.state)
            route = make(shards, msgspec.msgpack.decode(stored, type=RouteState))
        part = everything.slice(tick.start, tick.stop) if everything else join([])
        split.append(route.split(part, FILES))
    return split


@settings(deadline=None, max_examples=300)
@given(LINES, st.lists(st.integers(0, 12), max_size=4), st.integers(1, 5), st.booleans())
@example([None, (3, "a")], [1], 2, False)
def test_every_event_gets_its_shard_and_the_watermark_before_it(
    lines: list[Line],
    cuts: list[int],
    shards: int,
    restart: bool,  # noqa: FBT001
) -> None:
    ticks = cut(lines, cuts)
    latest: float = float("-inf")
    for number, (tick, parts) in enumerate(
        zip(ticks, route_all(lines, ticks, shards, restart=restart), strict=True), 1
    ):
        expected: list[list[tuple[bytes, int, int, int]]] = [[] for _ in range(shards)]
        for index in tick:
            line = lines[index]
            if line is not None:
                before = max(latest - DISORDER, BEFORE_ALL)
                row = (raw(line, index), BASE + line[0], int(before), index + 1)
                expected[crc32(line[1].encode()) % shards].append(row)
                latest = max(latest, BASE + line[0])
        assert [part.shard for part in parts] == list(range(shards)), "every shard gets every tick"
        for part, rows in zip(parts, expected, strict=True):
            assert part.name == TickName(0, number)
            assert part.watermark == max(latest - DISORDER, BEFORE_ALL)
            assert (part.lines.split(b"\n") if rows else []) == [row[0] for row in rows]
            assert part.lines == b"\n".join(row[0] for row in rows)
            assert part.times.tolist() == [row[1] for row in rows]
            assert part.watermarks.tolist() == [row[2] for row in rows]
            assert part.late_below.tolist() == part.watermarks.tolist()
            assert [part.place(n).line for n in range(len(rows))] == [row[3] for row in rows]
            assert [part.line(n) for n in range(len(rows))] == [row[0] for row in rows]


@settings(deadline=None, max_examples=100)
@given(LINES, st.integers(1, 5))
def test_every_line_is_read_once_and_rejected_ones_are_dead_letters(
    lines: list[Line], shards: int
) -> None:
    [parts] = route_all(lines, [range(len(lines))], shards, restart=False)
    counts = sum((part.counts for part in parts), Counter())
    bad = [number for number, line in enumerate(lines) if line is None]
    assert counts["read"] == len(lines)
    assert counts["dead_letters"] == len(bad)
    assert sum(len(part.customers) for part in parts) == len(lines) - len(bad)
    letters = [
        output
        for part in parts
        for output in part.outputs.kinds.get("dead-letters", [])
        if isinstance(output, DeadLetter)
    ]
    offsets = [sum(len(raw(line, n)) + 1 for n, line in enumerate(lines[:b])) for b in bad]
    assert [letter.place for letter in letters] == [
        Place("two.jsonl", number + 1, offset) for number, offset in zip(bad, offsets, strict=True)
    ]
    assert [letter.original.value for letter in letters] == [raw(None, number) for number in bad]


def test_the_watermark_never_goes_back_and_starts_before_all() -> None:
    route = make(2)
    assert route.watermark == BEFORE_ALL
    reader = LineReader(future_ms=0, now_ms=1 << 50)
    marks = []
    for number, time in enumerate((10, 3, 20, 4)):
        lines = reader.read(raw((time, "a"), number), file=0, line=1, offset=0)
        marks += [route.split(lines, FILES)[0].watermark - BASE]
    assert marks == [5, 5, 15, 15]


def test_the_end_of_a_reader_is_told_to_every_shard() -> None:
    route = make(3, reader=2)
    parts = route.split(join([]), FILES, ended=True, close=True)
    assert [(part.name, part.ended, part.close) for part in parts] == [
        (TickName(2, 1), True, True)
    ] * 3
    assert all(part.lines == b"" and part.customers == [] for part in parts)


@pytest.mark.parametrize("shards", [12, 48, 240])
@pytest.mark.parametrize("form", ["{}", "u{:08d}", "user-{}@shop.example", "{:032x}", "é{}"])
def test_customers_are_spread_evenly_over_the_shards(shards: int, form: str) -> None:
    customers = 500 * shards
    sizes = Counter(shard_of(form.format(number), shards) for number in range(customers))
    assert sorted(sizes) == list(range(shards))
    chi_square = sum((size - 500) ** 2 / 500 for size in sizes.values())
    assert chi_square < shards + 6 * (2 * shards) ** 0.5, "six deviations above what chance gives"


def test_the_shard_of_a_customer_is_frozen() -> None:
    assert crc32(b"123456789") == 0xCBF43926, "the check value of CRC-32"
    assert shard_of("123456789", 12) == 0xCBF43926 % 12
    assert [shard_of(name, 12) for name in ("", "é", "user-1")] == [
        0,
        crc32(b"\xc3\xa9") % 12,
        crc32(b"user-1") % 12,
    ]


class NaiveClock:
    """The least over the readers that have not ended, in the end the greatest; never goes back."""

    def __init__(self, readers: int) -> None:
        self.marks = [BEFORE_ALL] * readers
        self.ended = [False] * readers
        self.watermark: int = BEFORE_ALL

    def least(self, but: int | None = None) -> int:
        running = [
            mark
            for n, (mark, ended) in enumerate(zip(self.marks, self.ended, strict=True))
            if not ended and n != but
        ]
        return min(running, default=AFTER_ALL)

    def advance(self, reader: int, mark: int, *, ended: bool) -> None:
        self.marks[reader] = EventTime(mark)
        self.watermark = max(self.watermark, self.least())
        self.ended[reader] = ended
        least = max(self.marks) if all(self.ended) else self.least()
        self.watermark = max(self.watermark, least)


@settings(deadline=None, max_examples=300)
@given(
    st.integers(1, 4),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 5)), max_size=30),
)
def test_a_shards_watermark_is_the_least_over_the_readers_that_have_not_ended(
    readers: int, ticks: list[tuple[int, int, int]]
) -> None:
    clock, naive = Clock.new(readers), NaiveClock(readers)
    numbers = [0] * readers
    for any_reader, step, end in ticks:
        reader = any_reader % readers
        if naive.ended[reader]:
            continue
        numbers[reader] += 1
        mark = max(naive.marks[reader], 0) + step
        clock.advance(TickName(reader, numbers[reader]), mark, ended=end == 0)
        naive.advance(reader, mark, ended=end == 0)
        assert clock.watermark == naive.watermark
        assert [clock.others(n) for n in range(readers)] == [
            naive.least(but=n) for n in range(readers)
        ]
        clock = msgspec.msgpack.decode(msgspec.msgpack.encode(clock), type=Clock)
    assert clock.ticks == numbers


def test_a_reader_that_was_not_heard_of_holds_the_watermark_back() -> None:
    clock = Clock.new(2)
    clock.advance(TickName(0, 1), 100, ended=False)
    assert clock.watermark == BEFORE_ALL
    clock.advance(TickName(1, 1), 40, ended=False)
    assert clock.watermark == 40


def test_a_reader_that_has_ended_holds_nobody_back_and_in_the_end_the_furthest_counts() -> None:
    clock = Clock.new(2)
    clock.advance(TickName(0, 1), 100, ended=False)
    clock.advance(TickName(1, 1), 40, ended=True)
    assert clock.watermark == 100
    clock.advance(TickName(0, 2), 120, ended=True)
    assert clock.watermark == 120
    other_way_round = Clock.new(2)
    other_way_round.advance(TickName(0, 1), 120, ended=True)
    other_way_round.advance(TickName(1, 1), 40, ended=True)
    assert other_way_round.watermark == 120


def test_a_shards_watermark_never_goes_back() -> None:
    clock = Clock.new(1)
    clock.advance(TickName(0, 1), 100, ended=False)
    clock.advance(TickName(0, 2), 50, ended=True)
    assert clock.watermark == 100


@pytest.mark.parametrize("number", [0, 1, 3])
def test_a_tick_that_is_not_the_readers_next_is_refused(number: int) -> None:
    clock = Clock.new(1)
    clock.advance(TickName(0, 1), 0, ended=False)
    with pytest.raises(AssertionError, match="expected tick 2"):
        clock.advance(TickName(0, number), 0, ended=False)
