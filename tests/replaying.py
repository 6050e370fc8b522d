"""Runs ``cartwheel replay`` in processes of its own, as a user does; compares what runs have left.

A replay can be waited for, watched and killed; what it leaves on disk is read without the code
that wrote it, but for RocksDB itself.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from state.about import About
from state.prefixes import Prefix
from state.rocks import RocksKeyValue, settings_for
from state.versions import NO_VERSION, clone, read_committed

PROJECT = Path(__file__).parents[1]
NOW = "2026-02-01T00:00:00Z"
DEADLINE_S = 240.0

CONFIG = """
name: shop
epoch: {every: 300ms}
session:
  gap: 30m
  collect:
    views: {count: Product Viewed}
    products: {distinct: properties.product_id}
    revenue: {sum: properties.revenue, of: Order Completed}
features:
  views_1h: {count: Product Viewed, over: 1h}
  last_order: {time: Order Completed}
segments:
  looking: {when: views_1h >= 3, hold: 10m}
  buyers: since(last_order) < 1d and not segment.looking
triggers:
  cart_abandoned:
    on: Product Added
    key: properties.cart_id
    after: 30m
    cancel: Order Completed
    again: 24h
"""


@dataclass
class Replay:
    """A replay command and the folder that it works in.

    Attributes:
        folder: holds ``out`` and ``state``, and the config if none is named.
        events: what it reads.
        options: further words of the command.
        environment: further variables.
        before: words before the command, such as a shell that sets a limit.
    """

    folder: Path
    events: Sequence[Path]
    options: Sequence[str] = ()
    environment: dict[str, str] = field(default_factory=dict)
    before: Sequence[str] = ()
    config: Path | None = None
    out: Path = Path()
    state: Path = Path()

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.out = self.folder / "out" if self.out == Path() else self.out
        self.state = self.folder / "state" if self.state == Path() else self.state
        if self.config is None:
            self.config = self.folder / "shop.yaml"
            self.config.write_text(CONFIG)

    def command(self) -> list[str]:
        words = [*self.before, sys.executable, "-m", "cartwheel", "replay", str(self.config)]
        words += ["--events", *map(str, self.events)]
        words += ["--out", str(self.out), "--state", str(self.state)]
        return [*words, "--now", NOW, "--tick", "500", "--json", *self.options]

    @contextmanager
    def started(self, **environment: str) -> Iterator["Running"]:
        """Start it; at the end nothing of it is left, whatever happened."""
        with self.started_as(self.command(), **environment) as running:
            yield running

    @contextmanager
    def started_as(self, command: Sequence[str], **environment: str) -> Iterator["Running"]:
        """Start another command in its place."""
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **self.environment, **environment},
            start_new_session=True,
        )
        running = Running(self, process)
        try:
            yield running
        finally:
            process.kill()
            process.communicate()
            for pid in leftover(self.state):
                os.kill(pid, signal.SIGKILL)

    def run(self, **environment: str) -> "Ended":
        """Run it to its end."""
        with self.started(**environment) as running:
            return running.wait()

    def run_beside(self) -> "Ended":
        """Run it to its end beside another run of the same state, which has processes too."""
        ended = subprocess.run(
            self.command(),
            check=False,
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def done(self, **environment: str) -> "Ended":
        """Run it to its end, which must be a good one."""
        ended = self.run(**environment)
        assert ended.exit_code == 0, ended.stderr
        return ended


@dataclass
class Ended:
    """How a replay has ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def summary(self) -> dict[str, Any]:
        """The summary, without what may differ between runs."""
        return counts_of(json.loads(self.stdout))

    @property
    def message(self) -> str:
        """What it said on standard error, which must be one line."""
        (line,) = self.stderr.splitlines()
        assert line.startswith("cartwheel: "), line
        return line.removeprefix("cartwheel: ")


class Running:
    """A replay that goes on."""

    def __init__(self, replay: Replay, process: "subprocess.Popen[str]") -> None:
        self.replay = replay
        self.process = process

    def wait(self) -> Ended:
        """Wait for its end; nothing of it may be left."""
        stdout, stderr = self.process.communicate(timeout=DEADLINE_S)
        assert not leftover(self.replay.state)
        return Ended(self.process.returncode, stdout, stderr)

    def wait_for_output(self, size: int) -> bool:
        """Wait until that many bytes were written; False if it has ended before."""
        return self.wait_until(lambda: output_bytes(self.replay.out) >= size)

    def wait_for_commit(self) -> bool:
        """Wait until something is committed; False if it has ended before."""
        return self.wait_until(lambda: any(self.replay.state.glob("shard-*/committed")))

    def wait_until(self, condition: Callable[[], bool]) -> bool:
        """Wait until something is so; False if the replay has ended before."""
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            if self.process.poll() is not None:
                return False
            assert time.monotonic() < deadline, "the replay makes no progress"
            time.sleep(0.002)
        return True

    def workers(self) -> list[int]:
        """Return the process ids of the workers, in the order of their start."""
        pid = self.process.pid
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return sorted(map(int, text.split()))

    def signal(self, number: int) -> None:
        """Send a signal to the command itself."""
        self.process.send_signal(number)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let the command itself stand still for a while."""
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)

    def kill(self, pid: int) -> None:
        """Kill a worker, if it is still there."""
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def kill_supervisor(self) -> float:
        """Kill the command itself; return the seconds until its workers had gone as well."""
        started = time.monotonic()
        self.process.kill()
        self.process.communicate()
        while leftover(self.replay.state):
            assert time.monotonic() < started + 10, "a worker outlives its supervisor"
            time.sleep(0.002)
        return time.monotonic() - started


def stop(replay: Replay, size: int) -> Ended:
    """Start it and ask it to stop when that many bytes are written."""
    with replay.started() as running:
        assert running.wait_for_output(size)
        running.signal(signal.SIGTERM)
        return running.wait()


def leftover(state: Path) -> list[int]:
    """Return the processes that were started for a state and still run."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:  # gone in the meantime
                continue
            if str(state).encode() in words and b"-m" in words:
                found.append(int(entry.name))
    return found


def output_bytes(out: Path) -> int:
    """Return the size of all outputs."""
    return sum(file.stat().st_size for file in out.glob("*.jsonl"))


def outputs(out: Path) -> dict[str, bytes]:
    """Return all outputs, byte by byte."""
    return {file.name: file.read_bytes() for file in out.glob("*.jsonl")}


def output_sets(out: Path) -> dict[str, list[bytes]]:
    """Return all outputs without their order."""
    return {name: sorted(data.splitlines()) for name, data in outputs(out).items()}


def summary(out: Path) -> dict[str, Any]:
    """Return the summary, without what may differ between runs."""
    return counts_of(json.loads((out / "summary.json").read_bytes()))


def counts_of(document: dict[str, Any]) -> dict[str, Any]:
    """Return a summary without time and rate."""
    assert document.pop("seconds") >= 0
    assert document.pop("events_per_s") >= 0
    return document


def records(state: Path) -> list[dict[bytes, bytes]]:
    """Return everything that the committed versions hold, by shard, but for versions' names."""
    return [_records(folder) for folder in sorted(state.glob("shard-*"))]


def model_records(state: Path) -> dict[str, dict[bytes, bytes]]:
    """Likewise of the models, by the names of their folders."""
    return {folder.name: _records(folder) for folder in state.glob("model-*")}


def _records(folder: Path) -> dict[bytes, bytes]:
    version = read_committed(folder)
    if version == NO_VERSION:
        return {}
    with TemporaryDirectory() as beside:
        copy = Path(beside) / "clone"
        clone(folder / version, copy)
        keyvalue = RocksKeyValue(copy, settings_for(12, "lz4"))
        keys = keyvalue.keys(b"", b"", 1 << 60)
        values = keyvalue.get_many(keys)
        keyvalue.close()
    entries = {key: value for key, value in zip(keys, values, strict=True) if value is not None}
    about = msgspec.msgpack.decode(entries[Prefix.ABOUT.key], type=About)
    # how often it was committed, and at which tick a shard last had something to write, is chance
    about.version, about.ticks, about.watermark = "", [], 0
    entries[Prefix.ABOUT.key] = msgspec.msgpack.encode(about)
    return entries


def assert_same(one: Replay, other: Replay) -> None:
    """Check that two finished replays have left the same: outputs, counts and records."""
    expected, found = outputs(one.out), outputs(other.out)
    assert found.keys() == expected.keys()
    for name, data in expected.items():
        assert found[name] == data, f"{name} differs: {other.out} is not {one.out}"
    assert summary(other.out) == summary(one.out)
    for shard, (ours, theirs) in enumerate(
        zip(records(one.state), records(other.state), strict=True)
    ):
        assert theirs == ours, f"the records of shard {shard} differ: {other.state}"


def simulate(path: Path, *, events: int, users: int = 3000, seed: int = 7) -> Path:
    """Write a made-up shop's events."""
    words = ["--users", str(users), "--events", str(events), "--seed", str(seed)]
    subprocess.run(
        [sys.executable, "-m", "cartwheel", "simulate", *words, "--out", str(path)],
        cwd=PROJECT,
        check=True,
    )
    return path
