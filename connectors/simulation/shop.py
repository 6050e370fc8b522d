"""The simulation itself: visits block by block in time order, then a little mess on the way in.

A block is a stretch of time in which visits worth about ``_BLOCK`` events begin. Events that
arrive after its end wait for their turn among the next block's. So memory holds one block and the
visits that are going on, whatever the number of events.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from connectors.simulation.catalog import Catalog
from connectors.simulation.customers import Customers
from connectors.simulation.draws import Durations, Floats, Ints, below, generator, salts, scramble
from connectors.simulation.lines import Events, LineWriter
from connectors.simulation.paths import CUSTOMERS, STRANGERS, Library, Rows, Step
from connectors.simulation.rhythm import Rhythm
from operators.times import EventTime, parse_time

DAY_MS = 86_400_000
MOST_DUPLICATES = 0.4
"""No line comes more than twice."""
DEFAULT_START = parse_time("2026-01-01T00:00:00Z")

_BLOCK = 16_384
_PATH_DRAWS, _FIRST_BLOCK_DRAWS = 0, 16
_LOG_IN_PER_STRANGER = 0.8
"""Visits that begin anonymous and then log in, for each visit that stays anonymous."""

_THINKING = Durations(median_ms=21_000, sigma=1.1, shortest_ms=400, longest_ms=1_200_000)
_AWAY = Durations(median_ms=2_100_000, sigma=1.2, shortest_ms=300_000, longest_ms=28_800_000)
_UNTIL_PRICE_DROP = Durations(
    median_ms=14_400_000, sigma=0.6, shortest_ms=3_600_000, longest_ms=43_200_000
)
_DISORDER_MS = 4_500
"""Below the default `time.disorder` of 5 s: such an event is never late."""
_LATE_FROM_MS, _LATE_MS = 6_000, 900_000
_REPEAT_FROM_MS, _REPEAT_MS = 50, 60_000


@dataclass(frozen=True)
class Shop:
    """Which shop to simulate, and for how many events."""

    customers: int
    events: int
    """Lines to write, duplicates among them."""
    seed: int = 1
    start: EventTime = DEFAULT_START
    span_ms: int = 7 * DAY_MS
    """Visits begin within this time; the last ones may go on after it."""
    products: int = 1_000
    even: bool = False
    """Whether all customers come about equally often."""
    anonymous: float = 0.15
    """The share of visits by strangers; with 0 every event names its customer."""
    disorder: float = 0.02
    """The share of events that arrive up to 4.5 s after their time."""
    late: float = 0.0005
    """The share of events that arrive 6 s to 15 min after it."""
    duplicates: float = 0.005
    """The share of lines that are a line's second copy; at most ``MOST_DUPLICATES``."""


def simulate(shop: Shop) -> Iterator[list[str]]:
    """Give the shop's events in the order of their arrival, some thousand lines at a time."""
    simulation = _Simulation(shop)
    waiting = _Arrivals(np.empty(0, np.int64), [])
    for block in range(simulation.blocks):
        waiting = waiting.joined(simulation.arrivals(block))
        lines, waiting = waiting.parted(simulation.begin(block + 1))
        if lines:
            yield lines
    if waiting.lines:
        yield waiting.lines


@dataclass(frozen=True)
class _Arrivals:
    """Lines by the time of their arrival."""

    times: Ints
    lines: list[str]

    def joined(self, other: "_Arrivals") -> "_Arrivals":
        times = np.concatenate((self.times, other.times))
        lines = self.lines + other.lines
        order = np.argsort(times, kind="stable")
        return _Arrivals(times[order], [lines[place] for place in order.tolist()])

    def parted(self, time: int) -> tuple[list[str], "_Arrivals"]:
        """Give the lines before that time, and the others."""
        place = int(np.searchsorted(self.times, time))
        return self.lines[:place], _Arrivals(self.times[place:], self.lines[place:])


class _Simulation:
    """Makes one block after the other."""

    def __init__(self, shop: Shop) -> None:
        assert shop.duplicates <= MOST_DUPLICATES, "every block has lines enough to repeat"
        self._shop = shop
        self._duplicates = int(shop.events * shop.duplicates)
        self._originals = shop.events - self._duplicates
        self.blocks = -(-self._originals // _BLOCK)
        self._rhythm = Rhythm(shop.start, shop.span_ms)
        customers = replace(CUSTOMERS, log_in=_LOG_IN_PER_STRANGER * shop.anonymous)
        self._library = Library(shop.seed, _PATH_DRAWS, customers, STRANGERS)
        words = salts(shop.seed, 6)
        self._taste_salt = words[0]
        self._catalog = Catalog(shop.products, words[1])
        self._writer = LineWriter(self._catalog, words[2:4])
        visits = self._originals / self._library.mean_length(shop.anonymous)
        known_visits = visits * (1 - shop.anonymous)
        self._customers = Customers(shop.customers, known_visits, words[4:], even=shop.even)
        self._visits = 0

    def begin(self, block: int) -> int:
        """Give the time at which a block begins."""
        if block == self.blocks:
            return self._shop.start + self._shop.span_ms
        return int(self._rhythm.times(np.array([self._place(block)]))[0])

    def arrivals(self, block: int) -> _Arrivals:
        """Make a block's events and the duplicates of some of them."""
        draws = generator(self._shop.seed, _FIRST_BLOCK_DRAWS + block)
        events = self._events(block, draws)
        lines = self._writer.lines(events)
        times = events.times + self._delays(draws, len(lines))
        repeated = self._part(self._duplicates, block)
        chosen = np.argsort(draws.random(len(lines)), kind="stable")[: repeated[1] - repeated[0]]
        pauses = _REPEAT_FROM_MS + below(_square(draws.random(len(chosen))), _REPEAT_MS)
        return _Arrivals(
            np.concatenate((times, times[chosen] + pauses)),
            lines + [lines[place] for place in chosen.tolist()],
        )

    def _events(self, block: int, draws: np.random.Generator) -> Events:
        begin, end = self._part(self._originals, block)
        count = end - begin
        strangers = draws.random(count) < self._shop.anonymous
        rows = self._library.rows(draws.random(count), strangers, count)
        visits = int(rows.visits[-1]) + 1
        starts = self._starts(block, draws.random(visits))
        visitors = self._customers.next(
            draws.random(visits), draws.random(visits), strangers[:visits]
        )
        tastes = scramble(visitors.words, self._taste_salt)
        moods = (draws.random(visits) * 2.0**53).astype(np.uint64)
        categories = self._catalog.categories(
            np.where(draws.random(visits) < 0.5, tastes, moods)  # noqa: PLR2004 (half)
        )
        carts = 100_001 + self._visits + np.arange(visits)
        self._visits += visits
        return Events(
            rows=rows,
            times=_times(rows, starts, draws.random(count)),
            numbers=np.arange(begin, end),
            products=self._products(rows, categories, draws),
            quantities=1 + (draws.random(count) < 0.2) + (draws.random(count) < 0.05),  # noqa: PLR2004
            visitors=visitors,
            categories=categories,
            carts=carts,
        )

    def _starts(self, block: int, draws: Floats) -> Ints:
        first, last = self._place(block), self._place(block + 1)
        return self._rhythm.times(first + below(draws, last - first))

    def _products(self, rows: Rows, categories: Ints, draws: np.random.Generator) -> Ints:
        """Choose what is looked at: mostly what the visit is about, sometimes anything."""
        count = len(rows.visits)
        anything = self._catalog.categories((draws.random(count) * 2.0**53).astype(np.uint64))
        stray = draws.random(count) < 0.2  # noqa: PLR2004 (one of five)
        return self._catalog.products(
            draws.random(count), np.where(stray, anything, categories[rows.visits])
        )

    def _delays(self, draws: np.random.Generator, count: int) -> Ints:
        """Decide how long after its time each event arrives; most do so at once."""
        which, how_long = draws.random(count), draws.random(count)
        late_below = self._shop.late
        disorder_below = late_below + self._shop.disorder
        long_delays = _LATE_FROM_MS + below(_square(how_long), _LATE_MS - _LATE_FROM_MS)
        short_delays = 1 + below(how_long, _DISORDER_MS)
        rest = np.where(which < disorder_below, short_delays, 0)
        return np.where(which < late_below, long_delays, rest)

    def _place(self, block: int) -> int:
        return self._rhythm.mass * block // self.blocks

    def _part(self, total: int, block: int) -> tuple[int, int]:
        """Divide a total among the blocks as evenly as whole numbers allow."""
        return total * block // self.blocks, total * (block + 1) // self.blocks


def _times(rows: Rows, starts: Ints, draws: Floats) -> Ints:
    """Give each event its time: the visit's start, and all the thinking and pausing since."""
    waits = np.where(rows.pauses, _AWAY.of(draws), _THINKING.of(draws))
    waits = np.where(rows.steps == Step.PRICE_DROP, _UNTIL_PRICE_DROP.of(draws), waits)
    since = np.cumsum(waits)
    times: Ints = starts[rows.visits] + since - since[rows.firsts]
    return times


def _square(draws: Floats) -> Floats:
    return draws * draws
