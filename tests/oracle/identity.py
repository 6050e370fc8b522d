"""Which events are whose, and what becomes of an anonymous past, from the whole input (J1 to J8).

The lines are gone through in order of arrival. What is known of links, and the customers' lives,
are as they are before each of them. Sentences are cited by their number in docs/identity.md.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from oracle import Expected, counts_of
from oracle.input import (
    Classified,
    Event,
    Line,
    Rejected,
    body_of,
    decoded,
    timed,
)
from oracle.naming import Whom, whom
from oracle.persons import Persons
from oracle.rules import Rules


@dataclass(frozen=True)
class Merged:
    """An anonymous id's past has become a customer's (J8)."""

    customer: str
    anonymous: str
    time: int
    events: int


@dataclass(frozen=True)
class Refused:
    """A link that was not made (J3)."""

    customer: str
    anonymous: str
    time: int


@dataclass
class Link:
    """To whom the later events of an anonymous id belong."""

    customer: str
    latest: int
    """When it was last used."""


class Routed(NamedTuple):
    """A line that is an event of somebody."""

    data: dict[str, Any]
    who: Whom
    time: int
    before: float
    """The watermark before it."""


def route(line: bytes, rules: Rules, *, now_ms: int, before: float) -> Routed:
    """Read who a line is of, and when it was.

    Raises:
        Rejected: it is no event, or nobody's.
    """
    data = decoded(line)
    who = named(data, rules)
    time = timed(data, future_ms=rules.future_ms, now_ms=now_ms)
    return Routed(data, who, time, before)


USUALLY_BLOCKED = [
    *("unknown", "anonymous", "null", "undefined", "None", "NaN", "[object Object]"),
    "00000000-0000-0000-0000-000000000000",
]


def named(data: dict[str, Any], rules: Rules) -> Whom:
    """Read whom an event names.

    Raises:
        Rejected: nobody.
    """
    assert rules.identity is not None
    paths = rules.identity.get("customer", ["userId"])
    return whom(data, paths, rules.identity.get("blocked", USUALLY_BLOCKED))


class Walk:
    """Goes through the lines of one reader with one partition.

    Args:
        rules: with `identity`.
        end: the watermark when all is over.
    """

    def __init__(self, rules: Rules, end: float) -> None:
        self.persons = Persons(rules, end)
        self.uses = rules.uses()
        self.retention_ms = math.inf if rules.retention_ms is None else rules.retention_ms
        self.links: dict[str, Link] = {}
        self.known: dict[str, int] = {}
        """The customers that events have named, and when last."""
        self.merged: list[Merged] = []
        self.refused: list[Refused] = []

    def take_line(self, arrival: int, found: Routed | Rejected) -> Line:
        """Link what a line links, then take it in; say what became of it."""
        if isinstance(found, Rejected):
            return Line("dead letter", stage="route", reason=str(found))
        data, who, time, before = found
        self.forget_links(before)
        customer = self.whose(who, time)
        message_id = data.get("messageId")
        message_id = message_id if isinstance(message_id, str) and message_id else None
        event = Event(customer, time, "", message_id, arrival, data, before=before)
        if who.kind == "linking":
            self.link(who.anonymous, event)
        try:
            name, _ = body_of(data, self.uses)
        except Rejected as why:
            return Line("dead letter", stage="profile", reason=str(why))
        event = replace(event, name=name)
        return Line(self.persons.take(event), event)

    def forget_links(self, before: float) -> None:
        """Forget the links and the known ids that were not used for too long."""
        earliest = before - self.retention_ms
        self.known = {name: time for name, time in self.known.items() if time >= earliest}
        self.links = {name: link for name, link in self.links.items() if link.latest >= earliest}

    def whose(self, who: Whom, time: int) -> str:
        """Say whose an event is, and note who and what was told of (J1)."""
        if who.kind != "anonymous":
            self.known[who.customer] = max(time, self.known.get(who.customer, time))
            return who.customer
        link = self.links.get(who.anonymous)
        if link is None:
            return who.anonymous
        link.latest = max(link.latest, time)
        return link.customer

    def link(self, anonymous: str, event: Event) -> None:
        """Link an anonymous id to the customer of an event (J2 to J4)."""
        if anonymous in self.known:
            self.refused.append(Refused(event.customer, anonymous, event.time))
            return
        before = self.links.get(anonymous)
        latest = max(event.time, before.latest) if before else event.time
        self.links[anonymous] = Link(event.customer, latest)
        if before is None:
            events = self.persons.merge(anonymous, event)
            self.merged.append(Merged(event.customer, anonymous, event.time, events))


@dataclass(frozen=True)
class Identified:
    """All that one reader's lines must lead to where anonymous ids are linked."""

    expected: Expected
    merged: list[Merged]
    refused: list[Refused]


def run_identified(
    lines: Sequence[bytes], rules: Rules, *, now_ms: int, close: bool = False
) -> Identified:
    """Work through all lines of one reader with one partition, in arrival order.

    `close` is `replay --close`: the clock goes past every timer after the last line.
    """
    watermark = -math.inf
    routed: list[Routed | Rejected] = []
    for line in lines:
        try:
            found = route(line, rules, now_ms=now_ms, before=watermark)
        except Rejected as why:
            routed.append(why)
            continue
        watermark = max(watermark, found.time - rules.disorder_ms)
        routed.append(found)

    walk = Walk(rules, math.inf if close else watermark)
    fates = [walk.take_line(number, found) for number, found in enumerate(routed)]
    walk.persons.finish(watermark)
    persons = walk.persons
    found = replace(persons.found, classified=Classified(fates, watermark, {}))
    first = sum(session.revision == 1 for session in found.sessions)
    counts = counts_of(found.classified) | {"customers": persons.customers, "sessions": first}
    if rules.consent:
        counts |= {
            "applied": counts["applied"] - persons.no_consent,
            "no_consent": persons.no_consent,
        }
    return Identified(replace(found, counts=counts), walk.merged, walk.refused)
