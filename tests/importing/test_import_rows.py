"""Rows that cannot be read: counted, told, never dropped in silence."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
"""Runs one import and gives its outcome: exit_code, stderr and events."""

GOOD = "u1,1569888000,view,p1,9.90\n"
HEADER = "who,when,what,item,price\n"


@pytest.fixture
def import_shop(run_import: Run, shop_mapping: Path, tmp_path: Path) -> Run:
    def run(log: str | bytes, *words: object) -> object:
        path = tmp_path / "log.csv"
        path.write_bytes(log if isinstance(log, bytes) else log.encode())
        return run_import("csv", path, "--mapping", shop_mapping, *words)

    return run


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("u1,1569888000,view\n", "found 3 columns, expected 5"),
        ("u1,1569888000,view,p1,9.90,more\n", "found 6 columns, expected 5"),
        (",1569888000,view,p1,9.90\n", "who: missing or empty"),
        ("u1,,view,p1,9.90\n", "when: missing or empty"),
        (
            "u1,yesterday,view,p1,9.90\n",
            "when: found a text of 9 characters, expected a time as epoch_s",
        ),
        ("u1,1569888000000,view,p1,9.90\n", "is it in another unit?"),
        (
            "u1,1569888000,look,p1,9.90\n",
            "what: found a text of 4 characters, expected one of view, buy",
        ),
        ("u1,1569888000,view,p1,nan\n", "price: found a text of 3 characters, expected a number"),
        (
            "u1,1569888000,view,p1,1e999\n",
            "price: found a text of 5 characters, which is too large",
        ),
        (b"u1,1569888000,view,p\xff,9.90\n", "not UTF-8"),
        ('u1,1569888000,view,"p"1,9.90\n', "expected after"),
    ],
)
def test_a_row_that_cannot_be_read_is_told_with_its_place_and_reason(
    import_shop: Run, row: str | bytes, reason: str
) -> None:
    log = (HEADER + GOOD).encode() + (row if isinstance(row, bytes) else row.encode())
    outcome = import_shop(log + GOOD.encode())
    assert outcome.exit_code == 0
    assert len(outcome.events) == 2
    assert "log.csv:3: " in outcome.stderr
    assert reason in outcome.stderr
    assert "1 of 3 rows REJECTED" in outcome.stderr


def test_all_rows_rejected_is_a_failure_and_leaves_no_output(
    import_shop: Run, tmp_path: Path
) -> None:
    outcome = import_shop(HEADER + "u1,never,view,p1,1\n")
    assert outcome.exit_code == 1
    assert "all 1 rows were rejected" in outcome.stderr
    assert not (tmp_path / "out.jsonl").exists()


def test_only_the_first_twenty_rejects_are_shown(import_shop: Run) -> None:
    outcome = import_shop(HEADER + GOOD + "u1,never,view,p1,1\n" * 30)
    assert outcome.stderr.count("expected a time") == 20
    assert "only counted; --rejects FILE keeps them all" in outcome.stderr
    assert "30 of 31 rows REJECTED" in outcome.stderr


def test_rejects_go_whole_to_a_file(import_shop: Run, tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.jsonl"
    bad = b"u1,never,view,p\xff,1\n"
    outcome = import_shop(
        (HEADER + GOOD + "u2,never,view,p1,1\r\n").encode() + bad, "--rejects", rejects
    )
    assert "expected a time" not in outcome.stderr
    first, second = map(json.loads, rejects.read_text().splitlines())
    assert first == {
        "file": str(tmp_path / "log.csv"),
        "line": 3,
        "reason": "when: found a text of 5 characters, expected a time as epoch_s",
        "original": "u2,never,view,p1,1",
    }
    assert base64.b64decode(second["original_base64"]) == bad.rstrip()
    assert second["reason"] == "not UTF-8"


def test_the_rejects_are_kept_where_every_row_was_rejected(
    import_shop: Run, tmp_path: Path
) -> None:
    rejects = tmp_path / "rejects.jsonl"
    assert import_shop(HEADER + "u1,never,view,p1,1\n", "--rejects", rejects).exit_code == 1
    assert len(rejects.read_text().splitlines()) == 1


def test_a_quote_that_is_never_closed_costs_only_its_own_line(import_shop: Run) -> None:
    outcome = import_shop(HEADER + 'u1,1569888000,view,"p1,9.90\n' + GOOD * 3)
    assert len(outcome.events) == 3
    assert "log.csv:2: " in outcome.stderr
    assert "1 of 4 rows REJECTED" in outcome.stderr


def test_line_numbers_are_right_after_a_cell_with_line_breaks(import_shop: Run) -> None:
    outcome = import_shop(HEADER + 'u1,1569888000,view,"p\n\n1",2\n' + "u1,never,view,p,1\n")
    assert outcome.events[0]["properties"]["product_id"] == "p\n\n1"
    assert "log.csv:5: when" in outcome.stderr


def test_blank_lines_and_a_byte_order_mark_are_no_rows(import_shop: Run) -> None:
    outcome = import_shop("\ufeff" + HEADER + "\n" + GOOD + "\r\n\n")
    assert len(outcome.events) == 1
    assert "REJECTED" not in outcome.stderr


def test_a_log_without_rows_gives_no_events(import_shop: Run, tmp_path: Path) -> None:
    assert import_shop(HEADER).exit_code == 0
    assert (tmp_path / "out.jsonl").read_bytes() == b""


@pytest.mark.parametrize(
    ("others", "names", "said"),
    [
        ("reject", ["Product Viewed"], "1 of 2 rows REJECTED"),
        ("keep", ["Product Viewed", "swipe"], "2 events"),
        ("skip", ["Product Viewed"], "1 rows skipped, as the mapping says"),
    ],
)
def test_the_mapping_says_what_happens_to_other_event_values(
    run_import: Run,
    write_mapping: Callable[[str], Path],
    others: str,
    names: list[str],
    said: str,
) -> None:
    mapping = write_mapping(
        "{format: tsv, header: false, columns: [who, when, what], customer: who,"
        " time: {column: when, format: epoch_s},"
        f" event: {{column: what, names: {{view: Product Viewed}}, others: {others}}}}}"
    )
    outcome = run_import("csv", "-", "--mapping", mapping, stdin=b"u1\t0\tview\nu1\t1\tswipe\n")
    assert [event["event"] for event in outcome.events] == names
    assert said in outcome.stderr


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"[1]", "found a list, expected a JSON object"),
        (b'{"session":0', "not JSON"),
        (b'{"session":"\xff","events":[]}', "not UTF-8"),
        (b'{"session":0,"events":7}', "events: found a number, expected a list of events"),
        (b'{"session":0}', "events: found nothing, expected a list of events"),
        (b'{"session":0,"events":[3]}', "events.type: missing or empty"),
        (b'{"session":0,"events":[{"type":["clicks"]}]}', "events.type: found a list"),
        (
            b'{"session":true,"events":[{"type":"clicks","ts":1,"aid":1}]}',
            "session: found true or false",
        ),
        (b'{"session":0,"events":[{"type":"clicks","ts":[],"aid":1}]}', "events.ts: found a list"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_json_lines_that_cannot_be_read_are_told(
    run_import: Run, tmp_path: Path, line: bytes, reason: str
) -> None:
    log = tmp_path / "otto.jsonl"
    good = b'{"session":0,"events":[{"aid":1,"ts":1659370027105,"type":"clicks"}]}'
    log.write_bytes(good + b"\n" + line + b"\n" + good)
    outcome = run_import("otto", log)
    assert outcome.exit_code == 0
    assert len(outcome.events) == 2
    assert f"otto.jsonl:2: {reason}" in outcome.stderr


def test_a_bad_item_costs_only_itself_and_is_kept_alone(run_import: Run, tmp_path: Path) -> None:
    log, rejects = tmp_path / "otto.jsonl", tmp_path / "rejects.jsonl"
    log.write_text(
        '{"session":0,"events":[{"aid":1,"ts":1,"type":"clicks"},{"aid":2,"ts":1,"type":"?"}]}\n'
    )
    assert len(run_import("otto", log, "--rejects", rejects).events) == 1
    assert json.loads(rejects.read_text())["original"] == (
        '{"session":0,"events":{"aid":2,"ts":1,"type":"?"}}'
    )
