"""What the shop sells: products in categories, each with a brand and a price.

A product is no more than its number: category, brand and price follow from it, so a catalogue of
a million products takes no more memory than one of ten.
"""

import numpy as np

from connectors.simulation.draws import Floats, Ints, Words, Zipf, pick, scramble

CATEGORIES: tuple[tuple[str, int, tuple[str, ...]], ...] = (
    # name, price of the cheapest in cents, brands
    ("shoes", 2490, ("Fjellstad", "Corriere", "Pace & Sole", "Bramble")),
    ("jackets", 4990, ("Fjellstad", "Nordlicht", "Harrow", "Vento")),
    ("shirts", 1290, ("Loom", "Harrow", "Celio Bianchi", "Bramble")),
    ("trousers", 2990, ("Loom", "Vento", "Harrow", "Tenfold")),
    ("bags", 1990, ("Corriere", "Tenfold", "Marlow")),
    ("watches", 3990, ("Meridian", "Oberwerk", "Marlow")),
    ("kitchen", 890, ("Kupferhaus", "Basil", "Tavola")),
    ("lamps", 1490, ("Glim", "Oberwerk", "Halo Nine")),
    ("headphones", 1990, ("Sonara", "Halo Nine", "Quarto")),
    ("books", 590, ("Papermill", "Greyfriars", "Ninth Wave")),
    ("toys", 790, ("Hoplite", "Basil", "Little Ark")),
    ("sports", 1190, ("Pace & Sole", "Vento", "Summitline")),
)
_POPULARITY = np.array([22, 9, 18, 11, 7, 3, 6, 3, 6, 8, 4, 6])
_BRANDS = 12
"""A number that every count of brands divides."""
_PRICES = 48
_OFF_PERCENT = (10, 15, 20, 25, 30, 40)
_SHUFFLER = 2_147_483_647
"""A prime above any number of products: multiplying by it leaves no two with the same id."""


class Catalog:
    """So many products, spread over the categories; the first of each category sells best."""

    def __init__(self, products: int, salt: int) -> None:
        self._products = products
        self._salt = salt
        self._categories = min(products, len(CATEGORIES))
        sizes = [len(range(c, products, self._categories)) for c in range(self._categories)]
        self._ranks = Zipf(sizes)
        self._texts, self._cents = _kinds()

    def categories(self, words: Words) -> Ints:
        """Choose a category for each word."""
        return pick(words, _POPULARITY[: self._categories])

    def products(self, draws: Floats, categories: Ints) -> Ints:
        """Choose a product of that category for each draw."""
        return self._ranks.ranks(draws, categories) * self._categories + categories

    def ids(self, products: Ints) -> Ints:
        """Give the numbers that are shown; they do not tell how popular a product is."""
        return products * (_SHUFFLER % self._products) % self._products + 1

    def kinds(self, products: Ints) -> Ints:
        """Give the combination of category, brand and price that each product has."""
        words = scramble(products, self._salt)
        brands = (words % np.uint64(_BRANDS)).astype(np.int64)
        prices = ((words >> np.uint64(32)) % np.uint64(_PRICES)).astype(np.int64)
        return (products % self._categories * _BRANDS + brands) * _PRICES + prices

    def cents(self, kinds: Ints) -> Ints:
        """Give their prices in cents."""
        return self._cents[kinds]

    def reduced_cents(self, products: Ints, cents: Ints) -> Ints:
        """Give what they cost while their price has dropped: the same for everybody."""
        words = scramble(products, self._salt) >> np.uint64(16)
        off = np.array(_OFF_PERCENT)[(words % np.uint64(len(_OFF_PERCENT))).astype(np.int64)]
        reduced: Ints = cents * (100 - off) // 100
        return reduced

    @property
    def texts(self) -> list[str]:
        """For each kind, its category, brand and price as the inside of a JSON object."""
        return self._texts


def _kinds() -> tuple[list[str], Ints]:
    texts = []
    cents = []
    for name, cheapest, brands in CATEGORIES:
        prices = [_price(cheapest, step) for step in range(_PRICES)]
        for brand in range(_BRANDS):
            label = f'"category":"{name}","brand":"{brands[brand % len(brands)]}","price":'
            texts += [label + money(price) for price in prices]
            cents += prices
    return texts, np.array(cents, np.int64)


def _price(cheapest: int, step: int) -> int:
    """Rise slowly at first, up to six times the cheapest, ending in 90 or 95 cents."""
    price = cheapest + cheapest * 5 * step * step // (_PRICES * _PRICES)
    return price - price % 100 + (95 if step % 3 == 1 else 90)


def money(cents: int) -> str:
    """Write cents as a number with two decimals."""
    return f"{cents // 100}.{cents % 100:02d}"
