"""Runs ``cartwheel run`` with a followed folder, and looks at it over HTTP as an operator does."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from replaying import PROJECT, leftover

DEADLINE_S = 120.0

Metrics = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class LiveRun:
    """A run that goes on.

    Attributes:
        log: its lines so far, as they were read back.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", state: Path, log: Path) -> None:
        self.process = process
        self.state = state
        self._log = log

    @property
    def log(self) -> list[dict[str, Any]]:
        *whole, _ = self._log.read_text().split("\n")
        return [json.loads(line) for line in whole]

    def logged(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.log if line["event"] == event]

    def get(self, path: str) -> tuple[int, str]:
        """Ask for a path; return the status and the body."""
        (start,) = self.logged("start")
        try:
            with urllib.request.urlopen(start["http"] + path, timeout=5) as answer:  # noqa: S310
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def ready(self) -> tuple[int, list[str]]:
        status, body = self.get("/ready")
        answer = json.loads(body)
        assert answer["ready"] == (status == 200)
        return status, answer["problems"]

    def metrics(self) -> Metrics:
        status, text = self.get("/metrics")
        assert status == 200
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics().get((name, tuple(sorted(labels.items()))))

    def wait_until(self, condition: Callable[[], bool], within_s: float = DEADLINE_S) -> None:
        deadline = time.monotonic() + within_s
        while not condition():
            assert self.process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.02)

    def workers(self) -> list[int]:
        return [pid for pid in leftover(self.state) if _is_worker(pid)]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE_S)


def _is_worker(pid: int) -> bool:
    return b"flows.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()


@contextmanager
def live_run(folder: Path, config: str, *options: str) -> Iterator[LiveRun]:
    """Start it, wait until it has said where it listens; at the end nothing of it is left."""
    path, state, log = folder / "live.yaml", folder / "state", folder / "log.jsonl"
    path.write_text(config)
    words = [sys.executable, "-m", "cartwheel", "run", str(path), "--state", str(state)]
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [*words, *options], cwd=PROJECT, stdin=subprocess.DEVNULL, stderr=stderr
        )
    run = LiveRun(process, state, log)
    try:
        run.wait_until(lambda: bool(run.log))
        yield run
    finally:
        process.kill()
        process.wait()
        for pid in leftover(state):
            os.kill(pid, signal.SIGKILL)
