"""Starts the worker processes of a run, hears why one fails, makes sure that none outlives it."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import NamedTuple

from flows.reports import Listener

FAILED = 3
"""The exit code of a worker that could not go on and has said why in one line."""

UNEXPECTED = 4
"""The exit code of a worker with an error that should not be; it has printed a traceback."""

NOT_JOINED = 5
"""The exit code of a worker whose port was taken by another program in the meantime."""

SAYS = "cartwheel: "
"""How a worker's line for the user begins."""

_START_APART_S = 0.1  # in order: a worker that is not there yet is asked again after 1 s only
_DIE_WITHIN_S = 10.0
_CAUSE_WITHIN_S = 2.0
_CERTAIN = 1
_HEARD_BYTES = 1 << 16
_PR_SET_PDEATHSIG = 1

# Loaded here: nothing may be imported between fork and exec.
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


class Failure(NamedTuple):
    """Why a run broke off.

    Attributes:
        exit_code: of the worker that was the cause, negative where a signal killed it.
        said: the end of what it has printed.
    """

    exit_code: int
    said: str


class _Worker:
    """One process, and the end of what it says."""

    def __init__(self, command: list[str], listener: Listener, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(  # noqa: S603 (our own worker)
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,  # Bytewax tells of its connections on standard output
            pass_fds=[listener.workers_end],
            env={**os.environ, **environment, **listener.environment()},
            preexec_fn=_before_exec,  # noqa: PLW1509 (only system calls, which wait for no thread)
        )
        assert self.process.stdout is not None, "a pipe was asked for"
        self._pipe = self.process.stdout
        os.set_blocking(self._pipe.fileno(), False)
        self._heard = b""

    def listen(self) -> None:
        """Take what it has said; only the end is kept."""
        while True:
            try:
                data = os.read(self._pipe.fileno(), _HEARD_BYTES)
            except BlockingIOError:
                return
            if not data:
                return
            self._heard = (self._heard + data)[-_HEARD_BYTES:]

    def failure(self) -> Failure | None:
        """Tell how it has failed, if it has."""
        code = self.process.poll()
        if not code:
            return None
        self.listen()
        return Failure(code, self._heard.decode(errors="replace"))

    def end(self) -> None:
        """Kill it if need be."""
        self.process.kill()
        self.process.wait(_DIE_WITHIN_S)
        self._pipe.close()


class Workers:
    """The processes of one run.

    Args:
        state: the folder.
        run_id: of the run.
        count: how many.
        listener: what they report to.
        environment: of theirs, beside this process's.
    """

    def __init__(
        self,
        state: str,
        run_id: str,
        count: int,
        listener: Listener,
        environment: dict[str, str],
    ) -> None:
        self._workers: list[_Worker] = []
        self._first_failure = 0.0
        addresses = ",".join(_free_addresses(count))
        parent = str(os.getpid())
        command = [sys.executable, "-m", "flows.worker", state, run_id]
        try:
            for index in range(count):
                if index:
                    time.sleep(_START_APART_S)
                words = [*command, str(index), addresses, parent]
                self._workers.append(_Worker(words, listener, environment))
        except BaseException:
            self.end()
            raise

    def done(self) -> bool:
        """Tell whether all have come to their end, without failing."""
        return all(worker.process.poll() == 0 for worker in self._workers)

    def failure(self) -> Failure | None:
        """Tell why the run has broken off, once the cause is known.

        When a worker goes, Bytewax breaks down in the others, perhaps before the first is gone.
        So a worker that has said why, or was killed, is the cause; any other must wait a little.
        """
        for worker in self._workers:
            worker.listen()
        failures = [failure for worker in self._workers if (failure := worker.failure())]
        if not failures:
            return None
        first = min(failures, key=lambda failure: _rank(failure.exit_code))
        if _rank(first.exit_code) <= _CERTAIN:
            return first
        now = time.monotonic()
        self._first_failure = self._first_failure or now
        waiting = any(worker.process.poll() is None for worker in self._workers)
        return None if waiting and now < self._first_failure + _CAUSE_WITHIN_S else first

    def stop(self) -> None:
        """Ask all to finish what they are at and stop."""
        for worker in self._workers:
            worker.process.terminate()

    def end(self) -> None:
        """Kill those that are left."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.end()


def _rank(exit_code: int) -> int:
    """Say how surely a worker is the cause: 0 most."""
    if exit_code == FAILED:
        return 0
    if exit_code < 0 or exit_code == NOT_JOINED:
        return _CERTAIN
    return _CERTAIN + 1 if exit_code == UNEXPECTED else _CERTAIN + 2


def _before_exec() -> None:
    """Die with the supervisor; leave Ctrl-C to it, which the terminal sends to all."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
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
