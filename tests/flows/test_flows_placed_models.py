"""What models have learned is put into a state as a whole, wherever whoever does it is killed."""

from pathlib import Path

import pytest

from flows.placed_models import is_placed, place, place_rest
from state import faults
from state.folder import StateFolder

OLD = {"intent": b"old", "tree": b"old", "churn": b"old"}
NEW = {"intent": b"new", "tree": b"new"}
POINTS = [("before-placing", 1), ("while-placing", 1), ("while-placing", 2)]


class KilledError(Exception):
    """Stands for a kill."""


def kill_at(point: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    reached: list[str] = []

    def reach(name: str) -> None:
        reached.append(name)
        if reached.count(point) == count and name == point:
            raise KilledError

    monkeypatch.setattr(faults, "reach", reach)


def placed(folder: StateFolder) -> dict[str, bytes]:
    """Return what each model is to begin with; that of one with a version of its own is old."""
    of_models = {name: (folder.model(name) / "version").read_bytes() for name in folder.models()}
    of_files = {name: folder.imported(name).read_bytes() for name in OLD if waits(folder, name)}
    assert not of_models.keys() & of_files.keys()
    return {**of_models, **of_files}


def waits(folder: StateFolder, name: str) -> bool:
    return folder.imported(name).exists()


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    folder = StateFolder(tmp_path)
    for name, data in OLD.items():
        folder.model(name).mkdir()
        (folder.model(name) / "version").write_bytes(data)
    return folder


def test_models_take_the_place_of_those_of_the_same_name(folder: StateFolder) -> None:
    place(folder, NEW)
    assert placed(folder) == {**OLD, **NEW}
    place(folder, {"tree": b"newer"})
    assert placed(folder) == {**OLD, **NEW, "tree": b"newer"}
    assert not folder.placing.exists()
    assert [is_placed(folder, name) for name in ("intent", "churn", "other")] == [True, True, False]


@pytest.mark.parametrize(("point", "count"), POINTS)
def test_after_a_kill_all_are_there_or_none(
    point: str, count: int, folder: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        kill_at(point, count, patch)
        with pytest.raises(KilledError):
            place(folder, NEW)
    wanted = OLD if point == "before-placing" else {**OLD, **NEW}
    with monkeypatch.context() as patch:  # and once more, by whoever goes on with it
        kill_at("while-placing", 2, patch)
        if wanted is OLD:
            place_rest(folder)
        else:
            with pytest.raises(KilledError):
                place_rest(folder)
    place_rest(folder)
    assert placed(folder) == wanted
    assert not folder.placing.exists()


def test_what_was_begun_is_not_lost_when_others_are_put_in(
    folder: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        kill_at("while-placing", 1, patch)
        with pytest.raises(KilledError):
            place(folder, NEW)
    place(folder, {"churn": b"new"})
    assert placed(folder) == {**NEW, "churn": b"new"}


def test_who_is_killed_while_the_file_is_written_leaves_what_is_no_part_of_a_state(
    tmp_path: Path,
) -> None:
    folder = StateFolder(tmp_path)
    folder.placing.with_name("models.new.new").write_bytes(b"half")
    place_rest(folder)
    assert not is_placed(folder, "intent")
    with folder.lock():  # no foreign file keeps a state from being made
        place(folder, NEW)
        folder.create(name="shop", shards=1, readers=1, now_ms=0)
    assert [waits(folder, name) for name in OLD] == [True, True, False]
