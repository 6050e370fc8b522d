"""What is said about a config that says something wrong about Kafka."""

from collections.abc import Callable

import pytest

from config import SINK_TOPICS

ProblemsOf = Callable[..., list[tuple[int, int, str]]]

IN = "source.kafka"
OUT = "sinks.kafka"


def source(keys: str) -> str:
    """Give a config whose source has these keys besides; they begin in line 2, column 44."""
    return f"name: s\nsource: {{kafka: {{brokers: 'a:1', topic: t, {keys}}}}}"


def sink(keys: str) -> str:
    """Give a config whose sink has these keys besides; they begin in line 2, column 33."""
    return f"name: s\nsinks: {{kafka: {{brokers: 'a:1', {keys}}}}}"


def security(keys: str) -> str:
    """Give a config whose source is secured like this; the keys begin in line 2, column 55."""
    return source(f"security: {{{keys}}}")


WRONG_VALUES = [
    # text, column in line 2, parts of the message
    ("name: s\nsource: {kafka: {topic: t}}", 10, [IN, 'the key "brokers" is missing']),
    ("name: s\nsource: {kafka: {brokers: 'a:1'}}", 10, [IN, 'the key "topic" is missing']),
    ("name: s\nsource: {kafka: }", 10, [IN, "found nothing, expected a mapping"]),
    ("name: s\nsource: {kafka: events}", 17, [IN, 'found "events", expected a mapping']),
    ("name: s\nsinks: {kafka: }", 9, [OUT, "found nothing, expected a mapping"]),
    ("name: s\nsinks: {kafka: [a]}", 16, [OUT, "found a list, expected a mapping"]),
    (source("group: ''"), 51, [f"{IN}.group", 'found ""', "1 to 249 characters"]),
    (source(f"group: {'g' * 250}"), 51, [f"{IN}.group", "1 to 249 characters"]),
    (source("group: ' g'"), 51, [f"{IN}.group", 'found " g"']),
    (source("start: earlist"), 51, [f"{IN}.start", 'did you mean "earliest"?']),
    (source("start: 2026-01-31"), 51, ["earliest, latest or an RFC 3339 time from 1970"]),
    (source("start: 1969-12-31T23:59:59.999Z"), 51, ["from 1970 to 8999"]),
    (source("start: 2026-02-30T00:00:00Z"), 51, ["2026-01-31T09:30:00Z"]),
    (source("start: 2026-01-31T09:30:00+24:00"), 51, ["RFC 3339"]),
    (source("start: 1769851800000"), 51, ["found 1769851800000, expected earliest"]),
    (source("live_from: nwo"), 55, ["now or an RFC 3339 time", 'did you mean "now"?']),
    (source("live_from: "), 44, ["found nothing, expected now or"]),
    (source("client: librdkafak"), 52, ['did you mean "librdkafka"?']),
    (source("on_gap: skip"), 52, ['found "skip", expected one of refuse, accept']),
    (source("map: [a]"), 49, [f"{IN}.map: found a list, expected a path"]),
    (source("readers: 0"), 53, [f"{IN}.readers: found 0, expected a whole number from 1 to 64"]),
    (source("readers: 65"), 53, ["found 65"]),
    (source("security: SSL"), 54, [f'{IN}.security: found "SSL", expected a mapping']),
    (security(""), 44, [f'{IN}.security: the key "protocol" is missing']),
    (security("protocol: TLS"), 65, ['"TLS", expected one of PLAINTEXT, SSL, SASL_PLAINTEXT']),
    (security("protocol: SASL_TLS"), 65, ['did you mean "SASL_SSL"?']),
    (security("protocol: SSL, ca: ''"), 74, [f"{IN}.security.ca", 'found "", expected a path']),
    (sink("prefix: a/b"), 41, [f"{OUT}.prefix", '"a/b", expected a prefix of letters, digits']),
    (sink(f"prefix: {'p' * 238}"), 41, ["at most 237 characters"]),
    (sink("prefix: 5"), 41, ["found 5"]),
    (sink("create: yes"), 41, ["expected true or false"]),
    (sink("partitions: 0"), 45, ["from 1 to 10000"]),
    (sink("partitions: 10001"), 45, ["from 1 to 10000"]),
    (sink("delivery: exactly"), 43, ['did you mean "exact"?']),
    (sink("client: java"), 41, ["expected one of kafka-python, librdkafka"]),
    (sink("compression: snappy"), 46, ["expected one of none, gzip, lz4, zstd"]),
    (sink("security: {protocol: SSLL}"), 54, [f"{OUT}.security.protocol", 'mean "SSL"?']),
]


@pytest.mark.parametrize(("text", "column", "parts"), WRONG_VALUES)
def test_a_wrong_value_is_told_with_its_place(
    problems_of: ProblemsOf, text: str, column: int, parts: list[str]
) -> None:
    [(line, found_column, message)] = problems_of(text)
    assert (line, found_column) == (2, column), message
    assert all(part in message for part in parts), message


@pytest.mark.parametrize(
    "brokers",
    [
        *("a", ":9092", "a:", "a:0", "a:65536", "a:x", "a:1,", ",a:1", "a:1;b:1", "a b:1", "-a:1"),
        *("http://a:1", "u:p@a:1", "::1:9092", "[::1]", "[a]:1", "[fe80::1%eth0]:1", "a:1 b:1", ""),
        *("a:\u0661", "ä:1", "a:1\t"),
    ],
)
def test_brokers_are_hosts_with_ports(problems_of: ProblemsOf, brokers: str) -> None:
    text = f'name: s\nsource: {{kafka: {{topic: t, brokers: "{brokers}"}}}}'
    [(line, column, message)] = problems_of(text.replace("\t", "\\t"))
    assert (line, column) == (2, 37)
    assert message.startswith(f"{IN}.brokers: found ")
    assert "expected host:port, several separated by commas" in message


@pytest.mark.parametrize("topic", ["''", ".", "..", "a/b", "'a b'", "ä", "5", "[a]", "t" * 250])
def test_a_topics_name_is_one_that_kafka_allows(problems_of: ProblemsOf, topic: str) -> None:
    text = f"name: s\nsource: {{kafka: {{brokers: 'a:1', topic: {topic}}}}}"
    [(line, column, message)] = problems_of(text)
    assert (line, column) == (2, 41)
    assert "expected a topic's name of letters, digits, ., _ and -, 1 to 249" in message


UNKNOWN_KEYS = [
    (source("topics: t"), 44, f'{IN}.topics: unknown key; did you mean "topic"?'),
    (source("partitions: 5"), 44, f"{IN}.partitions: unknown key; the keys here are brokers"),
    (sink("prefx: t"), 33, f'{OUT}.prefx: unknown key; did you mean "prefix"?'),
    (sink("topic: t"), 33, f"{OUT}.topic: unknown key; the keys here are brokers, prefix"),
    (
        security("protocol: SSL, certifcate: a"),
        70,
        f'{IN}.security.certifcate: unknown key; did you mean "certificate"?',
    ),
]


@pytest.mark.parametrize(("text", "column", "start"), UNKNOWN_KEYS)
def test_an_unknown_key_is_told_with_the_nearest_one(
    problems_of: ProblemsOf, text: str, column: int, start: str
) -> None:
    [(line, found_column, message)] = problems_of(text)
    assert (line, found_column) == (2, column)
    assert message.startswith(start), message


NOT_TOGETHER = [
    # text, line, column, message
    (
        "name: s\nsource: {files: a, kafka: {brokers: 'a:1', topic: t}}",
        2,
        20,
        "source.kafka: found beside files, expected one of the two",
    ),
    (
        "name: s\nsinks:\n  kafka: {brokers: 'a:1'}\n  files: a",
        4,
        3,
        "sinks.files: found beside kafka, expected one of the two",
    ),
    ("name: s\nsource: {}", 2, 1, "source: found neither files nor kafka, expected one of the two"),
    (
        "name: s\nsource: {order: name}",
        2,
        1,
        "source: found neither files nor kafka, expected one of the two",
    ),
    ("name: s\nsinks: {}", 2, 1, "sinks: found neither files nor kafka, expected one of the two"),
    (
        "name: s\nsource: {order: name, kafka: {brokers: 'a:1', topic: t}}",
        2,
        10,
        "source.order: found beside kafka, expected with files only",
    ),
    (
        "name: s\nsource: {kafka: {brokers: 'a:1', topic: t}, follow: true}",
        2,
        45,
        "source.follow: found beside kafka, expected with files only",
    ),
    (
        "name: s\nsource: {files: a}\nsinks: {kafka: {prefix: x}}",
        3,
        9,
        'sinks.kafka: the key "brokers" is missing, and there is no source.kafka to take them from',
    ),
    (
        "name: s\nsinks: {kafka: {}}",
        2,
        9,
        'sinks.kafka: the key "brokers" is missing, and there is no source.kafka to take them from',
    ),
]


@pytest.mark.parametrize(("text", "line", "column", "message"), NOT_TOGETHER)
def test_what_does_not_go_together_is_told_with_its_place(
    problems_of: ProblemsOf, text: str, line: int, column: int, message: str
) -> None:
    assert problems_of(text) == [(line, column, message)]


@pytest.mark.parametrize("kind", SINK_TOPICS)
@pytest.mark.parametrize(
    ("brokers", "sink_keys", "prefix"),
    [
        ("'a:1'", "", "s."),
        ("'b:1,a:1'", "brokers: 'A:1,c:1'", "s."),
        ("'a:1'", "prefix: ''", ""),
        ("'a:1'", "prefix: x-", "x-"),
    ],
)
def test_a_config_cannot_read_its_own_results(
    problems_of: ProblemsOf, kind: str, brokers: str, sink_keys: str, prefix: str
) -> None:
    [found] = problems_of(f"""\
        name: s
        sinks: {{kafka: {{{sink_keys}}}}}
        source:
          kafka:
            brokers: {brokers}
            topic: {prefix}{kind}
    """)
    expected = f"found the sink's own topic of {kind}, expected another topic or prefix"
    assert found == (6, 12, f"source.kafka.topic: {expected}")


@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL"])
def test_sasl_needs_a_mechanism_a_name_and_a_password(
    problems_of: ProblemsOf, protocol: str
) -> None:
    found = problems_of(security(f"protocol: {protocol}"))
    assert found == [
        (2, 44, f'source.kafka.security: the key "{key}" is missing, which SASL needs')
        for key in ("mechanism", "password", "username")
    ]


def test_an_unset_password_is_a_missing_one(problems_of: ProblemsOf) -> None:
    keys = "protocol: SASL_SSL, mechanism: PLAIN, username: u, password: "
    missing = (2, 44, 'source.kafka.security: the key "password" is missing, which SASL needs')
    assert problems_of(security(f"{keys}'${{PW:-}}'")) == [missing]
    assert problems_of(security(f"{keys}null")) == [missing]
    [(line, column, message)] = problems_of(security(f"{keys}'${{PW}}'"))
    assert (line, column) == (2, 116)
    assert "the environment variable PW is not set" in message


@pytest.mark.parametrize(
    ("protocol", "key", "protocols"),
    [
        ("SSL", "mechanism", "SASL_PLAINTEXT or SASL_SSL"),
        ("SSL", "username", "SASL_PLAINTEXT or SASL_SSL"),
        ("PLAINTEXT", "password", "SASL_PLAINTEXT or SASL_SSL"),
        ("PLAINTEXT", "ca", "SSL or SASL_SSL"),
    ],
)
def test_a_key_that_the_protocol_has_no_use_for_is_refused(
    problems_of: ProblemsOf, protocol: str, key: str, protocols: str
) -> None:
    [found] = problems_of(security(f"{key}: PLAIN, protocol: {protocol}"))
    where = f"source.kafka.security.{key}"
    wanted = f"expected {protocols} with it"
    assert found == (2, 55, f"{where}: found with the protocol {protocol}, {wanted}")


@pytest.mark.parametrize(("key", "other"), [("certificate", "key"), ("key", "certificate")])
def test_a_certificate_and_its_key_come_together(
    problems_of: ProblemsOf, key: str, other: str
) -> None:
    [found] = problems_of(security(f"protocol: SSL, {key}: a"))
    where = f"source.kafka.security.{key}"
    assert found == (2, 70, f"{where}: found without {other}, expected both or neither")


@pytest.mark.parametrize(
    "password",
    [
        "4711",
        "true",
        "''",
        "[4711]",
        "{4711: 5}",
        "*4711",
        "!4711 x",
        "4711" * 300,
        "${4711",
        "4711: 5",
        "{a, 4711, 4711}",
    ],
)
def test_a_password_is_never_shown(problems_of: ProblemsOf, password: str) -> None:
    found = problems_of(f"""\
        name: s
        source:
          kafka:
            brokers: a:1
            topic: t
            security:
              protocol: SASL_SSL
              mechanism: PLAIN
              username: u
              password: {password}
    """)
    assert found
    for line, _, message in found:
        assert line == 10
        assert "4711" not in message
        assert "true" not in message


def test_a_password_that_is_no_text_is_told_what_to_do(problems_of: ProblemsOf) -> None:
    keys = "protocol: SASL_SSL, mechanism: PLAIN, username: u, password: 4711"
    [(line, column, message)] = problems_of(security(keys))
    assert (line, column) == (2, 116)
    assert message.startswith("source.kafka.security.password: found a value that is not shown,")
    assert message.endswith("expected text of 1 to 1000 characters (a number in quotes)")


def test_a_password_among_the_brokers_is_not_shown(problems_of: ProblemsOf) -> None:
    [found] = problems_of("name: s\nsinks: {kafka: {brokers: 'kafka://me:4711@a:1'}}")
    assert found[:2] == (2, 26)
    assert "found a value that is not shown, expected host:port" in found[2]


def test_a_topic_of_the_environment_is_not_shown(problems_of: ProblemsOf) -> None:
    text = "name: s\nsinks: {kafka: {}}\nsource: {kafka: {brokers: 'a:1', topic: '${TOPIC}'}}"
    [(line, column, message)] = problems_of(text, {"TOPIC": "s.late"})
    assert (line, column) == (3, 41)
    assert "s.late" not in message


def test_everything_wrong_is_told_at_once(problems_of: ProblemsOf) -> None:
    found = problems_of("""\
        name: s
        source:
          order: size
          files: []
          kafka:
            brokers: a
            start: soon
            security: {protocol: SASL_SSL, mechanism: MD5, username: "", password: 5}
        sinks: {kafka: {prefix: /, delivery: never}, files: a}
        http: {port: -1}
        """)
    assert [place[:2] for place in found] == [
        (3, 10),  # no order
        (4, 10),  # no files
        (5, 3),  # beside files
        (5, 3),  # no topic
        (6, 14),  # no port
        (7, 12),  # no time
        (8, 47),  # no mechanism
        (8, 62),  # no name
        (8, 76),  # no text
        (9, 25),  # no prefix
        (9, 38),  # no delivery
        (9, 46),  # beside kafka
        (10, 14),  # no port
    ]
