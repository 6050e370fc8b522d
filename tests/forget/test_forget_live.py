"""An event lets a customer be forgotten while a run goes on, on followed files."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cartwheel.app import main
from forget_shop import EVENTS, LATER, MARKER, NEEDLES, WHO, event, found, lines, write_shop
from replaying import DEADLINE_S, PROJECT

LIVE = """
source: {files: in, follow: true}
sinks: {files: out}
epoch: {every: 300ms}
privacy: {forget_events: true}
"""
AT_LEAST = 2
END = event(200, "the end")
FORGET: dict[str, Any] = {
    "type": "cartwheel.forget",
    "userId": WHO,
    "messageId": f"{MARKER}-forget",
    "timestamp": "2026-01-01T10:23:30.000Z",
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the shop's config, which is the current one; the file knows her no more."""
    folder = write_shop(tmp_path / "shop", more=LIVE)
    people = (folder / "customers.csv").read_text().splitlines(keepends=True)
    (folder / "customers.csv").write_text("".join(each for each in people if WHO not in each))
    (folder / "in").mkdir()
    monkeypatch.chdir(folder)
    return folder


@contextmanager
def run(workers: int = 1) -> Iterator[Callable[[Callable[[], bool]], None]]:
    """Run until the end of the block; give what waits until something is so."""
    command = [sys.executable, "-m", "cartwheel", "run", "shop.yaml", "--state", "state"]
    process = subprocess.Popen(
        [*command, "--shards", "3", "--now", "2026-02-01T00:00:00Z", "--workers", str(workers)],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stderr=subprocess.PIPE,
        text=True,
    )

    def wait_until(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert process.poll() is None, process.stderr and process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.02)

    try:
        yield wait_until
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 0, stderr
    finally:
        process.kill()
        process.wait()


def write(name: str, *events: dict[str, Any]) -> None:
    """Let a file appear as a whole."""
    text = "".join(json.dumps(each) + "\n" for each in events)
    Path(name).write_text(text)
    Path(name).rename(f"in/{name}")


def written(kind: str) -> int:
    return len(lines(Path(f"out/{kind}.jsonl")))


def clean() -> bool:
    """Tell whether the state holds nothing of her; a file may go while it is looked for."""
    try:
        return found(Path("state"), NEEDLES) == {}
    except FileNotFoundError:
        return False


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("workers", [1, 2])
def test_nothing_is_left_of_who_is_forgotten_while_the_run_goes_on(workers: int) -> None:
    with run(workers) as wait_until:
        write("1.jsonl", *EVENTS)
        wait_until(lambda: written("triggers") >= AT_LEAST)
        wait_until(lambda: not clean())
        write("2.jsonl", FORGET)
        wait_until(lambda: written("customers") == 1)
        wait_until(clean)
        write("3.jsonl", *LATER, END)
        wait_until(lambda: any(each["subject"] == "the end" for each in lines_of("triggers")))
    [told] = lines_of("customers")
    assert told["type"] == "cartwheel.customer.deleted"
    assert told["subject"] == WHO
    assert told["time"] == "2026-01-01T10:23:30.000Z"
    assert told["data"] == {"suppressed": False}
    started = [
        each["data"]["started"]
        for each in lines_of("decisions")
        if each["subject"] == WHO and each["data"]["trigger"] == "abandoned"
    ]
    assert started == ["2026-01-01T10:25:00.000Z"]  # what waited before has gone
    [entry] = lines(Path("state/audit.jsonl"))
    assert entry["action"] == "forget"
    assert entry["removed"]["pending_instances"] == 4
    assert entry["removed"]["profile"] == 1
    assert entry["removed"]["model_scores"] == 1
    assert WHO not in json.dumps(entry)


def lines_of(kind: str) -> list[Any]:
    return [dict(each) for each in lines(Path(f"out/{kind}.jsonl"))]


@pytest.mark.usefixtures("shop")
def test_who_is_kept_out_by_an_event_stays_out() -> None:
    bad = event(24, WHO, messageId=f"{MARKER}-odd", timestamp="soon")
    with run() as wait_until:
        write("1.jsonl", *EVENTS, {**FORGET, "suppress": True}, bad, event(24, "eve"))
        wait_until(lambda: any(each["subject"] == "eve" for each in lines_of("triggers")))
    before = [each for each in lines_of("triggers") if each["subject"] == WHO]
    assert clean()
    with run(2) as wait_until:
        write("2.jsonl", *LATER, END)
        wait_until(lambda: any(each["subject"] == "the end" for each in lines_of("triggers")))
    assert [each for each in lines_of("triggers") if each["subject"] == WHO] == before
    assert lines_of("dead-letters") == []
    assert clean()


def test_what_is_no_such_event_is_a_dead_letter_that_says_why(shop: Path) -> None:
    odd = [
        {**FORGET, "suppress": "yes"},
        {**FORGET, "messageId": 7},
        {**FORGET, "timestamp": None},
        {each: value for each, value in FORGET.items() if each != "userId"},
    ]
    (shop / "events.jsonl").write_text("".join(json.dumps(each) + "\n" for each in odd))
    words = ["--events", "events.jsonl", "--out", "out", "--now", "2026-02-01T00:00:00Z"]
    assert main(["replay", "shop.yaml", *words]) == 0
    told = [(each["field"], each["reason"]) for each in lines_of("dead-letters")]
    assert told == [
        ("suppress", "Expected bool | null, got str"),
        ("messageId", "Expected str | null, got int"),
        ("timestamp", "missing"),
        ("userId", "no customer: userId and anonymousId are missing or empty"),
    ]
    assert not lines_of("customers")
    config = (shop / "shop.yaml").read_text().replace("forget_events: true", "forget_events: false")
    (shop / "shop.yaml").write_text(config)
    (shop / "events.jsonl").write_text(json.dumps(FORGET) + "\n")
    assert main(["replay", "shop.yaml", *words]) == 0
    [letter] = lines_of("dead-letters")
    assert letter["field"] == "type"
    assert "privacy.forget_events" in letter["reason"]
