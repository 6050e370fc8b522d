"""The kinds of value that only Kafka and the network need: addresses, topics, times, secrets."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address
from typing import Annotated, Literal

from pydantic import BeforeValidator, SecretStr

from config.environment import Substituted
from config.forms import TEXT
from config.values import expected, read_by
from config.wording import nearest

SINK_TOPICS = (
    "sessions",
    "triggers",
    "decisions",
    "segments",
    "scores",
    "models",
    "identity",
    "customers",
    "late",
    "dead-letters",
    "commits",
)
"""What follows the prefix in the names of the sink's topics."""

MAX_TOPIC_CHARACTERS = 249
MAX_PREFIX_CHARACTERS = MAX_TOPIC_CHARACTERS - max(map(len, SINK_TOPICS))
MAX_TEXT_CHARACTERS = 1_000
MAX_GROUP_CHARACTERS = 249
MAX_PORT = 65_535

_LEGAL = re.compile(r"[A-Za-z0-9._-]*")
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,252}")
_BROKER = re.compile(r"(?:\[(?P<v6>[^][]*)\]|(?P<host>[^][:]*)):(?P<port>[0-9]{1,5})")
_BROKERS = "host:port, several separated by commas (an IPv6 address in brackets)"
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))",
    re.ASCII,
)
_A_TIME = "an RFC 3339 time from 1970 to 8999 such as 2026-01-31T09:30:00Z"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_BEYOND_MS = (datetime(9000, 1, 1, tzinfo=UTC) - _EPOCH) // _MILLISECOND


def parse_brokers(text: str) -> tuple[str, ...]:
    """Read ``kafka-1:9092,[::1]:9093``.

    Returns:
        The addresses, each ``host:port``.

    Raises:
        ValueError: one of them is something else.
    """
    brokers = tuple(part.strip(" ") for part in text.split(","))
    for broker in brokers:
        match = _BROKER.fullmatch(broker)
        if match is None or not 1 <= int(match["port"]) <= MAX_PORT:
            raise ValueError(_BROKERS)
        if not (_is_ipv6(match["v6"]) if match["host"] is None else _HOST.fullmatch(match["host"])):
            raise ValueError(_BROKERS)
    return brokers


def parse_time_ms(text: str) -> int:
    """Read an RFC 3339 timestamp; what is finer than a millisecond is cut off.

    Returns:
        Milliseconds since 1970, never less than 0: Kafka gives negative ones other meanings.

    Raises:
        ValueError: the text is no such timestamp, or of no year from 1970 to 8999.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(_A_TIME)
    day, clock, fraction, sign, hours, minutes = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}+00:00")
    except ValueError:
        raise ValueError(_A_TIME) from None
    time_ms = (moment - _EPOCH) // _MILLISECOND + int((fraction or "0")[:3].ljust(3, "0"))
    if sign:
        offset_ms = (int(hours) * 60 + int(minutes)) * 60_000
        time_ms -= offset_ms if sign == "+" else -offset_ms
    if not 0 <= time_ms < _BEYOND_MS:
        raise ValueError(_A_TIME)
    return time_ms


def is_prefix(text: str) -> bool:
    """Say whether a text can begin the names of the sink's topics."""
    return len(text) <= MAX_PREFIX_CHARACTERS and _LEGAL.fullmatch(text) is not None


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return "%" not in text


def _brokers(value: object) -> str:
    try:
        return ",".join(parse_brokers(value if isinstance(value, str) else ""))
    except ValueError as error:
        raise expected(str(error)) from None


def _topic(value: object) -> str:
    if (
        not isinstance(value, str)
        or not 1 <= len(value) <= MAX_TOPIC_CHARACTERS
        or not _LEGAL.fullmatch(value)
        or value in (".", "..")
    ):
        raise expected(
            f"a topic's name of letters, digits, ., _ and -, 1 to {MAX_TOPIC_CHARACTERS} characters"
        )
    return str(value)


def _prefix(value: object) -> str:
    if not isinstance(value, str) or not is_prefix(value):
        raise expected(
            f"a prefix of letters, digits, ., _ and -, at most {MAX_PREFIX_CHARACTERS} characters"
        )
    return str(value)


def _group(value: object) -> str:
    if (
        not isinstance(value, str)
        or not 1 <= len(value) <= MAX_GROUP_CHARACTERS
        or not value.isprintable()
        or value != value.strip()
    ):
        raise expected(f"a group's name, as text of 1 to {MAX_GROUP_CHARACTERS} characters")
    return str(value)


def _host(value: object) -> str:
    if not isinstance(value, str) or not (_HOST.fullmatch(value) or _is_ipv6(value)):
        raise expected("the name or address of this host to listen on, such as 127.0.0.1")
    return str(value)


def _text(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_TEXT_CHARACTERS:
        raise expected(f"text of 1 to {MAX_TEXT_CHARACTERS} characters (a number in quotes)")
    return str(value)


def _start(value: object) -> str | int:
    return str(value) if value in ("earliest", "latest") else _time(value, ("earliest", "latest"))


def _live_from(value: object) -> int | None:
    return None if value == "now" else _time(value, ("now",))


def _time(value: object, words: Iterable[str]) -> int:
    try:
        return parse_time_ms(value if isinstance(value, str) else "")
    except ValueError as error:
        near = nearest(value, words) if isinstance(value, str) else None
        raise expected(f"{', '.join(words)} or {error}", near=near) from None


def _none_if_unset(value: object) -> object:
    return None if isinstance(value, Substituted) and not value else value


Brokers = Annotated[str, read_by(_brokers, TEXT)]
"""``host:port``, several separated by commas and nothing else."""
Topic = Annotated[str, read_by(_topic, TEXT)]
Prefix = Annotated[str, read_by(_prefix, str)]
Group = Annotated[str, read_by(_group, TEXT)]
Host = Annotated[str, read_by(_host, TEXT)]
Text = Annotated[str, read_by(_text, TEXT)]
Secret = Annotated[SecretStr, BeforeValidator(_text, json_schema_input_type=TEXT)]
Start = Annotated[Literal["earliest", "latest"] | int, read_by(_start, TEXT)]
"""A word, or milliseconds since 1970."""
LiveFromMs = Annotated[int | None, read_by(_live_from, TEXT)]
"""Milliseconds since 1970; None: the first start."""
UNSET_IS_NONE = BeforeValidator(_none_if_unset)
"""An empty text from the environment means that the key is not given."""
