"""Compares the outcomes of two replays: counts by rule, and the customers that differ.

Instances are the same by trigger, customer, key, opening time and step; changes of a membership
by segment, customer and number; sessions by customer and start.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from msgspec import UNSET

from cartwheel.diff_outcomes import Kind, Outcome, Outcomes, Pair
from cartwheel.diff_periods import NO_TIME, Cut, cut
from cartwheel.diff_result import (
    CHANGES,
    Ending,
    InstanceDiff,
    MembershipDiff,
    Moved,
    SegmentDiff,
    SessionsDiff,
    Side,
    Sides,
    TriggerDiff,
)
from cartwheel.diff_tally import Tally, contents
from operators.decisions import OUTCOMES, RETRACTED

Told = TypeVar("Told")


class Ran(NamedTuple):
    """What is known of a replay beside its files.

    Attributes:
        triggers: the names of its config's triggers.
        segments: likewise.
        counts: of its sink, by name.
    """

    triggers: Sequence[str]
    segments: Sequence[str]
    counts: Mapping[str, int]


def compared_triggers(
    outcomes: Outcomes, old: Ran, new: Ran, show: int
) -> tuple[dict[str, TriggerDiff], Cut]:
    """Compare what triggers did.

    Args:
        outcomes: of both replays.
        old: the replay with the old config.
        new: that with the new one.
        show: how many customers are shown for each trigger.

    Returns:
        By name; and the periods that messages are counted by.
    """
    span = outcomes.sent_within()
    times = cut(*span) if span else NO_TIME
    tallies = _tallies(outcomes.pairs(Kind.TRIGGER), lambda: Tally(times, show, _instance))
    told: dict[str, TriggerDiff] = {}
    sides = [counts.outcomes for each in tallies.values() for counts in (each.old, each.new)]
    outcomes_told = (*OUTCOMES, RETRACTED) if any(RETRACTED in each for each in sides) else OUTCOMES
    for name, only in _names(old.triggers, new.triggers):
        tally = tallies.pop(name, None) or Tally(times, show, _instance)
        for ran, counts in ((old, tally.old), (new, tally.new)):
            # those of a trigger on any event are counted and not written
            unwritten = ran.counts.get(f"superseded {name}", 0)
            counts.outcomes["superseded"] = max(counts.outcomes["superseded"], unwritten)
        told[name] = TriggerDiff(
            old=_counted(tally.old.outcomes, outcomes_told),
            new=_counted(tally.new.outcomes, outcomes_told),
            customers=tally.customers,
            only=only,
            changes=tally.turns(),
            examples=tally.examples(),
            reasons=Sides(_sorted(tally.old.reasons), _sorted(tally.new.reasons)),
            sent=[(tally.old.sent[n], tally.new.sent[n]) for n in range(times.count)],
        )
    assert not tallies, f"triggers of no config: {list(tallies)}"
    return told, times


def compared_segments(outcomes: Outcomes, old: Ran, new: Ran, show: int) -> dict[str, SegmentDiff]:
    """Compare who entered and left; see compared_triggers."""
    tallies = _tallies(outcomes.pairs(Kind.SEGMENT), lambda: Tally(NO_TIME, show, _membership))
    told: dict[str, SegmentDiff] = {}
    for name, only in _names(old.segments, new.segments):
        tally = tallies.pop(name, None) or Tally(NO_TIME, show, _membership)
        told[name] = SegmentDiff(
            old=_counted(tally.old.outcomes, CHANGES),
            new=_counted(tally.new.outcomes, CHANGES),
            customers=tally.customers,
            only=only,
            changes=tally.turns(),
            examples=tally.examples(),
        )
    assert not tallies, f"segments of no config: {list(tallies)}"
    return told


def compared_sessions(outcomes: Outcomes) -> SessionsDiff:
    """Compare the sessions that were closed: by start, end and number of events.

    Of each its last revision; those that became part of others are none.
    """
    tally: Tally[None] = Tally(NO_TIME, 0, lambda _: None)
    for pair in outcomes.pairs(Kind.SESSION):
        tally.add(pair)
    old, new = (counts.outcomes["closed"] for counts in (tally.old, tally.new))
    return SessionsDiff(old, new, tally.customers)


def _tallies(pairs: Iterable[Pair], make: Callable[[], Tally[Told]]) -> dict[str, Tally[Told]]:
    tallies: dict[str, Tally[Told]] = {}
    for pair in pairs:
        tally = tallies.get(pair.rule)
        if tally is None:
            tally = tallies[pair.rule] = make()
        tally.add(pair)
    return tallies


def _names(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, Side | None]]:
    """Give all names, each with the one config that has it."""
    in_old, in_new = set(old), set(new)
    told: list[tuple[str, Side | None]] = []
    told += [(name, None if name in in_new else "old") for name in old]
    told += [(name, "new") for name in new if name not in in_old]
    return told


def _counted(found: Counter[str], names: Sequence[str]) -> dict[str, int]:
    return {name: found[name] for name in names}


def _sorted(found: Counter[str]) -> dict[str, int]:
    return dict(sorted(found.items()))


def _instance(pair: Pair) -> InstanceDiff:
    old, new = _ending(pair.old), _ending(pair.new)
    both = pair.old and pair.old.content and pair.new and pair.new.content
    other = _other_parts(pair) if both else []
    return InstanceDiff(pair.started, pair.key, pair.number, old, new, other)


def _ending(outcome: Outcome | None) -> Ending | None:
    if outcome is None:
        return None
    retracted = outcome.retracted or UNSET
    return Ending(
        outcome.outcome,
        outcome.reason,
        outcome.time,
        outcome.cause,
        retracted,
        UNSET if outcome.limit is None else outcome.limit,
    )


def _other_parts(pair: Pair) -> list[str]:
    """Name what is another in two messages."""
    old, new = (_parts(contents(outcome)) for outcome in (pair.old, pair.new))
    names = dict.fromkeys((*old, *new))
    missing = object()
    return [name for name in names if old.get(name, missing) != new.get(name, missing)]


def _parts(content: object) -> dict[str, object]:
    if not isinstance(content, dict):
        return {}
    payload = content["payload"]
    parts = {"channel": content["channel"]}
    return parts | {f"payload.{name}": value for name, value in payload.items()}


def _membership(pair: Pair) -> MembershipDiff:
    return MembershipDiff(pair.number, _moved(pair.old), _moved(pair.new))


def _moved(outcome: Outcome | None) -> Moved | None:
    return outcome and Moved(outcome.outcome, outcome.time)
