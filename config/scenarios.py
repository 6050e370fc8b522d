"""From a scenario file to its scenarios, or to everything that is wrong with it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from config.errors import Problem
from config.explain import findings_of, locate
from config.loading import error_of, finding_at, problems_of, read_fields
from config.measures import keys_of
from config.plain import Path as KeyPath
from config.scenario_checks import RuleNames, attributes_expected, check_scenarios
from config.scenario_events import doubtful_events
from config.scenario_models import (
    ScenarioFile,
    WrittenEvent,
    WrittenExpectation,
    WrittenScenario,
)
from config.scenario_times import Moment, Start
from config.section import Section
from config.tree import Fields, Finding, Place, to_plain


@dataclass(frozen=True)
class ScenarioEvent:
    """Something that a customer does.

    Attributes:
        place: where it is written.
        time_ms: when it happens.
        customer: who, empty where that is not known yet.
        anonymous: the anonymous id, empty without one.
        previous_id: of an alias the anonymous id that it is about, empty without one.
        type: ``track`` or another of the Segment spec's.
        name: of a ``track`` event, else None.
        message_id: as given, or one that no other event of the scenario has.
        fields: ``properties``, ``context`` and ``traits``, those that are given.
    """

    place: Place
    time_ms: int
    customer: str
    anonymous: str
    previous_id: str
    type: str
    name: str | None
    message_id: str
    fields: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Expectation:
    """Something that is to be so at a time.

    Attributes:
        place: where it is written.
        time_ms: when.
        customer: whose.
    """

    place: Place
    time_ms: int
    customer: str


@dataclass(frozen=True)
class ExpectedDecision(Expectation):
    """The end of a trigger's instance, or of its message; what is None may be anything.

    Attributes:
        trigger: the name.
        outcome: ``sent`` or another; ``retracted`` where a message is taken back.
        reason: why it is suppressed.
        key: of the instance.
        step: which message of the trigger, from 1.
        payload: some values of the message.
    """

    trigger: str
    outcome: str
    reason: str | None
    key: str | None
    step: int | None
    payload: Mapping[str, Any]


@dataclass(frozen=True)
class ExpectedMembership(Expectation):
    """Whether the customer is in a segment then."""

    segment: str
    inside: bool


@dataclass(frozen=True)
class ExpectedFeature(Expectation):
    """The value that a feature has then; None: missing."""

    feature: str
    value: Any


@dataclass(frozen=True)
class Scenario:
    """Given these events, expect that.

    Attributes:
        file: as the user named it.
        place: where it is written.
        name: the name.
        events: in order of arrival.
        expect: in the order of the file.
        end_ms: up to when the clock is moved.
        partial: whether messages may be sent that are not expected.
        attributes: of customers, by customer and column; each what its column holds, or None.
    """

    file: str
    place: Place
    name: str
    events: tuple[ScenarioEvent, ...]
    expect: tuple[Expectation, ...]
    end_ms: int
    partial: bool
    attributes: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class LoadedScenarios:
    """A scenario file that is fine.

    Attributes:
        scenarios: in the order of the file.
        warnings: what is allowed and yet probably not meant, likewise.
    """

    scenarios: tuple[Scenario, ...]
    warnings: tuple[Problem, ...]


def load_scenarios(
    path: Path, names: RuleNames, environment: Mapping[str, str] | None = None
) -> LoadedScenarios:
    """Read and check a scenario file.

    Args:
        path: the file; a regular one, since from a pipe nothing may ever come.
        names: what the config has names for.
        environment: what ``${NAME}`` refers to; None for the process's own.

    Raises:
        ConfigError: with every problem of the file.
    """
    if path.exists() and not path.is_file():
        raise error_of(path, [(Place(1, 1), "found no regular file, expected one")])
    tree, findings = read_fields(path, environment)
    plain = to_plain(tree)
    file = None
    try:
        file = ScenarioFile.model_validate(plain)
    except ValidationError as error:
        findings += findings_of(error, tree, _keys_at)
    findings += [
        finding_at(tree, where, message)
        for where, message in check_scenarios(plain, names)
        if not locate(tree, where).broken
    ]
    for where, expected in attributes_expected(plain, names.columns):
        spot = locate(tree, where)
        if not spot.broken:
            message = f"found {spot.describe()}, expected {expected}, as the config says"
            findings.append(finding_at(tree, where, message))
    if file is not None:
        findings += sorted(_without_start(tree, file))[:1]  # one start does for all
    if file is None or findings:
        raise error_of(path, findings)
    scenarios = tuple(
        _scenario(path, tree, number, each, each.start or file.start)
        for number, each in enumerate(file.scenarios)
    )
    doubtful = [finding_at(tree, *each) for each in doubtful_events(plain, names.events)]
    return LoadedScenarios(scenarios, tuple(problems_of(path, doubtful)))


def _keys_at(path: Sequence[str | int]) -> list[str]:
    """Give the keys of the section that a path of pydantic's leads to."""
    section: type[Section] = ScenarioFile
    match path:
        case ("scenarios", int(), "events", *_):
            section = WrittenEvent
        case ("scenarios", int(), "expect", *_):
            section = WrittenExpectation
        case ("scenarios", *_):
            section = WrittenScenario
    return keys_of(section)


def _without_start(tree: Fields, file: ScenarioFile) -> Iterator[Finding]:
    """Find short times in scenarios that have no start."""
    for number, scenario in enumerate(file.scenarios):
        if scenario.start or file.start:
            continue
        for where, moment in _moments(scenario):
            if moment.resolve(None) is None:
                message = "a short time needs a start: in the scenario, or at the top of the file"
                yield finding_at(tree, ("scenarios", number, *where), message)


def _moments(scenario: WrittenScenario) -> Iterator[tuple[KeyPath, Moment]]:
    for key, each in (("events", scenario.events), ("expect", scenario.expect)):
        for number, at in enumerate(item.at for item in each):
            yield (key, number, "at"), at
    if scenario.until:
        yield ("until",), scenario.until


def _scenario(
    path: Path, tree: Fields, number: int, written: WrittenScenario, start: Start | None
) -> Scenario:
    def place(*where: str | int) -> Place:
        return locate(tree, ("scenarios", number, *where)).place

    given = {event.message_id for event in written.events}
    events = tuple(
        _event(each, place("events", index), _time(each.at, start), _message_id(index, given))
        for index, each in enumerate(written.events)
    )
    expect = tuple(
        _expectation(each, place("expect", index), _time(each.at, start))
        for index, each in enumerate(written.expect)
    )
    return Scenario(
        file=str(path),
        place=place("name"),
        name=written.name,
        events=events,
        expect=expect,
        end_ms=max(_time(moment, start) for _, moment in _moments(written)),
        partial=written.partial,
        attributes=written.attributes,
    )


def _time(moment: Moment, start: Start | None) -> int:
    time_ms = moment.resolve(start)
    assert time_ms is not None, "short times have a start"
    return time_ms


def _message_id(index: int, given: set[str | None]) -> str:
    name = f"event-{index + 1}"
    while name in given:
        name += "'"
    return name


def _event(written: WrittenEvent, place: Place, time_ms: int, message_id: str) -> ScenarioEvent:
    fields = {
        "properties": written.properties,
        "context": written.context,
        "traits": written.traits,
    }
    return ScenarioEvent(
        place,
        time_ms,
        written.customer or "",
        written.anonymous or "",
        written.previous_id or "",
        written.type,
        written.event,
        written.message_id or message_id,
        {name: values for name, values in fields.items() if values},
    )


def _expectation(written: WrittenExpectation, place: Place, time_ms: int) -> Expectation:
    if written.segment:
        return ExpectedMembership(place, time_ms, written.customer, written.segment, written.inside)
    if written.feature:
        return ExpectedFeature(place, time_ms, written.customer, written.feature, written.value)
    assert written.trigger, "checked: one of the three is given"
    return ExpectedDecision(
        place,
        time_ms,
        written.customer,
        written.trigger,
        written.outcome,
        written.reason,
        written.key,
        written.step,
        written.payload,
    )
