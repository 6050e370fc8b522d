"""Wrong scenario files: everything at once, each with its place and the nearest valid name."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cartwheel.app import main
from config import ConfigError, RuleNames, load, load_scenarios, scenario_models
from config.measures import keys_of
from config.scenario_models import (
    ScenarioFile,
    WrittenEvent,
    WrittenExpectation,
    WrittenScenario,
)
from config.scenario_times import Start, parse_moment, parse_start
from flows.job import plans_of
from flows.scenarios import Rules, run_scenario
from operators import decisions

NAMES = RuleNames(
    triggers=["cart_abandoned", "welcome"],
    segments=["lapsed"],
    features=["orders", "session.views"],
    columns={"tier": "text", "spent": "number", "vip": "true_false"},
)
EVENT = "{at: 10:00, customer: ann, event: Product Added}"


def problems(folder: Path, text: str) -> list[str]:
    path = folder / "s.yaml"
    path.write_text(text)
    try:
        load_scenarios(path, NAMES, {})
    except ConfigError as error:
        return [str(each).replace(f"{folder}/", "") for each in error.problems]
    return []


def in_scenario(expect: str = "", event: str = EVENT, more: str = "") -> str:
    return (
        "start: 2026-01-05T10:00:00Z\n"
        "scenarios:\n"
        "  - name: it\n"
        f"    events: [{event}]\n"
        f"    expect: [{expect}]\n"
        f"{more}"
    )


AT_EXPECT, AT_EVENT = "s.yaml:5:14: scenarios[0].expect[0]", "s.yaml:4:14: scenarios[0].events[0]"

OF_EXPECTATIONS = [
    (
        "{at: 10:00, customer: anne, trigger: welcome}",
        (
            's.yaml:5:36: scenarios[0].expect[0].customer: found "anne", of whom this'
            ' scenario has no event; did you mean "ann"?'
        ),
    ),
    (
        "{at: 10:00, customer: ann, trigger: cart_abandonned}",
        (
            "s.yaml:5:50: scenarios[0].expect[0].trigger: the config has no trigger"
            ' "cart_abandonned"; did you mean "cart_abandoned"?'
        ),
    ),
    (
        "{at: 10:00, customer: ann, segment: xyz, in: true}",
        (
            's.yaml:5:50: scenarios[0].expect[0].segment: the config has no segment "xyz"; its'
            " segments are lapsed"
        ),
    ),
    (
        "{at: 10:00, customer: ann, feature: session.view, value: 1}",
        (
            's.yaml:5:50: scenarios[0].expect[0].feature: the config has no feature "session.view"'
            ' that rules look at; did you mean "session.views"?'
        ),
    ),
    (
        "{at: 10:00, customer: ann}",
        f'{AT_EXPECT}: the key "trigger", "segment" or "feature" is missing',
    ),
    (
        "{at: 10:00, customer: ann, segment: lapsed}",
        f'{AT_EXPECT}: the key "in" is missing',
    ),
    (
        "{at: 10:00, customer: ann, feature: orders}",
        f'{AT_EXPECT}: the key "value" is missing',
    ),
    (
        "{at: 10:00, customer: ann, trigger: welcome, segment: lapsed, in: true}",
        (
            "s.yaml:5:59: scenarios[0].expect[0].segment: found beside trigger, expected one of the"
            " two"
        ),
    ),
    (
        "{at: 10:00, customer: ann, trigger: welcome, value: 1}",
        "s.yaml:5:59: scenarios[0].expect[0].value: found with trigger, goes with feature only",
    ),
    (
        "{at: 10:00, customer: ann, segment: lapsed, in: yes}",
        's.yaml:5:62: scenarios[0].expect[0].in: found "yes", expected true or false',
    ),
    (
        "{at: 10:00, customer: ann, trigger: welcome, outcome: send}",
        (
            's.yaml:5:68: scenarios[0].expect[0].outcome: found "send", expected one of sent,'
            ' cancelled, superseded, suppressed, expired, retracted; did you mean "sent"?'
        ),
    ),
    (
        "{at: 10:00, customer: ann, trigger: welcome, outcome: suppressed, reason: holdaut}",
        (
            's.yaml:5:88: scenarios[0].expect[0].reason: found "holdaut", expected one of'
            " consent, when, quiet_hours, again, limit, holdout, paused, merged; did"
            ' you mean "holdout"?'
        ),
    ),
    *(
        (
            f"{{at: 10:00, customer: ann, trigger: welcome, outcome: suppressed, reason: {never}}}",
            (
                f's.yaml:5:88: scenarios[0].expect[0].reason: found "{never}", expected one of'
                " consent, when, quiet_hours, again, limit, holdout, paused, merged"
            ),
        )
        for never in ("removed", "not_live")
    ),
    (
        "{at: 10:00, customer: ann, trigger: welcome, reason: again}",
        "s.yaml:5:59: scenarios[0].expect[0].reason: goes with outcome: suppressed only",
    ),
    (
        "{at: 10:00, customer: ann, trigger: welcome, outcome: cancelled, payload: {a: 1}}",
        "s.yaml:5:79: scenarios[0].expect[0].payload: goes with outcome: sent only",
    ),
    (
        "{at: 10:00, customer: ann, trigger: welcome, step: 7}",
        "s.yaml:5:65: scenarios[0].expect[0].step: found 7, expected a whole number from 1 to 6",
    ),
    (
        "{at: 10:00, customer: ann, trigger: welcome, payload: 5}",
        "s.yaml:5:68: scenarios[0].expect[0].payload: found 5, expected a mapping",
    ),
    (
        "{at: 10:00, customer: ann, trigger: welcome, outcom: sent}",
        's.yaml:5:59: scenarios[0].expect[0].outcom: unknown key; did you mean "outcome"?',
    ),
    (
        "{at: 10:60, customer: ann, trigger: welcome}",
        (
            's.yaml:5:19: scenarios[0].expect[0].at: found "10:60", expected a time such as'
            " 2026-01-05T10:30:00Z, +30m or 10:30"
        ),
    ),
    (
        "{customer: ann, trigger: welcome}",
        f'{AT_EXPECT}: the key "at" is missing',
    ),
]


@pytest.mark.parametrize(("expectation", "problem"), OF_EXPECTATIONS)
def test_what_is_wrong_with_an_expectation_is_told(
    expectation: str, problem: str, tmp_path: Path
) -> None:
    assert problems(tmp_path, in_scenario(expectation)) == [problem]


OF_EVENTS = [
    (
        "{at: 10:00, customer: ann, event: }",
        "s.yaml:4:41: scenarios[0].events[0].event: found nothing, expected an event's name",
    ),
    ("{at: 10:00, customer: ann}", f'{AT_EVENT}: the key "event" is missing'),
    ("{at: 10:00, event: A}", f'{AT_EVENT}: the key "customer" or "anonymous" is missing'),
    (
        "{at: 10:00, anonymous: 5, event: A}",
        (
            "s.yaml:4:37: scenarios[0].events[0].anonymous: found 5, expected an anonymous id, as"
            " text (in quotes) of 1 to 1000 characters"
        ),
    ),
    (
        "{at: 10:00, customer: ann, event: A, previousId: a}",
        "s.yaml:4:51: scenarios[0].events[0].previousId: goes with the type alias only",
    ),
    (
        "{at: 10:00, customer: 12, event: tick}",
        (
            "s.yaml:4:36: scenarios[0].events[0].customer: found 12, expected a customer's id,"
            " as text (in quotes) of 1 to 1000 characters"
        ),
    ),
    (
        "{at: 10:00, customer: ann, type: identify, event: tick}",
        (
            "s.yaml:4:57: scenarios[0].events[0].event: goes with the type track only; the name of"
            " this event is identify"
        ),
    ),
    (
        "{at: 10:00, customer: ann, type: idntify}",
        (
            's.yaml:4:47: scenarios[0].events[0].type: found "idntify", expected one of track,'
            ' identify, page, screen, group, alias; did you mean "identify"?'
        ),
    ),
    (
        "{at: 10:00, customer: ann, event: tick, propertys: {}}",
        's.yaml:4:54: scenarios[0].events[0].propertys: unknown key; did you mean "properties"?',
    ),
    (
        '{at: 10:00, customer: ann, event: tick, properties: {"\\ud800": 1}}',
        (
            "s.yaml:4:66: scenarios[0].events[0].properties: found a mapping, expected keys"
            " of whole characters, not half of a surrogate pair"
        ),
    ),
    (
        "{at: +9999d, customer: ann, event: tick}",
        (
            's.yaml:4:19: scenarios[0].events[0].at: found "+9999d", expected a duration of at most'
            " ten years (3650d)"
        ),
    ),
    (
        "{at: +3000d3000d, customer: ann, event: tick}",
        (
            's.yaml:4:19: scenarios[0].events[0].at: found "+3000d3000d", expected a time'
            " at most ten years (3650d) after the start"
        ),
    ),
]


@pytest.mark.parametrize(("event", "problem"), OF_EVENTS)
def test_what_is_wrong_with_an_event_is_told(event: str, problem: str, tmp_path: Path) -> None:
    assert problems(tmp_path, in_scenario(event=event)) == [problem]


OF_FILES = [
    ("", ["s.yaml:1:1: found an empty file, expected a mapping"]),
    ("scenarios: 5\n", ["s.yaml:1:12: scenarios: found 5, expected a list of scenarios"]),
    ("scenarios:\n  - 5\n", ["s.yaml:2:5: scenarios[0]: found 5, expected a mapping"]),
    ("scenario: []\n", [
        's.yaml:1:1: scenario: unknown key; did you mean "scenarios"?',
        's.yaml:1:1: the key "scenarios" is missing',
    ]),
    ("start: now\nscenarios: []\n", [
        ('s.yaml:1:8: start: found "now", expected an RFC 3339 time from 1970 to 8999 such as'
        " 2026-01-31T09:30:00Z"),
    ]),
    ("scenarios: [{name: it, events: []}]\n", [
        "s.yaml:1:32: scenarios[0].events: found none, expected at least one event",
    ]),
    ("scenarios: [{name: it, until: 11:00, events: [{at: +1h, customer: a, event: b}]}]\n", [
        ("s.yaml:1:31: scenarios[0].until: a short time needs a start: in the scenario, or at the"
        " top of the file"),
    ]),
    (in_scenario(more=f"  - {{name: it, events: [{EVENT}]}}\n"), [
        's.yaml:6:12: scenarios[1].name: found "it", which scenario 1 of this file is called',
    ]),
    (in_scenario(event="{at: 10:00, customer: '${WHO}', event: tick}"), [
        ("s.yaml:4:36: the environment variable WHO is not set; set it or give a default:"
        " ${WHO:-default}"),
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "told"), OF_FILES)
def test_what_is_wrong_with_a_file_is_told(text: str, told: list[str], tmp_path: Path) -> None:
    assert problems(tmp_path, text) == told


def test_one_scenario_expects_at_most_so_much(tmp_path: Path) -> None:
    line = "{at: 10:00, customer: ann, trigger: welcome}"
    assert not problems(tmp_path, in_scenario(", ".join([line] * 500)))
    (told,) = problems(tmp_path, in_scenario(", ".join([line] * 501)))
    assert told.endswith("scenarios[0].expect: found 501, expected at most 500")


def test_all_problems_of_all_files_are_told_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shop.yaml").write_text("name: shop\n")
    (tmp_path / "a.yaml").write_text(in_scenario("{at: 1, customer: bob, trigger: welcome}"))
    words = [str(tmp_path / "shop.yaml"), str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")]
    assert main(["test", *words]) == 2
    printed = capsys.readouterr()
    assert not printed.out
    assert [line.removeprefix(f"{tmp_path}/") for line in printed.err.splitlines()] == [
        (
            "a.yaml:5:19: scenarios[0].expect[0].at: found 1, expected a time such as"
            " 2026-01-05T10:30:00Z, +30m or 10:30"
        ),
        (
            'a.yaml:5:32: scenarios[0].expect[0].customer: found "bob", of whom this'
            " scenario has no event"
        ),
        (
            "a.yaml:5:46: scenarios[0].expect[0].trigger: the config has no trigger"
            ' "welcome": it has no triggers'
        ),
        "b.yaml:1:1: cannot read the file: No such file or directory",
    ]


def test_values_of_the_environment_reach_events_as_plain_text(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(in_scenario(event=EVENT[:-1] + ", properties: {a: [{b: '${WHO:-x}'}]}}"))
    (scenario,) = load_scenarios(path, NAMES, {"WHO": "me"}).scenarios
    text = scenario.events[0].fields["properties"]["a"][0]["b"]
    assert (text, type(text)) == ("me", str)


def test_made_up_message_ids_differ_from_given_ones(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(in_scenario(event=", ".join([EVENT, EVENT[:-1] + ", messageId: event-1}"])))
    (scenario,) = load_scenarios(path, NAMES, {}).scenarios
    assert [each.message_id for each in scenario.events] == ["event-1'", "event-1"]


HOUR_MS = 3_600_000
MIDNIGHT_MS = 1_767_571_200_000
"""2026-01-05T00:00:00Z."""


@pytest.mark.parametrize(
    ("text", "start", "after_midnight_ms"),
    [
        ("2026-01-05T10:30:00Z", "2026-01-01T00:00:00Z", 10.5 * HOUR_MS),
        ("2026-01-05T10:30:00+01:00", "2026-01-01T00:00:00Z", 9.5 * HOUR_MS),
        ("+30m", "2026-01-05T10:00:00Z", 10.5 * HOUR_MS),
        ("+1d2h3ms", "2026-01-05T10:00:00Z", 36 * HOUR_MS + 3),
        ("+0s", "2026-01-05T10:00:00.123Z", 10 * HOUR_MS + 123),
        ("10:30", "2026-01-05T23:59:59Z", 10.5 * HOUR_MS),
        ("9:30:01.5", "2026-01-05T00:00:00Z", 9.5 * HOUR_MS + 1500),
        ("+2d 00:00", "2026-01-05T10:00:00Z", 48 * HOUR_MS),
        ("09:00", "2026-01-05T00:30:00+01:00", 8 * HOUR_MS),
        ("09:00", "2026-01-04T22:30:00-02:00", -24 * HOUR_MS + 11 * HOUR_MS),
    ],
)
def test_times_may_be_short(text: str, start: str, after_midnight_ms: float) -> None:
    found = parse_moment(text).resolve(parse_start(start))
    assert found == MIDNIGHT_MS + after_midnight_ms


@given(
    st.text(alphabet="0123456789:+-dhms .TZ", max_size=24)
    | st.from_regex(r"\A(\+\d{1,5}d )?\d{1,2}:\d\d(:\d\d(\.\d{1,4})?)?\Z")
)
@example("+")
@example("+1d")
@example("24:00")
def test_any_text_is_a_time_or_is_refused(text: str) -> None:
    try:
        moment = parse_moment(text)
    except ValueError:
        return
    resolved = moment.resolve(Start(MIDNIGHT_MS, 0))
    assert resolved is not None
    assert (moment.resolve(None) is None) is ("T" not in text and text[10:11] != " ")


def test_scenarios_know_each_outcome_and_each_reason_that_they_can_come_to() -> None:
    assert (*decisions.OUTCOMES, "retracted") == scenario_models.OUTCOMES
    never = {"removed", "not_live"}  # these take a state that was begun before
    assert {*scenario_models.REASONS} == {*decisions.REASONS} - never
    assert never < {*decisions.REASONS}


def test_the_page_names_every_key_of_a_scenario_file() -> None:
    page = (Path(__file__).parents[2] / "docs" / "test.md").read_text(encoding="utf-8")
    for section in (ScenarioFile, WrittenScenario, WrittenEvent, WrittenExpectation):
        for key in keys_of(section):
            assert f"`{key}`" in page or f"`{key}: " in page or f", {key}: " in page, key
    for word in (*scenario_models.OUTCOMES, *scenario_models.REASONS):
        assert f"`{word}`" in page, word


RULES = """
name: shop
features: {orders: {count: Order Completed}, spend: {sum: properties.revenue}}
segments:
  lapsed: orders > 0
  dear: attribute.tier == "gold" and attribute.spent * 2 > 7 and attribute.vip
attributes:
  {file: none.csv, customer: id, columns: {tier: text, spent: number, vip: true_false}}
triggers: {welcome: {on: Signed Up, payload: {spent: attribute.spent, tier: attribute.tier}}}
"""
GOOD: Any = {
    "start": "2026-01-05T10:00:00Z",
    "scenarios": [
        {
            "name": "it",
            "attributes": {"ann": {"tier": "gold", "spent": 5, "vip": True}},
            "events": [
                {"at": "10:00", "customer": "ann", "event": "Signed Up", "messageId": "m"},
                {"at": "+1h", "customer": "ann", "type": "identify", "traits": {"a": 1}},
                {"at": "+2h", "customer": "ann", "event": "x", "properties": {"revenue": 1}},
            ],
            "expect": [
                {"at": "+0s", "customer": "ann", "trigger": "welcome", "payload": {}, "step": 1},
                {"at": "+1h", "customer": "ann", "segment": "lapsed", "in": False},
                {"at": "+2h", "customer": "ann", "feature": "spend", "value": 1},
            ],
            "until": "+1d",
            "partial": True,
        }
    ],
}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("ann"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if not isinstance(value, dict | list):
        return [path]
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    return [path, *(place for key, each in inner for place in places(each, (*path, key)))]


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("spent", ".nan", "found .nan, expected a finite number"),
        ("spent", "-.inf", "found -.inf, expected a finite number"),
        ("spent", "9" * 400, f"found {'9' * 59}…, expected a finite number"),
        ("spent", '"12"', 'found "12", expected a finite number'),
        ("spent", "true", "found true, expected a finite number"),
        ("spent", "[1]", "found a list, expected a finite number"),
        ("vip", "1", "found 1, expected true or false"),
        ("vip", "yes", 'found "yes", expected true or false'),
        ("tier", "5", "found 5, expected a text of at most 1,000 characters"),
        (
            "tier",
            "x" * 1001,
            f'found "{"x" * 59}…", expected a text of at most 1,000 characters',
        ),
        ("tier", "{a: b}", "found a mapping, expected a text of at most 1,000 characters"),
        ("tier", "'${TIER:-}'", None),
        ("tier", "x" * 1000, None),
        ("spent", "-1.5e3", None),
        ("vip", "false", None),
        ("vip", "null", None),
    ],
)
def test_an_attribute_is_what_its_column_holds(
    column: str, value: str, problem: str | None, tmp_path: Path
) -> None:
    given = f"    attributes: {{ann: {{{column}: {value}}}}}\n"
    at = 26 + len(column)
    place = f"s.yaml:6:{at}: scenarios[0].attributes.ann.{column}"
    expected = [f"{place}: {problem}, as the config says"] if problem else []
    assert problems(tmp_path, in_scenario(more=given)) == expected


@settings(max_examples=150, deadline=None)
@given(place=st.sampled_from(places(GOOD)[1:]), value=ANYTHING)
@example(place=("scenarios", 0, "expect", 0, "trigger"), value=None)
@example(place=("scenarios", 0, "events", 2, "properties"), value={"revenue": float("inf")})
@example(place=("scenarios", 0, "events", 2, "properties", "revenue"), value=10**400)
@example(place=("scenarios", 0, "expect", 2, "value"), value=10**400)
@example(place=("scenarios", 0, "attributes", "ann", "spent"), value=float("nan"))
@example(place=("scenarios", 0, "attributes", "ann", "spent"), value=1.7e308)
@example(place=("scenarios", 0, "attributes", "ann", "spent"), value="many")
@example(place=("scenarios", 0, "attributes", "ann", "tier"), value=float("inf"))
def test_any_value_anywhere_is_taken_or_refused_with_its_place(
    place: tuple[str | int, ...], value: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / "rules.yaml").write_text(RULES)
    config = load(folder / "rules.yaml")
    changed = deepcopy(GOOD)
    inner = changed
    for part in place[:-1]:
        inner = inner[part]
    inner[place[-1]] = value
    path = folder / "any.yaml"
    path.write_text(json.dumps(changed))
    names = RuleNames(["welcome"], ["lapsed"], ["orders", "spend"], NAMES.columns)
    try:
        scenarios = load_scenarios(path, names, {}).scenarios
    except ConfigError:
        return
    for scenario in scenarios:
        for difference in run_scenario(scenario, Rules(*plans_of(config), 5000)):
            assert difference.what
