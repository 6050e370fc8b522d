"""The audit file: who was looked at or forgotten, and when the rules changed; nobody in clear."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

from cartwheel.app import main
from forget_shop import CONFIG, NEEDLES, WHO, forget, found, in_a_process, lines, write_shop
from replaying import NOW
from state.audit import Entry, append
from state.keyed_hash import keyed_hash, make_key, read_key

REPLAY = ["replay", "shop.yaml", "--events", "events.jsonl", "--out", "out", "--state", "state"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = write_shop(tmp_path_factory.mktemp("audited") / "shop")
    with chdir(folder):
        assert main([*REPLAY, "--now", NOW]) == 0
        yield folder


def audit() -> list[Any]:
    return [dict(each) for each in lines(Path("state/audit.jsonl"))]


@pytest.mark.usefixtures("shop")
def test_what_is_done_to_a_customer_is_noted_under_one_hash() -> None:
    assert audit() == []
    assert main(["state", "export", WHO, "--state", "state"]) == 0
    assert main(["state", "export", "nobody", "--state", "state"]) == 1  # told nothing
    assert main(["explain", "shop.yaml", WHO, "--state", "state"]) == 0
    assert forget("--suppress") == 0
    assert [each["action"] for each in audit()] == ["export", "explain", "forget"]
    key = read_key(Path("state"))
    assert key
    assert {each["customer"] for each in audit()} == {keyed_hash(key, WHO)}
    assert audit()[-1]["removed"]["profile"] == 1
    assert audit()[-1]["suppressed"] is True
    assert found(Path("state"), NEEDLES) == {}


def test_a_change_of_the_rules_is_noted_and_nothing_else(shop: Path) -> None:
    before = audit()
    for _ in range(2):  # in processes of their own: what is hashed must not depend on them
        assert in_a_process(REPLAY, PYTHONHASHSEED="1").returncode == 0
    assert audit() == before
    (shop / "shop.yaml").write_text(CONFIG.replace("views_1h >= 2", "views_1h >= 3"))
    for _ in range(2):
        assert in_a_process(REPLAY, PYTHONHASHSEED="2").returncode == 0
    [added] = audit()[len(before) :]
    assert added["action"] == "config"
    assert added["rules"]
    assert added["changed"] == ["segments.lookers"]


def test_what_cannot_be_noted_is_not_told(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    note = shop / "state/audit.jsonl"
    note.rename(shop / "kept.jsonl")
    note.mkdir()
    try:
        capsys.readouterr()
        assert main(["state", "export", "bert", "--state", "state"]) == 1
        out, err = capsys.readouterr()
    finally:
        note.rmdir()
        (shop / "kept.jsonl").rename(note)
    assert out == ""
    assert "must be noted there" in err


def test_lines_are_only_added_and_the_same_is_not_added_twice(tmp_path: Path) -> None:
    one, other = Entry(1, "forget", "a"), Entry(2, "forget", "a")
    for entry in (one, one, other, other, one):
        append(tmp_path, entry)
    told = [json.loads(line)["time"] for line in (tmp_path / "audit.jsonl").open()]
    assert told == [1, 2, 1]
    assert (tmp_path / "audit.jsonl").stat().st_mode & 0o777 == 0o600


def test_whoever_asks_first_makes_the_key_and_all_have_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(make_key, [tmp_path] * 50))
    assert len(keys) == 1
    assert os.listdir(tmp_path) == ["privacy.key"]  # noqa: PTH208 (names are all that is wanted)
