"""Looks at inputs and outputs alone for what must never be, however anonymous ids are linked.

For streams whose messageIds are all different, and rules without retention and grace. Who is whose
is worked out here once more, in the fewest words.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from oracle.identity import named
from oracle.input import Rejected, decoded, time_of, timed
from oracle.rules import Rules

Record = Mapping[str, Any]


class FirstLink(NamedTuple):
    """When an anonymous id was first linked, and to whom."""

    customer: str
    line: int
    time: int
    watermark: float
    """Before it."""

    @property
    def at(self) -> float:
        """From when on nothing more is the anonymous id's."""
        return max(self.time, self.watermark)


class Verifier:
    """Reads a stream of events."""

    def __init__(self, lines: Sequence[bytes], rules: Rules, *, now_ms: int) -> None:
        self.line_of: dict[str, int] = {}
        self.owner: dict[int, str] = {}
        self.first: dict[str, FirstLink] = {}
        self.refused: list[tuple[str, str]] = []
        known: set[str] = set()
        latest: dict[str, str] = {}
        watermark = float("-inf")
        for number, line in enumerate(lines):
            try:
                data = decoded(line)
                kind, customer, anonymous = named(data, rules)
                time = timed(data, future_ms=rules.future_ms, now_ms=now_ms)
            except Rejected:
                continue
            if kind != "anonymous":
                known.add(customer)
            if kind == "linking":
                if anonymous in known:
                    self.refused.append((anonymous, customer))
                else:
                    latest[anonymous] = customer
                    link = FirstLink(customer, number, time, watermark)
                    self.first.setdefault(anonymous, link)
            of = latest.get(customer, customer) if kind == "anonymous" else customer
            self.owner[number] = of
            if data.get("messageId"):
                assert data["messageId"] not in self.line_of
                self.line_of[data["messageId"]] = number
            watermark = max(watermark, time - rules.disorder_ms)

    def is_of(self, line: int, customer: str) -> bool:
        """Tell whether a line is a customer's, or of the past that has become so."""
        owner = self.owner[line]
        link = self.first.get(owner)
        return owner == customer or bool(link and link.customer == customer and line < link.line)

    def shared(self, records: Iterable[Record]) -> Iterator[str]:
        """Give what came about by events of others: decisions, and messages that were sent."""
        for record in records:
            causes = record["data"]["cause"]
            for cause in [causes] if isinstance(causes, str) else causes or ():
                line = self.line_of[cause]
                subject = record["subject"]
                link = self.first.get(subject)
                is_link = record["data"].get("reason") == "merged" and link and link.line == line
                if not is_link and not self.is_of(line, subject):
                    yield f"{subject} has what {cause} has caused: {record}"

    def beyond(self, records: Iterable[Record]) -> Iterator[str]:
        """Give what an anonymous id has got of what was not past when it was linked.

        `records` are messages or closed sessions. What needs no wait was sent by what had come.
        """
        for record in records:
            link = self.first.get(record["subject"])
            if link is None or not self.is_anonymous(record["subject"]):
                continue
            data, time = record["data"], time_of(record["time"])
            if data.get("started") == record["time"]:
                had_come = all(self.line_of[each] < link.line for each in data["cause"])
                is_past = had_come if data["cause"] else time < link.at
            else:
                is_past = time < link.watermark
            if not is_past:
                yield f"not past at {link}: {record}"

    def is_anonymous(self, name: str) -> bool:
        """Tell whether nothing of a name came after its first link."""
        link = self.first[name]
        return not any(owner == name and line > link.line for line, owner in self.owner.items())

    def merges(self, records: Iterable[Record]) -> Iterator[str]:
        """Give the merges that are not the first links, once each, and those that were not told."""
        told = sorted(
            (data["anonymous"], data["customer"], record["subject"], time_of(record["time"]))
            for record in records
            if record["type"] == "cartwheel.identity.merged"
            for data in [record["data"]]
        )
        links = self.first.items()
        wanted = sorted((name, link.customer, link.customer, link.time) for name, link in links)
        if told != wanted:
            yield f"merged {told}, not {wanted}"

    def refusals(self, records: Iterable[Record]) -> Iterator[str]:
        """Give the refusals if they are not those of links of known customers."""
        told = sorted(
            (record["data"]["anonymous"], record["data"]["customer"])
            for record in records
            if record["type"] == "cartwheel.identity.refused"
        )
        if told != sorted(self.refused):
            yield f"refused {told}, not {self.refused}"

    def members(self, records: Iterable[Record]) -> Iterator[str]:
        """Give who enters or leaves twice in a row, or is still in where an anonymous id ended."""
        kinds: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
        for record in records:
            number = int(record["id"].rpartition("-")[2])
            _, _, kind = record["type"].rpartition(".")
            kinds[record["subject"], record["data"]["segment"]].append((number, kind))
        for (customer, segment), found in kinds.items():
            times = Counter(number for number, _ in found)
            # an id that is no more since it was linked may be named as a customer's later
            lives = 2 if customer in self.first else 1
            is_counted = times[1] <= lives and all(times[n - 1] >= times[n] for n in times if n > 1)
            if not is_counted or any((kind == "entered") != n % 2 for n, kind in found):
                yield f"{customer}, {segment}: {found}"
            has_ended = customer in self.first and self.is_anonymous(customer)
            if has_ended and len(found) % 2:
                yield f"{customer} is still in {segment}"


def instances_twice(decisions: Iterable[Record]) -> Iterator[str]:
    """Give what was decided more than once."""
    seen: set[str] = set()
    for record in decisions:
        instance = record["data"]["instance"]
        if instance in seen:
            yield f"decided twice: {record}"
        seen.add(instance)


def not_counted_once(sessions: Iterable[Record], applied: int) -> Iterator[str]:
    """Say whether each applied event is in one session, where all are closed at the end.

    Of each session the last revision counts.
    """
    last: dict[str, Record] = {}
    for data in sorted((one["data"] for one in sessions), key=lambda data: int(data["revision"])):
        last[data["session_id"]] = data
    counted = sum(data["events"] for data in last.values())
    if counted != applied:
        yield f"{counted} events are in sessions, {applied} were applied"
