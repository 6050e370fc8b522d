"""The number of processes, of shards and of files, and compression, change nothing."""

import gzip
from pathlib import Path

import pytest
import zstandard

from replaying import Replay, assert_same, output_sets, outputs, summary


@pytest.mark.parametrize("workers", [2, 3])
def test_any_number_of_processes_gives_the_same_bytes(
    workers: int, events: Path, untouched: Replay, tmp_path: Path
) -> None:
    replay = Replay(tmp_path, [events], ["--workers", str(workers)])
    assert replay.done().summary == summary(untouched.out)
    assert_same(untouched, replay)
    assert outputs(untouched.out)["sessions.jsonl"].count(b"\n") == summary(untouched.out)["sessions"]
