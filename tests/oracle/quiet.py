"""What clocks and calendars say of messages: quiet hours (T7), and limits by day or week."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from oracle.observing import local_time, zone_names
from oracle.rules import CUSTOMERS
from oracle.specs import milliseconds
from oracle.writing import MINUTE_MS


def zone_of(spec: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    """Return the zone that a limit or quiet hours go by; without a known one it is UTC."""
    zone = spec.get("zone", "customer")
    if zone in CUSTOMERS:
        zone = row["context.timezone"]
    return zone if isinstance(zone, str) and zone in zone_names() else "UTC"


def is_quiet(spec: Mapping[str, str], zone: str, time: int) -> bool:
    """Tell whether clocks in a zone show a time from one to before the other."""
    shown = f"{local_time(time, zone):%H:%M}"
    start, end = spec["from"], spec["to"]
    return start <= shown < end if start < end else shown >= start or shown < end


def quiet_end(spec: Mapping[str, str], zone: str, time: int) -> int:
    """Return the first instant after a quiet one that is not quiet."""
    time = (time // MINUTE_MS + 1) * MINUTE_MS
    while is_quiet(spec, zone, time):
        time += MINUTE_MS
    return time


def counts(limit: Mapping[str, Any], sent: int, time: int, zone: str) -> bool:
    """Tell whether a message sent at a time counts for a limit at another; later ones do (T6)."""
    per = limit["per"]
    if per in {"day", "week"}:
        return first_day(per, zone, sent) >= first_day(per, zone, time)
    return sent > time - milliseconds(per)


def first_day(per: str, zone: str, time: int) -> date:
    """Return the day that the calendar shows, or its week's Monday."""
    day = local_time(time, zone).date()
    return day if per == "day" else day - timedelta(days=day.weekday())
