"""A shop whose prices rise at once, so that its model has scores to tell, and a change."""

from oracle import Rules
from oracle.writing import MINUTE_MS, stamp, write

START_MS = 1_735_725_600_000  # 2025-01-01T10:00:00Z, long before any clock
CUSTOMERS = 1_100
RISE = 750
"""The customer from whom on prices are others."""

_FIRST_ONE = {"predicts": "Order Completed", "within": "session", "at": ["Product Viewed"]}
RULES = Rules(
    gap_ms=MINUTE_MS,
    disorder_ms=0,
    features={"price": {"last": "properties.price + 0", "of": "Product Viewed"}},
    models={
        "intent": {**_FIRST_ONE, "kind": "logistic_regression", "from": ["price"]},
        "trial": {**_FIRST_ONE, "kind": "baseline", "shadow": True},
    },
)


def events() -> list[tuple[bytes, bytes]]:
    """Write the events, each behind its customer: one view each, and every third one orders."""
    written = []
    for number in range(CUSTOMERS):
        name, at = f"u{number}", START_MS + number * 10_000
        price = number % 20 + (100 if number >= RISE else 0)
        written.append((name, at, "Product Viewed", {"price": price}))
        if number % 3 == 0:
            written.append((name, at + 1000, "Order Completed", {}))
    return [
        (
            customer.encode(),
            write(
                {
                    "type": "track",
                    "event": event,
                    "messageId": f"{event}-{customer}",
                    "userId": customer,
                    "timestamp": stamp(at),
                    "properties": properties,
                }
            ),
        )
        for customer, at, event, properties in written
    ]
