"""Records that are no Segment events: a mapping turns them into some, and keeps what came."""

import json
from pathlib import Path

import numpy as np
import pytest

from cartwheel import jobs
from cartwheel.app import main
from cartwheel.errors import UsageError
from config import Config, load
from connectors.importing.errors import MappingError
from connectors.kafka.client_interface import Records
from connectors.kafka.plans import KafkaTopic
from connectors.kafka.record_lines import RecordLines
from operators.heads import LineReader
from operators.lines import Headers, Lines, join
from operators.outputs import DeadLetter, LateEvent, Original
from operators.rejections import Partition
from operators.route import Route, RouteState
from state.folder import StateFolder

NOW_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
MAPPING = """\
format: jsonl
customer: user.id
time: {column: at, format: epoch_ms}
event:
  column: kind
  names: {view: Product Viewed, buy: Order Completed}
  others: skip
properties: {revenue: {column: total, type: number}}
"""


def row(user: object = "u1", at: object = NOW_MS, kind: object = "view", **more: object) -> bytes:
    return json.dumps({"user": {"id": user}, "at": at, "kind": kind, **more}).encode()


def read(
    *values: bytes | None,
    keys: list[bytes | None] | None = None,
    headers: Headers = (),
    mapping: str = MAPPING,
) -> Lines:
    """Read records at offsets 10, 20, … of partition 3."""
    count = len(values)
    records = Records(
        3,
        [10 * number for number in range(1, count + 1)],
        [NOW_MS] * count,
        keys or [b"u1"] * count,
        list(values),
        [headers] * count,
    )
    now = np.full(count, NOW_MS, np.int64)
    return join(RecordLines(mapping).read(records, now, LineReader(3_600_000, NOW_MS)))


def originals(lines: Lines) -> list[Original]:
    return [Original.of(lines.raw[index], lines.envelopes[index]) for index in range(len(lines))]


def test_a_record_becomes_an_event_and_keeps_key_value_and_headers() -> None:
    value = row(7, kind="buy", total=12.5)
    lines = read(value, keys=[b"key"], headers=(("h", b"1"), ("h", None)))
    event = json.loads(lines.raw[0])
    assert event.pop("messageId")
    assert event == {
        "type": "track",
        "event": "Order Completed",
        "userId": "7",
        "timestamp": "2026-01-01T00:00:00.000Z",
        "properties": {"revenue": 12.5},
    }
    assert lines.customers == ["7"]
    assert lines.times.tolist() == [NOW_MS]
    assert lines.rejected == {}
    assert originals(lines) == [Original(b"key", value, (("h", b"1"), ("h", None)))]


def test_a_record_keeps_its_value_also_where_key_and_customer_are_the_same() -> None:
    value = row("u1")
    assert originals(read(value, keys=[b"u1"])) == [Original(b"u1", value, ())]


def test_records_that_the_mapping_skips_are_no_lines_and_the_others_keep_their_places() -> None:
    values = [row(kind="other"), row("a"), row(kind="other"), row(kind="other"), row("b")]
    lines = read(*values)
    assert lines.customers == ["a", "b"]
    assert lines.places.tolist() == [[3, 3], [0, 0], [20, 50]]
    assert [each.value for each in originals(lines)] == [values[1], values[4]]
    assert len(read(row(kind="other"))) == 0


def test_what_cannot_be_mapped_is_a_dead_letter_of_the_stage_map_beside_good_ones() -> None:
    values = [
        row("a"),
        b"{",
        row(kind="other"),
        row(at="soon"),
        b"\xff",
        b"[1]",
        b"\0\0\0\0\1x",
        b"",
        row("b"),
        b'{"a":' * 100_000,
        row(user=None),
        row(kind=None),
    ]
    lines = read(*values)
    kept = [value for value in values if b"other" not in value]
    assert [each.value for each in originals(lines)] == kept
    assert {index: (each.stage, each.reason) for index, each in lines.rejected.items()} == {
        1: ("map", "not JSON: Input data was truncated"),
        2: ("map", "at: found a text of 4 characters, expected a time as epoch_ms"),
        3: ("map", "not JSON: JSON is malformed: invalid character (byte 0)"),
        4: ("map", "found a list, expected a JSON object"),
        5: ("map", "not JSON: it begins with a byte 0, as what a schema registry frames does"),
        6: ("map", "not JSON: Input data was truncated"),
        8: ("map", "nested too deeply"),
        9: ("map", "user.id: missing or empty"),
        10: ("map", "kind: missing or empty"),
    }
    assert [lines.customers[index] for index in (0, 7)] == ["a", "b"]


def test_a_tombstone_and_a_time_too_far_ahead_are_told_as_without_a_mapping() -> None:
    lines = read(None, row(at=NOW_MS + 3_600_001))
    assert [(each.stage, each.reason) for each in lines.rejected.values()] == [
        ("route", "a tombstone: the record has no value"),
        ("route", "too far in the future"),
    ]
    assert originals(lines)[0] == Original(b"u1", None, ())


def test_the_same_record_has_the_same_message_id_and_another_another() -> None:
    ids = [json.loads(line)["messageId"] for line in read(row(), row(), row(more=1)).raw]
    assert ids[0] == ids[1] != ids[2]


def test_many_records_are_read_in_blocks_and_none_is_lost() -> None:
    values = [row(f"u{number}", kind="view" if number % 3 else "other") for number in range(9000)]
    values[4444] = b"none"
    lines = read(*values)
    expected = [number for number in range(9000) if number % 3]
    assert lines.places[2].tolist() == [10 * (number + 1) for number in expected]
    assert list(lines.rejected) == [expected.index(4444)]
    assert lines.customers[0] == "u1"
    assert lines.customers[-1] == "u8999"


def test_dead_letters_and_late_events_carry_the_record_as_it_came() -> None:
    late, bad = row(at=NOW_MS - 3_600_000), row(at="x")
    lines = read(row(at=NOW_MS), late, bad)
    route = Route(0, shards=1, disorder_ms=0, state=RouteState())
    [tick] = route.split(lines, tuple(Partition("rows", number) for number in range(4)))
    [letter] = tick.outputs.kinds["dead-letters"]
    assert isinstance(letter, DeadLetter)
    assert letter.place == (Partition("rows", 3), 0, 30)
    assert letter.original == Original(b"u1", bad, ())
    event = LateEvent(tick.times[1], tick.customers[1], tick.original(1))
    assert tick.times[1] < tick.late_below[1]
    assert event.original == Original(b"u1", late, ())
    assert tick.counts["read"] == 3
    assert tick.counts["dead_letters"] == 1


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("format: jsonl", "format: tsv"), ":1:9: format: found tsv, expected jsonl"),
        (("format: jsonl", "format: jsonl\neach: list"), ":2:1: each: found the key"),
        (
            ("customer: user.id", "custmer: user.id"),
            ':2:1: custmer: unknown key; did you mean "cus',
        ),
        (("at, format: epoch_ms", "at, format: epoc"), ":3:28: time.format: found "),
    ],
)
def test_a_wrong_mapping_is_told_with_its_line(
    tmp_path: Path, change: tuple[str, str], expected: str
) -> None:
    text = MAPPING.replace(*change)
    with pytest.raises(UsageError) as told:
        jobs.check(config_with(tmp_path, text))
    assert f"{tmp_path / 'map.yaml'}{expected}" in str(told.value)
    with pytest.raises(MappingError):
        RecordLines(text)


def test_a_mapping_that_is_not_there_stops_a_run_before_it_makes_a_state(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config_with(tmp_path, None)
    state = tmp_path / "state"
    assert main(["run", str(tmp_path / "live.yaml"), "--state", str(state)]) == 2
    assert "map.yaml:1:1: cannot be read: No such file" in capsys.readouterr().err
    assert not (state / "state.json").exists()


def test_the_text_of_the_mapping_goes_to_the_workers_with_the_job(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "state")
    folder.path.mkdir()
    identity = folder.create(name="live", shards=1, readers=1, now_ms=NOW_MS)
    job = jobs.live_job(config_with(tmp_path, MAPPING), identity, folder, workers=1)
    assert isinstance(job.source, KafkaTopic)
    assert job.source.mapping == MAPPING


def config_with(folder: Path, mapping: str | None) -> Config:
    if mapping is not None:
        (folder / "map.yaml").write_text(mapping)
    config = folder / "live.yaml"
    config.write_text(
        "name: live\nsource: {kafka: {brokers: 'localhost:1', topic: rows,"
        f" map: {folder / 'map.yaml'}}}}}\nsinks: {{files: {folder / 'out'}}}\n"
    )
    return load(config)
