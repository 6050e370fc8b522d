"""Time zones by their IANA names."""

from functools import cache
from importlib.resources import files
from typing import Annotated

from config.forms import TEXT
from config.values import expected, read_by
from config.wording import nearest

CUSTOMER = ("customer", "context.timezone")
"""Words for the customer's own zone."""


@cache
def zone_names() -> frozenset[str]:
    """Give the names of all zones."""
    text = files("tzdata").joinpath("zones").read_text(encoding="ascii")
    return frozenset(text.split())


def _zone(value: object) -> str | None:
    if value in CUSTOMER:
        return None
    if not isinstance(value, str) or value not in zone_names():
        near = nearest(value, [*CUSTOMER, *zone_names()]) if isinstance(value, str) else None
        raise expected("customer, or a time zone such as UTC or Europe/Berlin", near=near)
    return str(value)


Zone = Annotated[str | None, read_by(_zone, TEXT)]
"""None: the customer's."""
