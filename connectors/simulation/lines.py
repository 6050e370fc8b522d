"""From the columns of many events to their JSON lines, in the shape of Segment's spec.

The text is put together by hand, not by an encoder: nearly all of it is the same from line to
line, and this is several times as fast. Nothing in it needs escaping.
"""

from dataclasses import dataclass

import numpy as np

from connectors.simulation import texts
from connectors.simulation.catalog import CATEGORIES, Catalog, money
from connectors.simulation.customers import CONTEXTS, Visitors, contexts, traits
from connectors.simulation.draws import Ints, Words, scramble
from connectors.simulation.paths import Rows, Step

_FREE_SHIPPING_CENTS = 5000
_SHIPPING_CENTS = 490

_HEADS = {
    Step.IDENTIFY: '{"type":"identify","messageId":"',
    Step.VIEW: '{"type":"track","event":"Product Viewed","messageId":"',
    Step.ADD: '{"type":"track","event":"Product Added","messageId":"',
    Step.CHECKOUT: '{"type":"track","event":"Checkout Started","messageId":"',
    Step.ORDER: '{"type":"track","event":"Order Completed","messageId":"',
    Step.PRICE_DROP: '{"type":"track","event":"Price Dropped","messageId":"',
}
_HEAD_OF_STEP = [_HEADS.get(step, '{"type":"page","messageId":"') for step in Step]


def _page(name: str, path: str) -> str:
    return f'"name":"{name}","properties":{{"path":"{path}","url":"https://shop.example{path}"}}'


_PAGES = {
    Step.HOME: [_page("Home", "/") for _ in CATEGORIES],
    Step.CATEGORY: [_page("Category", f"/{name}") for name, _, _ in CATEGORIES],
    Step.SEARCH: [_page("Search", f"/search/{name}") for name, _, _ in CATEGORIES],
    Step.CART: [_page("Cart", "/cart") for _ in CATEGORIES],
}


@dataclass(frozen=True)
class Events:
    """Many events, visit after visit, in columns."""

    rows: Rows
    times: Ints
    numbers: Ints
    """Each event's own number, from which its messageId is made."""
    products: Ints
    quantities: Ints
    visitors: Visitors
    """One entry a visit, as in the next two."""
    categories: Ints
    """What the visit is mostly about."""
    carts: Ints
    """The number in the cart's and the order's id."""


class LineWriter:
    """Writes events as lines of JSON, without their line ends."""

    def __init__(self, catalog: Catalog, salts: list[int]) -> None:
        self._catalog = catalog
        self._high_salt, self._low_salt = salts

    def lines(self, events: Events) -> list[str]:
        """Give one line for each event, in the same order."""
        ids = self._uuids(events.numbers)
        times = texts.times(events.times)
        own_contexts = contexts(events.visitors.words).tolist()
        named, nameless = self._who(events.visitors)
        lines = []
        columns = zip(
            events.rows.steps.tolist(),
            events.rows.visits.tolist(),
            events.rows.named.tolist(),
            self._bodies(events, own_contexts),
            strict=True,
        )
        id_at = time_at = 0
        for step, visit, is_named, body in columns:
            id_end, time_end = id_at + texts.UUID_WIDTH, time_at + texts.TIME_WIDTH
            lines.append(
                f"{_HEAD_OF_STEP[step]}{ids[id_at:id_end]}"
                f"{(named if is_named else nameless)[visit]}{times[time_at:time_end]}"
                f'",{body},"context":{CONTEXTS[own_contexts[visit]]}}}'
            )
            id_at, time_at = id_end, time_end
        return lines

    def _who(self, visitors: Visitors) -> tuple[list[str], list[str]]:
        """Give what stands between the messageId and the time: with the customer, and without."""
        width = texts.UUID_WIDTH
        ids = texts.uuids(visitors.words, scramble(visitors.words, self._low_salt))
        starts = range(0, len(ids), width)
        heads = [f'","anonymousId":"{ids[at : at + width]}"' for at in starts]
        named = [
            f'{head},"userId":"u{customer}","timestamp":"'
            for head, customer in zip(heads, visitors.customers.tolist(), strict=True)
        ]
        return named, [f'{head},"timestamp":"' for head in heads]

    def _uuids(self, numbers: Ints) -> str:
        high: Words = scramble(numbers, self._high_salt)
        return texts.uuids(high, scramble(numbers, self._low_salt))

    def _bodies(self, events: Events, own_contexts: list[int]) -> list[str]:
        """Give each event's properties (and a page's name, a customer's traits)."""
        bodies = [""] * len(events.numbers)
        steps, visits = events.rows.steps, events.rows.visits
        for step, pages in _PAGES.items():
            at = np.flatnonzero(steps == step)
            abouts = events.categories[visits[at]].tolist()
            for row, about in zip(at.tolist(), abouts, strict=True):
                bodies[row] = pages[about]
        at = np.flatnonzero(steps == Step.IDENTIFY)
        for row, visit in zip(at.tolist(), visits[at].tolist(), strict=True):
            customer = int(events.visitors.customers[visit])
            word = int(events.visitors.words[visit])
            bodies[row] = f'"traits":{traits(customer, word, own_contexts[visit])}'
        self._product_bodies(events, bodies)
        self._order_bodies(events, bodies)
        self._price_bodies(events, bodies)
        return bodies

    def _product_bodies(self, events: Events, bodies: list[str]) -> None:
        kind_texts = self._catalog.texts
        for step in (Step.VIEW, Step.ADD):
            at = np.flatnonzero(events.rows.steps == step)
            products = events.products[events.rows.subjects[at]]
            columns = zip(
                at.tolist(),
                self._catalog.ids(products).tolist(),
                self._catalog.kinds(products).tolist(),
                events.quantities[at].tolist(),
                events.carts[events.rows.visits[at]].tolist(),
                strict=True,
            )
            if step == Step.VIEW:
                for row, product, kind, _, _ in columns:
                    bodies[row] = f'"properties":{{"product_id":"p{product}",{kind_texts[kind]}}}'
            else:
                for row, product, kind, quantity, cart in columns:
                    bodies[row] = (
                        f'"properties":{{"cart_id":"c{cart}","product_id":"p{product}",'
                        f'{kind_texts[kind]},"quantity":{quantity}}}'
                    )

    def _order_bodies(self, events: Events, bodies: list[str]) -> None:
        rows = events.rows
        added = np.flatnonzero(rows.steps == Step.ADD)
        products = events.products[rows.subjects[added]]
        quantities = events.quantities[added]
        prices = self._catalog.cents(self._catalog.kinds(products))
        items = [
            f'{{"product_id":"p{product}","price":{money(price)},"quantity":{quantity}}}'
            for product, price, quantity in zip(
                self._catalog.ids(products).tolist(),
                prices.tolist(),
                quantities.tolist(),
                strict=True,
            )
        ]
        sums = np.concatenate((np.zeros(1, np.int64), np.cumsum(prices * quantities)))
        at = np.flatnonzero((rows.steps == Step.CHECKOUT) | (rows.steps == Step.ORDER))
        first = np.searchsorted(added, rows.firsts[at])
        last = np.searchsorted(added, at)
        columns = zip(
            at.tolist(),
            (rows.steps[at] == Step.ORDER).tolist(),
            events.carts[rows.visits[at]].tolist(),
            (sums[last] - sums[first]).tolist(),
            first.tolist(),
            last.tolist(),
            strict=True,
        )
        for row, is_order, cart, value, begin, end in columns:
            amounts = _amounts(value) if is_order else f'"value":{money(value)}'
            bodies[row] = (
                f'"properties":{{"order_id":"o{cart}",{amounts},"currency":"EUR",'
                f'"products":[{",".join(items[begin:end])}]}}'
            )

    def _price_bodies(self, events: Events, bodies: list[str]) -> None:
        at = np.flatnonzero(events.rows.steps == Step.PRICE_DROP)
        products = events.products[events.rows.subjects[at]]
        prices = self._catalog.cents(self._catalog.kinds(products))
        columns = zip(
            at.tolist(),
            self._catalog.ids(products).tolist(),
            prices.tolist(),
            self._catalog.reduced_cents(products, prices).tolist(),
            strict=True,
        )
        for row, product, old_price, price in columns:
            bodies[row] = (
                f'"properties":{{"product_id":"p{product}","old_price":{money(old_price)},'
                f'"price":{money(price)}}}'
            )


def _amounts(revenue: int) -> str:
    shipping = 0 if revenue >= _FREE_SHIPPING_CENTS else _SHIPPING_CENTS
    return (
        f'"total":{money(revenue + shipping)},"revenue":{money(revenue)},'
        f'"shipping":{money(shipping)}'
    )
