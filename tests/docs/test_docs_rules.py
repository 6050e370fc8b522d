"""The examples of features, segments and expressions in the docs do what the pages say."""

import json
import re
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from docs_pages import ROOT, Page, normal

from config import ConfigError, load
from expressions.functions import FUNCTIONS
from flows.job import plans_of
from simulation import Simulation

PAGES = ("features.md", "segments.md", "expressions.md")
DAY = "2026-01-01"


class Example(NamedTuple):
    """Some events under a config, and who enters and leaves what."""

    page: str
    line: int
    config: str
    history: str
    changes: str


def examples() -> Iterator[Example]:
    for name in PAGES:
        config, history = "", None
        for block in Page(ROOT / "docs" / name).blocks:
            if block.language == "yaml":
                config = block.text
            elif block.language == "history":
                history = block
            elif block.language == "changes":
                assert history, f"{name}:{block.line}: no history before it"
                yield Example(name, block.line, config, history.text, block.text)
                history = None
        assert history is None, f"{name}: a history without changes"


EXAMPLES = list(examples())


def event_of(line: str) -> dict[str, Any]:
    message_id, time, customer, name, *rest = re.split(r"\s{2,}", line.strip())
    day, _, clock = time.rpartition(" ")
    pairs = dict(pair.split("=") for pair in rest[0].split()) if rest else {}
    return {
        "type": "track",
        "event": name,
        "messageId": message_id,
        "userId": customer,
        "timestamp": f"{day or DAY}T{clock if clock.count(':') > 1 else clock + ':00'}Z",
        "properties": {key: json.loads(value) for key, value in pairs.items()},
    }


def short(text: str) -> str:
    date, _, time = text.removesuffix("Z").partition("T")
    time = time.removesuffix(".000").removesuffix(":00") if time.count(":") > 1 else time
    return time if date == DAY else f"{date} {time}"


def told(record: dict[str, Any]) -> str:
    data = record["data"]
    verb = {"entered": "enters", "left": "leaves"}[record["type"].rpartition(".")[2]]
    return f"{short(record['time'])} {record['subject']} {verb} {data['segment']}, {data['origin']}"


@pytest.mark.parametrize("tick", [1, 2, 100])
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: f"{each.page}:{each.line}")
def test_an_example_gives_the_changes_that_it_shows(
    example: Example, tick: int, tmp_path: Path
) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(f"name: shop\n{example.config}")
    lines = [msgspec.json.encode(event_of(line)) for line in example.history.splitlines()]
    outcome = Simulation(lines, *plans_of(load(path)), shards=4).run(repeat(tick))
    assert outcome.counts["dead_letters"] == outcome.counts["late"] == 0
    changes = [told(json.loads(line)) for line in outcome.lines.get("segments", [])]
    assert sorted(changes) == sorted(normal(example.changes))


def test_pages_have_examples() -> None:
    assert {example.page for example in EXAMPLES} == {"features.md", "segments.md"}
    assert len(EXAMPLES) >= 8


SCOPE = """name: shop
features:
  views_1h: {count: Product Viewed, over: 1h}
  orders: {count: Order Completed}
  visits: {count: Session Started}
  spend: {sum: properties.revenue, of: Order Completed}
  last_order: {time: Order Completed}
  cart_items: {recent: properties.product_id}
  device: {last: context.device.type}
segments:
  buyers: orders > 0
  lapsed: since(last_order) > 30d
"""
WRAPPED = {
    "condition": "segments: {{buyers: orders > 0, lapsed: orders > 5, it: {}}}",
    "where": "features: {{it: {{count: any, where: {}}}}}",
    "value": "features: {{it: {{last: {}}}}}",
}
LINES = [
    (block.language, line)
    for block in Page(ROOT / "docs" / "expressions.md").blocks
    for line in block.text.splitlines()
    if block.language in WRAPPED
]


def config_with(kind: str, expression: str) -> str:
    features = SCOPE.partition("segments:")[0] if kind == "condition" else "name: shop\n"
    return features + WRAPPED[kind].format(json.dumps(expression)) + "\n"


@pytest.mark.parametrize(("kind", "expression"), LINES)
def test_every_expression_is_one(kind: str, expression: str, tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(config_with(kind, expression))
    assert plans_of(load(path))


def mistakes() -> list[tuple[str, str]]:
    table = Page(ROOT / "docs" / "expressions.md").text.partition("| written | message |")[2]
    return re.findall(r"^\| `([^`]+)` \| (.+) \|$", table, re.MULTILINE)


@pytest.mark.parametrize(("expression", "message"), mistakes())
def test_every_mistake_is_told_as_the_page_says(
    expression: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(config_with("condition", expression))
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert [each.message for each in caught.value.problems] == [f"segments.it: {message}"]


def test_the_page_about_the_language_names_every_function_and_all_kinds_of_blocks() -> None:
    text = Page(ROOT / "docs" / "expressions.md").text
    for function in FUNCTIONS:
        assert f"`{function}(" in text, function
    assert {kind for kind, _ in LINES} == set(WRAPPED)
    assert len(mistakes()) >= 5
