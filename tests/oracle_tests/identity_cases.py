"""Events of a device and of customers by hand, and what the oracle of identity makes of them."""

from typing import Any

from oracle import Decision
from oracle.identity import Identified, run_identified
from oracle.rules import Rules
from oracle.writing import MINUTE_MS, MISSING, NOW_MS, START_MS, stamp, write

ADD = {"on": "Product Added", "after_ms": 30 * MINUTE_MS, "cancel": ["Order Completed"]}
ADDS = {"adds": {"count": "Product Added"}}


def line(minute: float, name: str, **who: Any) -> bytes:
    """Write an event; its messageId says when it was and what, unless one is given."""
    is_track = name not in {"identify", "alias", "page"}
    message_id = who.pop("id", f"{name}@{minute:g}")
    return write(
        {
            "messageId": message_id,
            "type": "track" if is_track else name,
            "event": name if is_track else MISSING,
            "timestamp": stamp(START_MS + int(minute * MINUTE_MS)),
            **who,
        }
    )


def of_a(minute: float, name: str = "Product Added", **more: Any) -> bytes:
    return line(minute, name, anonymousId="A", **more)


def of_u(minute: float, name: str = "Product Added", **more: Any) -> bytes:
    return line(minute, name, userId="U", **more)


def link(minute: float, anonymous: str = "A", customer: str = "U", **more: Any) -> bytes:
    return line(minute, "identify", anonymousId=anonymous, userId=customer, **more)


def worked(*lines: bytes, identity: dict[str, Any] | None = None, **rules: Any) -> Identified:
    given = {"disorder_ms": 0, "identity": identity or {}, **rules}
    return run_identified(lines, Rules(**given), now_ms=NOW_MS)


def whose(found: Identified) -> list[str]:
    return [each.event.customer for each in found.expected.classified.lines if each.event]


def minute(time: int) -> float:
    return (time - START_MS) / MINUTE_MS


def sessions(found: Identified) -> list[tuple[str, float, float, int]]:
    """Return whose, from when to when, of how many events."""
    return sorted(
        (one.customer, minute(one.start), minute(one.end), one.events)
        for one in found.expected.sessions
    )


def ended(one: Decision) -> tuple[Any, ...]:
    how = one.outcome if one.reason is None else one.reason
    return one.customer, minute(one.opened), how, minute(one.time), one.ended_by


def decisions(found: Identified) -> list[tuple[Any, ...]]:
    """Return whose, opened when, how and when ended, by which event."""
    return sorted(ended(one) for one in found.expected.decisions)


def changes(found: Identified) -> list[tuple[Any, ...]]:
    return sorted(
        (one.customer, one.segment, one.number, one.kind, minute(one.time), one.origin)
        for one in found.expected.changes
    )


def merged(found: Identified) -> list[tuple[Any, ...]]:
    return [(one.anonymous, one.customer, minute(one.time), one.events) for one in found.merged]
