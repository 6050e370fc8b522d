"""Counts what differs in one rule, while its outcomes come customer by customer."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec

from cartwheel.diff_outcomes import Outcome, Pair
from cartwheel.diff_periods import Cut
from cartwheel.diff_result import CustomerDiff, Turn
from operators.decisions import RETRACTED

DIFFERENCES_SHOWN = 3
"""The most of one customer in one rule."""

Told = TypeVar("Told")
By = tuple[str, ...]


@dataclass
class Counts:
    """What is counted of one rule under one config: outcomes, reasons, messages by period."""

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    sent: Counter[int] = field(default_factory=Counter)

    def add(self, outcome: Outcome, times: Cut) -> None:
        """Count one."""
        self.outcomes[outcome.outcome] += 1
        if outcome.retracted:
            self.outcomes[RETRACTED] += 1
        if outcome.reason is not None:
            self.reasons[outcome.reason] += 1
        if outcome.outcome == "sent":
            self.sent[times.number(outcome.time)] += 1


@dataclass
class _Customer(Generic[Told]):
    """The first differences of one customer: other outcomes, and what is otherwise another."""

    name: str
    turned: list[Told] = field(default_factory=list)
    others: list[Told] = field(default_factory=list)
    count: int = 0


class Tally(Generic[Told]):
    """What is counted of one rule.

    Attributes:
        old: under the old config.
        new: under the new one.
        customers: how many have a difference.

    Args:
        times: the periods to count messages by.
        show: how many customers to show.
        tell: makes what is shown of a difference.
    """

    def __init__(self, times: Cut, show: int, tell: Callable[[Pair], Told]) -> None:
        self.old, self.new = Counts(), Counts()
        self.customers = 0
        self._times, self._show, self._tell = times, show, tell
        self._last: _Customer[Told] | None = None
        self._turns: Counter[tuple[str | None, str | None, By]] = Counter()
        self._turned: list[CustomerDiff[Told]] = []
        self._others: list[CustomerDiff[Told]] = []

    def add(self, pair: Pair) -> None:
        """Count a pair; all of a customer come one after the other."""
        if pair.old:
            self.old.add(pair.old, self._times)
        if pair.new:
            self.new.add(pair.new, self._times)
        old, new, by = _label(pair.old), _label(pair.new), _other(pair.old, pair.new)
        if old == new and not by:
            return
        self._turns[old, new, by] += 1
        if self._last is None or pair.customer != self._last.name:
            self._end_customer()
            self._last = _Customer(pair.customer)
            self.customers += 1
        self._last.count += 1
        seen = self._last.others if by else self._last.turned
        if len(seen) < DIFFERENCES_SHOWN and self._show:
            seen.append(self._tell(pair))

    def turns(self) -> list[Turn]:
        """Give the ways in which pairs differ, the most frequent first."""
        turns = [Turn(old, new, list(by), count) for (old, new, by), count in self._turns.items()]
        return sorted(
            turns, key=lambda turn: (-turn.count, turn.old or "", turn.new or "", turn.by)
        )

    def examples(self) -> list[CustomerDiff[Told]]:
        """Give the first customers that differ, those with another outcome before all others."""
        self._end_customer()
        return [*self._turned, *self._others][: self._show]

    def _end_customer(self) -> None:
        last, self._last = self._last, None
        if last is None:
            return
        shown = [*last.turned, *last.others][:DIFFERENCES_SHOWN]
        told = CustomerDiff(last.name, shown, last.count - len(shown))
        customers = self._turned if last.turned else self._others
        if len(customers) < self._show:
            customers.append(told)


def contents(outcome: Outcome | None) -> object:
    """Return what is in a message, or what a session amounts to; None for nothing."""
    return msgspec.json.decode(outcome.content) if outcome and outcome.content else None


def _label(outcome: Outcome | None) -> str | None:
    if outcome is None:
        return None
    more = RETRACTED if outcome.retracted else outcome.reason
    return f"{outcome.outcome}, {more}" if more else outcome.outcome


def _other(old: Outcome | None, new: Outcome | None) -> By:
    """Say what is another in two of the same outcome."""
    if old is None or new is None or _label(old) != _label(new):
        return ()
    is_other = {
        "time": old.time != new.time,
        "cause": old.cause != new.cause,
        "retraction": old.retracted != new.retracted,
        "message": old.content != new.content and contents(old) != contents(new),
    }
    return tuple(name for name, found in is_other.items() if found)
