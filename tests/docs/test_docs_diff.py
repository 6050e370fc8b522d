"""docs/diff.md does what it says, and its pictures are what comes out; also on recorded data."""

import os
import shutil
from pathlib import Path

import pytest
from docs_pages import ROOT, Page
from test_docs_commands import commands_in, run_commands

PAGE = ROOT / "docs" / "diff.md"
PICTURES = ROOT / "docs" / "pictures"
DATA = Path(os.environ.get("CARTWHEEL_DATA", ROOT.parent / "shared" / "data"))


def test_the_page_does_what_it_says_and_its_picture_is_what_comes_out(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    commands = [each for each in commands_in(Page(PAGE)) if "rees46" not in each.text]
    assert len(commands) > 4
    run_commands("docs/diff.md", commands, tmp_path, environment)
    assert (tmp_path / "diff.svg").read_bytes() == (PICTURES / "diff.svg").read_bytes()


def test_recorded_traffic_gives_the_table_and_the_picture_of_the_page(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    source = DATA / "rees46" / "2019-Oct-head.csv.gz"
    if not source.exists():
        pytest.skip(f"{source} IS MISSING: set CARTWHEEL_DATA to the folder of the recorded sets")
    commands = commands_in(Page(PAGE))
    of_data = [each for each in commands if "rees46" in each.text]
    assert len(of_data) == 2
    environment = {**environment, "CARTWHEEL_DATA": str(DATA)}
    run_commands("docs/diff.md", [commands[0], *of_data], tmp_path, environment)
    name = "diff-rees46.svg"
    assert (tmp_path / name).read_bytes() == (PICTURES / name).read_bytes()
