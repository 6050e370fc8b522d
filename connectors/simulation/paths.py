"""What people do on a visit: some thousand paths through the shop, walked beforehand.

Every visit takes one of these paths; only its time, its visitor and its products are its own.
Walking in plain Python keeps the rules readable, and using a path again keeps the rest fast.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from connectors.simulation.draws import Flags, Floats, Ints, below, generator

_PATHS = 4096
"""How many there are of each kind of visitor."""
_LONGEST = 40
"""Nobody looks around for more steps than these."""


class Step(IntEnum):
    """One thing that a visitor does, or that the shop does for one, and so one event."""

    HOME = 0
    CATEGORY = 1
    SEARCH = 2
    CART = 3
    IDENTIFY = 4
    VIEW = 5
    ADD = 6
    CHECKOUT = 7
    ORDER = 8
    PRICE_DROP = 9
    """Hours after the visit: something that was looked at costs less now."""


@dataclass(frozen=True)
class Habits:
    """How likely a visitor does what, where there is a choice."""

    known: bool
    """Whether the shop knows, or at some point learns, which customer it is."""
    log_in: float = 0.0
    """Begins without saying who it is, and logs in on the way."""
    say_again: float = 0.04
    """Is known from the start, and an identify event says so once more."""
    see_pages_first: float = 0.5
    """Lands on a page that leads to products rather than on a product."""
    see_pages: float = 0.3
    add: float = 0.08
    see_cart: float = 0.3
    go_on: float = 0.8
    pause: float = 0.02
    """Goes away, and comes back after a while."""
    check_out: float = 0.52
    pause_before_checkout: float = 0.2
    order: float = 0.66
    price_drop: float = 0.03
    """Where nothing was bought by somebody the shop knows: is told of a lower price later."""


CUSTOMERS = Habits(known=True)
STRANGERS = Habits(known=False, go_on=0.72, add=0.045, check_out=0.0)


@dataclass
class Path:
    """The steps of a visit, and what belongs to each of them."""

    steps: list[Step] = field(default_factory=list)
    subjects: list[int] = field(default_factory=list)
    """The step that chose this one's product (often itself)."""
    pauses: list[bool] = field(default_factory=list)
    """Whether the visitor was away for a while before it."""
    named: list[bool] = field(default_factory=list)
    """Whether its event says which customer it is."""


class _Walk:
    """One walk through the shop; asks ``draws`` at every choice."""

    def __init__(self, habits: Habits, draws: Iterator[float]) -> None:
        self.path = Path()
        self._habits = habits
        self._draws = draws
        self._will_log_in = habits.known and self._chance(habits.log_in)
        self._named = habits.known and not self._will_log_in
        self._was_away = False
        if self._named and self._chance(habits.say_again):
            self._take(Step.IDENTIFY)
        self._look_around()
        if Step.ADD in self.path.steps and self._chance(habits.check_out):
            self._pay()
        if self._named and Step.ORDER not in self.path.steps:
            self._hear_of_a_price()

    def _look_around(self) -> None:
        see_pages = self._habits.see_pages_first
        while True:
            if self._chance(see_pages):
                self._take(Step(int(next(self._draws) * 3)))  # home, category or search
            else:
                self._take(Step.VIEW)
                if self._chance(self._habits.add):
                    self._add_to_cart()
            if self._will_log_in and not self._named and self._chance(0.7):
                self._named = True
                self._take(Step.IDENTIFY)
            if len(self.path.steps) >= _LONGEST or not self._chance(self._habits.go_on):
                return
            self._was_away = self._chance(self._habits.pause)
            see_pages = self._habits.see_pages

    def _add_to_cart(self) -> None:
        self._take(Step.ADD, subject=len(self.path.steps) - 1)
        if self._chance(self._habits.see_cart):
            self._take(Step.CART)

    def _pay(self) -> None:
        if self._chance(self._habits.pause_before_checkout):
            self._was_away = True
            self._take(Step.CART)
        self._take(Step.CHECKOUT)
        if self._chance(self._habits.order):
            self._take(Step.ORDER)

    def _hear_of_a_price(self) -> None:
        views = [row for row, step in enumerate(self.path.steps) if step == Step.VIEW]
        if views and self._chance(self._habits.price_drop):
            self._take(Step.PRICE_DROP, subject=views[int(next(self._draws) * len(views))])

    def _take(self, step: Step, subject: int | None = None) -> None:
        path = self.path
        path.subjects.append(len(path.steps) if subject is None else subject)
        path.steps.append(step)
        path.pauses.append(self._was_away)
        path.named.append(self._named)
        self._was_away = False

    def _chance(self, share: float) -> bool:
        return next(self._draws) < share


@dataclass(frozen=True)
class Rows:
    """The events of many visits, visit after visit; each array has one entry an event."""

    visits: Ints
    """Which of the visits, from 0."""
    firsts: Ints
    """The row of that visit's first event."""
    steps: Ints
    subjects: Ints
    """The row that chose this one's product."""
    pauses: Flags
    named: Flags


class Library:
    """All paths: those of customers, then those of strangers."""

    def __init__(self, seed: int, part: int, customers: Habits, strangers: Habits) -> None:
        draws = _endless(generator(seed, part))
        paths = [_Walk(h, draws).path for h in (customers, strangers) for _ in range(_PATHS)]
        self._lengths: Ints = np.array([len(path.steps) for path in paths], np.int64)
        self._starts = np.cumsum(self._lengths) - self._lengths
        self._steps: Ints = np.array([step for path in paths for step in path.steps], np.int64)
        self._subjects: Ints = np.array([row for path in paths for row in path.subjects], np.int64)
        self._pauses: Flags = np.array([pause for path in paths for pause in path.pauses])
        self._named: Flags = np.array([named for path in paths for named in path.named])

    def mean_length(self, strangers: float) -> float:
        """Give the events per visit when this share of the visits is by strangers."""
        known, unknown = self._lengths[:_PATHS].mean(), self._lengths[_PATHS:].mean()
        return float(known * (1 - strangers) + unknown * strangers)

    def rows(self, draws: Floats, strangers: Flags, events: int) -> Rows:
        """Take a path for each draw until there are exactly so many events.

        The last visit breaks off where they are complete; the draws after it are not used.
        ``events`` draws are always enough, for each path has a step.
        """
        chosen = below(draws, _PATHS) + np.where(strangers, _PATHS, 0)
        ends = np.cumsum(self._lengths[chosen])
        count = int(np.searchsorted(ends, events)) + 1
        chosen, ends = chosen[:count], ends[:count]
        lengths = self._lengths[chosen]
        visits = np.repeat(np.arange(count), lengths)[:events]
        firsts = (ends - lengths)[visits]
        places = self._starts[chosen][visits] + np.arange(events) - firsts
        return Rows(
            visits=visits,
            firsts=firsts,
            steps=self._steps[places],
            subjects=firsts + self._subjects[places],
            pauses=self._pauses[places],
            named=self._named[places],
        )


def _endless(draws: np.random.Generator) -> Iterator[float]:
    while True:
        yield from draws.random(4096).tolist()
