"""Scenarios with anonymous ids: how they are written, and what stands in the events."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from cartwheel.app import main
from config import ConfigError, LoadedScenarios, RuleNames, load_scenarios
from flows.scenarios import _line

CONFIG = """
name: shop
features: {views: {count: Product Viewed}}
segments: {lookers: views >= 2}
"""
SCENARIO = """
start: 2026-01-05T10:00:00Z
scenarios:
  - name: it
    events:
      - {at: 10:00, anonymous: a1, event: Product Viewed}
      - {at: 10:01, anonymous: a1, customer: ann, type: identify}
      - {at: 10:02, customer: ann, type: alias, previousId: a1}
      - {at: 10:03, customer: bob, event: Product Viewed}
      - {at: 10:04, anonymous: a1, event: Product Viewed}
    expect:
      - {at: 10:05, customer: a1, segment: lookers, in: true}
"""
ELSEWHERE = """
start: 2026-01-05T10:00:00Z
scenarios:
  - name: it
    events:
      - {at: 10:00, event: A, traits: {email_hash: h1}}
      - {at: 10:00, event: A, context: {externalIds: [{type: x, id: no}, {type: card, id: c1}]}}
    expect:
      - {at: 10:05, customer: h1, segment: lookers, in: false}
      - {at: 10:05, customer: c1, segment: lookers, in: false}
"""


def loaded(folder: Path, text: str, paths: tuple[str, ...] = ()) -> LoadedScenarios:
    (folder / "s.yaml").write_text(text)
    names = RuleNames([], ["lookers"], ["views"], events=["Product Viewed"], customer_paths=paths)
    return load_scenarios(folder / "s.yaml", names, {})


def test_an_event_has_the_ids_that_are_written(tmp_path: Path) -> None:
    [scenario] = loaded(tmp_path, SCENARIO).scenarios
    events: list[dict[str, Any]] = [msgspec.json.decode(_line(each)) for each in scenario.events]
    ids = ("userId", "anonymousId", "previousId")
    assert [{name: each[name] for name in ids if name in each} for each in events] == [
        {"anonymousId": "a1"},
        {"userId": "ann", "anonymousId": "a1"},
        {"userId": "ann", "previousId": "a1"},
        {"userId": "bob"},
        {"anonymousId": "a1"},
    ]


def test_without_identity_an_anonymous_id_is_a_customer_by_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shop.yaml").write_text(CONFIG)
    (tmp_path / "s.yaml").write_text(
        f"{SCENARIO}      - {{at: 10:05, customer: ann, feature: views, value: 0}}\n"
    )
    assert main(["test", str(tmp_path / "shop.yaml"), str(tmp_path / "s.yaml")]) == 0
    assert "0 failed" in capsys.readouterr().out


def test_ids_in_other_fields_are_known_where_the_config_names_them(tmp_path: Path) -> None:
    paths = ("userId", "traits.email_hash", "context.externalIds.card")
    [scenario] = loaded(tmp_path, ELSEWHERE, paths).scenarios
    assert [each.customer for each in scenario.events] == ["", ""]
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, ELSEWHERE)
    assert str(caught.value).count('the key "customer" or "anonymous" is missing') == 2
    assert str(caught.value).count("of whom this scenario has no event") == 2
