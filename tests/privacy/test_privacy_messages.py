"""No message, log line or traceback shows what an event or a file of customers holds."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest

from cartwheel.app import main
from connectors.dead_letters import headers, render
from connectors.kafka.client_interface import Records
from connectors.kafka.record_lines import RecordLines
from flows.privacy import minimizer
from flows.tracebacks import told
from operators.heads import LineReader
from operators.lines import Lines, join
from operators.outputs import DeadLetter
from operators.privacy_plan import PrivacyPlan
from operators.rejections import Partition
from operators.route import Route, RouteState
from privacy_shop import BAD, GOOD, MARKER, event, found, write_shop
from replaying import DEADLINE_S, NOW, PROJECT

FAILING = """
import sys
if "flows.worker" in sys.orig_argv:
    from operators.profile import ProfileStep
    from operators.route import Route
    def fail(step, part, *more, **others):
        raise KeyError(getattr(part, "customers", part))
    ProfileStep._take = fail
"""
MAPPING = """
format: jsonl
customer: user
time: {column: at, format: epoch_ms}
event: {column: kind, names: {view: Product Viewed}, others: reject}
properties: {revenue: {column: total, type: number}}
"""


def in_a_process(*words: str, path: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "cartwheel", *words],
        env={**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{PROJECT}"},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def test_a_live_run_over_bad_events_says_nothing_of_them(tmp_path: Path) -> None:
    """Standard error, the log's lines, metrics and health, without privacy in the config."""
    live = "source: {files: in, follow: true}\nsinks: {files: out}\nhttp: {port: 0}\n"
    folder = write_shop(tmp_path / "shop", [], privacy=f"{live}epoch: {{every: 300ms}}\n")
    (folder / "in").mkdir()
    (folder / "in/1.jsonl").write_bytes(b"".join(line + b"\n" for line in [*GOOD, *BAD * 20]))
    process = subprocess.Popen(
        [sys.executable, "-m", "cartwheel", "run", "shop.yaml", "--state", "state", "--now", NOW],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr
        lines = [process.stderr.readline()]
        address = json.loads(lines[0])["http"]
        deadline = time.monotonic() + DEADLINE_S
        while "cartwheel_dead_letters_total 2" not in (metrics := read(f"{address}/metrics")):
            assert time.monotonic() < deadline, metrics
            time.sleep(0.05)
        pages = metrics + read(f"{address}/ready")
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=DEADLINE_S)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, rest
    said = "".join(lines) + rest + pages
    assert '"dead_letters":' in said
    assert MARKER not in said
    assert found(folder / "out", MARKER.encode()), "the events are where they belong"
    for letter in (folder / "out/dead-letters.jsonl").read_bytes().splitlines():
        fields = json.loads(letter)
        del fields["original" if "original" in fields else "original_base64"]
        assert MARKER not in json.dumps(fields)


def read(address: str) -> str:
    with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310 (our own)
        return str(answer.read().decode())


def test_the_traceback_of_a_worker_says_nothing_of_events(tmp_path: Path) -> None:
    folder = write_shop(tmp_path / "shop", GOOD, privacy="")
    (tmp_path / "sitecustomize.py").write_text(FAILING)
    with chdir(folder):
        words = ["replay", "shop.yaml", "--events", "events.jsonl", "--out", "out", "--now", NOW]
        ended = in_a_process(*words, "--shards", "1", path=str(tmp_path))
    assert ended.returncode == 1
    assert "builtins.KeyError" in ended.stderr
    assert "in fail" in ended.stderr
    assert MARKER not in ended.stderr


def test_a_traceback_tells_of_all_errors_that_led_to_it_and_of_none_what_it_says() -> None:
    try:
        try:
            {}[f"{MARKER}-1"]
        except KeyError as error:
            raise LookupError(MARKER) from error
    except LookupError as error:
        text = told(error)
    lines = text.splitlines()
    assert lines[lines.index("") - 1] == "builtins.KeyError"
    assert lines[-1] == "builtins.LookupError"
    assert "test_privacy_messages.py" in text
    assert "qxzzy" not in text


RECORDS = [
    {"user": MARKER, "at": MARKER, "kind": "view"},
    {"user": MARKER, "at": 1, "kind": MARKER},
    {"user": {MARKER: 1}, "at": 1, "kind": "view"},
    {"user": MARKER, "at": 1, "kind": "view", "total": MARKER},
    [MARKER],
]


def read_records(
    values: list[bytes], *, mapping: str = "", plan: PrivacyPlan | None = None
) -> Lines:
    count = len(values)
    hides = minimizer(plan, bytes(32)) if plan else None
    key, header = MARKER.encode(), (("h", MARKER.encode()),)
    columns = list(range(count)), [1] * count, [key] * count, values, [header] * count
    records = Records(3, *columns)
    reader = LineReader(3_600_000, 1 << 50, minimizer=hides)
    return join(RecordLines(mapping).read(records, np.ones(count, np.int64), reader))


def letters_of(lines: Lines) -> list[DeadLetter]:
    origins = tuple(Partition("events", number) for number in range(4))
    [tick] = Route(0, shards=1, disorder_ms=0, state=RouteState()).split(lines, origins)
    found = tick.outputs.kinds.get("dead-letters", [])
    return [each for each in found if isinstance(each, DeadLetter)]


def test_why_a_record_cannot_be_mapped_is_said_without_its_values() -> None:
    lines = read_records([json.dumps(each).encode() for each in RECORDS], mapping=MAPPING)
    letters = letters_of(lines)
    assert len(letters) == len(RECORDS)
    for each in letters:
        assert each.original.value
        told = [value or b"" for name, value in headers(each) if name != "h"]
        assert MARKER.encode() not in each.rejection.reason.encode() + b"".join(told)


def test_of_a_record_neither_key_nor_headers_nor_what_is_hidden_is_kept() -> None:
    """Of good ones and bad ones, with a mapping and without."""
    plan = PrivacyPlan(
        drop=(("traits", "*"), ("context",)),
        hash=(("userId",), ("properties", "email"), ("properties", "items")),
        mask=(("properties", "comment"),),
    )
    values = [value for value in [*GOOD[:5], *BAD] if len(value) < 1 << 20]
    values += [event(3).replace(b", ", b",\n"), b"\0\0\0\0\x07" + MARKER.encode()]
    lines = read_records(values, plan=plan)
    mapped = [json.dumps(each).encode() for each in RECORDS]
    good = json.dumps({"user": MARKER, "at": 1, "kind": "view", "total": 3}).encode()
    also = read_records([*mapped, good], mapping=MAPPING, plan=plan)
    for some in (lines, also):
        assert MARKER.encode() not in b"".join(some.raw)
        assert MARKER not in "".join(some.customers)
        for each in letters_of(some):
            original = each.original
            kept = [original.value or b"", original.key or b"", render(each)]
            assert MARKER.encode() not in b"".join([*kept, *(v or b"" for _, v in headers(each))])
    assert len(letters_of(lines)) >= 10
    assert len(letters_of(also)) == len(RECORDS)
    [whole] = {each.rejection.length for each in letters_of(also)[:1]}
    assert whole == len(mapped[0])


def test_a_wrong_file_of_customers_or_log_is_told_without_its_values(tmp_path: Path) -> None:
    with (tmp_path / "people.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerows([["id", "age", "vip"], [MARKER, MARKER, "yes"], [f"{MARKER}2", "3", MARKER]])
        rows.writerows([[MARKER, "3", "no"], [MARKER, "3", "no"]])
    (tmp_path / "shop.yaml").write_text(
        "name: shop\nattributes: {file: people.csv, customer: id,"
        " columns: {age: number, vip: true_false}}"
    )
    (tmp_path / "map.yaml").write_text(MAPPING)
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(each) + "\n" for each in RECORDS))
    with chdir(tmp_path):
        checked = in_a_process("check", "shop.yaml")
        words = ["import", "csv", "log.jsonl", "--mapping", "map.yaml", "--out", "out.jsonl"]
        imported = in_a_process(*words)
    assert checked.returncode == 2
    assert "people.csv:2:1: age: found a text of 5 characters" in checked.stderr
    assert imported.returncode == 1, imported.stderr
    assert "found" in imported.stderr
    assert MARKER not in checked.stderr + checked.stdout + imported.stderr + imported.stdout


def test_the_list_of_dead_letters_says_nothing_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_shop(tmp_path / "shop", [*GOOD[:3], *BAD], privacy="sinks: {files: out}\n")
    with chdir(folder):
        words = ["replay", "shop.yaml", "--events", "events.jsonl", "--now", NOW]
        assert main(words) == 0
        assert main(["dead-letters", "shop.yaml"]) == 0
    assert MARKER not in "".join(capsys.readouterr())
