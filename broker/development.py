"""The broker behind ``make kafka``: one per user, runs until ``make kafka-stop``."""

import fcntl
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from broker.broker import Broker, noted_process
from broker.class_archive import keep_archive
from broker.distribution import cache_folder, java_program
from broker.errors import BrokerError

_STOP_WITHIN_S = 30.0
_LOOK_EVERY_S = 0.1


def start() -> str:
    """Start the broker, unless it runs already; return its address."""
    with _alone() as folder:
        running = noted_process(folder)
        if running:
            return running[1]
        broker = Broker(folder, outlives=True)
        broker.start()
        return broker.bootstrap


def stop() -> bool:
    """End the very process that `start` has started; tell whether there was one."""
    with _alone() as folder:
        running = noted_process(folder)
        if not running:
            return False
        mark, _ = running
        mark.send(signal.SIGTERM)
        until = time.monotonic() + _STOP_WITHIN_S
        while mark.runs():
            if time.monotonic() > until:
                raise BrokerError(f"the broker, process {mark.pid}, has not ended yet")
            time.sleep(_LOOK_EVERY_S)
        keep_archive(java_program(), folder)
        return True


@contextmanager
def _alone() -> Iterator[Path]:
    """Give the broker's folder, to one process at a time."""
    folder = cache_folder() / "kafka-broker"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
