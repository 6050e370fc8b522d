"""Simulated events, and the run over them that nobody disturbs, made once."""

from pathlib import Path

import pytest

from replaying import Replay, simulate


@pytest.fixture(scope="session")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(tmp_path_factory.mktemp("events") / "events.jsonl", events=30_000)


@pytest.fixture(scope="session")
def untouched(events: Path, tmp_path_factory: pytest.TempPathFactory) -> Replay:
    """A replay in one process from the beginning to the end."""
    replay = Replay(tmp_path_factory.mktemp("untouched"), [events])
    ended = replay.done()
    assert ended.stderr == ""
    return replay
