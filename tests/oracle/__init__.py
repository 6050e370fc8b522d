"""What the rules must give, worked out slowly and plainly: sorted input, one customer at a time.

The engine is compared with this. Nothing here is fast, bounded or shared with the engine, so that
a mistake has to be made twice to go unnoticed. Sentences are cited by their number in the design.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from oracle.consent import Stretch, stretches_of
from oracle.input import Classified, Event, classify
from oracle.late_sessions import Retracted, sessions_as_known
from oracle.late_triggers import Retraction
from oracle.replay import Then, live
from oracle.rules import Rules
from oracle.segments import Change
from oracle.sessions import Session, sessions_of
from oracle.triggers import Decision

__all__ = [
    "Change",
    "Classified",
    "Decision",
    "Event",
    "Expected",
    "Retracted",
    "Retraction",
    "Rules",
    "Session",
    "run",
]


@dataclass(frozen=True)
class Expected:
    """All that one reader's lines must lead to; lists are in no order that means anything."""

    classified: Classified
    sessions: list[Session]
    decisions: list[Decision]
    changes: list[Change]
    counts: Mapping[str, int]
    """`read, applied, duplicates, late, dead_letters, customers, sessions` (F2)."""
    superseded: Mapping[str, int]
    """Of each trigger on any event, which no decision tells."""
    retracted: list[Retracted]
    """The sessions that were taken back."""
    retractions: list[Retraction]
    """The messages that were taken back."""

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

    `then` are other features, segments and triggers from some line on, with what says whether they
    send; all else stays as it is. `until` is the
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
    for event in classified.applied:
        customers.setdefault((event.customer, event.life), []).append(event)
    stretches = [
        (of, stretch)
        for of, events in customers.items()
        for stretch in (
            stretches_of(events, rules.consent, rules.purposes)
            if rules.consent
            else [Stretch(events, [], None)]
        )
    ]

    sessions: list[Session] = []
    retracted: list[Retracted] = []
    decisions: list[Decision] = []
    changes: list[Change] = []
    retractions: list[Retraction] = []
    superseded = Counter(
        {name: 0 for name, trigger in rules.triggers.items() if trigger["on"] == "any"}
    )
    for (customer, number), (events, said, revoked_by) in stretches:
        until_then = min(watermark, revoked_by.before) if revoked_by else watermark
        by_time = sorted(events, key=lambda event: (event.time, event.arrival))
        if rules.grace_ms:
            gap_ms, collect = rules.gap_ms, rules.collect
            known = sessions_as_known(events, collect, gap_ms=gap_ms, watermark=watermark)
            sessions += known.closed
            retracted += known.retracted
        else:
            sessions += sessions_of(
                by_time, rules.collect, gap_ms=rules.gap_ms, watermark=until_then
            )
        end = classified.forgotten.get((customer, number))
        life = live(
            *(rules, customer, events),
            watermark=watermark,
            forgotten=end,
            then=change,
            said=said,
            revoked_by=revoked_by,
        )
        decisions += life.decisions
        retractions += life.retracted
        changes += life.customer.changes
        superseded.update(life.superseded)

    closed_first = sum(session.revision == 1 for session in sessions)
    counts = counts_of(classified) | {"customers": len(stretches), "sessions": closed_first}
    if rules.consent:
        applied = sum(len(stretch.events) for _, stretch in stretches)
        counts |= {"applied": applied, "no_consent": counts["applied"] - applied}
    return Expected(
        classified, sessions, decisions, changes, counts, superseded, retracted, retractions
    )


def counts_of(classified: Classified) -> dict[str, int]:
    """Count lines by what became of them."""
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
        grace_ms=rules.grace_ms,
    )
