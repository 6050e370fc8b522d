"""What the rules must give, worked out slowly and plainly: sorted input, one customer at a time.

The engine is compared with this. Nothing here is fast, bounded or shared with the engine, so that
a mistake has to be made twice to go unnoticed. Sentences are cited by their number in the design.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from oracle.input import Classified, Event, classify
from oracle.rules import Rules
from oracle.sessions import Session, sessions_of
from oracle.triggers import Decision, decisions_of

__all__ = ["Classified", "Decision", "Event", "Expected", "Rules", "Session", "run"]


@dataclass(frozen=True)
class Expected:
    """All that one reader's lines must lead to; lists are in no order that means anything."""

    classified: Classified
    sessions: list[Session]
    decisions: list[Decision]
    counts: Mapping[str, int]
    """`read, applied, duplicates, late, dead_letters, customers, sessions` (F2)."""

    @property
    def sent(self) -> list[Decision]:
        """The decisions that come with a message."""
        return [decision for decision in self.decisions if decision.outcome == "sent"]


def run(
    lines: Sequence[bytes],
    rules: Rules,
    *,
    now_ms: int,
    close: bool = False,
    last: int = 64,
    within_ms: int = 3_600_000,
) -> Expected:
    """Work through all lines of one reader with one partition, in arrival order.

    `close` is `replay --close`: the clock goes past every timer after the last line.
    """
    classified = classify(
        lines,
        uses=rules.uses(),
        disorder_ms=rules.disorder_ms,
        future_ms=rules.future_ms,
        now_ms=now_ms,
        last=last,
        within_ms=within_ms,
        retention_ms=math.inf if rules.retention_ms is None else rules.retention_ms,
    )
    watermark = math.inf if close else classified.watermark
    customers: dict[tuple[str, int], list[Event]] = {}
    for event in sorted(classified.applied, key=lambda event: (event.time, event.arrival)):
        customers.setdefault((event.customer, event.life), []).append(event)

    sessions: list[Session] = []
    decisions: list[Decision] = []
    for events in customers.values():
        sessions += sessions_of(events, rules.collect, gap_ms=rules.gap_ms, watermark=watermark)
        for name, trigger in rules.triggers.items():
            decisions += decisions_of(name, trigger, events, watermark=watermark)

    outcomes = Counter(line.outcome for line in classified.lines)
    counts = {
        "read": len(lines),
        "applied": outcomes["applied"],
        "duplicates": outcomes["duplicate"],
        "late": outcomes["late"],
        "dead_letters": outcomes["dead letter"],
        "customers": len(customers),
        "sessions": len(sessions),
    }
    return Expected(classified, sessions, decisions, counts)
