"""Judges a replay by what it has written: nothing sent that may not be, nothing refused untruly.

It reads the config, the outputs and, for time zones and the order of arrival, the events. It knows
nothing of the engine, and works through one customer after the other.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from arbitration_judge import Fault, Judge, Known
from arbitration_order import order_faults
from arbitration_records import (
    Ended,
    about,
    read_arrivals,
    read_changes,
    read_closings,
    read_decisions,
    read_messages,
)
from arbitration_rules import Rules, read_rules

_EXAMPLES = 5


@dataclass
class Findings:
    """What was judged, by trigger and outcome, and what is wrong, with some examples of each."""

    judged: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        """Take note of a fault."""
        self.faults[fault.kind] += 1
        if self.faults[fault.kind] <= _EXAMPLES:
            self.examples.append(f"{fault.kind}: {fault.text}")

    def count(self, outcome: str) -> int:
        """Return how many decisions ended so: an outcome, or a reason."""
        return sum(number for name, number in self.judged.items() if outcome in name.split(" ")[1:])

    def __str__(self) -> str:
        lines = [f"{sum(self.judged.values())} decisions, faults: {dict(self.faults)}"]
        return "\n".join([*lines, *self.examples])


def verify(config: Path, events: Path, out: Path, *, is_closed: bool = True) -> Findings:
    """Judge all decisions and messages of a replay of one file of events.

    Args:
        config: the replay's.
        events: what it has read; each line a good event.
        out: what it has written.
        is_closed: whether it was to close everything at the end.
    """
    rules = read_rules(config)
    findings = Findings()
    ended = read_decisions(out)
    _match(rules, ended, out, findings)
    arrivals = read_arrivals(events, rules)
    changes, closings = read_changes(out), read_closings(out)
    for customer in arrivals.keys() | ended.keys():
        known = Known(rules, arrivals.get(customer, []), changes[customer], closings[customer])
        mine = ended.get(customer, [])
        for each in mine:
            findings.judged[f"{each.trigger} {each.outcome} {each.reason}"] += 1
        alone = list(Judge(rules, mine, known, is_closed=is_closed).faults())
        # where an instance is none of the config's there is no order to judge
        strange = any(fault.kind in {"unknown", "start", "steps"} for fault in alone)
        for fault in [*alone, *([] if strange else order_faults(rules, mine, known))]:
            findings.add(fault)
    return findings


def _match(rules: Rules, ended: dict[str, list[Ended]], out: Path, findings: Findings) -> None:
    """Compare messages with decisions, one to one."""
    seen: set[str] = set()
    unsent: dict[str, Ended] = {}
    for each in (one for some in ended.values() for one in some):
        if each.instance in seen:
            findings.add(Fault("twice", f"{each}: {each.instance} has a decision already"))
        seen.add(each.instance)
        if each.outcome == "sent":
            unsent[each.instance] = each
    for message in read_messages(out):
        decision = unsent.pop(message.instance, None)
        if decision is None or about(decision) != message.about:
            findings.add(Fault("match", f"{message} was not decided so: {decision}"))
            continue
        rule = rules.triggers.get(decision.trigger)
        channels = [each.channel for each in rule.steps] if rule else []
        if message.channel not in channels[decision.step - 1 : decision.step]:
            findings.add(Fault("channel", f"{message} is not of that channel"))
    for decision in unsent.values():
        findings.add(Fault("match", f"{decision}: its message is missing"))
