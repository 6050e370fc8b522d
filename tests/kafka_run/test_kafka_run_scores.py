"""Scores, and what models tell of themselves, go to topics of their own: as a replay's to files."""

import json
from pathlib import Path

from drifting_prices import RULES, events

from broker.topics import Kafka
from kafka_running import KafkaRun, as_json, produce
from replaying import Replay


def test_scores_and_changes_are_sent_once_and_are_those_of_a_replay(
    kafka: Kafka, tmp_path: Path
) -> None:
    """One partition: so they are read in the order of the file."""
    topic = kafka.topic("scores", 1)
    run = KafkaRun(tmp_path, kafka.bootstrap, topic, RULES, source={"readers": 1}, workers=2)
    first, then = events()[:900], events()[900:]
    produce(kafka.bootstrap, topic, *first)
    with run.started() as running:
        running.wait_for_all_read()
        running.kill_supervisor()
    produce(kafka.bootstrap, topic, *then)
    with run.started() as running:
        running.wait_for_all_read()
        assert running.stop() == 0

    file, config = tmp_path / "events.jsonl", tmp_path / "replayed.yaml"
    file.write_bytes(b"\n".join(event for _, event in events()))
    config.write_text(json.dumps(RULES.as_config()))
    replay = Replay(tmp_path / "replay", [file], config=config)
    replay.done()
    for kind, of in (("scores", "cartwheel.score"), ("models", "cartwheel.model.drift")):
        lines = (replay.out / f"{kind}.jsonl").read_bytes().splitlines()
        expected = {line["id"]: line for line in map(json.loads, lines)}
        sent = {record.header("ce_id"): record for record in run.results(kind)}
        assert sent.keys() == expected.keys(), kind
        assert len(sent) == len(run.results(kind)) > 0
        for record_id, record in sent.items():
            line = expected[str(record_id)]
            assert as_json(record) == line["data"]
            assert (record.key or b"").decode() == line["subject"]
            assert record.header("ce_type") == line["type"] == of
            assert record.header("ce_time") == line["time"]
