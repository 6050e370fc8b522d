"""Forgetting by an event, plainly: each life of a customer is a history of its own.

What came before the event is as if it had ended there, with the watermark as it stood; what comes
after it is as if it had been somebody else's before. Whoever is kept out has no life after it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import oracle
from oracle import Expected, Rules

ANOTHER = "somebody else"


@dataclass(frozen=True)
class Cut:
    """An event that lets a customer be forgotten: its place among the lines, and what it says."""

    place: int
    customer: str
    suppress: bool


def cuts_of(raw: Sequence[bytes]) -> list[Cut]:
    """Find the events that let somebody be forgotten."""
    cuts: list[Cut] = []
    out: set[str] = set()
    for place, line in enumerate(raw):
        event = _event(line)
        customer = event.get("userId") or event.get("anonymousId")
        if event.get("type") == "cartwheel.forget" and customer not in out:
            cuts.append(Cut(place, str(customer), bool(event.get("suppress"))))
            if cuts[-1].suppress:
                out.add(str(customer))
    return cuts


def run(raw: Sequence[bytes], rules: Rules, *, now_ms: int, close: bool) -> Expected:
    """Work out what all lives lead to; of counts only those of outputs mean anything."""
    cuts = cuts_of(raw)
    lives: list[tuple[Expected, str | None]] = []
    for number, cut in enumerate(cuts):
        own = [each for each in cuts[:number] if each.customer == cut.customer]
        lines = _without(raw[: cut.place], [*own[-1:]])
        lives.append((oracle.run(lines, rules, now_ms=now_ms), cut.customer))
    last = _without(raw, cuts)
    lives.append((oracle.run(last, rules, now_ms=now_ms, close=close), None))

    def of(kind: str) -> list[Any]:
        return [
            each
            for expected, customer in lives
            for each in getattr(expected, kind)
            if (each.customer == customer if customer else each.customer != ANOTHER)
        ]

    whole = lives[-1][0]
    return Expected(
        whole.classified,
        of("sessions"),
        of("decisions"),
        of("changes"),
        whole.counts,
        {},
        of("retracted"),
        [],
    )


def _without(raw: Sequence[bytes], cuts: Sequence[Cut]) -> list[bytes]:
    """Give what came before cuts, and all that is of those who are kept out, to another."""
    last = {cut.customer: cut for cut in cuts}
    lines = []
    for place, line in enumerate(raw):
        event = _event(line)
        cut = last.get(event.get("userId") or event.get("anonymousId") or "")
        is_forget = event.get("type") == "cartwheel.forget"
        if is_forget:
            event = {"type": "page", "timestamp": event["timestamp"]}
        if is_forget or (cut and (place < cut.place or cut.suppress)):
            line = json.dumps({**event, "userId": ANOTHER}).encode()  # noqa: PLW2901
        lines.append(line)
    return lines


def _event(line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}
