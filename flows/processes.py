"""Starts the worker processes of a run, and makes sure that none outlives it."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack

_START_APART_S = 0.1  # in order: a worker that is not there yet is asked again after 1 s only
_DIE_WITHIN_S = 10.0
_PR_SET_PDEATHSIG = 1

# Loaded here: nothing may be imported between fork and exec.
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


class Workers:
    """The processes of one run."""

    def __init__(self, state: str, run_id: str, count: int, progress_pipe: int) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []
        addresses = ",".join(_free_addresses(count))
        parent = os.getpid()
        command = [sys.executable, "-m", "flows.worker", state, run_id]
        for index in range(count):
            if index:
                time.sleep(
                    _START_APART_S
                )  # in order: who is not there yet is asked again after 1 s
            self._processes.append(
                subprocess.Popen(  # noqa: S603 (our own worker)
                    [*command, str(index), addresses, str(parent)],
                    stdin=subprocess.DEVNULL,
                    pass_fds=[progress_pipe],
                    env={**os.environ, "CARTWHEEL_PROGRESS": str(progress_pipe)},
                    preexec_fn=_die_with_parent,  # noqa: PLW1509 (one thread, and only a system call)
                )
            )

    def exit_codes(self) -> list[int | None]:
        """Return the exit codes of those that have gone, None for those that run."""
        return [process.poll() for process in self._processes]

    def stop(self) -> None:
        """Ask all to finish what they are at and stop."""
        self._each(subprocess.Popen.terminate)

    def kill(self) -> None:
        """End all at once."""
        self._each(subprocess.Popen.kill)
        for process in self._processes:
            process.wait(_DIE_WITHIN_S)

    def _each(self, action: Callable[[subprocess.Popen[bytes]], None]) -> None:
        for process in self._processes:
            if process.poll() is None:
                action(process)


def _die_with_parent() -> None:
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _free_addresses(count: int) -> list[str]:
    """Find free local ports; all are held until the last is found."""
    with ExitStack() as stack:
        addresses = []
        for _ in range(count):
            listener = stack.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            addresses.append(f"127.0.0.1:{listener.getsockname()[1]}")
    return addresses
