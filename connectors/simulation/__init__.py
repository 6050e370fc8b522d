"""A made-up shop: events as its customers could have sent them, the same ones for the same seed.

``Shop`` says what shop it is, ``simulate`` gives its lines in the order of arrival.
"""

from connectors.simulation.customers import MOST_CUSTOMERS
from connectors.simulation.shop import MOST_DUPLICATES, Shop, simulate

__all__ = ["MOST_CUSTOMERS", "MOST_DUPLICATES", "Shop", "simulate"]
