"""What must hold between the keys of a scenario file, and which names the config knows.

As in ``checks``: plain values in, so that everything is found at once; what is wrong in itself is
passed over.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from config.identity import external_type
from config.plain import KEY, Finding, Path, items_at, mapping_at
from config.wording import nearest, quote, shorten, suggestion

MOST_EXPECTED = 500
"""Of one scenario."""
MAX_NAME_CHARACTERS = 1000
"""Of customers, messageIds, keys and texts of the file of customers, as for events."""

_KINDS = ("trigger", "segment", "feature")
_GOES_WITH = {
    "outcome": "trigger",
    "reason": "trigger",
    "key": "trigger",
    "step": "trigger",
    "payload": "trigger",
    "in": "segment",
    "value": "feature",
}
"""Which keys of an expectation go with which kind only."""
_WHO = ("customer", "anonymous")
"""The keys of an event that say whose it is."""
_NEEDED = {"segment": "in", "feature": "value"}


@dataclass(frozen=True)
class RuleNames:
    """What a config has names for.

    Attributes:
        triggers: their names.
        segments: their names.
        features: the names of what rules look at: features, ``session.views`` and the like.
        columns: of the file of customers, and what each holds: ``text``, ``number`` or
            ``true_false``.
        events: the names of the events that rules know.
        customer_paths: where events name their customer in other fields than their ids.
    """

    triggers: Sequence[str]
    segments: Sequence[str]
    features: Sequence[str]
    columns: Mapping[str, str] = field(default_factory=dict)
    events: Collection[str] = ()
    customer_paths: Sequence[str] = ()


def check_scenarios(file: object, names: RuleNames) -> Iterator[Finding]:
    """Give the path of each value or key that does not go with another, and why."""
    seen: dict[str, int] = {}
    for number, scenario in items_at(file, "scenarios"):
        path: Path = ("scenarios", number)
        name = scenario.get("name")
        if isinstance(name, str) and seen.setdefault(name, number) != number:
            message = f"found {quote(name)}, which scenario {seen[name] + 1} of this file is called"
            yield (*path, "name"), message
        customers = _customers(scenario, names.customer_paths)
        yield from _attributes(path, scenario, customers, names.columns)
        events = scenario.get("events")
        if events == []:
            yield (*path, "events"), "found none, expected at least one event"
        for place, event in items_at(scenario, "events"):
            yield from _event((*path, "events", place), event, names.customer_paths)
        count = sum(1 for _ in items_at(scenario, "expect"))
        if count > MOST_EXPECTED:
            yield (*path, "expect"), f"found {count}, expected at most {MOST_EXPECTED}"
        for place, expectation in items_at(scenario, "expect"):
            yield from _expectation((*path, "expect", place), expectation, customers, names)


def _customers(scenario: object, paths: Sequence[str]) -> list[str]:
    events = [event for _, event in items_at(scenario, "events")]
    found = [event.get(key) for event in events for key in _WHO]
    found += [value for event in events for value in _named_elsewhere(event, paths)]
    return list(dict.fromkeys(each for each in found if isinstance(each, str)))


def _named_elsewhere(event: Mapping[str, object], paths: Sequence[str]) -> Iterator[object]:
    """Give the ids of an event that stand in other fields."""
    for path in paths:
        kind = external_type(path)
        *within, last = path.removesuffix(f".{kind}").split(".") if kind else path.split(".")
        found = mapping_at(event, *within)
        if not kind:
            yield found.get(last)
        for _, entry in items_at(found, last) if kind else ():
            if entry.get("type") == kind:
                yield entry.get("id")


def _attributes(
    path: Path, scenario: object, customers: Sequence[str], columns: Mapping[str, str]
) -> Iterator[Finding]:
    for customer, values in mapping_at(scenario, "attributes").items():
        of_customer = (*path, "attributes", customer)
        if customer not in customers:
            yield (*of_customer, KEY), _nobody(customer, customers)
        for column in mapping_at(values):
            if column not in columns:
                known = suggestion(column, columns) or _known("columns", list(columns))
                yield (*of_customer, column, KEY), f"the config has no such attribute{known}"


def attributes_expected(file: object, columns: Mapping[str, str]) -> Iterator[Finding]:
    """Give the path of each attribute that is not what its column holds, and what is expected."""
    for number, scenario in items_at(file, "scenarios"):
        for customer, values in mapping_at(scenario, "attributes").items():
            for column, value in mapping_at(values).items():
                expected = _expected_of(columns.get(column), value)
                if expected:
                    yield ("scenarios", number, "attributes", customer, column), expected


def _expected_of(kind: str | None, value: object) -> str:
    """Say what a column holds, if a value is something else; None is an empty cell."""
    if kind is None or value is None:
        return ""
    if kind == "text":
        fits = isinstance(value, str) and len(value) <= MAX_NAME_CHARACTERS
        return "" if fits else f"a text of at most {MAX_NAME_CHARACTERS:,} characters"
    if kind == "true_false":
        return "" if isinstance(value, bool) else "true or false"
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return ""
    return "a finite number"


def _event(
    path: Path, event: dict[str, object], customer_paths: Sequence[str]
) -> Iterator[Finding]:
    if not any(key in event for key in _WHO) and not any(_named_elsewhere(event, customer_paths)):
        yield path, 'the key "customer" or "anonymous" is missing'
    kind = event.get("type", "track")
    if isinstance(kind, str) and kind != "alias" and "previousId" in event:
        yield (*path, "previousId", KEY), "goes with the type alias only"
    if kind == "track" and "event" not in event:
        yield path, 'the key "event" is missing'
    if isinstance(kind, str) and kind != "track" and "event" in event:
        message = f"goes with the type track only; the name of this event is {shorten(kind)}"
        yield (*path, "event", KEY), message


def _expectation(
    path: Path, expectation: dict[str, object], customers: Sequence[str], names: RuleNames
) -> Iterator[Finding]:
    customer = expectation.get("customer")
    if isinstance(customer, str) and customer not in customers:
        yield (*path, "customer"), _nobody(customer, customers)
    kinds = [key for key in expectation if key in _KINDS]
    if not kinds:
        yield path, 'the key "trigger", "segment" or "feature" is missing'
        return
    kind, *others = kinds
    for other in others:
        yield (*path, other, KEY), f"found beside {kind}, expected one of the two"
    for key in expectation:
        if _GOES_WITH.get(key, kind) not in kinds:
            yield (*path, key, KEY), f"found with {kind}, goes with {_GOES_WITH[key]} only"
    needed = _NEEDED.get(kind)
    if needed and needed not in expectation:
        yield path, f'the key "{needed}" is missing'
    yield from _rule(path, expectation, kind, names)
    yield from _outcome(path, expectation)


def _rule(
    path: Path, expectation: dict[str, object], kind: str, names: RuleNames
) -> Iterator[Finding]:
    name = expectation[kind]
    known = {"trigger": names.triggers, "segment": names.segments, "feature": names.features}[kind]
    if isinstance(name, str) and name not in known:
        near = suggestion(name, known) or _known(f"{kind}s", known)
        more = " that rules look at" if kind == "feature" else ""
        yield (*path, kind), f"the config has no {kind} {quote(name)}{more}{near}"


def _outcome(path: Path, expectation: dict[str, object]) -> Iterator[Finding]:
    outcome = expectation.get("outcome", "sent")
    for key, needed in (("reason", "suppressed"), ("payload", "sent")):
        if key in expectation and isinstance(outcome, str) and outcome != needed:
            yield (*path, key, KEY), f"goes with outcome: {needed} only"


def _nobody(customer: str, customers: Sequence[str]) -> str:
    near = nearest(customer, customers)
    hint = f"; did you mean {quote(near)}?" if near else ""
    return f"found {quote(customer)}, of whom this scenario has no event{hint}"


def _known(what: str, names: Sequence[str]) -> str:
    """Name what there is where nothing is near, if it is little."""
    most = 10
    if not names:
        return f": it has no {what}"
    told = ", ".join(map(shorten, names[:most])) + (", …" if len(names) > most else "")
    return f"; its {what} are {told}"
