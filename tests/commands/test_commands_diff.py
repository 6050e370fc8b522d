"""`cartwheel diff` as a command: what it says, what it refuses, and that nothing of it is left."""

import gzip
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cartwheel.app import main
from cartwheel.diff_result import Diff
from cartwheel.diff_text import print_diff
from replaying import DEADLINE_S, PROJECT, leftover, simulate

SHOP = PROJECT / "examples" / "shop"

CONFIG = """
name: shop
session: {gap: 10m}
features:
  views_1h: {count: Product Viewed, over: 1h}
segments:
  lookers: views_1h >= 2
  keen: views_1h >= 3
triggers:
  cart_abandoned: {on: Product Added, after: 30m, cancel: Order Completed, again: 24h}
  browse_abandoned: {on: Product Viewed, after: 20m, cancel: Product Added}
"""
CHANGED = (
    CONFIG.replace("30m", "1h")
    .replace("lookers: views_1h >= 2", "lookers: views_1h >= 4")
    .replace("  browse_abandoned:", "  looked_twice:")
    .replace("  keen: views_1h >= 3\n", "")
)


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made; empty before and, if the command cleans up, after."""
    room = tmp_path / "room"
    room.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(room))
    return room


def write(folder: Path, old: str = CONFIG, new: str = CHANGED) -> list[str]:
    (folder / "old.yaml").write_text(old)
    (folder / "new.yaml").write_text(new)
    return ["diff", str(folder / "old.yaml"), str(folder / "new.yaml"), "--events"]


def replay(config: str, events: Sequence[str], out: Path) -> dict[str, list[Any]]:
    """Replay; give the records by file."""
    assert main(["replay", config, "--events", *events, "--out", str(out), "--json"]) == 0
    return {file.stem: [json.loads(line) for line in file.open()] for file in out.glob("*s.jsonl")}


def by_rule(records: dict[str, list[Any]]) -> dict[tuple[str, str], dict[tuple[str, ...], Any]]:
    """Give what happened by rule, then by customer and instance or number of the change."""
    found: dict[tuple[str, str], dict[tuple[str, ...], Any]] = {}
    for each in records.get("decisions", []):
        data = each["data"]
        told = {"time": each["time"]} | {k: data[k] for k in ("outcome", "reason", "cause")}
        match = (each["subject"], data["started"], data["key"])
        found.setdefault(("triggers", data["trigger"]), {})[match] = told
    for each in records.get("segments", []):
        rule = found.setdefault(("segments", each["data"]["segment"]), {})
        number = sum(match[0] == each["subject"] for match in rule)
        told = {"time": each["time"], "outcome": each["type"].rpartition(".")[2]}
        rule[each["subject"], str(number)] = told
    return found


def test_it_says_what_two_replays_say_when_compared_by_hand(
    tmp_path: Path, room: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = [str(SHOP / "events")]
    command = [*write(tmp_path), *events, "--json", "--customers", "1000", "--workers", "2"]
    assert main(command) == 0
    assert list(room.iterdir()) == []
    said = json.loads(capsys.readouterr().out)
    old, new = (
        by_rule(replay(str(tmp_path / f"{name}.yaml"), events, tmp_path / name))
        for name in ("old", "new")
    )
    only = {"browse_abandoned": "old", "looked_twice": "new", "keen": "old"}
    assert list(said["triggers"]) == ["cart_abandoned", "browse_abandoned", "looked_twice"]
    assert list(said["segments"]) == ["lookers", "keen"]
    for kind in ("triggers", "segments"):
        for name, rule in said[kind].items():
            before, after = old.get((kind, name), {}), new.get((kind, name), {})
            for side, found in (("old", before), ("new", after)):
                outcomes = [each["outcome"] for each in found.values()]
                assert rule[side] == {each: outcomes.count(each) for each in rule[side]}
                assert sum(rule[side].values()) == len(outcomes)
            differ = {m for m in before.keys() | after.keys() if before.get(m) != after.get(m)}
            customers = {match[0] for match in differ}
            assert rule["customers"] == len(customers) > 0
            assert {each["customer"] for each in rule["examples"]} == customers
            counted = sum(len(e["differences"]) + e["more"] for e in rule["examples"])
            assert counted == len(differ) == sum(each["count"] for each in rule["changes"])
            assert rule["only"] == only.get(name)
            if kind == "triggers":
                reasons = [each["reason"] for each in before.values() if each["reason"]]
                assert rule["reasons"]["old"] == {r: reasons.count(r) for r in set(reasons)}
                for example in rule["examples"]:
                    for each in example["differences"]:
                        match = (example["customer"], each["started"], each["key"])
                        assert (each["old"], each["new"]) == (before.get(match), after.get(match))
    assert said["sessions"]["customers"] == 0
    assert said["events"]["old"]["read"] == 862


def test_the_same_config_twice_has_no_differences(
    tmp_path: Path, room: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    html = tmp_path / "page.html"
    command = [*write(tmp_path, new=CONFIG.replace("name: shop", "name: other"))]
    assert main([*command, str(SHOP / "events"), "--html", str(html)]) == 0
    text = capsys.readouterr().out
    assert "no differences" in text
    assert "→" not in text
    assert "differ:" not in text
    assert "no differences" in html.read_text()
    assert list(room.iterdir()) == []


def test_a_message_that_a_late_event_took_back_is_shown_as_sent_and_as_retracted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = "name: shop\ntime: {disorder: 0s, grace: 1h}\ntriggers:\n  it: {on: Product Added, "
    rules += "after: 10m, cancel: Order Completed, retract: 1h}\n"
    arrived = [("Product Added", 0), ("Product Viewed", 31), ("Order Completed", 5)]
    lines = [
        {
            "type": "track",
            "event": event,
            "userId": "ann",
            "messageId": f"m{minute}",
            "timestamp": f"2026-01-01T10:{minute:02d}:00Z",
        }
        for event, minute in arrived
    ]
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))
    command = [*write(tmp_path, rules, rules.replace("10m", "40m")), str(tmp_path / "events.jsonl")]
    command += ["--order", "name"]
    html = tmp_path / "page.html"
    assert main([*command, "--html", str(html), "--json"]) == 0
    text = capsys.readouterr().out
    print_diff(msgspec.json.decode(text, type=Diff))
    table = capsys.readouterr().out
    rule = json.loads(text)["triggers"]["it"]
    assert (rule["old"]["sent"], rule["old"]["retracted"]) == (1, 1)
    assert (rule["new"]["sent"], rule["new"]["retracted"], rule["new"]["cancelled"]) == (0, 0, 1)
    [difference] = rule["examples"][0]["differences"]
    assert difference["old"]["retracted"] == {"time": "2026-01-01T10:05:00.000Z", "cause": "m5"}
    assert "retracted" not in difference["new"]
    head = next(line for line in table.splitlines() if line.startswith("triggers"))
    assert head.split()[1:4] == ["sent", "retracted", "cancelled"]
    assert "<th>sent</th><th>retracted</th><th>cancelled</th>" in html.read_text()
    for shown in (table, html.read_text()):
        assert "sent, retracted → cancelled" in shown
        assert (
            "old sent at 2026-01-01T10:10:00.000Z, retracted at 2026-01-01T10:05:00.000Z by m5"
        ) in shown


def test_without_events_nothing_happens_under_either(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "none.jsonl").write_bytes(b"")
    words = [*write(tmp_path), str(tmp_path / "none.jsonl"), "--svg", str(tmp_path / "none.svg")]
    assert main(words) == 0
    text = capsys.readouterr().out
    assert "0 events under both" in text
    assert "looked_twice (only in the new config)" in text
    assert "no differences" not in text  # there are other rules
    assert (tmp_path / "none.svg").read_text().startswith("<svg ")


def test_configs_without_rules_can_be_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = write(tmp_path, "name: a\n", "name: b\nsession: {gap: 1h}\n")
    html = tmp_path / "page.html"
    assert main([*command, str(SHOP / "events"), "--html", str(html)]) == 0
    assert "sessions closed: 134 → " in capsys.readouterr().out
    assert "sessions closed: 134 → " in html.read_text()


def test_customers_with_hostile_names_are_shown_as_they_are_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "<img src=x onerror=alert(1)>\x1b[2J\x00\u202e"
    lines = [
        {
            "type": "track",
            "event": event,
            "userId": name,
            "messageId": f"{name}{minute}",
            "timestamp": f"2026-01-01T10:{minute:02d}:00Z",
        }
        for minute, event in ((0, "Product Added"), (45, "Order Completed"), (59, "Late"))
    ]
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))
    html = tmp_path / "page.html"
    words = [*write(tmp_path), str(tmp_path / "events.jsonl"), "--html", str(html)]
    assert main(words) == 0
    text = capsys.readouterr().out
    shown = "<img src=x onerror=alert(1)>\\x1b[2J\\x00\\u202e"
    assert f"  {shown}\n    started 2026-01-01T10:00:00.000Z: old sent" in text
    assert f"new cancelled at 2026-01-01T10:45:00.000Z by {shown}45" in text
    assert "<img" not in html.read_text()
    assert all(each.isprintable() or each == "\n" for each in text + html.read_text())


def test_all_that_is_wrong_with_both_configs_is_told_before_anything_starts(
    tmp_path: Path, room: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "customers.csv").write_text("id,age\n1,old\n")
    file = f"attributes: {{file: {tmp_path}/customers.csv, customer: id, columns: {{age: number}}}}"
    old = CONFIG.replace("after: 30m", "after: soon").replace("again", "agian")
    new = f"{CHANGED}{file}\n"
    assert main([*write(tmp_path, old, new), str(SHOP / "events")]) == 2
    told = capsys.readouterr().err
    assert "old.yaml:" in told
    assert '"soon"' in told
    assert '"again"' in told
    assert "customers.csv:2" in told
    assert list(room.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--customers", "0"], "--customers is 0, expected 1 to 1000"),
        (["--workers", "0"], "--workers is 0"),
        (["--html", "nowhere/page.html"], "expected a file in a folder that is there"),
        (["--svg", "."], "expected a file in a folder that is there"),
        (["--html", "/proc/page.html"], "/proc/page.html: cannot be written: "),
        (["--html", "new.yaml"], "new.yaml is read, and would be overwritten"),
        (["--svg", "./link.yaml"], "link.yaml is read, and would be overwritten"),
        (["--svg", "customers.csv"], "customers.csv is read, and would be overwritten"),
        (["--html", "a", "--svg", "a"], "--html and --svg are both a"),
        (["--html", "a", "--svg", "./a"], "--html and --svg are both a"),
        (["--html", "b.html", "--svg", "b.svg"], "--html and --svg are both b.html"),
        (["--now", "today"], "--now is 'today'"),
    ],
)
def test_what_cannot_be_is_refused(
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    customers = "attributes: {file: customers.csv, customer: id, columns: {tier: text}}\n"
    write(tmp_path, old=CONFIG + customers)
    (tmp_path / "customers.csv").write_text("id,tier\n1,gold\n")
    (tmp_path / "link.yaml").symlink_to("old.yaml")
    (tmp_path / "b.svg").touch()
    (tmp_path / "b.html").hardlink_to(tmp_path / "b.svg")
    before = {each: each.read_bytes() for each in tmp_path.iterdir()}
    events = str(SHOP / "events")
    code = 1 if "cannot be written" in said else 2
    assert main(["diff", "old.yaml", "new.yaml", "--events", events, *words]) == code
    assert said in capsys.readouterr().err
    assert {each: each.read_bytes() for each in tmp_path.iterdir()} == before


def test_events_that_are_cut_off_fail_and_leave_nothing(
    tmp_path: Path, room: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = gzip.compress((SHOP / "events" / "otto.jsonl").read_bytes())
    (tmp_path / "cut.jsonl.gz").write_bytes(packed[:-100])
    html = tmp_path / "page.html"
    words = [*write(tmp_path), str(tmp_path / "cut.jsonl.gz"), "--html", str(html)]
    assert main(words) == 1
    assert "cut.jsonl.gz" in capsys.readouterr().err
    assert list(room.iterdir()) == []
    assert not html.exists()


@pytest.mark.parametrize(
    ("number", "exit_code", "reached"),
    [
        (signal.SIGINT, 130, "old/out/decisions.jsonl"),
        (signal.SIGINT, 130, "new/out/decisions.jsonl"),
        (signal.SIGTERM, 1, "old/out/decisions.jsonl"),
    ],
)
def test_a_stopped_comparison_leaves_nothing(
    number: signal.Signals, exit_code: int, reached: str, tmp_path: Path
) -> None:
    room = tmp_path / "room"
    room.mkdir()
    events = simulate(tmp_path / "events.jsonl", events=30_000)
    words = [sys.executable, "-m", "cartwheel", *write(tmp_path), str(events)]
    process = subprocess.Popen(
        words,
        cwd=PROJECT,
        env={**os.environ, "TMPDIR": str(room)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + DEADLINE_S
        while not any(each.stat().st_size for each in room.glob(f"cartwheel-*/{reached}")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        [folder] = room.glob("cartwheel-*/*/state")
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # a terminal sends it to every process
        else:
            process.send_signal(number)
        stdout, stderr = process.communicate(timeout=DEADLINE_S)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == exit_code
    assert stdout == ""
    assert stderr == "cartwheel: stopped; nothing was compared\n"
    assert list(room.iterdir()) == []
    assert leftover(folder) == []


def test_what_changed_in_the_rules_stands_at_the_head(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*write(tmp_path), str(SHOP / "events")]
    page = tmp_path / "page.html"
    assert main([*words, "--html", str(page)]) == 0
    lines = capsys.readouterr().out.splitlines()
    rules = [line.strip() for line in lines[1 : lines.index("862 events under both")]]
    assert rules[:2] == [
        "segments.lookers.when: views_1h >= 2 → views_1h >= 4",
        "segments.keen: removed, {when: views_1h >= 3, for: 0s, hold: 0s}",
    ]
    assert rules[2] == "triggers.cart_abandoned.after: 30m → 1h"
    assert [each.partition(",")[0] for each in rules[3:]] == [
        "triggers.browse_abandoned: removed",
        "triggers.looked_twice: added",
    ]
    assert "<li>triggers.cart_abandoned.after: 30m → 1h</li>" in page.read_text()
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["rules"]
    assert (len(told["changes"]), told["more"]) == (5, 0)
    after = {"path": "triggers.cart_abandoned.after", "old": "30m", "new": "1h"}
    assert after in told["changes"]


def test_many_changed_rules_are_counted_and_the_first_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    many = "".join(f"  more_{number}: {{on: Signed Up}}\n" for number in range(60))
    (tmp_path / "none.jsonl").write_text("")
    words = write(tmp_path, new=CONFIG + many)
    assert main([*words, str(tmp_path / "none.jsonl")]) == 0
    told = capsys.readouterr().out
    assert told.count("added, {on: Signed Up") == 50
    assert "\n  and 10 more changes\n" in told


def test_a_truncated_file_is_told_without_an_option_that_diff_does_not_have(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = gzip.compress(b'{"type":"page","userId":"a"}\n' * 1000)
    (tmp_path / "e.jsonl.gz").write_bytes(packed[:-20])
    assert main([*write(tmp_path), str(tmp_path / "e.jsonl.gz")]) == 1
    told = capsys.readouterr().err
    assert "it was truncated; fetch it again" in told
    assert "--state" not in told
