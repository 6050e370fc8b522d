"""The state folder: made once, recognised, held by one process at a time."""

import fcntl
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from state.errors import StateError
from state.folder import FORMAT, Identity, Run, StateFolder, take_lock, write_json
from state.versions import NO_VERSION, Version


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    path = tmp_path / "state"
    path.mkdir()
    return StateFolder(path)


def create(folder: StateFolder) -> Identity:
    return folder.create(name="shop", shards=12, readers=1, now_ms=1000)


def test_a_new_state_is_recognised_by_what_it_was_made_for(folder: StateFolder) -> None:
    assert not folder.exists()
    identity = create(folder)
    assert folder.exists()
    assert folder.identity() == identity
    assert (identity.name, identity.shards, identity.readers, identity.now_ms) == (
        "shop",
        12,
        1,
        1000,
    )


def test_two_states_have_different_ids(tmp_path: Path) -> None:
    ids = set()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        ids.add(create(StateFolder(tmp_path / name)).id)
    assert len(ids) == 2


def test_a_folder_with_other_files_is_refused_and_left_alone(folder: StateFolder) -> None:
    (folder.path / "photo.jpg").write_bytes(b"mine")
    with pytest.raises(StateError, match=r"is no state and not empty \(it holds photo.jpg\)"):
        create(folder)
    assert [path.name for path in folder.path.iterdir()] == ["photo.jpg"]


def test_a_creation_that_was_interrupted_may_be_repeated(folder: StateFolder) -> None:
    with folder.lock():
        (folder.path / "state.json.new").write_bytes(b"half")
        assert create(folder) == folder.identity()


def test_a_missing_state_is_refused(folder: StateFolder) -> None:
    with pytest.raises(StateError, match=r"holds no state \(state.json is missing\)"):
        folder.identity()


def test_a_state_of_another_format_is_refused(folder: StateFolder) -> None:
    identity = create(folder)
    write_json(folder.path / "state.json", msgspec.structs.replace(identity, format=FORMAT + 1))
    with pytest.raises(StateError, match=f"has format {FORMAT + 1}, .* reads format {FORMAT}"):
        folder.identity()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format":1}', b"\xff\xfe"])
def test_a_damaged_state_file_is_refused(folder: StateFolder, content: bytes) -> None:
    (folder.path / "state.json").write_bytes(content)
    with pytest.raises(StateError, match=r"state.json cannot be read"):
        folder.identity()


def test_a_state_that_another_process_holds_is_refused_and_free_once_it_dies(
    folder: StateFolder,
) -> None:
    holds = (
        "import sys; from pathlib import Path; from state.folder import StateFolder;"
        "lock = StateFolder(Path(sys.argv[1])).lock(); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holds, str(folder.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(StateError, match="in use by another process; wait for it, or stop it"):
            folder.lock()
        other.kill()
        other.wait()
        folder.lock().close()


def test_workers_share_their_lock_and_keep_the_supervisor_out(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first, second = take_lock(path, fcntl.LOCK_SH, "x"), take_lock(path, fcntl.LOCK_SH, "x")
    first.close()
    with second, pytest.raises(StateError, match="a worker runs; wait for it"):
        take_lock(path, fcntl.LOCK_EX, "a worker runs")
    with take_lock(path, fcntl.LOCK_EX, "x"), pytest.raises(StateError, match="being prepared"):
        take_lock(path, fcntl.LOCK_SH, "being prepared")


def test_a_worker_may_not_start_while_the_state_is_prepared(folder: StateFolder) -> None:
    with folder.lock_workers(), pytest.raises(StateError, match="is being prepared"):
        folder.join_workers()
    with folder.join_workers(), folder.join_workers():
        pass
    folder.lock_workers().close()


def test_where_a_run_starts_is_read_as_it_was_written(folder: StateFolder) -> None:
    run = Run(
        id="5f0c9a12",
        versions=[NO_VERSION, Version("v000001-aa")],
        profile=[b"", b"\x00\xff"],
        decide=[b"", b"d"],
        readers=[b"r"],
        sink=b"s",
        job=msgspec.Raw(b'{"any":"thing"}'),
    )
    folder.write_run(run)
    assert folder.read_run() == run
    assert [path.name for path in folder.path.iterdir()] == ["run.json"]


def test_the_hundredth_shard_has_a_folder_of_its_own(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path)
    assert folder.shard(7).name == "shard-07"
    assert len({folder.shard(number) for number in range(240)}) == 240
