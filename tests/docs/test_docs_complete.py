"""Whatever a user may type or read is named in the docs, and the docs' links lead somewhere."""

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from docs_pages import ROOT, Page, all_pages, named

from cartwheel.app import COMMANDS
from cartwheel.summary import Summary
from config import load
from config.models import Config
from connectors.importing.mapping import load_mapping
from flows.inspect_state import ModelReport, ProgressReport, ShardReport, StateReport
from flows.job import Job
from operators.features.collected import KINDS

PAGE_OF = {
    "replay": "replay.md",
    "run": "run.md",
    "check": "config.md",
    "import": "import.md",
    "simulate": "simulate.md",
    "state": "state.md",
    "schemas": "consuming.md",
    "dead-letters": "dead-letters.md",
    "explain": "explain.md",
    "models": "models.md",
    "test": "test.md",
    "diff": "diff.md",
    "privacy": "privacy.md",
}
ALSO_ON = {"schemas": "config.md"}
"""A second page for some of a command's options."""

LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")


def text_of(page: str) -> str:
    return Page(ROOT / "docs" / page).text


def options_of(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Give the options of a command and of its actions, without --help."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in action.choices.items():
                yield name
                yield from options_of(sub)
        elif not isinstance(action, argparse._HelpAction):
            yield from action.option_strings or [str(action.metavar)]


def test_every_command_has_its_page() -> None:
    assert {command.NAME for command in COMMANDS} == set(PAGE_OF)
    for name, page in PAGE_OF.items():
        assert f"`cartwheel {name}" in text_of(page) or f"$ cartwheel {name}" in text_of(page), name
        assert f"({page})" in text_of("README.md")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.NAME)
def test_every_option_of_a_command_is_named_on_its_page(command: object) -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)  # type: ignore[attr-defined]
    name: str = command.NAME  # type: ignore[attr-defined]
    text = text_of(PAGE_OF[name]) + (text_of(ALSO_ON[name]) if name in ALSO_ON else "")
    words = set(re.findall(r"(?:--)?[\w-]+", text))
    for option in options_of(parser):
        assert option in words, option


def test_no_page_names_an_option_that_does_not_exist() -> None:
    known = {"--help"}
    for command in COMMANDS:
        parser = argparse.ArgumentParser()
        command.add_arguments(parser)
        known |= set(options_of(parser))
    for path in all_pages():
        for option in re.findall(r"`(--[\w-]+)", Page(path).prose):
            assert option in known, f"{named(path)}: {option}"
    for command, page in PAGE_OF.items():
        for block in Page(ROOT / "docs" / page).blocks:
            for line in block.text.splitlines():
                called = re.search(rf"\bcartwheel {command} (.*?)(\||>|#|$)", line)
                for option in re.findall(r"(?<= )--[\w-]+", called[1] if called else ""):
                    assert option in known, f"{page}: {option}"


def test_every_kind_of_output_is_named() -> None:
    kinds = {"sessions", "triggers", "decisions", "segments", "scores", "models"}
    kinds |= {"identity", "customers", "late", "dead-letters"}
    of_a_job = set(Job.kinds.fget(_JobWithRules()))  # type: ignore[attr-defined]
    assert of_a_job == kinds
    text = text_of("replay.md")
    for name in (*(f"{kind}.jsonl" for kind in of_a_job), "summary.json"):
        assert f"| `{name}` |" in text, name


class _JobWithRules:
    """As much of a job as its kinds depend on."""

    class decide:  # noqa: N801 (stands for an attribute)
        triggers = ("one",)
        segments = ("one",)
        models = ("one",)

    class route:  # noqa: N801 (likewise)
        identity = "on"

    class profile:  # noqa: N801 (likewise)
        forgets = True


def test_every_field_of_the_summary_is_named() -> None:
    for name in Summary.__struct_fields__:
        assert name in text_of("replay.md"), name


def test_what_state_info_tells_is_named() -> None:
    text = text_of("state.md")
    for name in StateReport.__struct_fields__:
        assert re.search(rf"\b{name}\b", text), name
    parts = (ShardReport, ModelReport, ProgressReport)
    for name in (name for part in parts for name in part.__struct_fields__):
        assert name.rstrip("s") in text, name


def test_every_top_level_key_of_the_config_is_named() -> None:
    text = text_of("config.md")
    keys = [field.alias or name for name, field in Config.model_fields.items()]
    assert "triggers" in keys
    for key in keys:
        assert re.search(rf"(`{key}[.`]|^### (.* )?{key}( .*)?$)", text, re.MULTILINE), key


def test_every_kind_that_sessions_collect_is_named() -> None:
    for kind in KINDS:
        assert f"`{{{kind}: " in text_of("config.md"), kind


@pytest.mark.parametrize("path", all_pages(), ids=named)
def test_every_link_inside_the_project_leads_somewhere(path: Path) -> None:
    for link in LINK.findall(Page(path).prose):
        if link.startswith("https://"):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), link
        assert ROOT in target.parents or target == ROOT, link
        if anchor:
            assert anchor in anchors_of(target), link


def anchors_of(path: Path) -> set[str]:
    """Give the anchors of a page's headings, as Git hosts make them."""
    headings = re.findall(r"^#+ (.+)$", Page(path).prose, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_can_be_reached_from_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / link).resolve() for link in LINK.findall(Page(index).text)}
    assert set(all_pages()) - {index} <= linked


def test_every_yaml_block_is_a_config_or_a_mapping(tmp_path: Path) -> None:
    read = 0
    for path in all_pages():
        for block in Page(path).blocks:
            if block.language == "yaml":
                file = tmp_path / f"{path.stem}-{block.line}.yaml"
                named_already = "name: " in block.text.splitlines()[0]
                is_mapping = path.name == "import.md"
                head = "" if named_already or is_mapping else "name: shop\n"
                file.write_text(head + block.text)
                (load_mapping if is_mapping else load)(file)
                read += 1
    assert read > 10


def test_every_json_block_is_json() -> None:
    texts = [
        block.text
        for path in all_pages()
        for block in Page(path).blocks
        if block.language == "json"
    ]
    assert texts
    for text in texts:
        json.loads(text)


def test_a_link_that_leads_nowhere_would_be_found() -> None:
    assert "the-future" in anchors_of(ROOT / "docs" / "time.md")
    assert "the-past" not in anchors_of(ROOT / "docs" / "time.md")
    assert LINK.findall("see [a](b.md#c) and [d](e)") == ["b.md#c", "e"]


def test_nothing_in_the_docs_names_a_place_of_the_authors() -> None:
    for path in all_pages():
        text = Page(path).text
        assert not re.search(r"/(root|home|work|tmp)/", text), named(path)
