"""Rules as they are written in the config file: what features and collected values are made of."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

KINDS = (
    *("count", "sum", "min", "max", "mean", "first", "last"),
    *("time", "distinct", "rate", "recent"),
)
OF_EVENTS = ("count", "time", "rate")
"""The kinds whose argument is an event."""
OF_NUMBERS = ("sum", "min", "max", "mean")
"""The kinds whose argument is a number."""
CONTEXT_PATHS = {
    "device": "context.device.type",
    "locale": "context.locale",
    "country": "context.location.country",
    "region": "context.location.region",
    "campaign": "context.campaign.name",
    "referrer": "context.referrer.url",
    "timezone": "context.timezone",
}
UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}

Accepts = Literal["number", "value", "key"]


class Use(NamedTuple):
    """Events with this name (None: all) have a field read, which must be of a kind.

    `number` is a JSON number, `value` a string, number or boolean, `key` a string or number.
    """

    event: str | None
    path: str
    accepts: Accepts
    but: str | None = None
    """Events with this name do not have it read, whatever `event` says."""


def kind_of(spec: Mapping[str, Any]) -> tuple[str, str]:
    """Split what is kept into its kind and argument: `{sum: properties.price, of: …}`."""
    [(kind, argument)] = [item for item in spec.items() if item[0] in KINDS]
    return kind, argument


def milliseconds(duration: str) -> int:
    """Read a duration: `30m`."""
    number = duration.rstrip("msdh")
    return int(number) * UNITS[duration[len(number) :]]
