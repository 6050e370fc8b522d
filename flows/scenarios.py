"""Runs a scenario: feeds its events, looks where it wants to be looked, compares what comes."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from config import (
    Expectation,
    ExpectedDecision,
    ExpectedFeature,
    ExpectedMembership,
    Place,
    Scenario,
    ScenarioEvent,
    format_duration,
)
from flows.expected import (
    ActualDecision,
    apart,
    decisions_of,
    matched,
    paired,
    same,
    short_time,
    told,
)
from flows.trial import Rules, Trial
from operators.features.row_values import row_number
from operators.outputs import DeadLetter, LateEvent, Outputs
from operators.times import EventTime, format_time


class Difference(NamedTuple):
    """One thing that is not as a scenario says.

    Attributes:
        place: in the file: of the expectation or the event, of the scenario's name else.
        what: was expected, or has come.
        details: more about it, a line each.
    """

    place: Place
    what: str
    details: tuple[str, ...] = ()


def run_scenario(scenario: Scenario, rules: Rules) -> list[Difference]:
    """Run a scenario from nothing; return what is not as it says, in the order of the file."""
    run = _Run(scenario, rules)
    broken = run.feed()
    if broken:
        return [broken]
    return sorted([*run.seen_otherwise, *run.decided_otherwise()], key=lambda each: each.place)


class _Run:
    """One scenario on its way."""

    def __init__(self, scenario: Scenario, rules: Rules) -> None:
        self._scenario = scenario
        self._trial = Trial(
            rules,
            {
                customer: {column: _cell(value) for column, value in values.items()}
                for customer, values in scenario.attributes.items()
            },
        )
        self._disorder_ms, self._grace_ms = rules.disorder_ms, rules.profile.grace_ms
        self._times = rules.profile.time_slots
        self._outputs: list[Outputs] = []
        self.seen_otherwise: list[Difference] = []

    def feed(self) -> Difference | None:
        """Let all events through, and the time that is waited after them.

        Returns:
            Why the rest was not tried: an event that is no event, or is late.
        """
        looks = sorted(
            (each for each in self._scenario.expect if not isinstance(each, ExpectedDecision)),
            key=lambda each: each.time_ms,
        )
        looked = None
        for event in self._scenario.events:
            while looks and looks[0].time_ms < event.time_ms:
                looked = looks.pop(0)
                self._look(looked)
            outputs = self._trial.feed(_line(event))
            self._outputs.append(outputs)
            broken = self._broken(event, outputs, looked)
            if broken:
                return broken
        for each in looks:
            self._look(each)
        self._outputs.append(self._trial.move_past(EventTime(self._scenario.end_ms)))
        return None

    def decided_otherwise(self) -> Iterator[Difference]:
        """Compare the decisions with those that are expected."""
        expected = [each for each in self._scenario.expect if isinstance(each, ExpectedDecision)]
        decisions = decisions_of(self._outputs)
        found = matched(expected, decisions)
        rest = [each for number, each in enumerate(decisions) if number not in found.values()]
        missing = [each for number, each in enumerate(expected) if number not in found]
        later = decisions_of([self._trial.close()]) if missing else []
        pairs = paired(missing, [*rest, *later])
        for number, each in enumerate(missing):
            other = pairs.get(number)
            if other is None:
                detail = _nothing(each, [*decisions, *later])
            elif other < len(rest):
                detail = f"but it was {_instead(each, rest[other])}"
            else:
                nearest = _instead(each, later[other - len(rest)])
                detail = f"but, without further events, it will be {nearest}"
            yield Difference(each.place, f"expected {told(each)}", (detail,))
        if self._scenario.partial:
            return
        told_already = set(pairs.values())
        for number, decided in enumerate(rest):
            if decided.outcome == "sent" and number not in told_already:
                yield Difference(
                    self._scenario.place,
                    f"not expected {decided}",
                    ("list it under expect, or say partial: true",),
                )

    def _look(self, expected: Expectation) -> None:
        self._outputs.append(self._trial.move_past(EventTime(expected.time_ms)))
        seen = self._trial.look(expected.customer)
        when = f"{expected.customer} at {short_time(expected.time_ms)}"
        if isinstance(expected, ExpectedMembership):
            inside = seen.segments[expected.segment]
            if inside is not expected.inside:
                what = f"expected {when}: {_in(expected.segment, inside=expected.inside)}"
                but = f"but {_in(expected.segment, inside=inside)}"
                self.seen_otherwise.append(Difference(expected.place, what, (but,)))
        if isinstance(expected, ExpectedFeature):
            value = seen.features[expected.feature]
            if expected.feature in self._times and isinstance(value, int):
                value = format_time(EventTime(value))
            if not same(expected.value, value):
                what = f"expected {when}: {expected.feature} is {_shown(expected.value)}"
                but = f"but it is {_shown(value)}"
                self.seen_otherwise.append(Difference(expected.place, what, (but,)))

    def _broken(
        self, event: ScenarioEvent, outputs: Outputs, looked: Expectation | None
    ) -> Difference | None:
        for letter in outputs.kinds.get("dead-letters", ()):
            assert isinstance(letter, DeadLetter)
            _, reason, field, *_ = letter.rejection
            where = f"{field}: " if field else ""
            return Difference(event.place, "this is no event", (f"{where}{reason}",))
        for late in outputs.kinds.get("late", ()):
            assert isinstance(late, LateEvent)
            if looked and event.time_ms <= looked.time_ms:
                why = (
                    f"it stands below a later one, and something is expected in between, at"
                    f" {short_time(looked.time_ms)}"
                )
            else:
                allowed = f"time.disorder ({format_duration(self._disorder_ms)})"
                if self._grace_ms:
                    allowed += f" and time.grace ({format_duration(self._grace_ms)})"
                why = f"an event above it is more than {allowed} later"
            what = f"this event, at {short_time(late.time)}, is late"
            return Difference(event.place, what, (why,))
        return None


def _line(event: ScenarioEvent) -> bytes:
    """Write an event as the engine reads it."""
    ids = {
        "userId": event.customer,
        "anonymousId": event.anonymous,
        "previousId": event.previous_id,
    }
    body: dict[str, Any] = {
        "type": event.type,
        "messageId": event.message_id,
        **{field: text for field, text in ids.items() if text},
        "timestamp": format_time(EventTime(event.time_ms)),
        **event.fields,
    }
    if event.name is not None:
        body["event"] = event.name
    return msgspec.json.encode(body)


def _cell(value: Any) -> Any:
    """Return an attribute as reading it from the file of customers gives it."""
    if isinstance(value, str):
        return value if value.strip() else None
    return row_number(float(value)) if type(value) in {int, float} else value


def _nothing(expected: ExpectedDecision, decisions: Sequence[ActualDecision]) -> str:
    """Say that nothing came in place of what is expected, of all that came or will come."""
    wanted = expected.trigger, expected.customer
    if any((each.trigger, each.customer) == wanted for each in decisions):
        return "but each decision that came stands for another line"
    return f"but nothing started {expected.trigger} for {expected.customer}"


def _instead(expected: ExpectedDecision, decided: ActualDecision) -> str:
    """Say what a decision is, and in what it is another than expected beyond how it ended."""
    differs = apart(expected, decided)
    more = ""
    if "step" in differs and decided.step == 1:
        more += ", step 1"
    if "key" in differs and not decided.key:
        more += ", without a key"
    if decided.outcome == "sent":
        more += "".join(
            f"; payload.{name} is {_shown(decided.payload.get(name))}, not {_shown(value)}"
            for name, value in expected.payload.items()
            if f"payload.{name}" in differs
        )
    return f"{decided.end}{more}"


def _in(segment: str, *, inside: bool) -> str:
    return f"{'in' if inside else 'not in'} {segment}"


def _shown(value: Any) -> str:
    return "missing" if value is None else msgspec.json.encode(value).decode()
