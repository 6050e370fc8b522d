"""Attributes through the commands, in processes of their own: stopped, killed, changed."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from operators.times import parse_time
from replaying import PROJECT, Replay, assert_same, leftover, outputs, simulate, stop

CONFIG = """
name: shop
epoch: {{every: 300ms}}
time: {{disorder: 5s}}
attributes:
  file: {file}
  customer: Customer Id
  columns: {{tier: text, score: number, newsletter: true_false}}
features:
  views: {{count: Product Viewed}}
segments:
  gold: attribute.tier == "gold" and views >= 1
  reachable: {{when: attribute.newsletter and attribute.score > 50, for: 5m}}
"""
KILL_AT = ("before-write:2", "between-checkpoint-and-commit:4")
"""In the first commit after a change."""
USERS = 400


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("events") / "events.jsonl"
    return simulate(file, events=15_000, users=USERS)


@pytest.fixture(scope="module")
def customers(events: Path) -> list[str]:
    found = (json.loads(line) for line in events.read_text().splitlines())
    return sorted({each.get("userId") or each["anonymousId"] for each in found})


def write_crm(file: Path, customers: list[str], seed: int) -> dict[str, str]:
    """Write a file of most customers; return who is gold."""
    chance = random.Random(seed)
    tiers = {}
    lines = ["Customer Id,tier,score,newsletter,remark\n"]
    for customer in chance.sample(customers, len(customers) * 4 // 5):
        tiers[customer] = chance.choice(["gold", "silver", ""])
        answer = chance.choice(["yes", "No", ""])
        score = chance.randint(0, 100)
        lines.append(f'{customer},{tiers[customer]},{score},{answer},"a\n""b"""\n')
    file.write_text("".join(lines))
    return tiers


DISORDER_MS = 5_000
"""How far customers' clocks may be ahead of the watermark: the config's time.disorder."""


def replay_of(folder: Path, events: Path, file: Path) -> Replay:
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "shop.yaml"
    config.write_text(CONFIG.format(file=file))
    return Replay(folder, [events], ["--tick", "200", "--shards", "4"], config=config)


def changes(replay: Replay) -> list[dict[str, object]]:
    lines = (replay.out / "segments.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def copied(replay: Replay, folder: Path) -> Replay:
    """Copy what a stopped replay has left; the config, and so the file of customers, stays."""
    assert replay.config
    shutil.copytree(replay.folder, folder)
    return Replay(folder, replay.events, replay.options, config=replay.config)


def gold_at_the_end(replay: Replay) -> set[str]:
    inside: set[str] = set()
    for record in changes(replay):
        if record["data"]["segment"] == "gold":  # type: ignore[index]
            entered = record["type"] == "cartwheel.segment.entered"
            assert (record["subject"] in inside) is not entered
            (inside.add if entered else inside.discard)(str(record["subject"]))
    return inside


def viewers(events: Path) -> set[str]:
    found = (json.loads(line) for line in events.read_text().splitlines())
    return {
        each.get("userId") or each["anonymousId"]
        for each in found
        if each.get("event") == "Product Viewed"
    }


def test_a_file_that_changes_between_two_runs_moves_customers_at_that_time(
    events: Path, customers: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "crm.csv"
    old = write_crm(file, customers, seed=1)
    replay = replay_of(tmp_path / "replay", events, file)
    stopped = stop(replay, 20_000)
    assert "stopped" in stopped.stderr, "all was read before it could be stopped"
    before = changes(replay)
    assert {each["data"]["origin"] for each in before} == {"event", "timer"}  # type: ignore[index]
    new = write_crm(file, customers, seed=2)
    killed = [copied(replay, tmp_path / f"killed-{number}") for number in range(len(KILL_AT))]
    replay.done()

    moved = changes(replay)[len(before) :]
    reconciled = [each for each in moved if each["data"]["origin"] == "reconcile"]  # type: ignore[index]
    assert len(reconciled) > 10
    stopped_at = max(parse_time(str(each["time"])) for each in before)
    for record in reconciled:
        customer, data = str(record["subject"]), record["data"]
        assert isinstance(data, dict)
        if data["segment"] == "gold":
            entered = record["type"] == "cartwheel.segment.entered"
            assert (new.get(customer) == "gold") is entered
            assert (old.get(customer) == "gold") is not entered
    times = [parse_time(str(record["time"])) for record in reconciled]
    assert min(times) >= stopped_at - DISORDER_MS, "as of the time of the change: the watermark,"
    assert max(times) - min(times) <= DISORDER_MS, "or a customer's clock, which may be ahead"
    seen = viewers(events)
    assert gold_at_the_end(replay) == {who for who, tier in new.items() if tier == "gold"} & seen
    for number, (other, point) in enumerate(zip(killed, KILL_AT, strict=True)):
        struck = tmp_path / f"struck-{number}"
        other.done(CARTWHEEL_KILL_AT=f"{point}:{struck}")
        assert struck.exists(), point
        assert_same(replay, other)


def test_a_file_that_changes_after_a_kill_leaves_nothing_of_the_one_in_between(
    events: Path, customers: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "crm.csv"
    write_crm(file, customers, seed=1)
    replay = replay_of(tmp_path / "replay", events, file)
    assert "stopped" in stop(replay, 20_000).stderr
    other = copied(replay, tmp_path / "other")
    write_crm(file, customers, seed=2)
    size = sum(len(data) for data in outputs(other.out).values())
    with other.started() as running:
        assert running.wait_until(lambda: any(other.state.glob("shard-*/live-*/CURRENT")))
        running.kill_supervisor()
    in_between = sum(len(data) for data in outputs(other.out).values())
    assert in_between >= size
    new = write_crm(file, customers, seed=3)
    replay.done()
    other.done()
    gold = {who for who, tier in new.items() if tier == "gold"} & viewers(events)
    assert gold_at_the_end(replay) == gold
    assert gold_at_the_end(other) == gold
    tables = [
        sorted(each.name for each in (r.state / "attributes").iterdir()) for r in (replay, other)
    ]
    assert tables[0] == tables[1]
    assert len(tables[0]) == 1


def test_processes_and_kills_make_no_difference(
    events: Path, customers: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "crm.csv"
    write_crm(file, customers, seed=1)
    untouched = replay_of(tmp_path / "untouched", events, file)
    untouched.done()
    replay = replay_of(tmp_path / "replay", events, file)
    replay.options = [*replay.options, "--workers", "2"]
    struck = tmp_path / "struck"
    replay.done(CARTWHEEL_KILL_AT=f"between-checkpoint-and-commit:1:{struck}")
    assert struck.exists()
    assert_same(untouched, replay)


def test_a_wrong_file_is_said_before_anything_starts(
    events: Path, customers: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "crm.csv"
    file.write_text("Customer Id,tier,score,newsletter\nu1,gold,a lot,maybe\nu1,gold,1,yes\n")
    replay = replay_of(tmp_path / "replay", events, file)
    ended = replay.run()
    assert ended.exit_code == 2
    assert ended.stderr.startswith(
        f"cartwheel: {file}:2: score: found a text of 5 characters, expected a number"
    )
    file.unlink()
    ended = replay.run()
    assert (ended.exit_code, ended.message) == (
        2,
        f"{file}:1: cannot be read: No such file or directory",
    )
    write_crm(file, customers, seed=1)
    replay.done()
    assert changes(replay)


LIVE = """
source: {{files: {folder}/events.jsonl, follow: true}}
sinks: {{files: {folder}/out}}
"""


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for pid in leftover(tmp_path / "state"):
        os.kill(pid, signal.SIGKILL)


def test_a_running_worker_takes_another_file_at_sighup(
    events: Path, customers: list[str], live: Path
) -> None:
    file, config = live / "crm.csv", live / "shop.yaml"
    write_crm(file, customers, seed=1)
    config.write_text(CONFIG.format(file=file) + LIVE.format(folder=live))
    lines = events.read_text().splitlines(keepends=True)
    (live / "events.jsonl").write_text("".join(lines[:5000]))
    words = [sys.executable, "-m", "cartwheel", "run", str(config), "--state", str(live / "state")]
    process = subprocess.Popen(
        [*words, "--now", "2026-02-01T00:00:00Z"], cwd=PROJECT, stderr=subprocess.PIPE, text=True
    )
    out = live / "out" / "segments.jsonl"

    def wait_for(text: str) -> None:
        deadline = time.monotonic() + 30
        while text not in (out.read_text() if out.exists() else ""):
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline, text
            time.sleep(0.05)

    try:
        wait_for('"gold"')
        write_crm(file, customers, seed=2)
        process.send_signal(signal.SIGHUP)
        wait_for('"reconcile"')
        with (live / "events.jsonl").open("a") as more:
            more.writelines(lines[5000:6000])
        file.write_text("no,file\n")
        process.send_signal(signal.SIGHUP)  # is not taken
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0, said
    assert 'there is no column \\"Customer Id\\"' in said
    assert "the changed config is not taken" in said
