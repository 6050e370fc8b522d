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
from oracle.segments import Change, Then, changes_of
from oracle.sessions import Session, sessions_of
from oracle.triggers import Decision, decisions_of

__all__ = ["Change", "Classified", "Decision", "Event", "Expected", "Rules", "Session", "run"]


@dataclass(frozen=True)
class Expected:
    """All that one reader's lines must lead to; lists are in no order that means anything."""

    classified: Classified
    sessions: list[Session]
    decisions: list[Decision]
    changes: list[Change]
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
    then: tuple[int, Rules] | None = None,
    until: float | None = None,
) -> Expected:
    """Work through all lines of one reader with one partition, in arrival order.

    `then` are the features and segments from some line on; all else stays as it is. `until` is the
    watermark at the end where other readers have a say in it. `close` is `replay --close`: the
    clock goes past every timer after the last line.
    """
    classified = _classified(lines, rules, now_ms=now_ms, last=last, within_ms=within_ms)
    change = None
    if then:
        before = _classified(lines[: then[0]], rules, now_ms=now_ms, last=last, within_ms=within_ms)
        change = Then(then[1], then[0], before.watermark)
    watermark = math.inf if close else classified.watermark if until is None else until
    customers: dict[tuple[str, int], list[Event]] = {}
    for event in sorted(classified.applied, key=lambda event: (event.time, event.arrival)):
        customers.setdefault((event.customer, event.life), []).append(event)

    sessions: list[Session] = []
    decisions: list[Decision] = []
    for events in customers.values():
        sessions += sessions_of(events, rules.collect, gap_ms=rules.gap_ms, watermark=watermark)
        for name, trigger in rules.triggers.items():
            decisions += decisions_of(name, trigger, events, watermark=watermark)

    changes: list[Change] = []
    for (customer, life), history in customers.items():
        by_arrival = sorted(history, key=lambda event: event.arrival)
        end = classified.forgotten.get((customer, life))
        changes += changes_of(
            rules, customer, by_arrival, watermark=watermark, forgotten=end, then=change
        )

    counts = _counts(classified) | {"customers": len(customers), "sessions": len(sessions)}
    return Expected(classified, sessions, decisions, changes, counts)


def _counts(classified: Classified) -> dict[str, int]:
    outcomes = Counter(line.outcome for line in classified.lines)
    return {
        "read": len(classified.lines),
        "applied": outcomes["applied"],
        "duplicates": outcomes["duplicate"],
        "late": outcomes["late"],
        "dead_letters": outcomes["dead letter"],
    }


def _classified(
    lines: Sequence[bytes], rules: Rules, *, now_ms: int, last: int, within_ms: int
) -> Classified:
    return classify(
        lines,
        uses=rules.uses(),
        disorder_ms=rules.disorder_ms,
        future_ms=rules.future_ms,
        now_ms=now_ms,
        last=last,
        within_ms=within_ms,
        retention_ms=math.inf if rules.retention_ms is None else rules.retention_ms,
    )
