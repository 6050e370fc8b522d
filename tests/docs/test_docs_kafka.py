"""docs/kafka.md is walked on a real broker; its files are what the page says of them."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from docs_pages import ROOT, Page
from test_docs_commands import commands_in, run_commands

from broker.topics import Kafka
from config import Config, load
from kafka_running import read_topic
from replaying import leftover

PAGE = ROOT / "docs" / "kafka.md"
PRODUCER = ROOT / "examples" / "producer" / "producer.py"
SHOP = ROOT / "examples" / "shop"
PORT = "9464"
RATE, FASTER = "--rate 1000", "--rate 5000"


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder to walk the page in, after which nothing of it runs."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    yield tmp_path
    for pid in (*leftover(tmp_path), *running_in(tmp_path)):
        os.kill(pid, signal.SIGKILL)


def running_in(folder: Path) -> list[int]:
    """Find processes that were started in a folder and are still there."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").resolve() == folder:
                found.append(int(process.name))
        except OSError:  # it has ended, or is somebody else's
            continue
    return found


def test_the_page_about_kafka_does_what_it_says(
    kafka: Kafka, folder: Path, environment: dict[str, str]
) -> None:
    """As it stands, but for the broker, the port for metrics, and the producer's patience."""
    for program in ("curl", "pgrep"):
        assert shutil.which(program), f"the page needs {program}"
    page, port = Page(PAGE), free_port()
    assert page.text.count(RATE) == 1
    live = folder / "examples" / "shop" / "live.yaml"
    live.write_text(live.read_text().replace(PORT, port))
    commands = [
        each._replace(text=each.text.replace(PORT, port).replace(RATE, FASTER))
        for each in commands_in(page)
    ]
    environment["KAFKA_BROKERS"] = kafka.bootstrap
    run_commands("docs/kafka.md", commands, folder, environment)
    lines = (folder / "mails.jsonl").read_text().splitlines()
    mails = [json.loads(line)["id"] for line in lines]
    info = [sys.executable, "-m", "cartwheel", "state", "info", "shop-state", "--json"]
    told = json.loads(subprocess.run(info, cwd=folder, check=True, capture_output=True).stdout)
    counts = told["progress"]["counts"]
    sent = {name: count for name, count in counts.items() if name.startswith("sent ")}
    assert len(mails) == len(set(mails)) == sum(sent.values()) > 0
    assert sum("cart_abandoned" in line for line in lines) == sent["sent cart_abandoned"] > 0
    assert not running_in(folder)


def test_both_configs_of_the_shop_have_the_same_rules() -> None:
    """But for where events come from and go to; a config cannot include another."""
    replayed, live = (load(SHOP / name) for name in ("shop.yaml", "live.yaml"))
    for name in set(Config.model_fields) - {"source", "sinks", "http"}:
        assert getattr(live, name) == getattr(replayed, name), name
    assert replayed.triggers
    texts = [(SHOP / name).read_text() for name in ("shop.yaml", "live.yaml")]
    rules = [text[text.index("session:") :] for text in texts]
    assert rules[0] == rules[1]


def produce(
    brokers: str, *words: str, events: list[bytes] | None = None
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, str(PRODUCER), "--brokers", brokers, *words]
    given = b"".join(line + b"\n" for line in events or [])
    return subprocess.run(command, input=given, capture_output=True, timeout=60, check=False)


def test_the_producer_keeps_each_customers_order_and_names_what_is_missing(kafka: Kafka) -> None:
    topic = f"{kafka.topic('produced')}-new"
    events = [
        json.dumps(
            {"userId": f"u{number % 7}" if number % 3 else None, "anonymousId": "a", "n": number}
        ).encode()
        for number in range(300)
    ]
    bad = [b"{", b"[]", b'{"userId":7}', b"{}"]
    missing = produce(kafka.bootstrap, "--topic", topic, events=events)
    assert missing.returncode == 1
    assert f"there is no topic {topic}" in missing.stderr.decode()
    for rate in ((), ("--rate", "300")):
        started = time.monotonic()
        done = produce(kafka.bootstrap, "--topic", topic, "--create", *rate, events=events + bad)
        assert done.returncode == 0, done.stderr
        assert done.stdout.decode() == f"304 events to {topic}\n"
    assert time.monotonic() - started > 1.0, "303 pauses of 1/300 s"
    records = read_topic(kafka.bootstrap, topic)
    assert sorted(each.value for each in records if each.key is None) == sorted(bad * 2)
    places: dict[bytes, set[int]] = {}
    order: dict[bytes, list[int]] = {}
    for record in records:
        if record.key is not None:
            event = json.loads(record.value or b"")
            assert record.key.decode() == (event["userId"] or event["anonymousId"])
            places.setdefault(record.key, set()).add(record.partition)
            order.setdefault(record.key, []).append(event["n"])
    assert set(order) == {b"a", *(b"u%d" % number for number in range(7))}
    assert all(len(each) == 1 for each in places.values())
    assert all(each == sorted(each[: len(each) // 2]) * 2 for each in order.values())


def test_the_producer_says_that_there_is_no_broker() -> None:
    done = produce(f"127.0.0.1:{free_port()}", "--topic", "events")
    assert done.returncode == 1
    assert done.stderr.decode().count("\n") == 1
    assert "Unable to bootstrap" in done.stderr.decode()
