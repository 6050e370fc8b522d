"""The output files: the same bytes whatever order the parts come in, cut back on a resume."""

import random
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import FileProblem
from connectors.file_sink import FileSink
from connectors.rendering import Line
from connectors.tick_parts import RenderedPart, SinkState
from operators.ticks import TickName

KINDS = ("sessions", "late")
SHARDS = 3

LINES = st.lists(
    st.builds(
        lambda time, subject, text: Line(time, subject, f"{subject}-{text}", text),
        st.integers(0, 3),
        st.sampled_from(["a", "b"]),
        st.sampled_from([b"{}", b"x", "é".encode(), b""]),
    ),
    max_size=3,
)
TICKS = st.lists(
    st.lists(
        st.fixed_dictionaries({}, optional=dict.fromkeys(KINDS, LINES)), min_size=3, max_size=3
    ),
    max_size=6,
)
"""For each tick the lines of each of three shards, by kind."""

Tick = list[dict[str, list[Line]]]


def part(number: int, shard: int, lines: dict[str, list[Line]], reader: int = 0) -> RenderedPart:
    counts = Counter({"lines": sum(map(len, lines.values())), "parts": 1})
    return RenderedPart(TickName(reader, number), shard, lines, counts)


def interleaved(ticks: list[Tick], rng: random.Random) -> list[RenderedPart]:
    """Let each shard's parts come in order, but the shards at any speed."""
    queues = [
        [part(n, shard, tick[shard]) for n, tick in enumerate(ticks, 1)] for shard in range(3)
    ]
    order = [shard for shard in range(SHARDS) for _ in ticks]
    rng.shuffle(order)
    return [queues[shard].pop(0) for shard in order]


def expected_file(ticks: list[Tick], kind: str) -> bytes:
    lines = [sorted(line for shard in tick for line in shard.get(kind, [])) for tick in ticks]
    return b"".join(line.text + b"\n" for tick in lines for line in tick)


def open_sink(folder: Path, state: SinkState | None = None, readers: int = 1) -> FileSink:
    state = state or SinkState([0] * readers)
    return FileSink(folder, kinds=KINDS, shards=SHARDS, state=state)


def files(folder: Path) -> dict[str, bytes]:
    return {kind: (folder / f"{kind}.jsonl").read_bytes() for kind in KINDS}


def saved(sink: FileSink) -> SinkState:
    """Take a snapshot, through bytes as in production."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(sink.snapshot()), type=SinkState)


@settings(deadline=None, max_examples=100)
@given(TICKS, st.randoms(use_true_random=False))
def test_parts_in_any_order_of_shards_give_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, ticks: list[Tick], rng: random.Random
) -> None:
    folder = tmp_path_factory.mktemp("out")
    sink = open_sink(folder)
    for each in interleaved(ticks, rng):
        sink.write(each)
    state = sink.snapshot()
    sink.close()
    assert files(folder) == {kind: expected_file(ticks, kind) for kind in KINDS}
    assert state.lengths == {kind: len(content) for kind, content in files(folder).items()}
    assert state.counts.get("parts", 0) == SHARDS * len(ticks)
    assert state.ticks == [len(ticks)]


@settings(deadline=None, max_examples=60)
@given(TICKS, st.integers(0, 6), st.integers(0, 6), st.booleans())
def test_a_resume_cuts_the_files_back_and_writes_the_rest_again(
    tmp_path_factory: pytest.TempPathFactory,
    ticks: list[Tick],
    kept: int,
    lost: int,
    closed: bool,  # noqa: FBT001
) -> None:
    folder = tmp_path_factory.mktemp("out")
    parts = [part(n, shard, tick[shard]) for n, tick in enumerate(ticks, 1) for shard in range(3)]
    first = open_sink(folder)
    for each in parts[: kept * SHARDS]:
        first.write(each)
    state = saved(first)
    for each in parts[kept * SHARDS : (kept + lost) * SHARDS + 1]:
        first.write(each)
    if closed:
        first.close()
    else:
        for file in first._files.values():
            file.flush()
    second = open_sink(folder, state)
    for each in parts[kept * SHARDS :]:
        second.write(each)
    counts = second.snapshot().counts
    second.close()
    first.close()
    assert files(folder) == {kind: expected_file(ticks, kind) for kind in KINDS}
    assert counts.get("parts", 0) == SHARDS * len(ticks)


def test_a_tick_is_written_once_all_its_parts_are_there(tmp_path: Path) -> None:
    sink = open_sink(tmp_path)
    lines = {"late": [Line(1, "a", "", b"x")]}
    for shard in (2, 0):
        sink.write(part(1, shard, lines))
        with pytest.raises(AssertionError, match="between ticks"):
            sink.snapshot()
    sink.write(part(1, 1, lines))
    assert sink.snapshot().lengths == {"sessions": 0, "late": 6}
    sink.close()


def test_the_lines_of_a_tick_are_sorted_by_time_customer_and_id(tmp_path: Path) -> None:
    sink = open_sink(tmp_path)
    lines = [Line(2, "a", "x", b"4"), Line(1, "b", "x", b"3"), Line(1, "a", "y", b"2")]
    for shard, line in enumerate(lines):
        sink.write(part(1, shard, {"late": [line]}))
    for shard in range(SHARDS):
        sink.write(part(2, shard, {"late": [Line(0, "a", "x", b"5")] if not shard else []}))
    sink.close()
    assert files(tmp_path)["late"] == b"2\n3\n4\n5\n"


def test_ticks_of_several_readers_are_counted_apart(tmp_path: Path) -> None:
    sink = open_sink(tmp_path, readers=2)
    for reader, number in ((1, 1), (1, 2), (0, 1)):
        for shard in range(SHARDS):
            sink.write(part(number, shard, {}, reader))
    assert sink.snapshot().ticks == [1, 2]
    sink.close()


@pytest.mark.parametrize("number", [1, 3])
def test_a_tick_that_is_not_the_next_one_is_refused(tmp_path: Path, number: int) -> None:
    sink = open_sink(tmp_path)
    for shard in range(SHARDS):
        sink.write(part(1, shard, {}))
    for shard in range(SHARDS - 1):
        sink.write(part(number, shard, {}))
    with pytest.raises(AssertionError, match="expected tick 2"):
        sink.write(part(number, SHARDS - 1, {}))
    sink.close()


@pytest.mark.parametrize("remains", [b"12345", b"", None])
def test_a_file_that_is_shorter_than_it_was_is_refused_and_left_as_it_is(
    tmp_path: Path, remains: bytes | None
) -> None:
    path = tmp_path / "late.jsonl"
    if remains is not None:
        path.write_bytes(remains)
    with pytest.raises(
        FileProblem, match=r"late\.jsonl has \d bytes, but 6 were written .* put it back"
    ):
        open_sink(tmp_path, SinkState([1], {"late": 6, "sessions": 0}))
    assert (path.read_bytes() if path.exists() else None) == remains


def test_a_new_state_empties_the_files(tmp_path: Path) -> None:
    for kind in KINDS:
        (tmp_path / f"{kind}.jsonl").write_bytes(b"old\n")
    open_sink(tmp_path).close()
    assert files(tmp_path) == {"sessions": b"", "late": b""}


def test_a_folder_in_the_place_of_a_file_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "late.jsonl").mkdir()
    with pytest.raises(FileProblem, match=r"late\.jsonl: cannot be written: Is a directory"):
        open_sink(tmp_path)


def test_a_full_disk_is_one_message_and_says_that_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = open_sink(tmp_path)
    monkeypatch.setitem(sink._files, "late", Path("/dev/full").open("ab"))  # noqa: SIM115
    for shard in range(SHARDS):
        sink.write(part(1, shard, {"late": [Line(1, "a", "", b"x")]}))
    with pytest.raises(FileProblem, match=r"No space left on device; make room .* nothing is lost"):
        sink.snapshot()


def test_seconds_add_up_over_the_runs(tmp_path: Path) -> None:
    sink = open_sink(tmp_path, SinkState([0], seconds=100.0))
    assert 100.0 < sink.snapshot().seconds < 160.0
    once = sink.snapshot().seconds
    assert once <= sink.snapshot().seconds < once + 60.0
    sink.close()
