"""What of the rules has changed between two runs is told by name, and by name only."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config import Config, load
from connectors.replay import RecordedFiles
from connectors.sinks import Nowhere
from flows.job import Options, compile_job
from flows.rule_changes import changed_rules, digest, rules_of

BEFORE = """
name: shop
retention: 30d
session: {collect: {views: {count: Product Viewed}}}
features:
  orders: {count: Order Completed}
  mail: {last: properties.email}
attributes: {file: people.csv, customer: id, columns: {tier: text}}
models: {intent: {kind: logistic_regression, predicts: Order Completed, within: 1d, from: [orders]}}
segments: {buyers: orders > 1, gold: 'attribute.tier == "gold"'}
triggers: {cart: {on: Product Added, after: 30m}, hello: {on: Signed Up}}
limits: [{at_most: 3, per: 7d}]
"""
CHANGES = [
    ("orders > 1", "orders > 2", ["segments.buyers"]),
    ("after: 30m", "after: 1h", ["triggers.cart"]),
    (", hello: {on: Signed Up}", "", ["triggers.hello"]),
    ("retention: 30d", "retention: 31d", ["retention"]),
    ("at_most: 3", "at_most: 4", ["limits"]),
    ("properties.email", "properties.mail", ["features.mail"]),
    (
        "views: {count: Product Viewed}",
        "seen: {count: any}",
        ["session.collect.seen", "session.collect.views"],
    ),
    ("tier: text", "tier: number", ["attributes.tier"]),
    ("from: [orders]", "from: [orders, mail]", ["models.intent"]),
    ("limits:", "privacy: {drop: [context.ip]}\nlimits:", ["privacy"]),
    ("limits:", "quiet_hours: {from: '21:00', to: '08:00'}\nlimits:", ["quiet_hours"]),
    ("limits:", "time: {grace: 1h}\nlimits:", ["time.grace"]),
]


def rules(text: str, folder: Path) -> dict[str, object]:
    path = folder / "shop.yaml"
    path.write_text(text)
    config: Config = load(path, {})
    options = Options(RecordedFiles([["x"]], "time"), Nowhere(), 3, 1, 1, 100, 0)
    return rules_of(msgspec.json.encode(compile_job(config, options)))


@pytest.mark.parametrize(("old", "new", "changed"), CHANGES)
def test_a_change_is_told_by_name(old: str, new: str, changed: list[str], tmp_path: Path) -> None:
    assert old in BEFORE
    text = BEFORE.replace(old, new)
    if "tier: number" in text:
        text = text.replace('attribute.tier == "gold"', "attribute.tier > 1")
        changed = [*changed, "segments.gold"]
    before, now = rules(BEFORE, tmp_path), rules(text, tmp_path)
    assert changed_rules(before, now) == changed
    assert changed_rules(now, before) == changed
    assert digest(before) != digest(now)


def test_nothing_has_changed_where_only_the_writing_has(tmp_path: Path) -> None:
    before, now = (
        rules(BEFORE, tmp_path),
        rules(BEFORE.replace("orders > 1", "(orders >1)"), tmp_path),
    )
    assert before == now
    assert digest(before) == digest(now)


@settings(deadline=None, max_examples=20)
@given(st.sets(st.sampled_from(range(len(CHANGES)))))
def test_several_changes_are_told_together(
    tmp_path_factory: pytest.TempPathFactory, numbers: set[int]
) -> None:
    folder, text, expected = tmp_path_factory.mktemp("several"), BEFORE, set[str]()
    for number in sorted(numbers - {7}):
        old, new, changed = CHANGES[number]
        if old in text:
            text = text.replace(old, new)
            expected |= set(changed)
    found = changed_rules(rules(BEFORE, folder), rules(text, folder))
    models = {"models.intent"} if "features.mail" in expected and "orders, mail" in text else set()
    assert set(found) == expected | models
