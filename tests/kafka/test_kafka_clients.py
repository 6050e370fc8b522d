"""One contract for both Kafka clients, on a real broker."""

import itertools
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition

from broker.broker import Broker
from broker.ports import free_ports
from broker.topics import Kafka
from connectors.errors import (
    BrokerUnreachableError,
    FencedError,
    KafkaProblem,
    KafkaSettingsError,
    OffsetGoneError,
    TopicMissingError,
)
from connectors.kafka.client_admin import create_topics, topics_of
from connectors.kafka.clients import (
    ClientName,
    Consumer,
    KafkaSecurity,
    KafkaSettings,
    Producer,
    Records,
    make_consumer,
    make_producer,
)
from connectors.kafka.whole_topics import read_last
from operators.lines import Headers

WITHIN_S = 20.0
_ids = itertools.count()
_WRONG = "wr0ng"
_SECRET = "s3cret"  # noqa: S105 (of nothing)

_OTHER_CA = """\
-----BEGIN CERTIFICATE-----
MIIBdzCCAR2gAwIBAgIUKtLJ+Geq5bcro4KGMSQZQ0HzshIwCgYIKoZIzj0EAwIw
EDEOMAwGA1UEAwwFb3RoZXIwIBcNMjYxMTIxMTUyOTE2WhgPMjEyNjEwMjgxNTI5
MTZaMBAxDjAMBgNVBAMMBW90aGVyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
e+WtMC8M1jG7VpXNYvXiBQ5oc+mVkVEzIemPLpeAE7Nbwjx8gJmzhrJsJzvdum8M
b0AU3FlODojBxnH74+ytX6NTMFEwHQYDVR0OBBYEFB/K9kMiuDkkmzRq+IymImQe
WwGDMB8GA1UdIwQYMBaAFB/K9kMiuDkkmzRq+IymImQeWwGDMA8GA1UdEwEB/wQF
MAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAMH3cNmWTBEEE4MNHx3eNHEmtPZ/xn3d
/hFe4FpA9TM0AiBXxRchwhrPt1nphOw5zpHNS8Q+oSsCXDPbRVxesUKkqw==
-----END CERTIFICATE-----
"""
"""A certificate that has signed nothing."""


@pytest.fixture(params=["kafka-python", "librdkafka"])
def client(request: pytest.FixtureRequest) -> ClientName:
    return cast("ClientName", request.param)


@pytest.fixture
def settings(kafka: Kafka, client: ClientName) -> KafkaSettings:
    return KafkaSettings(kafka.bootstrap, client)


@pytest.fixture
def opened() -> Iterator[Callable[[Any], Any]]:
    """A function that remembers a client and closes it after the test."""
    clients: list[Any] = []

    def remember(client: Any) -> Any:
        clients.append(client)
        return client

    yield remember
    for each in clients:
        each.close()


@pytest.fixture
def consume(settings: KafkaSettings, opened: Callable[[Any], Any]) -> Callable[[str], Consumer]:
    return lambda topic: cast("Consumer", opened(make_consumer(settings, topic, f"{topic}-group")))


@pytest.fixture
def produce(settings: KafkaSettings, opened: Callable[[Any], Any]) -> Callable[..., Producer]:
    def make(transactional_id: str | None = None, **more: Any) -> Producer:
        made = make_producer(settings, transactional_id=transactional_id, **more)
        return cast("Producer", opened(made))

    return make


@pytest.fixture
def name() -> str:
    """A transactional id of this test alone."""
    return f"tx-{os.getpid()}-{next(_ids)}"


@pytest.fixture(scope="module")
def own(start_broker: Callable[..., Broker]) -> Broker:
    """A broker with a TLS listener that may be disturbed."""
    return start_broker(secure=True)


def poll_until(consumer: Consumer, done: Callable[[list[Records]], bool]) -> list[Records]:
    """Poll until that is done, and say what came so far where it is not."""
    read: list[Records] = []
    until = time.monotonic() + WITHIN_S
    while not done(read):
        read += consumer.poll(1000)
        assert time.monotonic() < until, read
        time.sleep(0.002)
    return read


def read_to_end(consumer: Consumer) -> list[Records]:
    """Read what is committed now, and no less: at_end tells only what was heard of last."""
    ends = {number: end for number, (_, end) in consumer.bounds([*consumer.positions()]).items()}
    return poll_until(
        consumer,
        lambda _: consumer.positions() == ends and all(consumer.at_end().values()),
    )


def values_of(read: list[Records]) -> list[bytes | None]:
    return [value for records in read for value in records.values]


def test_records_come_in_order_with_all_that_they_carry(
    kafka: Kafka, consume: Callable[[str], Consumer], produce: Callable[..., Producer]
) -> None:
    topic = kafka.topic("carry", 2)
    producer = produce()
    before = int(time.time() * 1000)
    headers: Headers = (("a", b"1"), ("a", b""), ("ä", b"\xff"))
    for number in range(2000):
        producer.send(topic, b"k%d" % number, b"v%d" % number, headers, number % 2)
    producer.send(topic, None, b"no key", (), 0)
    producer.send(topic, b"tombstone", None, (), 0)
    producer.send(topic, None, None, (("only", b"headers"),), 0)
    producer.flush()
    consumer = consume(topic)
    assert consumer.partitions() == [0, 1]
    assert consumer.bounds([0, 1]) == {0: (0, 1003), 1: (0, 1000)}
    consumer.assign({0: 0, 1: 990})
    read = read_to_end(consumer)
    rows = [
        row for records in read if records.partition == 0 for row in zip(*records[1:], strict=True)
    ]
    assert [row[0] for row in rows] == list(range(1003))
    assert all(before - 1 <= row[1] <= time.time() * 1000 + 1 for row in rows)
    expected: list[tuple[bytes | None, bytes | None, Headers]] = [
        (b"k%d" % number, b"v%d" % number, headers) for number in range(0, 2000, 2)
    ]
    expected += [(None, b"no key", ()), (b"tombstone", None, ())]
    expected += [(None, None, (("only", b"headers"),))]
    assert [row[2:] for row in rows] == expected
    offsets = [offset for records in read if records.partition for offset in records.offsets]
    assert offsets == list(range(990, 1000))
    assert consumer.positions() == {0: 1003, 1: 1000}
    assert consumer.lag() == {0: 0, 1: 0}


def test_a_poll_returns_no_more_than_asked_for_and_does_not_wait(
    kafka: Kafka, consume: Callable[[str], Consumer]
) -> None:
    topic = kafka.topic("few")
    kafka.produce(topic, *(b"%d" % number for number in range(50)))
    consumer = consume(topic)
    consumer.assign({0: 0})
    read: list[Records] = []
    while len(values_of(read)) < 50:
        started = time.monotonic()
        some = consumer.poll(7)
        assert time.monotonic() - started < 0.2  # a machine under load is slow, a wait is longer
        assert len(values_of(some)) <= 7
        read += some
        assert consumer.positions()[0] == len(values_of(read))
    assert values_of(read) == [b"%d" % number for number in range(50)]


def test_partitions_may_be_added_while_reading(
    kafka: Kafka, consume: Callable[[str], Consumer], produce: Callable[..., Producer]
) -> None:
    topic = kafka.topic("more", 2)
    producer = produce()
    consumer = consume(topic)
    producer.send(topic, None, b"0a", (), 0)
    producer.send(topic, None, b"1a", (), 1)
    producer.flush()
    consumer.assign({0: 0})
    assert values_of(read_to_end(consumer)) == [b"0a"]
    producer.send(topic, None, b"0b", (), 0)
    producer.flush()
    consumer.assign({**consumer.positions(), 1: 0})
    read = poll_until(consumer, lambda read: len(values_of(read)) == 2)
    assert sorted(values_of(read), key=str) == [b"0b", b"1a"]


def test_only_what_was_committed_is_read_and_positions_pass_the_markers(
    kafka: Kafka,
    consume: Callable[[str], Consumer],
    produce: Callable[..., Producer],
    name: str,
) -> None:
    topic = kafka.topic("transactions")
    producer = produce(name)
    consumer = consume(topic)
    consumer.assign({0: 0})
    producer.begin()
    producer.send(topic, b"k", b"aborted", (), 0)
    producer.flush()
    producer.abort()
    producer.begin()
    producer.send(topic, b"k", b"committed", (), 0)
    producer.commit()
    assert values_of(read_to_end(consumer)) == [b"committed"]
    [end] = {end for _, end in consumer.bounds([0]).values()}
    assert consumer.positions() == {0: end}
    assert end >= 3  # two records and a marker at least; one that was never sent needs none
    producer.begin()
    producer.send(topic, b"k", b"open", (), 0)
    producer.flush()
    poll_until(consumer, lambda _: not all(consumer.at_end().values()))
    assert consumer.lag() == {0: 1}
    assert consumer.bounds([0]) == {0: (0, end)}
    producer.commit()
    assert values_of(read_to_end(consumer)) == [b"open"]
    assert consumer.positions() == {0: end + 2}


@pytest.mark.parametrize("taken_over", ["before it sends", "after it sent", "between transactions"])
def test_a_producer_whose_id_was_taken_over_is_told_so_and_writes_nothing(
    kafka: Kafka,
    consume: Callable[[str], Consumer],
    produce: Callable[..., Producer],
    name: str,
    taken_over: str,
) -> None:
    topic = kafka.topic("fenced")
    zombie = produce(name)
    if taken_over == "between transactions":
        successor = produce(name)
    zombie.begin()
    if taken_over == "before it sends":
        successor = produce(name)
    with pytest.raises(FencedError, match=name):  # noqa: PT012 (it may be told early)
        zombie.send(topic, b"k", b"zombie", (), 0)
        if taken_over == "after it sent":
            zombie.flush()
            successor = produce(name)
        zombie.commit()
    successor.begin()
    successor.send(topic, b"k", b"successor", (), 0)
    successor.commit()
    consumer = consume(topic)
    consumer.assign({0: 0})
    assert values_of(read_to_end(consumer)) == [b"successor"]


def test_offsets_are_found_by_time(kafka: Kafka, consume: Callable[[str], Consumer]) -> None:
    topic = kafka.topic("times", 2)
    kafka.produce(topic, b"before")
    time.sleep(0.05)
    between = int(time.time() * 1000)
    time.sleep(0.05)
    kafka.produce(topic, b"after")
    consumer = consume(topic)
    assert consumer.offsets_at([0, 1], between) == {0: 1, 1: 0}
    assert consumer.offsets_at([0, 1], 0) == {0: 0, 1: 0}
    assert consumer.offsets_at([0, 1], between + 60_000) == {0: 2, 1: 0}


def test_an_offset_that_the_broker_deleted_is_told_with_numbers(
    kafka: Kafka, consume: Callable[[str], Consumer]
) -> None:
    topic = kafka.topic("gone", 2)
    kafka.produce(topic, *(b"%d" % number for number in range(10)))
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.delete_records({TopicPartition(topic, 0): 6})
    admin.close()
    consumer = consume(topic)
    assert consumer.bounds([0]) == {0: (6, 10)}
    for wanted in (2, 11):
        consumer.assign({0: wanted, 1: 0})
        with pytest.raises(OffsetGoneError) as told:
            poll_until(consumer, lambda _: False)
        assert (told.value.partition, told.value.wanted) == (0, wanted)
        assert (told.value.first, told.value.end) == (6, 10)
        with pytest.raises(OffsetGoneError, match=f"offset {wanted}"):
            poll_until(consumer, lambda _: False)
    consumer.assign({0: 6, 1: 0})
    assert values_of(read_to_end(consumer)) == [b"6", b"7", b"8", b"9"]


def test_a_topic_that_is_deleted_is_missed(
    kafka: Kafka, settings: KafkaSettings, consume: Callable[[str], Consumer]
) -> None:
    topic = kafka.topic("deleted")
    kafka.produce(topic, b"1")
    consumer = consume(topic)
    with pytest.raises(TopicMissingError, match="no partition 7"):
        consumer.bounds([0, 7])
    consumer.assign({0: 0})
    read_to_end(consumer)
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.delete_topics([topic])
    admin.close()
    with pytest.raises(TopicMissingError, match=topic):
        poll_until(consumer, lambda _: False)
    with pytest.raises(TopicMissingError, match=topic):
        consumer.partitions()
    with pytest.raises(TopicMissingError):
        read_last(settings, topic)


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_compressed_records_are_read_and_written(
    kafka: Kafka,
    consume: Callable[[str], Consumer],
    produce: Callable[..., Producer],
    codec: str,
) -> None:
    topic = kafka.topic(codec)
    kafka.produce(topic, *[b"x" * 1000] * 100, compression_type=codec)
    producer = produce(compression=codec)
    for _ in range(100):
        producer.send(topic, None, b"y" * 1000, (), 0)
    producer.flush()
    consumer = consume(topic)
    consumer.assign({0: 3})
    assert values_of(read_to_end(consumer)) == [b"x" * 1000] * 97 + [b"y" * 1000] * 100


class _NotUtf8(str):
    """A header name that other producers can write."""

    __slots__ = ()

    def encode(self, *_: str) -> bytes:
        return b"\xff\xfe"


def test_a_header_name_that_is_not_utf_8_does_not_stop_the_reading(
    kafka: Kafka, consume: Callable[[str], Consumer]
) -> None:
    topic = kafka.topic("names")
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap)
    producer.send(topic, b"1", headers=[(_NotUtf8("name"), b"v")]).get(timeout=WITHIN_S)
    producer.send(topic, b"2").get(timeout=WITHIN_S)
    producer.close()
    consumer = consume(topic)
    consumer.assign({0: 0})
    read = read_to_end(consumer)
    assert values_of(read) == [b"1", b"2"]


def test_group_offsets_are_noted_at_the_broker(kafka: Kafka, settings: KafkaSettings) -> None:
    topic = kafka.topic("group", 2)
    kafka.produce(topic, b"1", b"2")
    consumer = make_consumer(settings, topic, f"{topic}-group")
    consumer.commit({0: 1, 1: 0})
    consumer.commit({0: 2, 1: 0})
    consumer.close()
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    noted = admin.list_group_offsets(f"{topic}-group")
    admin.close()
    offsets = {partition.partition: each.offset for partition, each in _flat(noted).items()}
    assert offsets == {0: 2, 1: 0}


def _flat(noted: dict[Any, Any]) -> dict[Any, Any]:
    """Return offsets by partition, whichever way kafka-python nests them."""
    inner = next(iter(noted.values()))
    return cast("dict[Any, Any]", inner if isinstance(inner, dict) else noted)


def test_the_last_value_of_each_key_is_read(
    settings: KafkaSettings, produce: Callable[..., Producer], name: str
) -> None:
    topic = f"commits-{name}"
    create_topics(settings, {topic: (2, {"cleanup.policy": "compact"})})
    create_topics(settings, {topic: (2, {"cleanup.policy": "compact"})})  # there is no harm
    assert topics_of(settings)[topic] == 2
    assert read_last(settings, topic) == {}
    producer = produce(name)
    for values in ((b"1", b"1"), (b"2", None)):
        producer.begin()
        producer.send(topic, b"a", values[0], (), 0)
        producer.send(topic, b"b", values[1], (), 0)
        producer.send(topic, b"c", b"elsewhere", (), 1)
        producer.commit()
    producer.begin()
    producer.send(topic, b"a", b"aborted", (), 0)
    producer.flush()
    producer.abort()
    assert read_last(settings, topic) == {b"a": b"2"}
    assert read_last(settings, topic, 1) == {b"c": b"elsewhere"}


def test_settings_that_the_broker_refuses_for_a_topic_are_told(settings: KafkaSettings) -> None:
    with pytest.raises(KafkaSettingsError, match="nonsense"):
        create_topics(settings, {"refused": (1, {"nonsense": "1"})})


def test_tls_and_scram_with_the_right_password_and_with_wrong_ones(
    own: Broker, client: ClientName, tmp_path: Path
) -> None:
    access = own.access

    def security(**other: str) -> KafkaSettings:
        right = {
            "protocol": "SASL_SSL",
            "mechanism": "SCRAM-SHA-512",
            "username": access.user,
            "password": access.password,
            "ca": str(access.certificate),
        }
        return KafkaSettings(access.bootstrap, client, KafkaSecurity(**{**right, **other}))  # type: ignore[arg-type]

    topic = Kafka(own.bootstrap).topic("secure")
    producer = make_producer(security(), transactional_id="secure")
    producer.begin()
    producer.send(topic, b"k", b"v", ())
    producer.commit()
    producer.close()
    assert read_last(security(), topic) == {b"k": b"v"}
    assert topics_of(security())[topic] == 1

    # a broker that is busy sometimes hangs up before its refusal has come
    refused = r"^username, password: .*refused|it may refuse user and password"
    with pytest.raises(KafkaProblem, match=refused) as told:
        make_consumer(security(password=_WRONG), topic, "group", timeout_s=2)
    assert _WRONG not in str(told.value)
    with pytest.raises(KafkaProblem, match=refused):
        make_producer(security(username="nobody"), transactional_id=None, timeout_s=2)
    other = tmp_path / "other.pem"
    other.write_text(_OTHER_CA)
    with pytest.raises(KafkaSettingsError, match=r"^ca: .*not trusted"):
        make_consumer(security(ca=str(other)), topic, "group", timeout_s=1)


def test_a_broker_that_is_killed_and_comes_back_is_noticed_and_read_on(
    own: Broker, client: ClientName
) -> None:
    kafka = Kafka(own.bootstrap)
    topic = kafka.topic("killed")
    settings = KafkaSettings(own.bootstrap, client)
    kafka.produce(topic, b"1")
    consumer = make_consumer(settings, topic, "killed", timeout_s=1)
    producer = make_producer(settings, transactional_id=f"killed-{client}", timeout_s=1)
    waiting = make_producer(settings, transactional_id=None, timeout_s=1)
    consumer.assign({0: 0})
    assert values_of(read_to_end(consumer)) == [b"1"]
    assert consumer.reachable()
    producer.begin()
    producer.send(topic, b"k", b"before", (), 0)
    producer.commit()
    waiting.send(topic, b"k", b"before", (), 0)
    waiting.flush()
    read_to_end(consumer)
    producer.begin()
    own.kill()
    try:
        killed = time.monotonic()
        producer.send(topic, b"k", b"lost", (), 0)
        waiting.send(topic, b"k", b"waits", (), 0)
        with pytest.raises(KafkaProblem):
            producer.commit()
        with pytest.raises(BrokerUnreachableError, match=own.bootstrap):
            waiting.flush()
        poll_until(consumer, lambda _: not consumer.reachable())
        assert time.monotonic() - killed < 15
        with pytest.raises(BrokerUnreachableError, match=own.bootstrap):
            consumer.partitions()
        with pytest.raises(BrokerUnreachableError, match=own.bootstrap):
            consumer.bounds([0])
        with pytest.raises(BrokerUnreachableError, match=own.bootstrap):
            make_consumer(settings, topic, "killed", timeout_s=1)
        consumer.commit({0: 1})
    finally:
        own.start()
    producer.close()
    # Its open transaction would hide what came after it, until a new producer ends it.
    again = make_producer(settings, transactional_id=f"killed-{client}")
    again.begin()
    again.send(topic, b"k", b"again", (), 0)
    again.commit()
    again.close()
    poll_until(consumer, lambda read: {b"waits", b"again"} <= set(values_of(read)))
    poll_until(consumer, lambda _: consumer.reachable())
    waiting.flush()
    waiting.close()
    consumer.close()


def test_a_broker_that_hangs_is_not_reachable_until_it_goes_on(
    own: Broker, client: ClientName
) -> None:
    topic = Kafka(own.bootstrap).topic("hangs")
    consumer = make_consumer(KafkaSettings(own.bootstrap, client), topic, "hangs", timeout_s=2)
    consumer.assign({0: 0})
    until = time.monotonic() + 2
    while time.monotonic() < until:  # nothing to read is no reason to call it unreachable
        consumer.poll(10)
        assert consumer.reachable()
        time.sleep(0.01)
    own.pause()
    try:
        paused = time.monotonic()
        poll_until(consumer, lambda _: not consumer.reachable())
        assert time.monotonic() - paused < 12
    finally:
        own.resume()
    poll_until(consumer, lambda _: consumer.reachable())
    consumer.close()


def test_no_broker_at_all_is_told_with_its_address(client: ClientName) -> None:
    [port] = free_ports(1)
    settings = KafkaSettings(f"127.0.0.1:{port}", client)
    for attempt in (
        lambda: make_consumer(settings, "t", "g", timeout_s=0.5),
        lambda: make_producer(settings, transactional_id=None, timeout_s=0.5),
        lambda: make_producer(settings, transactional_id="t", timeout_s=0.5),
        lambda: topics_of(settings, timeout_s=0.5),
    ):
        with pytest.raises(
            BrokerUnreachableError, match=rf"127\.0\.0\.1:{port}: Connection refused"
        ):
            attempt()


@pytest.mark.parametrize(
    ("security", "expected"),
    [
        (KafkaSecurity(protocol="SASL_SSL", password=_SECRET), "username: is needed"),
        (KafkaSecurity(protocol="SASL_PLAINTEXT", username="u"), "password: is needed"),
        (KafkaSecurity(protocol="SSL", ca="/no/such.pem"), "ca: there is no file /no/such.pem"),
        (KafkaSecurity(protocol="SSL", certificate=pytest.__file__), "certificate, key: "),
        (KafkaSecurity(protocol="SSL", ca=pytest.__file__), "ca: .* is not a readable certificate"),
    ],
)
def test_wrong_security_settings_are_told_before_a_broker_is_asked(
    client: ClientName, security: KafkaSecurity, expected: str
) -> None:
    with pytest.raises(KafkaSettingsError, match=f"^{expected}") as told:
        make_consumer(KafkaSettings("127.0.0.1:1", client, security), "t", "g")
    assert _SECRET not in str(told.value)


@pytest.mark.parametrize("brokers", ["", "host", "host:", ":9092", "host:9092,other"])
def test_addresses_must_be_host_and_port(client: ClientName, brokers: str) -> None:
    with pytest.raises(KafkaSettingsError, match=r"^brokers: "):
        make_consumer(KafkaSettings(brokers, client), "t", "g")


def test_a_password_is_not_shown() -> None:
    security = KafkaSecurity(protocol="SASL_SSL", username="u", password=_SECRET)
    shown = repr(KafkaSettings("h:1", "librdkafka", security))
    assert _SECRET not in shown
    assert "username='u'" in shown


def test_a_missing_librdkafka_is_told_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    monkeypatch.delitem(sys.modules, "connectors.kafka.librdkafka", raising=False)
    for module in ("connection", "producer"):
        name = f"connectors.kafka.client_librdkafka_{module}"
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(KafkaSettingsError, match=r"pip install 'cartwheel\[librdkafka\]'"):
        make_consumer(KafkaSettings("h:1", "librdkafka"), "t", "g")
