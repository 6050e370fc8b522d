"""A run that is stopped, forgets a customer, and goes on: in processes, on followed files."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cartwheel.app import main
from forget_shop import EVENTS, LATER, WHO, event, forget, found, lines, write_events, write_shop
from replaying import DEADLINE_S, NOW, PROJECT

LIVE = """
source: {files: in, follow: true}
sinks: {files: out}
epoch: {every: 300ms}
"""
END = "the end"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the shop's config, which is the current one."""
    folder = write_shop(tmp_path / "shop", more=LIVE)
    (folder / "in").mkdir()
    monkeypatch.chdir(folder)
    return folder


def run_over(number: int, events: Sequence[dict[str, Any]]) -> None:
    """Run until these events were read; the last one starts a message to nobody at once."""
    end = event(0, END)
    end["messageId"] = f"end-{number}"
    end["timestamp"] = events[-1]["timestamp"]
    write_events(Path(f"in/{number}.jsonl"), [*events, end])
    command = [sys.executable, "-m", "cartwheel", "run", "shop.yaml", "--state", "state"]
    process = subprocess.Popen(
        [*command, "--shards", "3", "--now", "2026-02-01T00:00:00Z"],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + DEADLINE_S
        while sum(each["subject"] == END for each in lines(Path("out/triggers.jsonl"))) < number:
            assert process.poll() is None, process.stderr and process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 0, stderr
    finally:
        process.kill()
        process.wait()


def results(*, of: str | None, out: str = "out") -> dict[str, list[Any]]:
    """Read what came out of one customer, or (None) of all but the one to be forgotten.

    Not the scores: a model learns no more from what it was yet to learn from.
    """
    told = {}
    for path in sorted(Path(out).glob("*.jsonl")):
        if path.stem in {"sessions", "segments", "triggers", "decisions", "late"}:
            some = sorted(lines(path), key=json.dumps)
            told[path.name] = [
                each
                for each in some
                if (each.get("subject") or each.get("userId")) == of
                or (of is None and WHO not in json.dumps(each))
            ]
    return told


@pytest.mark.usefixtures("shop")
def test_others_go_on_as_if_nothing_had_been_and_the_customer_from_nothing() -> None:
    run_over(1, EVENTS)
    assert len(results(of=WHO)["triggers.jsonl"]) > 0
    assert forget() == 0
    assert found(Path("state"), [WHO.encode()]) == {}
    run_over(2, LATER)
    others, theirs = results(of=None), results(of=WHO)
    assert [each["data"]["started"] for each in abandoned(theirs)] == ["2026-01-01T10:25:00.000Z"]
    sessions = {each["data"]["start"]: each["data"]["events"] for each in theirs["sessions.jsonl"]}
    assert sessions == {"2026-01-01T10:00:00.000Z": 3, "2026-01-01T10:25:00.000Z": 1}
    assert len(lines(Path("out/dead-letters.jsonl"))) == 2
    words = ["--events", "in", "--order", "name", "--out", "undisturbed", "--now", NOW]
    assert main(["replay", "shop.yaml", *words]) == 0
    undisturbed = results(of=None, out="undisturbed")
    assert sum(map(len, undisturbed.values())) > 10
    assert others == undisturbed
    assert len(abandoned(results(of=WHO, out="undisturbed"))) > 1  # which would have been sent


def abandoned(results: dict[str, list[Any]]) -> list[Any]:
    decisions = results["decisions.jsonl"]
    return [each for each in decisions if each["data"]["trigger"] == "abandoned"]


@pytest.mark.usefixtures("shop")
def test_who_is_kept_out_is_not_seen_any_more() -> None:
    run_over(1, EVENTS)
    before = results(of=WHO)
    assert forget("--suppress") == 0
    run_over(2, LATER)
    assert results(of=WHO) == before
    assert lines(Path("out/dead-letters.jsonl")) == []
    assert lines(Path("out/late.jsonl")) == []
    assert found(Path("state"), [WHO.encode()]) == {}
    [told] = lines(Path("out/customers.jsonl"))
    assert told["data"] == {"suppressed": True}
    info = subprocess.run(
        [sys.executable, "-m", "cartwheel", "state", "info", "state", "--json"],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        check=True,
        timeout=DEADLINE_S,
    )
    counts = json.loads(info.stdout)["progress"]["counts"]
    assert counts["suppressed_customers"] == 3
    assert counts.get("dead_letters", 0) == 0
    parts = ("applied", "duplicates", "late", "suppressed_customers")
    assert counts["read"] == sum(counts.get(part, 0) for part in parts)
