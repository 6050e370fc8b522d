"""Whether one customer's instances ended as they may: each once, in its time, for a true reason.

That is T2, T3, T7 and what `when` says; `again`, limits and the holdout look at other messages and
are judged in `arbitration_order`.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

from arbitration_clocks import is_quiet, quiet_end
from arbitration_records import Arrival, Change, Ended, by_event
from arbitration_rules import Rule, Rules, When

GOES_ON = {("sent", None)} | {("suppressed", each) for each in ("quiet_hours", "limit", "holdout")}
"""After which ends the next step of a trigger comes."""

HISTORY = frozenset({"again", "limit", "holdout"})
"""Refusals that other messages are the reason for, or who the customer is."""


class Fault(NamedTuple):
    """Something that must not be; `kind` is which promise it breaks."""

    kind: str
    text: str


class Asking(NamedTuple):
    """When an instance is asked: quiet hours put it off until `last`, or it expires then."""

    quiet: tuple[int, ...]
    last: int
    expires: bool


class Known:
    """What is known of a customer beside the decisions: time zones, memberships, starts."""

    def __init__(
        self,
        rules: Rules,
        arrivals: Sequence[Arrival],
        changes: Sequence[Change],
        closings: Sequence[int],
    ) -> None:
        self.rules = rules
        self.arrivals = sorted(arrivals, key=attrgetter("time", "number"))
        self.changes = changes
        self.closings = closings
        self._times = [each.time for each in self.arrivals]
        self._as_come = arrivals
        self._watermarks = [each.watermark for each in arrivals]
        self._timers = {
            (each.segment, each.inside, each.time) for each in changes if each.origin == "timer"
        }
        zones = [(each.time, each.zone) for each in self.arrivals if each.zone]
        self._zone_times = [time for time, _ in zones]
        self._zones = [zone for _, zone in zones]
        self._memberships: dict[str, list[Change]] = defaultdict(list)
        for change in changes:  # written in the order in which they came
            self._memberships[change.segment].append(change)

    def at(self, time: int) -> Sequence[Arrival]:
        """Return the events of a time."""
        return self.arrivals[bisect_left(self._times, time) : bisect_right(self._times, time)]

    def after(self, time: int) -> Arrival | None:
        """Return the next event after a time."""
        place = bisect_right(self._times, time)
        return self.arrivals[place] if place < len(self.arrivals) else None

    def after_watermark(self, time: int) -> Arrival | None:
        """Return the first event that came when the watermark was past a time."""
        place = bisect_right(self._watermarks, time)
        return self._as_come[place] if place < len(self._as_come) else None

    def is_by_timer(self, segment: str, inside: bool, time: int) -> bool:  # noqa: FBT001
        """Tell whether the customer then entered or left a segment without an event."""
        return (segment, inside, time) in self._timers

    def zone(self, time: int) -> str | None:
        """Return where the customer is: where the latest event came from."""
        place = bisect_right(self._zone_times, time)
        return self._zones[place - 1] if place else None

    def holds(self, when: When, time: int) -> bool:
        """Tell whether the customer is in a segment, or is not."""
        changes = self._memberships[when.segment]
        place = bisect_right(changes, time, key=attrgetter("time"))
        return (changes[place - 1].inside if place else False) is when.inside


class Judge:
    """Judges the decisions of one customer.

    Args:
        rules: the config's.
        ended: all of the customer's decisions.
        known: what else there is to know.
        is_closed: whether the clock was moved past everything at the end, so that nothing pends.
    """

    def __init__(
        self, rules: Rules, ended: Sequence[Ended], known: Known, *, is_closed: bool
    ) -> None:
        self._rules = rules
        self._known = known
        self._is_closed = is_closed
        self._journeys: dict[tuple[str, str], dict[int, list[Ended]]] = {}
        for each in sorted(ended, key=attrgetter("step")):
            case = self._journeys.setdefault((each.trigger, each.key), {})
            case.setdefault(each.started, []).append(each)

    def faults(self) -> Iterator[Fault]:
        """Give everything that is wrong with each instance by itself."""
        for (trigger, _), case in self._journeys.items():
            rule = self._rules.triggers.get(trigger)
            if rule is None:
                yield Fault("unknown", f"the config has no trigger {trigger}")
                continue
            for journey in case.values():
                yield from self._of_steps(rule, journey)
            yield from self._of_meeting(rule, case)
        yield from self._of_starts()

    def asking(self, ended: Ended) -> Asking:
        """Work out when an instance is asked (T7)."""
        rule, quiet = self._rules.triggers[ended.trigger], self._rules.quiet
        latest = ended.due + rule.expires_ms
        time, passed = ended.due, []
        while quiet and quiet.hold and is_quiet(quiet, zone := self._zone(time), time):
            passed.append(time)
            time = quiet_end(quiet, zone, time)
            if time > latest:
                return Asking(tuple(passed), latest, expires=True)
        return Asking(tuple(passed), time, expires=False)

    def _zone(self, time: int) -> str | None:
        assert self._rules.quiet
        return self._rules.quiet.zone or self._known.zone(time)

    def _of_steps(self, rule: Rule, journey: list[Ended]) -> Iterator[Fault]:
        """Judge the messages of one journey: the next begins when the one before has ended."""
        begun, is_going = journey[0].started, True
        for number, each in enumerate(journey, 1):
            if each.step != number or number > len(rule.steps):
                yield Fault("steps", f"{each}: it is message {number} of its journey")
                return
            if not is_going:
                yield Fault("steps", f"{each}: the step before has ended the journey")
            if each.due != begun + rule.steps[number - 1].after_ms:
                yield Fault("due", f"{each}: the wait has begun at {begun}")
            yield from self._of_ending(rule, each, begun)
            begun, is_going = each.time, (each.outcome, each.reason) in GOES_ON
        if self._is_closed and is_going and len(journey) < len(rule.steps):
            yield Fault("missing", f"{journey[-1]}: the step after it has no decision")

    def _of_ending(self, rule: Rule, ended: Ended, begun: int) -> Iterator[Fault]:
        """Judge how one instance has ended, but for what other messages have to do with it."""
        asking = self.asking(ended)
        match ended.outcome, ended.reason:
            case (("cancelled" | "superseded"), None):
                yield from self._of_event(rule, ended, begun, asking)
            case "expired", None:
                if not (asking.expires and ended.time == asking.last):
                    yield Fault("expired", f"{ended}: expected {asking}")
            case "suppressed", "paused":
                if rule.enabled or ended.time != ended.due:
                    yield Fault("paused", f"{ended}: its trigger is enabled: {rule.enabled}")
            case "suppressed", "when":
                yield from self._of_when(rule, ended, asking)
            case "suppressed", "quiet_hours":
                yield from self._of_dropping(rule, ended)
            case ("sent", None) | ("suppressed", ("again" | "limit" | "holdout")):
                yield from self._of_asking(rule, ended, asking)
            case _:
                yield Fault("reason", f"{ended}: nothing gives that reason")

    def _of_event(self, rule: Rule, ended: Ended, begun: int, asking: Asking) -> Iterator[Fault]:
        if not begun <= ended.time <= asking.last or (ended.step > 1 and ended.time == begun):
            yield Fault(ended.outcome, f"{ended}: it waits from {begun}; {asking}")
        if ended.outcome == "superseded":
            case = self._journeys[ended.trigger, ended.key]
            is_there = ended.time in case or not self._is_closed
            may = rule.restart and rule.kind != "any"
            if not (may and is_there and ended.time > begun):
                yield Fault("superseded", f"{ended}: nothing of its key has started then")

    def _of_when(self, rule: Rule, ended: Ended, asking: Asking) -> Iterator[Fault]:
        step = rule.steps[ended.step - 1]
        times = asking.quiet if asking.expires else (*asking.quiet, asking.last)
        if not (rule.enabled and step.has_when and ended.time in times):
            yield Fault("when", f"{ended}: it is not asked then; {asking}")
        elif step.when and self._known.holds(step.when, ended.time):
            yield Fault("when", f"{ended}: the condition holds then")

    def _of_dropping(self, rule: Rule, ended: Ended) -> Iterator[Fault]:
        quiet = self._rules.quiet
        may = rule.enabled and quiet and not quiet.hold and ended.time == ended.due
        if not (may and quiet and is_quiet(quiet, self._zone(ended.due), ended.due)):
            yield Fault("quiet_hours", f"{ended}: it is not quiet then")
        yield from self._of_condition(rule, ended, [ended.due])

    def _of_asking(self, rule: Rule, ended: Ended, asking: Asking) -> Iterator[Fault]:
        quiet = self._rules.quiet
        if quiet and is_quiet(quiet, self._zone(ended.time), ended.time):
            yield Fault("quiet_hours", f"{ended}: it is quiet then")
        elif asking.expires or ended.time != asking.last:
            yield Fault("time", f"{ended}: expected {asking}")
        if not rule.enabled:
            yield Fault("paused", f"{ended}: its trigger is not enabled")
        yield from self._of_condition(rule, ended, [*asking.quiet, asking.last])

    def _of_condition(self, rule: Rule, ended: Ended, times: Sequence[int]) -> Iterator[Fault]:
        """Judge that a condition held whenever it was asked."""
        when = rule.steps[ended.step - 1].when
        if when and not all(self._known.holds(when, time) for time in times):
            yield Fault("when", f"{ended}: the condition did not hold")

    def _of_meeting(self, rule: Rule, case: dict[int, list[Ended]]) -> Iterator[Fault]:
        """Judge that a start ended what was pending or, without `restart`, opened nothing."""
        for started, following in pairwise(sorted(case)):
            last = case[started][-1]
            by_event = last.outcome in {"cancelled", "superseded"}
            if last.time > following or (last.time == following and not by_event):
                yield Fault("superseded", f"{last}: the next has started at {following}")
            if not rule.restart and last.outcome == "superseded":
                yield Fault("superseded", f"{last}: nothing supersedes it")

    def _of_starts(self) -> Iterator[Fault]:
        """Judge that every start opened an instance, and nothing else did (T2)."""
        for rule in self._rules.triggers.values():
            starts = set(self._starts(rule))
            opened = {
                (key, started)
                for (trigger, key), case in self._journeys.items()
                if trigger == rule.trigger
                for started in case
            }
            for key, started in opened - starts:
                yield Fault("start", f"{rule.trigger} of key {key!r} is not started at {started}")
            if self._is_closed and rule.starts_all and rule.restart and rule.kind != "any":
                for key, started in starts - opened:
                    yield Fault("missing", f"{rule.trigger} of {key!r} at {started} has no end")

    def _starts(self, rule: Rule) -> Iterator[tuple[str, int]]:
        known = self._known
        if rule.kind == "session":
            yield from (("", time) for time in known.closings)
        elif rule.kind == "any":
            yield from (("", each.time) for each in known.arrivals)
        elif rule.kind == "event":
            place = by_event(self._rules)[rule.name].index(rule)
            for each in known.arrivals:
                if each.name == rule.name:
                    yield each.keys[place], each.time
        else:
            for change in known.changes:
                is_it = change.segment == rule.name and change.inside == (rule.kind == "enter")
                if is_it and change.origin in {"event", "timer"}:
                    yield "", change.time
