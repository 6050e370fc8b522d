"""Who is in which segment, and since when: asked anew at each moment, from the whole history.

One customer's events are replayed in order of arrival. A look is taken after each event, and at
each time at which something may change by itself: everything is worked out anew from what had
arrived by then. A look too many does no harm; one that the engine takes and this does not would.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from expressions import Tree
from expressions.tree import Call, Compare, walk
from oracle.arrivals import Known, arrivals_of, collected, spec_of, times_of
from oracle.conditions import naive
from oracle.features import Arrival, feature_value
from oracle.input import Event, value_at
from oracle.observing import local_time, zone_names
from oracle.rules import Rules, conditions_of, names_in
from oracle.specs import kind_of, milliseconds

EMPTY = {"count": 0, "sum": 0, "distinct": 0}


Origin = Literal["event", "timer", "grace", "reconcile", "merge"]


class Change(NamedTuple):
    """A customer enters or leaves a segment."""

    customer: str
    segment: str
    kind: Literal["entered", "left"]
    time: int
    origin: Origin
    number: int
    version: Rules
    """The rules at that time."""


@dataclass
class Membership:
    """A customer's place in one segment."""

    inside: bool = False
    changes: int = 0
    turned: int | None = None


@dataclass
class Customer:
    """One customer from first seen to forgotten."""

    rules: Rules
    name: str
    history: list[Known] = field(default_factory=list)
    members: dict[str, Membership] = field(default_factory=dict)
    looked: float = -math.inf
    changes: list[Change] = field(default_factory=list)
    times: set[int] = field(default_factory=set)
    """When some feature of the history lets go of a value."""
    seen: dict[str, list[Arrival]] = field(default_factory=dict)
    """What each feature that is not the session's has taken of the history."""
    begun: dict[str, int] = field(default_factory=dict)
    """How many events had arrived when a feature or collected value was new."""
    blank: set[str] = field(default_factory=set)
    """What else conditions name, and nobody knows before the next event."""
    outside: set[int] = field(default_factory=set)
    """The events, by arrival, that are part of no session of the customer's."""

    def __post_init__(self) -> None:
        self.members = {name: Membership() for name in self.rules.segments}
        self.specs = self.rules.kept()
        self.seen = {name: [] for name in self.specs}
        self.begun = dict.fromkeys(self.specs, 0)

    def copy(self) -> "Customer":
        """Return another one that goes its own way from here."""
        other = copy(self)
        other.history = list(self.history)
        other.members = {name: replace(member) for name, member in self.members.items()}
        other.changes = []
        other.times = set(self.times)
        other.outside = set(self.outside)
        other.seen = {name: list(seen) for name, seen in self.seen.items()}
        return other

    def arrive(self, event: Event) -> None:
        """Let pass what changes by itself before an event, then look at what it changes."""
        clock = int(event.before) if event.is_late else event.time
        self.pass_by(clock)
        known = self.take(event, clock)
        self.look(known.clock, "grace" if event.is_late else "event")

    def take(self, event: Event, clock: int) -> Known:
        """Take an event in; `clock` is the time from which on it is known."""
        is_latest, zone = True, "UTC"
        if self.history:
            zone, clock = self.history[-1].zone, max(clock, self.history[-1].clock)
            is_latest = event.time >= max(each.event.time for each in self.history)
        if self.rules.needs_zone and is_latest:
            told = value_at(event.data, "context.timezone")
            if isinstance(told, str):
                zone = told if told in zone_names() else "UTC"
        known = Known(event, clock, zone, len(self.history))
        self.blank = set()
        self.history.append(known)
        for name, spec in self.specs.items():
            self.seen[name] += arrivals_of(spec, [known])
            self.times |= set(times_of(spec, known))
        return known

    def pass_by(self, before: float) -> None:
        """Look at each time before another at which something may change by itself."""
        while (time := self.next_look(before)) is not None:
            self.look(time, "timer")

    def next_look(self, before: float) -> int | None:
        """Give the next time before another at which something may change by itself."""
        times = self.next_times() if self.history and self.members else ()
        return min((time for time in times if self.looked < time < before), default=None)

    def look(self, now: int, origin: Origin) -> None:
        """Ask every condition."""
        self.looked = now
        self.ask(self.rules.segments, self.row(now), now, origin)

    def ask(self, segments: Iterable[str], row: dict[str, Any], now: int, origin: Origin) -> None:
        """Ask the conditions of some segments."""
        for name in segments:
            segment = self.rules.segments[name]
            member = self.members[name]
            enter, leave = conditions_of(segment)
            entering = naive(enter, row, now)
            leaving = not entering if leave is None else naive(leave, row, now)
            wanted = leaving if member.inside else entering and not leaving
            if not wanted:
                member.turned = None
                continue
            if member.turned is None:
                member.turned = now
            if now - member.turned >= wait_of(segment, inside=member.inside):
                self.change(name, now, origin)
                row[f"segment.{name}"] = member.inside

    def change(self, name: str, now: int, origin: Origin) -> None:
        """Let the customer enter or leave."""
        member = self.members[name]
        member.inside = not member.inside
        member.changes += 1
        member.turned = None
        kind: Literal["entered", "left"] = "entered" if member.inside else "left"
        change = Change(self.name, name, kind, now, origin, member.changes, self.rules)
        self.changes.append(change)

    def forget(self, time: int) -> None:
        """Let the customer leave everything."""
        self.pass_by(time)
        for name, member in self.members.items():
            if member.inside:
                self.change(name, time, "timer")

    def go_on(self, rules: Rules, watermark: float) -> None:
        """Let other rules hold from now on: what is new is empty, what is gone is left."""
        old, self.rules = self.rules, rules
        same = {name for name, spec in rules.kept().items() if self.specs.get(name) == spec}
        same |= {n for n in old.names_used if n not in self.specs and "segment." not in n}
        self.specs = rules.kept()
        self.seen = {name: self.seen[name] if name in same else [] for name in self.specs}
        begun = dict.fromkeys(self.specs, len(self.history))
        self.begun = {name: self.begun[name] if name in same else begun[name] for name in begun}
        in_rows = old.names_used - self.blank
        self.blank = rules.names_used - (same & in_rows)
        if not self.history:
            self.members = {name: Membership() for name in rules.segments}
            return
        now = max(int(watermark), int(self.looked))
        for name in self.members.keys() - rules.segments.keys():
            if self.members[name].inside:
                self.change(name, now, "reconcile")
        self.members = {name: self.members.get(name, Membership()) for name in rules.segments}
        anew = []
        for name, segment in rules.segments.items():
            if old.segments.get(name) == segment and names_in(segment) <= same:
                same.add(f"segment.{name}")
            else:
                anew.append(name)
                self.members[name].turned = None
        # what happens at that very time happens after it
        row = self.row(max(now - 1, int(self.looked)))
        self.ask(anew, row, now, "reconcile")
        self.looked = now - 1

    def row(self, now: int) -> dict[str, Any]:
        """Work out the value of everything that conditions may name."""
        row: dict[str, Any] = {
            name: self.feature(name, now) for name in self.specs if "session." not in name
        }
        row |= {f"segment.{name}": member.inside for name, member in self.members.items()}
        for name in self.rules.names_used - set(row):
            space, _, rest = name.partition(".")
            known = self.of_session if space == "session" else self.of_context
            row[name] = None if name in self.blank else known(rest, now)
        return row

    def feature(self, name: str, now: int) -> Any:
        """Work out a feature."""
        spec, seen = self.specs[name], self.seen[name]
        kind, _ = kind_of(spec)
        if "within" in spec:
            known = self.session(now)
            if not known:
                return EMPTY.get(kind)
            seen = arrivals_of(spec, self.since(name, known))
        elif kind == "rate" or "half_life" in spec:
            now = self.history[-1].clock  # changes at rows only
        first_seen = min(each.event.time for each in self.history)
        return feature_value(spec_of(spec), seen, now, first_seen)

    def session(self, now: int) -> list[Known]:
        """Return the events of the session that is not over, in order of arrival."""
        current: list[Known] = []
        inside = [each for each in self.history if each.event.arrival not in self.outside]
        for each in sorted(inside, key=lambda known: known.event.time):
            if current and each.event.time - current[-1].event.time > self.rules.gap_ms:
                current = []
            current.append(each)
        is_over = not current or now > current[-1].event.time + self.rules.gap_ms
        return [] if is_over else sorted(current, key=lambda known: known.number)

    def since(self, name: str, known: Sequence[Known]) -> list[Known]:
        """Return what has arrived since a feature of the session was new."""
        return [each for each in known if each.number >= self.begun[name]]

    def of_session(self, name: str, now: int) -> Any:
        """Work out ``session.NAME``."""
        known = self.session(now)
        if not known:
            return None
        times = [each.event.time for each in known]
        if name in self.rules.collect:
            counted = self.since(f"session.{name}", known)
            return collected(self.rules.collect[name], counted, now)
        first, last = min(times), max(times)
        return {"start": first, "duration": last - first, "events": len(known)}[name]

    def of_context(self, name: str, _now: int) -> Any:
        """Return what clock and calendar showed at the last event."""
        last = self.history[-1]
        local = local_time(last.clock, last.zone)
        return {"hour": local.hour, "weekday": local.isoweekday()}[name]

    def next_times(self) -> Iterator[int]:
        """Give all times, also past ones, at which something may change by itself."""
        yield from self.times
        yield max(each.event.time for each in self.history) + self.rules.gap_ms + 1
        row = self.row(int(self.looked))
        for name, segment in self.rules.segments.items():
            member = self.members[name]
            for tree in conditions_of(segment):
                yield from limits_of(tree, row)
            if member.turned is not None:
                yield member.turned + wait_of(segment, inside=member.inside)


def wait_of(segment: str | Mapping[str, Any], *, inside: bool) -> int:
    """Return how long a change must have been asked for."""
    if isinstance(segment, str):
        return 0
    return milliseconds(segment.get("hold" if inside else "for", "0s"))


def limits_of(tree: Tree | None, row: dict[str, Any]) -> Iterator[int]:
    """Give when each since() passes its limit (C1)."""
    for node in walk(tree) if tree else ():
        if isinstance(node, Compare):
            for call, limit in ((node.left, node.right), (node.right, node.left)):
                if isinstance(call, Call) and call.function == "since":
                    start, after = naive(call.arguments[0], row, 0), naive(limit, row, 0)
                    if start is not None and after is not None:
                        yield from (start + math.floor(after), start + math.floor(after) + 1)
