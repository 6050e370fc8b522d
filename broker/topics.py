"""Topics of a broker for tests: make a new one, fill it, read all of it."""

import itertools
import os
import time
from typing import NamedTuple

# kafka-python says nothing of its types.
from kafka import (  # type: ignore[import-untyped, unused-ignore]
    KafkaAdminClient,
    KafkaConsumer,
    KafkaProducer,
    TopicPartition,
)
from kafka.admin import NewTopic  # type: ignore[import-untyped, unused-ignore]

_WITHIN_S = 20.0
_POLL_MS = 200

_numbers = itertools.count(1)


class Kafka(NamedTuple):
    """The address of a broker that runs."""

    bootstrap: str

    def topic(self, name: str, partitions: int = 1) -> str:
        """Create an empty topic and return its name, the given one with a unique end."""
        topic = f"{name}-{os.getpid()}-{next(_numbers)}"
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            admin.create_topics([NewTopic(topic, partitions, 1)], wait_for_metadata=True)
        finally:
            admin.close()
        return topic

    def produce(self, topic: str, *values: bytes, **settings: object) -> None:
        """Write values to partition 0 and wait until all are confirmed.

        Args:
            topic: there is one of that name.
            values: in the order to write.
            settings: of the producer, as kafka-python names them.
        """
        producer = KafkaProducer(**{"bootstrap_servers": self.bootstrap, **settings})
        try:
            for sent in [producer.send(topic, value, partition=0) for value in values]:
                sent.get(timeout=_WITHIN_S)
        finally:
            producer.close()

    def read_all(self, topic: str, **settings: object) -> list[bytes]:
        """Return the values in partition 0 up to its present end, in their order.

        Args:
            topic: there is one of that name.
            settings: of the consumer, as kafka-python names them.
        """
        consumer = KafkaConsumer(**{"bootstrap_servers": self.bootstrap, **settings})
        try:
            partition = TopicPartition(topic, 0)
            consumer.assign([partition])
            end = consumer.end_offsets([partition])[partition]
            consumer.seek_to_beginning(partition)
            values: list[bytes] = []
            until = time.monotonic() + _WITHIN_S
            while consumer.position(partition) < end:
                if time.monotonic() > until:
                    raise TimeoutError(f"{topic}: {len(values)} values, then nothing")
                for records in consumer.poll(timeout_ms=_POLL_MS).values():
                    values += [record.value for record in records]
            return values
        finally:
            consumer.close()
