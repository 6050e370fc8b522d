"""Every command in the README and the docs is run, in order, and gives what the page shows.

``sh`` blocks are run as they stand and must succeed. In ``console`` blocks the lines after ``$``
are commands, each with its output below; ``# exit code N`` says that it does not succeed.
"""

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from docs_pages import ROOT, Block, Page, all_pages, fits, named

MAKE = re.compile(r"^make (\w+)", re.MULTILINE)
_MARK = "@@@ command"
_EXIT_CODE = re.compile(r"# exit code (\d+)$")
_PATIENCE_S = 300


class Command(NamedTuple):
    """A command, what it must print (None: whatever) and its exit code."""

    text: str
    output: str | None
    exit_code: int
    line: int


def commands_of(block: Block) -> list[Command]:
    if block.language == "sh":
        return [Command(f"set -e\n{block.text}set +e\n", None, 0, block.line)]
    commands: list[Command] = []
    lines = block.text.splitlines()
    number = 0
    while number < len(lines):
        line = block.line + 1 + number
        assert lines[number].startswith("$ "), f"line {line}: a console block begins with a command"
        text = lines[number][2:]
        while text.endswith("\\"):
            number += 1
            text += "\n" + lines[number]
        number += 1
        output = []
        while number < len(lines) and not lines[number].startswith("$ "):
            output.append(lines[number])
            number += 1
        found = _EXIT_CODE.search(text)
        exit_code = int(found[1]) if found else 0
        commands.append(Command(text + "\n", "\n".join(output), exit_code, line))
    return commands


def commands_in(page: Page) -> list[Command]:
    blocks = [block for block in page.blocks if block.language in ("sh", "console")]
    blocks = [block for block in blocks if not MAKE.search(block.text)]
    return [command for block in blocks for command in commands_of(block)]


ELSEWHERE = {"docs/diff.md": "test_docs_diff.py", "docs/kafka.md": "test_docs_kafka.py"}
"""Pages whose commands need more than the project; which test runs them."""

WITH_COMMANDS = [path for path in all_pages() if commands_in(Page(path))]
PAGES = [path for path in WITH_COMMANDS if named(path) not in ELSEWHERE]


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_command_of_a_page_does_what_the_page_says(
    path: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    run_commands(named(path), commands_in(Page(path)), tmp_path, environment)


def run_commands(
    page: str, commands: list[Command], folder: Path, environment: dict[str, str]
) -> None:
    """Run commands one after the other in a folder; each must do what it says there."""
    script = "".join(
        f"{{\n{command.text}}} 2>&1; printf '\\n{_MARK} %d\\n' $?\n" for command in commands
    )
    run = subprocess.run(
        ["/bin/bash", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=_PATIENCE_S,
        check=False,
    )
    parts = re.split(rf"\n{_MARK} (\d+)\n", run.stdout)
    outputs, exit_codes = parts[::2], [int(code) for code in parts[1::2]]
    for command, output, exit_code in zip(commands, outputs, exit_codes, strict=False):
        place = f"{page}:{command.line}: {command.text}"
        assert exit_code == command.exit_code, f"{place}\n{output}"
        if command.output is not None:
            assert fits(output, command.output), f"{place}\n{output}"
    assert len(exit_codes) == len(commands), f"{page}: stopped early: {outputs[-1]}"


def test_pages_with_commands_are_found() -> None:
    assert {"README.md", "docs/replay.md", "docs/state.md"} <= {named(path) for path in PAGES}
    assert set(ELSEWHERE) <= {named(path) for path in WITH_COMMANDS}
    assert all(Path(__file__).with_name(file).exists() for file in ELSEWHERE.values())


@pytest.mark.parametrize("path", all_pages(), ids=named)
def test_commands_stand_only_where_they_are_run(path: Path) -> None:
    page = Page(path)
    for block in page.blocks:
        if block.language not in ("sh", "console"):
            assert not re.search(r"^(\$ )?cartwheel ", block.text, re.MULTILINE), block.line
    assert not re.search(r"^    (\$ )?cartwheel ", page.prose, re.MULTILINE)
    named_in_prose = re.findall(r"`make (\w+)", page.prose)
    for target in [*named_in_prose, *MAKE.findall("".join(block.text for block in page.blocks))]:
        makefile = (ROOT / "Makefile").read_text()
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_demo_of_the_makefile_gives_the_table_of_the_readme(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    makefile = (ROOT / "Makefile").read_text()
    recipe = re.search(r"^demo:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert recipe
    lines = [line.strip().replace(".venv/bin/", "") for line in recipe[1].splitlines()]
    assert any(line.startswith("cartwheel replay") for line in lines)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    script = "set -e\n" + "\n".join(lines)
    run = subprocess.run(
        ["/bin/bash", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "\ncart_abandoned 12\n" in re.sub(" +", " ", run.stdout)
    shown = [block.text for block in Page(ROOT / "README.md").blocks if block.language == "text"]
    assert any(fits(run.stdout, text) for text in shown), run.stdout
