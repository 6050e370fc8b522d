"""The output folder: whose it is, and who may not write there."""

from pathlib import Path

import pytest

from connectors.errors import FileProblem
from connectors.out_folder import MARKER, OutFolder

NAMES = ("sessions.jsonl", "late.jsonl")


def claim(path: Path, state: str, *, fresh: bool) -> None:
    OutFolder(path).claim(state, fresh=fresh, names=NAMES).close()


def test_a_new_folder_is_made_and_claimed(tmp_path: Path) -> None:
    claim(tmp_path / "a" / "b", "one", fresh=True)
    claim(tmp_path / "a" / "b", "one", fresh=False)


def test_files_that_nobody_claimed_are_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "late.jsonl").write_bytes(b"mine")
    for _ in range(2):
        with pytest.raises(
            FileProblem, match=r"late.jsonl is there already and was not written by cartwheel"
        ):
            claim(tmp_path, "one", fresh=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"late.jsonl": b"mine"}


def test_other_files_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"mine")
    claim(tmp_path, "one", fresh=True)
    assert (tmp_path / "notes.txt").read_bytes() == b"mine"


def test_a_new_state_takes_over_from_an_earlier_one(tmp_path: Path) -> None:
    claim(tmp_path, "one", fresh=True)
    (tmp_path / "late.jsonl").write_bytes(b"of one")
    claim(tmp_path, "another", fresh=True)
    claim(tmp_path, "another", fresh=False)
    with pytest.raises(FileProblem, match="outputs of another state"):
        claim(tmp_path, "one", fresh=False)
    claim(tmp_path, "x", fresh=True)
    claim(tmp_path, "x", fresh=False)


def test_a_state_that_has_written_goes_on_only_in_its_own_folder(tmp_path: Path) -> None:
    claim(tmp_path / "a", "one", fresh=True)
    claim(tmp_path / "b", "two", fresh=True)
    with pytest.raises(FileProblem, match="holds the outputs of another state; name the folder"):
        claim(tmp_path / "b", "one", fresh=False)
    claim(tmp_path / "b", "two", fresh=False)


def test_a_refusal_leaves_the_claim_as_it_was(tmp_path: Path) -> None:
    claim(tmp_path, "one", fresh=True)
    before = (tmp_path / MARKER).read_bytes()
    with pytest.raises(FileProblem):
        claim(tmp_path, "two", fresh=False)
    assert (tmp_path / MARKER).read_bytes() == before


def test_a_damaged_claim_is_refused_and_not_trusted(tmp_path: Path) -> None:
    for content in (b"", b"\xff", b"{}", b"[1]"):
        (tmp_path / MARKER).write_bytes(content)
        with pytest.raises(FileProblem, match="holds the outputs of another state"):
            claim(tmp_path, "one", fresh=False)


def test_a_folder_in_use_is_refused_until_its_file_is_closed(tmp_path: Path) -> None:
    with OutFolder(tmp_path).claim("one", fresh=True, names=NAMES):
        for state in ("one", "two"):
            with pytest.raises(FileProblem, match="is being written by another process"):
                claim(tmp_path, state, fresh=True)
    claim(tmp_path, "one", fresh=False)


def test_a_file_in_the_place_of_the_folder_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(FileProblem, match=r"out: cannot be written: "):
        claim(tmp_path / "out", "one", fresh=True)
