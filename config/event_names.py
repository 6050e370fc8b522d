"""Which event names look like slips of the pen.

Any name is allowed, so nothing here is an error; but an event that never comes is hard to notice.
"""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher

SPEC_EVENTS = (
    *("Products Searched", "Product List Viewed", "Product List Filtered"),
    *("Promotion Viewed", "Promotion Clicked"),
    *("Product Clicked", "Product Viewed", "Product Added", "Product Removed", "Cart Viewed"),
    *("Checkout Started", "Checkout Step Viewed", "Checkout Step Completed"),
    *("Payment Info Entered", "Order Updated", "Order Completed", "Order Refunded"),
    *("Order Cancelled", "Coupon Entered", "Coupon Applied", "Coupon Denied", "Coupon Removed"),
    *("Product Added to Wishlist", "Product Removed from Wishlist"),
    *("Wishlist Product Added to Cart", "Product Shared", "Cart Shared", "Product Reviewed"),
)
"""The events of the Segment spec for ecommerce, version 2."""
SPEC_TYPES = ("identify", "page", "screen", "group", "alias")
"""What events are called whose type is not ``track``."""

_KNOWN = (*SPEC_EVENTS, *SPEC_TYPES)
_CLOSE = 0.88
"""From which share of equal characters on; "Cart View" has 0.89 of "Cart Viewed"."""
_LONG_ENOUGH = 8
"""Shorter names that differ in one letter may well be two."""


def meant_by_spec(name: str) -> str | None:
    """Give the name of the spec that is close to another one, if there is one."""
    if name in _KNOWN:
        return None
    bare = _bare(name)
    for known in _KNOWN:
        if bare == _bare(known):
            return known
    shares = {known: SequenceMatcher(None, bare, _bare(known)).ratio() for known in SPEC_EVENTS}
    closest = max(shares, key=lambda known: shares[known])
    return closest if shares[closest] > _CLOSE else None


def meant_by_another(name: str, others: Iterable[str]) -> str | None:
    """Give another event of the same config that differs by a letter, by case or by signs."""
    bare = _bare(name)
    for other in others:
        if other == name or {name, other} <= set(_KNOWN):
            continue
        if bare == _bare(other) or (len(bare) >= _LONG_ENOUGH and _one_letter(bare, _bare(other))):
            return other
    return None


def _bare(name: str) -> str:
    """Leave out case, blanks and signs; a name that has nothing else stays as it is."""
    return re.sub(r"[\W_]", "", name).lower() or name


def _one_letter(one: str, other: str) -> bool:
    """Tell whether one letter is wrong, too many or missing, or two stand in the wrong order."""
    if abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    rest, other_rest = one[start:], other[start:]
    while rest and other_rest and rest[-1] == other_rest[-1]:
        rest, other_rest = rest[:-1], other_rest[:-1]
    letters = rest + other_rest
    if any(letter.isdigit() for letter in letters):
        return False  # Step 1, Step 2
    swapped = len(rest) == 2 and rest[::-1] == other_rest  # noqa: PLR2004 (two letters)
    return swapped or max(len(rest), len(other_rest)) <= 1
