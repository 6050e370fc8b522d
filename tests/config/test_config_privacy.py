"""What ``privacy:`` may say; what is said about mistakes in it, and rules that see less by it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from config import Config, load_with_warnings
from flows.privacy import privacy_plan
from operators.privacy_plan import PrivacyPlan

ProblemsOf = Callable[..., list[tuple[int, int, str]]]

BEFORE = "name: shop\n"
MISTAKES = [
    # the line, column, part of the message
    ("privacy:", 1, "privacy: found nothing, expected a mapping"),
    ("privacy: {drp: [a]}", 11, 'privacy.drp: unknown key; did you mean "drop"?'),
    ("privacy: {drop: context.ip}", 17, 'found "context.ip", expected a list of paths'),
    ("privacy: {drop: [5]}", 18, "found 5, expected a path such as"),
    ("privacy: {drop: [a..b]}", 18, "expected a path such as"),
    ("privacy: {drop: ['a.*.b']}", 18, "expected a * as the last part only"),
    ("privacy: {drop: ['*']}", 18, "expected a * as the last part only"),
    ("privacy: {drop: [a.b.c.d.e.f.g.h.i]}", 18, "at most 8"),
    ("privacy: {drop: [userId]}", 18, "cannot be hidden so; it can be hashed"),
    ("privacy: {mask: [anonymousId]}", 18, "cannot be hidden so; it can be hashed"),
    ("privacy: {hash: [messageId]}", 18, "found messageId, which every event is read by"),
    ("privacy: {drop: [timestamp]}", 18, "found timestamp, which every event is read by"),
    ("privacy: {drop: [type]}", 18, "found type, which"),
    ("privacy: {mask: [event]}", 18, "found event, which"),
    ("privacy: {hash: [userId.x]}", 18, "found userId, which"),
    ("privacy: {drop: [propertis.email]}", 18, 'did you mean "properties.email"?'),
    ("privacy: {hash: [userid]}", 18, 'did you mean "userId"?'),
    ("privacy: {drop: [a.b], mask: [a.b]}", 31, 'found "a.b", which privacy.drop[0] is already'),
    ("privacy: {drop: [a.b.c, a.b]}", 18, 'found "a.b.c", which privacy.drop[1] is already'),
    ("privacy: {drop: [a], hash: ['a.*']}", 29, 'found "a.*", which privacy.drop[0] is already'),
    ("privacy: {drop: ['a.*'], hash: [a.b.c]}", 33, "which privacy.drop[0] is already about"),
    ("privacy: {drop: ['a[].b'], hash: [a.b]}", 35, "which privacy.drop[0] is already about"),
]
REGIONS = """
purposes: {profiling: p}
consent: {default: deny, region: context.location.country, regions: {DE: deny}}
"""
IMPOSSIBLE = [
    # privacy, the rest, part of the message
    (
        "{drop: [context]}",
        "features: {d: {last: context.device.type}}",
        "so there is nothing to take",
    ),
    ("{drop: [a.*]}", "", None),
    ("{drop: [properties.*]}", "session: {collect: {r: {sum: properties.x}}}", "nothing to take"),
    ("{hash: [properties.x]}", "features: {r: {sum: properties.x}}", "and a number is needed"),
    (
        "{hash: [properties.x]}",
        "features: {r: {count: any, where: event.properties.x > 3}}",
        "and a number is needed",
    ),
    (
        "{hash: [properties.items]}",
        "features: {r: {recent: 'properties.items[].code'}}",
        "which makes one text of all that lies in it",
    ),
    (
        "{mask: [context]}",
        "consent: {default: deny}\npurposes: {profiling: p}",
        "and what customers permit could not be read any more",
    ),
    (
        "{drop: [context.location]}",
        REGIONS,
        "consent.region: context.location.country is dropped (privacy.drop[0])",
    ),
    (
        "{hash: [userId]}",
        "attributes: {file: f.csv, customer: id, columns: {a: text}}",
        "the file under attributes names customers as they are",
    ),
]
DOUBTFUL = [
    ("{drop: [properties.c]}", "triggers: {t: {on: A, key: properties.c}}", "always missing here"),
    ("{drop: ['traits.*']}", "segments: {s: trait.plan is missing}", "always missing here"),
    (
        "{hash: [traits.plan]}",
        "segments: {s: 'trait.plan == \"x\"'}",
        "so it can only be told whether two values are the same",
    ),
    (
        "{drop: [properties.c]}",
        "triggers: {t: {on: A, payload: {c: {template: '{{ event.properties.c }}'}}}}",
        "always missing here",
    ),
    ("{mask: [properties.n]}", "features: {r: {sum: properties.n}}", "is text by then"),
    ("{drop: [context.timezone]}", "quiet_hours: {from: '21:00', to: '08:00'}", "always missing"),
]


@pytest.mark.parametrize(("line", "column", "part"), MISTAKES)
def test_a_mistake_is_told_with_its_place(
    problems_of: ProblemsOf, line: str, column: int, part: str
) -> None:
    [(at_line, at_column, message)] = problems_of(BEFORE + line)
    assert (at_line, at_column) == (2, column), message
    assert part in message


def test_all_mistakes_are_told_at_once(problems_of: ProblemsOf) -> None:
    found = "\n".join(
        message
        for _, _, message in problems_of(
            f"{BEFORE}privacy: {{drop: [userId, 5, a, a.b], hash: [contxt.ip], mask: x, more: y}}\n"
            "features: {s: {sum: properties.x}}\nsegments: {g: s >}"
        )
    )
    for part in (
        "drop[0]: found userId",
        "drop[1]: found 5",
        'drop[3]: found "a.b"',
        'mean "context.ip"',
        'mask: found "x"',
        "more: unknown key",
        "segments.g",
    ):
        assert part in found


@pytest.mark.parametrize(("privacy", "rest", "part"), IMPOSSIBLE)
def test_a_rule_that_can_never_work_is_refused(
    problems_of: ProblemsOf, load_text: Callable[..., Config], privacy: str, rest: str, part: str
) -> None:
    text = f"{BEFORE}privacy: {privacy}\n{rest}"
    if part is None:
        load_text(text)
        return
    assert any(part in message for _, _, message in problems_of(text))


@pytest.mark.parametrize(("privacy", "rest", "part"), DOUBTFUL)
def test_a_rule_that_sees_less_is_doubted(
    tmp_path: Path, privacy: str, rest: str, part: str
) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(f"{BEFORE}privacy: {privacy}\n{rest}", encoding="utf-8")
    assert [each for each in load_with_warnings(path, {}).warnings if part in each.message]
    path.write_text(f"{BEFORE}{rest}", encoding="utf-8")
    assert not [each for each in load_with_warnings(path, {}).warnings if part in each.message]


def test_the_plan_has_the_paths_in_parts(load_text: Callable[..., Config]) -> None:
    config = load_text(
        f"{BEFORE}privacy: {{drop: ['traits.*', 'properties.items[].note'], hash: [userId]}}"
    )
    assert privacy_plan(config) == PrivacyPlan(
        drop=(("traits", "*"), ("properties", "items", "note")), hash=(("userId",),)
    )
    assert privacy_plan(load_text(BEFORE)) is None
