"""What a config may say about Kafka: the defaults, and what is worked out from other keys."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config import SINK_TOPICS, Config
from config.kafka_values import parse_time_ms
from operators.times import parse_time

LoadText = Callable[..., Config]
DOCS = Path(__file__).parents[2] / "docs" / "config.md"

FULL = """
    name: shop
    source:
      kafka:
        brokers: kafka-1:9092, [::1]:9093
        topic: shop-events_1.2
        group: another group
        start: 2026-01-31T10:30:00.0019+01:00
        live_from: 2026-02-01T00:00:00Z
        client: librdkafka
        on_gap: accept
        map: mapping.yaml
        readers: 64
        security: {protocol: SASL_SSL, mechanism: SCRAM-SHA-256, username: u, password: "${PW}",
                   ca: ca.pem, certificate: me.pem, key: me.key}
    sinks:
      kafka:
        brokers: other.example:1
        prefix: ""
        create: true
        partitions: 10000
        delivery: fast
        client: kafka-python
        compression: zstd
        security: {protocol: PLAINTEXT}
    time: {idle: off}
    http: {port: 0, host: "::"}
"""
SHORT = "name: shop\nsource: {kafka: {brokers: 'a:1', topic: t}}\nsinks: {kafka: {}}\n"


def test_every_key_reaches_its_attribute(load_text: LoadText) -> None:
    config = load_text(FULL, {"PW": "geheim"})
    assert config.source.files is None
    kafka = config.source.kafka
    assert (kafka.brokers, kafka.topic) == ("kafka-1:9092,[::1]:9093", "shop-events_1.2")
    assert (config.source_group, kafka.readers, kafka.map) == ("another group", 64, "mapping.yaml")
    assert (kafka.start, kafka.live_from_ms) == (1_769_851_800_001, 1_769_904_000_000)
    assert (kafka.client, kafka.on_gap) == ("librdkafka", "accept")
    security = kafka.security
    assert (security.protocol, security.mechanism) == ("SASL_SSL", "SCRAM-SHA-256")
    assert (security.username, security.password.get_secret_value()) == ("u", "geheim")
    assert (security.ca, security.certificate, security.key) == ("ca.pem", "me.pem", "me.key")
    sink = config.sinks.kafka
    assert config.sinks.files is None
    assert (config.sink_brokers, config.sink_prefix) == ("other.example:1", "")
    assert (sink.create, sink.partitions, sink.delivery) == (True, 10_000, "fast")
    assert (config.sink_client, sink.compression) == ("kafka-python", "zstd")
    assert config.sink_security.protocol == "PLAINTEXT"
    assert config.time.idle_ms is None
    assert (config.http.port, config.http.host) == (0, "::")


def test_brokers_and_a_topic_are_enough(load_text: LoadText) -> None:
    config = load_text(SHORT)
    kafka, sink = config.source.kafka, config.sinks.kafka
    assert (config.source_group, kafka.start, kafka.live_from_ms) == (
        "cartwheel-shop",
        "earliest",
        None,
    )
    assert (kafka.client, kafka.on_gap, kafka.map) == ("kafka-python", "refuse", None)
    assert (kafka.readers, kafka.security) == (4, None)
    assert (sink.create, sink.partitions) == (False, 4)
    assert (sink.delivery, sink.compression) == ("exact", "lz4")
    assert (config.sink_brokers, config.sink_prefix) == ("a:1", "shop.")
    assert (config.sink_client, config.sink_security) == ("kafka-python", None)
    assert config.http is None


def test_the_sink_takes_what_it_lacks_from_the_source(load_text: LoadText) -> None:
    config = load_text("""
        name: shop
        source: {kafka: {brokers: "a:1", topic: t, client: librdkafka, security: {protocol: SSL}}}
        sinks: {kafka: {prefix: x-}}
    """)
    assert (config.sink_brokers, config.sink_client) == ("a:1", "librdkafka")
    assert config.sink_security is config.source.kafka.security
    assert config.sink_prefix == "x-"


def test_files_may_go_to_topics_and_topics_to_files(load_text: LoadText) -> None:
    to_topics = load_text("{name: s, source: {files: in/}, sinks: {kafka: {brokers: 'a:1'}}}")
    assert (to_topics.source.follow, to_topics.sink_brokers) == (True, "a:1")
    assert (to_topics.sink_client, to_topics.sink_security) == ("kafka-python", None)
    to_files = load_text(
        "{name: s, source: {kafka: {brokers: 'a:1', topic: t}}, sinks: {files: out/}}"
    )
    assert (to_files.source_group, to_files.sinks.files) == ("cartwheel-s", "out/")


def test_files_need_not_be_followed(load_text: LoadText) -> None:
    assert load_text("{name: s, source: {files: in/, follow: false}}").source.follow is False


@pytest.mark.parametrize("word", ["earliest", "latest"])
def test_the_start_may_be_a_word(load_text: LoadText, word: str) -> None:
    text = f"{{name: s, source: {{kafka: {{brokers: 'a:1', topic: t, start: {word}}}}}}}"
    assert load_text(text).source.kafka.start == word


def test_a_time_of_the_environment_is_read_like_one_of_the_file(load_text: LoadText) -> None:
    text = (
        "{name: s, source: {kafka: {brokers: 'a:1', topic: t, start: '${T}', live_from: '${N}'}}}"
    )
    kafka = load_text(text, {"T": "1970-01-01T00:00:00Z", "N": "now"}).source.kafka
    assert (kafka.start, kafka.live_from_ms) == (0, None)


@pytest.mark.parametrize(
    "brokers",
    ["localhost:9092", "10.0.0.1:1,10.0.0.2:65535", "[::1]:9092", "my_kafka:9092", "a.b-c.d:1"],
)
def test_brokers_may_be_names_and_addresses(load_text: LoadText, brokers: str) -> None:
    config = load_text(f"{{name: s, sinks: {{kafka: {{brokers: '{brokers}'}}}}}}")
    assert config.sink_brokers == brokers


@pytest.mark.parametrize("kind", SINK_TOPICS)
def test_the_longest_names_are_legal_topics(load_text: LoadText, kind: str) -> None:
    text = "{name: NAME, source: {kafka: {brokers: 'a:1', topic: TOPIC}}, sinks: {kafka: {}}}"
    config = load_text(text.replace("NAME", "n" * 100).replace("TOPIC", "t" * 249))
    assert len(config.sink_prefix + kind) <= 249
    text = f"{{name: s, sinks: {{kafka: {{brokers: 'a:1', prefix: {'p' * 237}}}}}}}"
    assert len(load_text(text).sink_prefix + kind) <= 249


def test_the_sinks_topics_may_be_read_from_another_cluster(load_text: LoadText) -> None:
    config = load_text("""
        name: shop
        source: {kafka: {brokers: "a:1", topic: shop.triggers}}
        sinks: {kafka: {brokers: "a:2"}}
    """)
    assert config.source.kafka.topic == f"{config.sink_prefix}triggers"


def test_a_password_does_not_show_in_the_config(load_text: LoadText) -> None:
    config = load_text(FULL.replace('"${PW}"', "geheim"))
    assert "protocol='SASL_SSL'" in repr(config)
    for shown in (repr(config), str(config), config.model_dump_json(), str(config.model_dump())):
        assert "geheim" not in shown


def test_one_file_serves_places_with_and_without_security(load_text: LoadText) -> None:
    text = """
        name: shop
        source:
          kafka:
            brokers: a:1
            topic: t
            security:
              protocol: ${PROTOCOL:-PLAINTEXT}
              mechanism: SCRAM-SHA-512
              username: ${USER_NAME:-}
              password: ${PW:-}
              ca: ${CA:-}
    """
    plain = load_text(text).source.kafka.security
    assert (plain.protocol, plain.username, plain.password, plain.ca) == (
        "PLAINTEXT",
        None,
        None,
        None,
    )
    there = {"PROTOCOL": "SASL_SSL", "USER_NAME": "u", "PW": "1234", "CA": "ca.pem"}
    secured = load_text(text, there).source.kafka.security
    assert (secured.protocol, secured.username, secured.ca) == ("SASL_SSL", "u", "ca.pem")
    assert secured.password.get_secret_value() == "1234"


def test_the_examples_in_the_docs_are_right(load_text: LoadText) -> None:
    page = DOCS.read_text()
    blocks = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    [text] = [block for block in blocks if "kafka:" in block]
    [example] = re.findall(r"^`security: (.*)`$", page, re.MULTILINE)
    config = load_text(
        text.replace("{protocol: SSL, ca: kafka-ca.pem}", example), {"KAFKA_PASSWORD": "5"}
    )
    assert config.sink_brokers == load_text(text).sink_brokers == "localhost:9092"
    assert config.source.kafka.start == 1_767_225_600_000
    assert config.sink_security.password.get_secret_value() == "5"


def test_the_docs_name_every_topic_of_the_sink() -> None:
    [sentence] = re.findall(
        r"^The topics are the prefix and then [^.]*\.", DOCS.read_text(), re.MULTILINE
    )
    assert re.findall(r"`([^`]+)`", sentence) == list(SINK_TOPICS)


DIGITS = st.text("0123456789", max_size=6)
OFFSETS = st.one_of(
    st.sampled_from(["Z", "z", ""]),
    st.builds(
        "{}{:02d}:{:02d}".format, st.sampled_from("+-"), st.integers(0, 99), st.integers(0, 99)
    ),
)


@given(
    moment=st.datetimes(),
    separator=st.sampled_from("Tt _"),
    fraction=DIGITS.map(lambda digits: f".{digits}" if digits else ""),
    offset=OFFSETS,
)
@example(moment=None, separator="T", fraction="", offset="Z")
def test_times_are_those_of_events_from_1970_on(
    moment: object, separator: str, fraction: str, offset: str
) -> None:
    day, clock = (
        moment.strftime("%Y-%m-%d %H:%M:%S").split() if moment else ("2026-02-30", "25:00:00")
    )
    text = f"{day:>010}{separator}{clock}{fraction}{offset}"
    try:
        expected = parse_time(text)
    except ValueError:
        expected = -1
    if expected < 0:
        with pytest.raises(ValueError, match="RFC 3339"):
            parse_time_ms(text)
    else:
        assert parse_time_ms(text) == expected
