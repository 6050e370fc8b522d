"""Events as raw lines, by hand: for tests, and for the streams that hypothesis draws."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
START_MS = 1_767_261_600_000  # 2026-01-01T10:00:00Z
NOW_MS = START_MS + 30 * 24 * HOUR_MS
"""The clock to give to the run; no stream reaches it but by a line that is to be rejected."""

MISSING = object()
"""Stands for a key that is not written."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def write(event: dict[str, Any]) -> bytes:
    """Write an event as a line without its end; what is MISSING is left out."""
    return json.dumps(present(event), separators=(",", ":"), ensure_ascii=False).encode()


def event_line(
    minute: float,
    event: str,
    message_id: str | None = None,
    *,
    customer: str = "u1",
    **properties: Any,
) -> bytes:
    """Write one event of a customer by hand."""
    return write(
        {
            "messageId": MISSING if message_id is None else message_id,
            "userId": customer,
            "type": "track",
            "event": event,
            "timestamp": stamp(START_MS + int(minute * MINUTE_MS)),
            "properties": properties,
        }
    )


def stamp(time: int, offset: str = "Z") -> str:
    """Write a time as RFC 3339 text, in the shortest form, with digits finer than ms where any."""
    shift = (
        datetime.fromisoformat(f"2026-01-01T00:00:00{offset.upper()}").utcoffset() or timedelta()
    )
    seconds, ms = divmod(time, 1000)
    local = (_EPOCH + timedelta(seconds=seconds) + shift).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{local}.{ms:03d}999{offset}" if ms else f"{local}{offset}"


def renamed(stream: Sequence[bytes], suffix: str) -> list[bytes]:
    """Give a stream's customers other names."""
    new = [line.replace(b'"userId":"u', f'"userId":"{suffix}u'.encode()) for line in stream]
    for name in ("anonymousId", "previousId"):
        new = [line.replace(f'"{name}":"'.encode(), f'"{name}":"{suffix}'.encode()) for line in new]
    return new


def present(fields: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is MISSING."""
    return {name: value for name, value in fields.items() if value is not MISSING}
