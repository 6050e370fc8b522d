"""Looks at inputs and outputs alone for what was done although it was not permitted.

For streams without late events: then all that is said of a time is known once the watermark is
past it, in whichever order it came.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from oracle.consent import Statement, needed, permitted, revocations, statement_of
from oracle.input import Event, time_of
from oracle.rules import Rules

Record = Mapping[str, Any]


class Said(NamedTuple):
    """What one customer has said, in order of arrival, and with which line each came."""

    statements: list[Statement]
    lines: list[int]

    def until(self, line: int) -> list[Statement]:
        """Return what was said up to a line."""
        return [one for one, at in zip(self.statements, self.lines, strict=True) if at <= line]


class Verifier:
    """Reads a stream of events, none of which is late or a dead letter."""

    def __init__(self, lines: Sequence[bytes], rules: Rules) -> None:
        assert rules.consent
        self.consent, self.purposes = rules.consent, rules.purposes
        self.said: dict[str, Said] = {}
        self.line_of: dict[str, int] = {}
        for number, line in enumerate(lines):
            data = json.loads(line)
            time, customer, message_id = (
                time_of(data["timestamp"]),
                data["userId"],
                data["messageId"],
            )
            event = Event(customer, time, "", message_id, number, data)
            self.line_of[message_id] = number
            said = self.said.setdefault(customer, Said([], []))
            if (one := statement_of(event, self.consent, self.purposes)) is not None:
                said.statements.append(one)
                said.lines.append(number)

    def messages(self, records: Iterable[Record]) -> Iterator[str]:
        """Give what was sent though it needs what was not permitted then.

        What does not wait is sent by what was known with its event.
        """
        for record in records:
            data, time = record["data"], time_of(record["time"])
            of = self.said[record["subject"]]
            said = of.statements
            if data["started"] == record["time"]:
                if not data["cause"]:
                    continue
                said = of.until(max(self.line_of[each] for each in data["cause"]))
            for purpose in needed(self.purposes, data["trigger"], data["channel"] or ""):
                if not permitted(said, self.consent, purpose, time):
                    yield f"sent without {purpose}: {record}"

    def sessions(self, records: Iterable[Record]) -> Iterator[str]:
        """Give the sessions that hold a time at which profiling was not permitted."""
        purpose = self.purposes.get("profiling")
        for record in records if purpose else ():
            start, end = (time_of(record["data"][key]) for key in ("start", "end"))
            if not self.is_permitted(record["subject"], purpose, start, end):
                yield f"a session without {purpose}: {record}"

    def members(self, records: Iterable[Record]) -> Iterator[str]:
        """Give who is in a segment at the end although profiling was revoked."""
        inside: dict[tuple[str, str], bool] = {}
        for record in sorted(records, key=lambda each: (each["time"], each["id"][-6:])):
            about = record["subject"], record["data"]["segment"]
            inside[about] = record["type"].endswith(".entered")
        purpose = self.purposes.get("profiling")
        for (customer, segment), is_in in inside.items():
            said = self.said[customer].statements
            if purpose and is_in and not permitted(said, self.consent, purpose, float("inf")):
                yield f"{customer} is in {segment} without {purpose}"

    def is_permitted(self, customer: str, purpose: str, start: int, end: int) -> bool:
        """Tell whether a purpose is permitted at all times from one to another."""
        said = self.said[customer].statements
        broken = revocations(said, self.consent, purpose)
        is_broken = any(start < time <= end for time in broken)
        return permitted(said, self.consent, purpose, start) and not is_broken
