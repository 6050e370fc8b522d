"""What a run that nobody disturbs sends, for both promises: it is what the oracle expects."""

import time
from pathlib import Path

import pytest

from broker.topics import Kafka
from kafka_arrivals import PARTITIONS, RULES, Arrivals
from kafka_running import KafkaRun
from kafka_verifier import verify


@pytest.mark.parametrize("delivery", ["exact", "fast"])
def test_everything_expected_is_sent_once(kafka: Kafka, tmp_path: Path, delivery: str) -> None:
    topic = kafka.topic("undisturbed", PARTITIONS)
    run = KafkaRun(tmp_path, kafka.bootstrap, topic, RULES, workers=2, sink={"delivery": delivery})
    with Arrivals(kafka.bootstrap, topic, seed=1, rate=1000) as arrivals, run.started() as running:
        time.sleep(4)
        arrivals.finish()
        running.wait_for_all_read()
        assert running.stop() == 0
    verdict = verify(run)
    assert (verdict.lost + verdict.surplus + verdict.duplicated).total() == 0, verdict.examples
    assert all(verdict.expected.values()), verdict
    counts = run.counts
    assert {name: counts.get(name, 0) for name in verdict.counts} == verdict.counts
    accounted = ("applied", "duplicates", "late", "dead_letters")
    assert counts["read"] == sum(counts[name] for name in accounted)
