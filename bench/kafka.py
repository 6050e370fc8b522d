"""Measures the way through Kafka, and writes its part of ``bench/RESULTS.md``.

``python -m bench.kafka [--events N] [--seconds N]``; the defaults take about ten minutes.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.kafka_latency import latency
from bench.kafka_speed import filled_topic, pin_broker, throughput
from bench.results import write_part
from bench.running import RULES, simulate
from broker.broker import Broker
from broker.topics import Kafka

SEED = 7
CLIENTS = ("kafka-python", "librdkafka")
DELIVERIES = ("exact", "fast")
RATES = (1_000, 10_000, 50_000)


def main() -> int:
    """Measure everything and write the results."""
    parser = argparse.ArgumentParser(prog="python -m bench.kafka", description=__doc__)
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--seconds", type=float, default=15.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cartwheel-bench-") as name, Broker(Path(name)) as node:
        pin_broker(node.mark.pid)
        kafka = Kafka(node.bootstrap)
        lines = [
            RULES,
            "",
            *_speed(kafka, Path(name), arguments.events),
            "",
            *_latency(kafka, Path(name), arguments.seconds),
        ]
    print(write_part("Through Kafka", lines))
    return 0


def _speed(kafka: Kafka, folder: Path, events: int) -> Iterator[str]:
    recorded = simulate(
        folder / "events.jsonl", events=events, users=events // 10, seed=SEED, anonymous=0
    )
    topic = filled_topic(kafka, recorded)
    yield f"## Speed: {events:,} simulated events, worker on one core, broker on the other"
    yield ""
    yield "| client | delivery | events/s | CPU µs an event | peak MB |"
    yield "|---|---|---|---|---|"
    for client in CLIENTS:
        for delivery in DELIVERIES:
            run = throughput(kafka, folder, topic, events=events, client=client, delivery=delivery)
            yield (
                f"| {client} | {delivery} | {run.rate:,.0f} | {run.cpu_us:.1f}"
                f" | {run.peak_mb:.0f} |"
            )


def _latency(kafka: Kafka, folder: Path, seconds: float) -> Iterator[str]:
    yield "## Delay: from producing an event to its trigger, in ms"
    yield ""
    yield "| events/s | delivery | without wait: p50 | p99 | with a wait: p50 | p99 | triggers |"
    yield "|---|---|---|---|---|---|---|"
    for rate in RATES:
        for delivery in reversed(DELIVERIES):
            run = latency(
                kafka, folder, rate=rate, seconds=seconds, client="librdkafka", delivery=delivery
            )
            yield (
                f"| {rate:,} | {delivery} | {run.at_once[0]:.0f} | {run.at_once[1]:.0f}"
                f" | {run.later[0]:.0f} | {run.later[1]:.0f} | {run.triggers:,} |"
            )


if __name__ == "__main__":
    sys.exit(main())
