"""``cartwheel run`` as a process, watched through its metrics."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

_READ = re.compile(r"^cartwheel_events_read_total (\S+)$", re.MULTILINE)
_WITHIN_S = 600.0
_LOOK_EVERY_S = 0.1


class Worker:
    """A run that ends with its context.

    Args:
        config: the config file, without ``http``, which is added.
        state: the state's folder.
        cpus: the processors that it may use.
    """

    def __init__(self, config: Path, state: Path, *, cpus: Sequence[int]) -> None:
        self._port = _free_port()
        text = f"{config.read_text()}\nhttp: {{port: {self._port}}}\n"
        served = config.with_name(f"served-{config.name}")
        served.write_text(text)
        self._words = ["run", str(served), "--state", str(state)]
        self._cpus = cpus
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cartwheel", *self._words],
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: os.sched_setaffinity(0, self._cpus),  # noqa: PLW1509 (a system call)
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process is not None, "it was started"
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)

    def wait_for(self, reached: Callable[[int], bool]) -> tuple[float, int]:
        """Wait until so many events are read and committed; return when, and how many."""
        deadline = time.monotonic() + _WITHIN_S
        while time.monotonic() < deadline:
            read = self._read()
            if reached(read):
                return time.monotonic(), read
            time.sleep(_LOOK_EVERY_S)
        raise TimeoutError(f"no progress within {_WITHIN_S:.0f} s")

    def _read(self) -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics") as page:
                found = _READ.search(page.read().decode())
        except OSError:
            return 0
        return int(float(found[1])) if found else 0


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
