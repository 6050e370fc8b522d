"""Events that arrive in a topic all the while, such that what comes of them is not left to chance.

Customers' events are out of order, but for a few never by more than ``disorder``; some come
twice, some are late, some are no events. The last ones move every watermark past everything.
"""

import threading
import time
from random import Random
from typing import Self

from kafka import KafkaProducer

from oracle import Rules
from oracle.writing import HOUR_MS, MINUTE_MS, stamp, write

PARTITIONS = 4
START_MS = 1_735_725_600_000  # 2025-01-01T10:00:00Z, long before any clock
STEP_MS = 15_000
NAMES = ["Product Viewed"] * 6 + ["Product Added"] * 3 + ["Order Completed", "Signed Up"]

RULES = Rules(
    gap_ms=30 * MINUTE_MS,
    collect={
        "views": {"count": "Product Viewed"},
        "products": {"distinct": "properties.product_id"},
        "revenue": {"sum": "properties.revenue", "of": "Order Completed"},
    },
    triggers={
        "cart_abandoned": {
            "on": "Product Added",
            "key": "properties.cart_id",
            "after_ms": 30 * MINUTE_MS,
            "cancel": ["Order Completed"],
            "again": 24 * HOUR_MS,
        },
        "welcome": {"on": "Signed Up", "after_ms": 0, "again": 6 * HOUR_MS},
    },
    disorder_ms=20 * MINUTE_MS,
    features={
        "views_1h": {"count": "Product Viewed", "over": "1h"},
        "last_order": {"time": "Order Completed"},
    },
    segments={
        "looking": {"when": "views_1h >= 3", "hold": "10m"},
        "buyers": "since(last_order) < 2h and not segment.looking",
    },
)


class Arrivals:
    """Sends events in a thread of its own until it is told to finish.

    Args:
        bootstrap: the broker's address; it may be away for a while.
        topic: with `PARTITIONS` partitions.
        seed: decides what the events are, and so does how long it goes on.
        rate: events a second.
        customers: how many there are.
    """

    def __init__(
        self, bootstrap: str, topic: str, *, seed: int, rate: int = 400, customers: int = 200
    ) -> None:
        self._topic = topic
        self._random = Random(seed)
        self._rate = rate
        self._customers = customers
        self._producer = KafkaProducer(
            bootstrap_servers=bootstrap,
            linger_ms=5,
            request_timeout_ms=5000,  # a broker that comes back may leave a question open
            max_block_ms=300_000,
            delivery_timeout_ms=300_000,
            reconnect_backoff_max_ms=500,
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.sent = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._producer.close()

    def finish(self) -> None:
        """Send no more; then move each partition's watermark far past everything."""
        self._stop.set()
        self._thread.join()
        self._producer.flush(timeout=120)
        send_markers(self._producer, self._topic, START_MS + self.sent * STEP_MS + 1000 * HOUR_MS)

    def _run(self) -> None:
        begun = time.monotonic()
        while not self._stop.wait(0.01):
            due = int((time.monotonic() - begun) * self._rate)
            if due - self.sent > self._rate:  # the broker was away; a flood is not the test
                begun = time.monotonic() - self.sent / self._rate
            while self.sent < due and not self._stop.is_set():
                key, value = self._event()
                self._producer.send(self._topic, value, key)

    def _event(self) -> tuple[bytes, bytes]:
        random, number = self._random, self.sent
        self.sent += 1
        customer = f"u{random.randrange(self._customers)}"
        disorder = -6 * HOUR_MS if random.random() < 0.01 else random.randrange(-9, 9) * MINUTE_MS
        name = random.choice(NAMES)
        value = write(
            {
                "messageId": f"m{number // 2 if random.random() < 0.01 else number}",
                "userId": customer,
                "type": "track",
                "event": name,
                "timestamp": stamp(START_MS + number * STEP_MS + disorder),
                "properties": {
                    "product_id": f"p{random.randrange(50)}",
                    "cart_id": f"c{random.randrange(3)}",
                    "revenue": random.randrange(10_000) / 100,
                },
            }
        )
        return customer.encode(), value[:-1] if random.random() < 0.005 else value


def send_markers(producer: KafkaProducer, topic: str, time_ms: int) -> None:
    """Move the watermark of each partition to about this time, by one event in each."""
    for partition in range(PARTITIONS):
        marker = {"userId": f"marker-{partition}", "type": "page", "timestamp": stamp(time_ms)}
        producer.send(topic, write(marker), f"marker-{partition}".encode(), partition=partition)
    producer.flush(timeout=120)
