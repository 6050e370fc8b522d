"""Two sinks on one state: the older is fenced off and can write no more."""

from collections import Counter
from pathlib import Path

import pytest

from broker.topics import Kafka
from connectors.errors import FencedError
from connectors.kafka.client_settings import ClientName, KafkaSettings
from connectors.kafka.exact_sink import ExactSink
from connectors.kafka.plans import TopicsOut
from connectors.kafka.topics import prepare_topics
from connectors.rendering import Line
from connectors.tick_parts import RenderedPart, SinkState
from kafka_running import read_topic
from operators.ticks import TickName


def part(number: int, *texts: str) -> RenderedPart:
    """Make a tick of the only shard."""
    lines = [Line(number, text, text, text.encode(), text.encode()) for text in texts]
    return RenderedPart(TickName(0, number), 0, {"sessions": lines}, Counter())


@pytest.mark.parametrize("client", ["kafka-python", "librdkafka"])
def test_the_sink_of_a_paused_worker_cannot_write_once_another_has_taken_over(
    kafka: Kafka, tmp_path: Path, client: ClientName
) -> None:
    prefix = kafka.topic("zombie") + "."
    plan = TopicsOut(
        settings=KafkaSettings(kafka.bootstrap, client),
        prefix=prefix,
        delivery="exact",
        compression="lz4",
        create=True,
        partitions=1,
        state=f"state-of-{prefix}",
        outbox=str(tmp_path / "outbox"),
    )
    prepare_topics(plan, ["sessions"])

    def sink(state: SinkState) -> ExactSink:
        return ExactSink(plan, shards=1, state=state, stopping=lambda: True)

    old = sink(SinkState([0]))
    old.write(part(1, "a"))
    old.snapshot()
    old.write(part(2, "sent by a zombie"))  # proves the commit of "a", and sends it
    old.snapshot()

    new = sink(SinkState([1], outbox=1))  # the old one sleeps; its second epoch never committed
    new.write(part(2, "b"))
    with pytest.raises(FencedError, match="another producer has taken it over"):
        old.write(part(3))
    with pytest.raises(FencedError):  # and not at the next attempt either
        old.write(part(3))
    new.snapshot()
    new.write(part(3))
    old.close()
    new.close()
    sent = [record.value for record in read_topic(kafka.bootstrap, f"{prefix}sessions")]
    assert sent == [b"a", b"b"]
