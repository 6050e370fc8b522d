"""Whom events name stays with them, wherever they are read from: files, followed files, records."""

import json
from pathlib import Path

import numpy as np
import pytest

from connectors.followed import Followed, FollowedFiles
from connectors.kafka.client_interface import Records
from connectors.kafka.record_lines import RecordLines
from connectors.replay import Replay
from operators.heads import LINE_BYTES, LineReader
from operators.identity_plan import CustomerPath, IdentityPlan, Naming
from operators.lines import Lines, join
from operators.route import Route, RouteState

PLAN = IdentityPlan((CustomerPath(("userId",)),), frozenset({"null"}), 200, 1)
READER = LineReader(0, 1 << 50, PLAN)
MAPPING = """
format: jsonl
customer: user
time: {column: at, format: epoch_s}
event: {column: what, names: {view: Product Viewed}}
"""


def event(second: int, *, kind: str = "track", **ids: str) -> bytes:
    time = f"2026-01-01T00:00:{second:02d}Z"
    return json.dumps({"timestamp": time, "type": kind, **ids}).encode()


ANONYMOUS = event(1, anonymousId="a1")
LINKING = event(3, kind="identify", userId="u", anonymousId="a1")
CUSTOMER = event(4, userId="u", anonymousId="a1")
BLOCKED = event(2, userId="null", anonymousId="a2")
TOO_LONG = b"x" * (LINE_BYTES + 600_000)
EXPECTED = [
    (Naming.ANONYMOUS, "a1", "a1"),
    (Naming.ANONYMOUS, "a2", "a2"),
    (Naming.LINKING, "u", "a1"),
    (Naming.CUSTOMER, "u", ""),
]


def told(lines: Lines) -> list[tuple[Naming, str, str]]:
    """Say whom the lines name that were not rejected."""
    assert lines.names is not None
    columns = zip(lines.names.naming, lines.customers, lines.names.anonymous, strict=True)
    return [
        (Naming(naming), customer, anonymous)
        for index, (naming, customer, anonymous) in enumerate(columns)
        if index not in lines.rejected
    ]


@pytest.mark.parametrize("count", [1, 2, 100])
def test_files_are_merged_with_whom_their_lines_name(tmp_path: Path, count: int) -> None:
    (tmp_path / "one.jsonl").write_bytes(b"\n".join([ANONYMOUS, TOO_LONG, LINKING]) + b"\n")
    (tmp_path / "two.jsonl").write_bytes(b"\n".join([BLOCKED, b"{}", CUSTOMER]) + b"\n")
    files = [str(tmp_path / name) for name in ("one.jsonl", "two.jsonl")]
    replay = Replay(files, READER, order="time")
    parts = []
    while not replay.ended:
        parts.append(replay.take(count))
    replay.close()
    lines = join(parts)
    assert len(lines.rejected) == 2
    assert told(lines) == EXPECTED


def test_a_line_that_is_too_long_may_stand_alone(tmp_path: Path) -> None:
    (tmp_path / "one.jsonl").write_bytes(TOO_LONG + b"\n")
    replay = Replay([str(tmp_path / "one.jsonl")], READER, order="time")
    ticks = Route(0, shards=2, disorder_ms=0, state=RouteState()).split(replay.take(5), ("one",))
    replay.close()
    assert [len(tick.customers) for tick in ticks] == [0, 0]
    assert ticks[0].counts["dead_letters"] == 1


def test_followed_files_say_whom_their_lines_name(tmp_path: Path) -> None:
    (tmp_path / "one.jsonl").write_bytes(b"\n".join([ANONYMOUS, BLOCKED, LINKING]) + b"\n")
    (tmp_path / "two.jsonl").write_bytes(CUSTOMER + b"\n")
    source = Followed(FollowedFiles([str(tmp_path)]), READER, None, idle_ms=None)
    parts = [source.take(2), source.take(2), source.take(2)]
    source.close()
    assert told(join(parts)) == EXPECTED


def records(values: list[bytes | None], keys: list[bytes | None]) -> Records:
    count = len(values)
    return Records(3, list(range(count)), [0] * count, keys, values, [()] * count)


def test_records_keep_the_keys_that_they_came_with() -> None:
    values: list[bytes | None] = [ANONYMOUS, BLOCKED, None, LINKING, CUSTOMER]
    keys: list[bytes | None] = [b"a1", b"null", b"x", b"a1", b"u"]
    lines = join(RecordLines().read(records(values, keys), np.full(5, 1 << 50), READER))
    assert told(lines) == EXPECTED
    [tick] = Route(0, shards=1, disorder_ms=0, state=RouteState()).split(lines, ("t",) * 4)
    tick.customers = ["u"] * 4  # as linked by now
    assert [tick.original(index).key for index in range(4)] == [b"a1", b"null", b"a1", b"u"]
    assert sorted(tick.envelopes) == [1, 2], "where the key is whom the event names it is kept once"


def test_records_that_a_mapping_makes_events_of_name_customers() -> None:
    values: list[bytes | None] = [
        b'{"user":"u","at":1,"what":"view"}',
        b'{"user":"null","at":2,"what":"view"}',
        b"no row",
    ]
    read = RecordLines(MAPPING).read(records(values, [None] * 3), np.full(3, 1 << 50), READER)
    lines = join(read)
    assert told(lines) == [(Naming.CUSTOMER, "u", "")]
    assert lines.rejected[1].reason == (
        "no customer: userId and anonymousId are missing, empty or blocked"
    )
