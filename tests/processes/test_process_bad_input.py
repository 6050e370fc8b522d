"""Lines that are no events, through the whole command: each is one dead letter, none stops it."""

import base64
import gzip
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from replaying import Replay, Running, outputs

KEPT_BYTES = 64 * 1024
LONG = 20 * 1024 * 1024


def event(second: int, **fields: Any) -> bytes:
    """Make an event of one customer, some seconds after ten o'clock."""
    whole = {
        "type": "track",
        "event": "Product Viewed",
        "messageId": f"m{second}-{len(fields)}",
        "userId": "u1",
        "timestamp": f"2026-01-01T10:{second // 60:02d}:{second % 60:02d}.000Z",
        **fields,
    }
    return json.dumps({name: value for name, value in whole.items() if value is not None}).encode()


NESTED = b'{"userId":"u1","timestamp":"2026-01-01T10:00:30Z","x":' + b"[" * 100_000 + b"]" * 100_000
TOO_LONG = event(30, padding="x" * LONG)
REVENUE = {"event": "Order Completed", "properties": {"revenue": "12.50"}}
CART = {"event": "Product Added", "properties": {"cart_id": ["c1"]}}

BAD: dict[bytes, tuple[str, str, str | None]] = {
    b'{"type":"track","event":': ("route", "not JSON: ", None),
    b'{"userId":"u1"} {"userId":"u2"}': ("route", "not JSON: ", None),
    b'["userId","u1"]': ("route", "not a JSON object", None),
    b'{"userId":"u\xff","timestamp":"2026-01-01T10:00:00Z"}': (
        "route",
        "the line is not UTF-8",
        None,
    ),
    b"": ("route", "the line is blank", None),
    b" \t ": ("route", "the line is blank", None),
    NESTED + b"}": ("route", "nested too deeply", None),
    TOO_LONG: ("read", "the line is longer than 1048576 bytes", None),
    event(31, userId=None): ("route", "no customer: ", "userId"),
    event(32, userId="", anonymousId=""): ("route", "no customer: ", "userId"),
    event(33, userId=17): ("route", "expected a string, got a number", "userId"),
    event(34, timestamp=None): ("route", "missing", "timestamp"),
    event(35, timestamp="yesterday"): ("route", "not an RFC 3339 time", "timestamp"),
    event(36, timestamp=1767261600): (
        "route",
        "expected an RFC 3339 time, got a number",
        "timestamp",
    ),
    event(37, timestamp="2026-02-01T01:00:00.001Z"): (
        "route",
        "too far in the future",
        "timestamp",
    ),
    event(38, timestamp="2999-12-31T23:59:59Z"): ("route", "too far in the future", "timestamp"),
    event(39, **REVENUE): ("profile", "Expected `float", "properties.revenue"),
    event(40, **CART): ("profile", "Expected ", "properties.cart_id"),
    event(41, event=None): ("profile", "expected a string of 1 to", "event"),
}
LATE = b'{ "timestamp" : "2026-01-01T11:30:00+02:00", "userId":"\\u00fc", "type" : "page" }'
GOOD = [event(second) for second in range(30)]
LAST = [event(second) for second in (60, 61, 62)]


@dataclass
class Input:
    file: Path
    data: bytes
    lines: list[bytes]


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Input:
    """Good events, everything bad, a duplicate, a late event, more good events."""
    lines = [*GOOD, *BAD, GOOD[-1], LATE, *LAST]
    data = b"\n".join(lines) + b"\n"
    file = tmp_path_factory.mktemp("bad") / "events.jsonl"
    file.write_bytes(data)
    return Input(file, data, lines)


@pytest.fixture(scope="module")
def run(bad: Input, tmp_path_factory: pytest.TempPathFactory) -> Replay:
    replay = Replay(tmp_path_factory.mktemp("run"), [bad.file], ["--close"])
    assert replay.done().stderr == ""
    return replay


def letters(replay: Replay) -> list[dict[str, Any]]:
    return [json.loads(line) for line in outputs(replay.out)["dead-letters.jsonl"].splitlines()]


def test_each_bad_line_is_one_dead_letter_with_its_place_and_reason(
    bad: Input, run: Replay
) -> None:
    found = {letter["line"]: letter for letter in letters(run)}
    assert len(found) == len(letters(run)) == len(BAD)
    for line, (original, (stage, reason, field)) in enumerate(BAD.items(), start=len(GOOD) + 1):
        letter = found[line]
        assert letter["file"] == str(bad.file)
        assert bad.data[letter["offset"] :].startswith(original + b"\n")
        assert letter["stage"] == stage, letter
        assert letter["reason"].startswith(reason.replace("`", "")), letter
        assert letter["field"] == field, letter
        kept = original if len(original) <= 1 << 20 else original[:KEPT_BYTES]
        if b"\xff" in original:
            assert base64.b64decode(letter["original_base64"]) == kept
            assert "original" not in letter
        else:
            assert letter["original"].encode() == kept


def test_an_overlong_line_keeps_its_beginning_its_length_and_its_hash(run: Replay) -> None:
    (letter,) = (letter for letter in letters(run) if "length" in letter)
    assert letter["length"] == len(TOO_LONG)
    assert letter["sha256"] == hashlib.sha256(TOO_LONG).hexdigest()
    assert letter["original"].encode() == TOO_LONG[:KEPT_BYTES]


def test_every_line_is_accounted_for(bad: Input, run: Replay) -> None:
    counts = json.loads((run.out / "summary.json").read_bytes())
    assert counts["read"] == len(bad.lines)
    assert counts["dead_letters"] == len(BAD)
    assert counts["duplicates"] == 1
    assert counts["late"] == 1
    assert counts["applied"] == len(GOOD) + len(LAST)


def test_a_late_line_is_kept_as_it_came(run: Replay) -> None:
    assert outputs(run.out)["late.jsonl"] == LATE + b"\n"


def test_a_timestamp_far_in_the_future_does_not_move_the_watermark(run: Replay) -> None:
    """Had it been believed, every later event would be late and the session would be in two."""
    (session,) = map(json.loads, outputs(run.out)["sessions.jsonl"].splitlines())
    assert session["data"]["events"] == len(GOOD) + len(LAST)
    assert session["time"] == "2026-01-01T10:31:02.000Z"


def test_bad_input_gives_the_same_bytes_in_three_processes_and_any_ticks(
    bad: Input, run: Replay, tmp_path: Path
) -> None:
    options = ["--close", "--workers", "3", "--tick", "7"]
    replay = Replay(tmp_path, [bad.file], options)
    replay.done()
    assert sorted(outputs(replay.out)) == sorted(outputs(run.out))
    for name, data in outputs(run.out).items():
        assert sorted(outputs(replay.out)[name].splitlines()) == sorted(data.splitlines())


def test_a_line_of_200_mb_needs_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    peaks = []
    for length in (200, 200_000_000):
        file = tmp_path / f"{length}.jsonl.gz"
        with gzip.open(file, "wb", compresslevel=1) as packed:
            packed.write(b"\n".join(GOOD) + b"\n")
            for _ in range(length // 200):
                packed.write(b"x" * 200)
            packed.write(b"\n" + b"\n".join(LAST) + b"\n")
        replay = Replay(tmp_path / str(length), [file], ["--close"])
        with replay.started() as running:
            peaks.append(peak_memory(running))
        (letter,) = letters(replay)
        assert letter.get("length", length) == length
    assert peaks[0] > 10 << 20
    assert peaks[1] < peaks[0] + (30 << 20), peaks


def peak_memory(running: Running) -> int:
    """Wait for the end of a run; return the most bytes that one of its workers had in memory."""
    most = 0

    def look() -> bool:
        nonlocal most
        for worker in running.workers():
            try:
                status = Path(f"/proc/{worker}/status").read_text()
            except OSError:
                continue
            for line in status.splitlines():
                if line.startswith("VmHWM:"):
                    most = max(most, int(line.split()[1]) << 10)
        return False

    running.wait_until(look)
    assert running.wait().exit_code == 0
    return most
