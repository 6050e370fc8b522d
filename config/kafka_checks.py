"""What must hold between the keys that say where events come from and where results go.

A part of ``checks``; the same rules: plain values in, and what is wrong in itself is passed over.
"""

from collections.abc import Iterator, Mapping
from typing import get_args

from config.environment import Substituted
from config.kafka import Protocol
from config.kafka_values import SINK_TOPICS, is_prefix, parse_brokers
from config.plain import KEY, Finding, mapping_at

_KINDS = ("files", "kafka")
_FILES_ONLY = ("order", "follow")
_SASL_KEYS = ("mechanism", "username", "password")
_TLS_KEYS = ("ca", "certificate", "key")


def check_kafka(config: object) -> Iterator[Finding]:
    """Give what is wrong between the keys of ``source`` and ``sinks``."""
    yield from _one_kind(config, "source", known=(*_KINDS, *_FILES_ONLY))
    yield from _one_kind(config, "sinks", known=_KINDS)
    yield from _files_only(config)
    yield from _sink_has_brokers(config)
    yield from _source_is_no_output(config)
    for section in ("source", "sinks"):
        yield from _security(config, (section, "kafka", "security"))


def _one_kind(config: object, name: str, *, known: tuple[str, ...]) -> Iterator[Finding]:
    section = mapping_at(config).get(name)
    if not isinstance(section, dict):
        return
    kinds = [key for key in section if key in _KINDS]
    if len(kinds) > 1:
        yield (name, kinds[1], KEY), f"found beside {kinds[0]}, expected one of the two"
    if not kinds and section.keys() <= set(known):  # others may be misspelt, which is said already
        yield (name, KEY), "found neither files nor kafka, expected one of the two"


def _files_only(config: object) -> Iterator[Finding]:
    source = mapping_at(config, "source")
    for key in _FILES_ONLY:
        if key in source and "kafka" in source and "files" not in source:
            yield ("source", key, KEY), "found beside kafka, expected with files only"


def _sink_has_brokers(config: object) -> Iterator[Finding]:
    sink = mapping_at(config, "sinks").get("kafka")
    if not isinstance(sink, dict) or sink.get("brokers") is not None:
        return
    if "kafka" not in mapping_at(config, "source"):
        path = ("sinks", "kafka", KEY)
        message = 'the key "brokers" is missing, and there is no source.kafka to take them from'
        yield path, message


def _source_is_no_output(config: object) -> Iterator[Finding]:
    source, sink = mapping_at(config, "source", "kafka"), mapping_at(config, "sinks").get("kafka")
    topic, name = source.get("topic"), mapping_at(config).get("name")
    if not isinstance(sink, dict) or not isinstance(topic, str):
        return
    prefix = sink.get("prefix")
    prefix = f"{name}." if prefix is None else prefix
    if not isinstance(prefix, str) or not is_prefix(prefix):
        return
    if not _same_brokers(source.get("brokers"), sink.get("brokers")):
        return
    for kind in SINK_TOPICS:
        if topic == f"{prefix}{kind}":
            path = ("source", "kafka", "topic")
            yield path, f"found the sink's own topic of {kind}, expected another topic or prefix"


def _same_brokers(source: object, sink: object) -> bool:
    """Say whether two values name one cluster: at least one address is in both."""
    if not isinstance(source, str) or not isinstance(sink, str | None):
        return False
    try:
        ours = {broker.lower() for broker in parse_brokers(source)}
        return sink is None or any(broker.lower() in ours for broker in parse_brokers(sink))
    except ValueError:
        return False


def _security(config: object, path: tuple[str, ...]) -> Iterator[Finding]:
    security = mapping_at(config, *path)
    protocol = security.get("protocol")
    if protocol not in get_args(Protocol):
        return
    given = {key for key, value in security.items() if _is_given(value)}
    if str(protocol).startswith("SASL_"):
        for key in _SASL_KEYS:
            if key not in given:
                yield (*path, KEY), f'the key "{key}" is missing, which SASL needs'
    yield from _pair(path, given)
    if isinstance(protocol, Substituted):
        return  # it may switch security off where one file serves several places
    if "SASL" not in str(protocol):
        yield from _vain(path, security, _SASL_KEYS, "SASL_PLAINTEXT or SASL_SSL")
    if "SSL" not in str(protocol):
        yield from _vain(path, security, _TLS_KEYS, "SSL or SASL_SSL")


def _pair(path: tuple[str, ...], given: set[str]) -> Iterator[Finding]:
    for key, other in (("certificate", "key"), ("key", "certificate")):
        if key in given and other not in given:
            yield (*path, key, KEY), f"found without {other}, expected both or neither"


def _vain(
    path: tuple[str, ...], security: Mapping[str, object], keys: tuple[str, ...], protocols: str
) -> Iterator[Finding]:
    for key in keys:
        if security.get(key) is not None:
            yield (
                (*path, key, KEY),
                f"found with the protocol {security['protocol']}, expected {protocols} with it",
            )


def _is_given(value: object) -> bool:
    return value is not None and not (isinstance(value, Substituted) and not value)
