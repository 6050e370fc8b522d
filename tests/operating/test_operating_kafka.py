"""What an operator sees of a topic as source: how many records wait, and that it is there."""

import json
from pathlib import Path

from operating_run import live_run

from broker.topics import Kafka

CONFIG = """
name: live
source: {{kafka: {{brokers: "{brokers}", topic: {topic}, readers: 2}}}}
sinks: {{files: {results}}}
epoch: {{every: 300ms}}
http: {{port: 0}}
"""


def test_lag_and_reachability_of_a_topic_are_shown(kafka: Kafka, tmp_path: Path) -> None:
    topic = kafka.topic("seen", partitions=2)
    event = {"type": "page", "userId": "u1", "timestamp": "2026-01-01T10:00:00Z"}
    kafka.produce(topic, *[json.dumps(event).encode()] * 20)
    text = CONFIG.format(brokers=kafka.bootstrap, topic=topic, results=tmp_path / "results")
    with live_run(tmp_path, text) as run:
        run.wait_until(lambda: run.value("cartwheel_events_read_total") == 20)
        lag = "cartwheel_consumer_lag_records"  # readers report it apart from what was read
        run.wait_until(lambda: [run.value(lag, reader=each) for each in ("0", "1")] == [0, 0])
        for reader in ("0", "1"):
            assert run.value("cartwheel_source_reachable", reader=reader) == 1
        assert run.value("cartwheel_watermark_delay_seconds", reader="0") is not None
        run.wait_until(lambda: run.ready() == (200, []))
        assert len(run.logged("broker away")) == len(run.logged("broker back"))


def test_a_broker_that_is_not_there_makes_the_run_not_ready(tmp_path: Path) -> None:
    text = CONFIG.format(brokers="127.0.0.1:1", topic="none", results=tmp_path / "results")
    with live_run(tmp_path, text) as run:
        away = "the source's broker cannot be reached by reader 0"
        run.wait_until(lambda: away in run.ready()[1])
        assert run.ready()[0] == 503
        assert run.value("cartwheel_ready") == 0
        assert run.value("cartwheel_source_reachable", reader="0") == 0
        assert run.value("cartwheel_consumer_lag_records", reader="0") is None
        assert run.get("/live")[0] == 200
        run.wait_until(lambda: bool(run.logged("broker away")))
        assert run.logged("broker away")[0]["of"] == "source"
        assert run.stop() == 0
