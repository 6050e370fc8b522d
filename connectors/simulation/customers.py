"""Who visits: customers, busy and quiet ones, and strangers who never say who they are.

A customer is no more than a number too; what is theirs for good (the browser's anonymous id, the
device, where they live) follows from it.
"""

from dataclasses import dataclass
from math import gcd

import numpy as np

from connectors.simulation.draws import Flags, Floats, Ints, Words, Zipf, below, pick, scramble

MOST_CUSTOMERS = 1_000_000_000

_AGENTS: tuple[tuple[str, str, int], ...] = (
    # device type, user agent, weight
    ("mobile", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) Safari/604.1", 27),
    ("mobile", "Mozilla/5.0 (Linux; Android 15; Pixel 9) Chrome/142.0.0.0 Mobile", 24),
    ("mobile", "Mozilla/5.0 (Android 14; Mobile; rv:145.0) Firefox/145.0", 7),
    ("desktop", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/142.0.0.0", 20),
    ("desktop", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1.15", 9),
    ("desktop", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Firefox/145.0", 4),
    ("tablet", "Mozilla/5.0 (iPad; CPU OS 18_7 like Mac OS X) Safari/604.1", 6),
    ("tablet", "Mozilla/5.0 (Linux; Android 14; SM-X710) Chrome/142.0.0.0", 3),
)
_PLACES: tuple[tuple[str, str, str, int], ...] = (
    # country, locale, time zone, weight
    ("DE", "de-DE", "Europe/Berlin", 46),
    ("FR", "fr-FR", "Europe/Paris", 14),
    ("GB", "en-GB", "Europe/London", 13),
    ("AT", "de-AT", "Europe/Vienna", 9),
    ("NL", "nl-NL", "Europe/Amsterdam", 8),
    ("US", "en-US", "America/New_York", 6),
    ("FI", "fi-FI", "Europe/Helsinki", 4),
)
_FIRST_NAMES = ("Ada", "Ben", "Chiara", "Deniz", "Elif", "Finn", "Greta", "Henri", "Ines", "Jonas")
_RETURNING = 0.25
"""The share of strangers' visits by somebody who has been there before."""
_STRANGER = 1 << 62
"""Added to a stranger's number, to keep it apart from the customers'."""

CONTEXTS = [
    f'{{"device":{{"type":"{device}"}},"locale":"{locale}","timezone":"{zone}",'
    f'"userAgent":"{agent}"}}'
    for device, agent, _ in _AGENTS
    for _, locale, zone, _ in _PLACES
]
"""The contexts that there are, as JSON; ``contexts`` says which one is whose."""
_CONTEXT_WEIGHTS = np.array([agent[2] * place[3] for agent in _AGENTS for place in _PLACES])


def contexts(words: Words) -> Ints:
    """Give each visitor's place in ``CONTEXTS``."""
    return pick(words, _CONTEXT_WEIGHTS)


def traits(customer: int, word: int, context: int) -> str:
    """Write what the shop knows about a customer, as JSON."""
    first_name = _FIRST_NAMES[(word >> 8) % len(_FIRST_NAMES)]
    newsletter = "true" if word % 5 < 2 else "false"  # noqa: PLR2004 (two of five)
    return (
        f'{{"email":"{first_name.lower()}.{customer}@example.com","firstName":"{first_name}",'
        f'"country":"{_PLACES[context % len(_PLACES)][0]}","newsletter":{newsletter}}}'
    )


@dataclass(frozen=True)
class Visitors:
    """Who makes each of a number of visits."""

    customers: Ints
    """The number that their user id shows, from 1; 0 for strangers."""
    words: Words
    """64 bits that are this visitor's for good."""


class Customers:
    """Decides who comes next; goes on where the last call ended.

    With ``even``, everybody comes once before anybody comes again. Otherwise a part of the visits
    is made in turn like that and the others follow Zipf's law: so many in turn that by the end
    nearly everybody has come once. Where there are too few visits for that, Zipf's law has the
    larger part again, the more so the fewer there are.
    """

    def __init__(self, count: int, visits: float, salts: list[int], *, even: bool) -> None:
        assert 1 <= count <= MOST_CUSTOMERS, "products of two customer numbers fit an int64"
        visits_each = visits / count
        self._in_turn = 1.0 if even else min(visits_each, 1.02 / max(visits_each, 1.0), 1.0)
        self._count = count
        self._busy = Zipf([count])
        self._identity_salt, self._round_salt = salts
        self._stride = _stride(count)
        self._turns = 0
        self._strangers = 0

    def next(self, who: Floats, how: Floats, strangers: Flags) -> Visitors:
        """Give the next visits' visitors, with two draws for each of them."""
        customers = np.where(how < self._in_turn, self._by_turn(how, strangers), self._by_zipf(who))
        identities = np.where(strangers, self._stranger(who, how, strangers), customers)
        return Visitors(
            customers=np.where(strangers, 0, customers + 1),
            words=scramble(identities, self._identity_salt),
        )

    def _by_turn(self, how: Floats, strangers: Flags) -> Ints:
        mine = (how < self._in_turn) & ~strangers
        turns = self._turns + np.cumsum(mine) - mine
        self._turns += int(mine.sum())
        rounds, places = np.divmod(turns, self._count)
        offsets = scramble(rounds, self._round_salt) % np.uint64(self._count)
        return (places * self._stride + offsets.astype(np.int64)) % self._count

    def _by_zipf(self, who: Floats) -> Ints:
        return (self._busy.ranks(who) * self._stride + self._count // 3) % self._count

    def _stranger(self, who: Floats, how: Floats, strangers: Flags) -> Ints:
        numbers = self._strangers + np.cumsum(strangers) - strangers
        self._strangers += int(strangers.sum())
        return np.where(how < _RETURNING, below(who, numbers), numbers) + _STRANGER


def _stride(count: int) -> int:
    """Find a step that leads round all the customers, far from the one just left."""
    stride = count * 618 // 1000
    while gcd(stride, count) != 1:
        stride += 1
    return stride
