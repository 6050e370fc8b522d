"""What is said about a file that is no config at all, or that would be too much of one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from config import ConfigError, Problem, load

ProblemsOf = Callable[..., list[tuple[int, int, str]]]

UNREADABLE = [
    ("", 1, 1, "empty file"),
    ("# only a comment\n", 1, 1, "empty file"),
    ("[a]", 1, 1, "found a list, expected a mapping"),
    ("\n\nshop\n", 3, 1, 'found "shop", expected a mapping'),
    ("name: [shop", 1, 12, "(a { or [ has no closing } or ])"),
    ("name: shop\n\tstate: {}\n", 2, 1, "(indent with spaces, not with tabs)"),
    ("name: a: b", 1, 8, "not YAML: mapping values are not allowed here (is the line indented"),
    ("name: 'a' b", 1, 11, "put all of it in quotes"),
    ("state:\n    cache: 100\n   compression: lz4\n", 3, 4, "(is the line indented as its"),
    ("limits:\n  a: 1\n  - {at_most: 2}\n", 3, 3, "(is the line indented as its"),
    ('name: shop\nholdout: "5%\nstate: {}\n', 2, 10, "ends with the same one"),
    ("name: !(a > 1)", 1, 13, "stands in quotes as a whole"),
    ("name: s\nsinks: {files: {a}", 2, 19, "not YAML"),
    ("name: s\nsinks: \x01", 2, 8, "not YAML"),
    ('name: s\nsinks: "\\ud800"', 2, 8, "half of a surrogate pair"),
    ('name: s\nsinks: "\\U00110000"', 2, 1, "not YAML from here on"),
    ("name: s\n---\nname: t", 2, 1, "second document"),
    ("%YAML 1.1\n---\nname: s", 2, 1, "YAML version"),
    ("name: !!str s", 1, 7, "found the tag"),
    ("name: s\nsinks: *nowhere", 2, 8, "expected an anchor &nowhere"),
    ("name: s\nsinks: &a [*a]", 2, 12, "complete above it"),
    ("name: s\nsinks: " + "[" * 100, 2, 27, "levels deep"),
]


@pytest.mark.parametrize(("text", "line", "column", "part"), UNREADABLE)
def test_what_is_no_config_at_all_is_told_with_its_place(
    problems_of: ProblemsOf, text: str, line: int, column: int, part: str
) -> None:
    [(found_line, found_column, message)] = problems_of(text)
    assert (found_line, found_column) == (line, column), message
    assert part in message


def test_references_that_multiply_are_refused(problems_of: ProblemsOf) -> None:
    lines = ["x0: &x0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [
        f"x{level}: &x{level} [{', '.join([f'*x{level - 1}'] * 10)}]" for level in range(1, 10)
    ]
    found = problems_of("\n".join(lines))
    assert "more than 50000 values" in found[-1][2]


def test_references_that_nest_are_refused(problems_of: ProblemsOf) -> None:
    lines = ["x0: &x0 [1]"] + [f"x{level}: &x{level} [*x{level - 1}]" for level in range(1, 40)]
    found = problems_of("\n".join(lines))
    assert "levels deep" in found[-1][2]


def test_merge_keys_are_no_part_of_yaml_1_2(problems_of: ProblemsOf) -> None:
    found = problems_of("name: s\ntime: &t {idle: 5s}\nepoch: {<<: *t}")
    assert [place[:2] for place in found] == [(3, 9)]


def _only_message(path: Path) -> Problem:
    with pytest.raises(ConfigError) as caught:
        load(path)
    [problem] = caught.value.problems
    assert problem.file == str(path)
    return problem


def test_a_file_that_is_missing_is_told(tmp_path: Path) -> None:
    assert "cannot read the file" in _only_message(tmp_path / "none.yaml").message


def test_a_folder_is_no_config(tmp_path: Path) -> None:
    assert "cannot read the file" in _only_message(tmp_path).message


def test_what_is_not_utf_8_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_bytes("name: shop\n# é: ".encode() + b"\xff\n")
    problem = _only_message(path)
    assert (problem.line, problem.column) == (2, 6)
    assert "0xff" in problem.message


def test_a_file_over_a_mebibyte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text("name: shop\n" + "#" * 1_048_576)
    assert "1048576 bytes" in _only_message(path).message
