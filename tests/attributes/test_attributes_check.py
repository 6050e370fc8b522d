"""``cartwheel check`` looks into the file of customers."""

import argparse
import json
from pathlib import Path

import pytest

from cartwheel import check

CONFIG = """
name: shop
attributes: {file: crm.csv, customer: id, columns: {tier: text, age: number}}
segments: {gold: attribute.tier == "gold"}
"""


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("id,tier,age\nu1,gold,41\n", []),
        ("id,tier\nu1,gold\n", [(1, 'there is no column "age"; there are "id", "tier"')]),
        (
            "id,tier,age\nu1,gold,old\nu2,gold,41\nu2,gold,41\nu3,gold,young\n",
            [
                (2, "age: found a text of 3 characters, expected a number like 12 or 12.5"),
                (4, "the customer is in line 3 already"),
                (5, "age: found a text of 5 characters, expected a number like 12 or 12.5"),
            ],
        ),
        (None, [(1, "cannot be read: No such file or directory")]),
    ],
)
def test_check_says_everything_that_is_wrong_with_the_file(
    text: str | None,
    problems: list[tuple[int, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("shop.yaml").write_text(CONFIG)
    if text is not None:
        Path("crm.csv").write_text(text)
    before = sorted(tmp_path.iterdir())
    parser = argparse.ArgumentParser()
    check.add_arguments(parser)
    exit_code = check.run(parser.parse_args(["shop.yaml"]))
    assert exit_code == (2 if problems else 0)
    assert capsys.readouterr().err == "".join(
        f"crm.csv:{line}:1: {what}\n" for line, what in problems
    )
    assert check.run(parser.parse_args(["shop.yaml", "--json"])) == exit_code
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is not bool(problems)
    assert [(each["file"], each["line"], each["message"]) for each in told["problems"]] == [
        ("crm.csv", line, what) for line, what in problems
    ]
    assert sorted(tmp_path.iterdir()) == before
