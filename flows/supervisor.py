"""Runs a job to its end: prepares the state, starts workers, starts them again when one dies."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flows.errors import WorkerFailedError
from flows.job import Job
from flows.processes import Workers
from flows.resume import Progress, prepare
from flows.worker import FAILED
from state.folder import Identity, StateFolder

_ATTEMPTS = 5
"""How many runs in a row may die without having committed anything."""

_BACKOFF_S = 0.2
_POLL_S = 0.02

Report = Callable[[int, int], None]
"""Called with the bytes and the lines read so far, over all readers."""


class Supervisor:
    """Owns a state while its job runs; the caller holds the state's lock.

    Attributes:
        had_nothing_to_do: whether the state was finished already.

    Args:
        folder: the state.
        identity: what it belongs to.
        job: what to do.
        report: told about progress.
    """

    def __init__(self, folder: StateFolder, identity: Identity, job: Job, report: Report) -> None:
        self._folder = folder
        self._identity = identity
        self._job = job
        self._report = report
        self.had_nothing_to_do = False
        self._stop_signal = 0
        self._newest: dict[str, tuple[int, int]] = {}

    def run(self) -> tuple[Progress, int]:
        """Run until the input has ended, or a signal asks to stop.

        Returns:
            How far the state is, and the signal that stopped the run or 0.

        Raises:
            ResumeError: the state is damaged.
            WorkerFailedError: a worker failed, or was killed again and again.
        """
        with _catching(self._stop):
            progress = self._prepare()[1]
            self.had_nothing_to_do = progress.finished
            failures = 0
            while not progress.finished and not self._stop_signal:
                run_id, before = self._prepare()
                died = self._run_once(run_id)
                _, progress = self._prepare()
                if not died:
                    continue
                failures = failures + 1 if progress.epoch == before.epoch else 1
                if failures == _ATTEMPTS:
                    raise WorkerFailedError(
                        f"a worker was killed {_ATTEMPTS} times in a row before anything was"
                        " committed; the state is unharmed (is there enough memory?)"
                    )
                time.sleep(_BACKOFF_S * failures)
        return progress, self._stop_signal

    def _prepare(self) -> tuple[str, Progress]:
        with self._folder.lock_workers():
            run, progress = prepare(self._folder, self._identity, self._job)
        return run.id, progress

    def _run_once(self, run_id: str) -> bool:
        """Run workers until all have gone; tell whether one was killed."""
        progress_pipe, workers_pipe = os.pipe()
        os.set_blocking(progress_pipe, False)
        workers = Workers(str(self._folder.path), run_id, self._job.workers, workers_pipe)
        os.close(workers_pipe)
        stopped = False
        try:
            while True:
                codes = workers.exit_codes()
                self._pass_on(progress_pipe)
                if all(code == 0 for code in codes):
                    return False
                gone = [code for code in codes if code]
                if FAILED in gone:
                    raise WorkerFailedError
                if any(code < 0 for code in gone):
                    return True
                if gone:
                    raise WorkerFailedError(f"a worker ended with exit code {gone[0]}")
                if self._stop_signal and not stopped:
                    workers.stop()
                    stopped = True
                time.sleep(_POLL_S)
        finally:
            workers.kill()
            os.close(progress_pipe)

    def _pass_on(self, pipe: int) -> None:
        """Pass on the newest progress of each reader."""
        try:
            data = os.read(pipe, 1 << 16)
        except BlockingIOError:
            return
        newest = {}
        for line in data.decode().splitlines():
            reader, bytes_read, events = line.split()
            newest[reader] = (int(bytes_read), int(events))
        self._newest.update(newest)
        if newest:
            self._report(
                sum(each[0] for each in self._newest.values()),
                sum(each[1] for each in self._newest.values()),
            )

    def _stop(self, number: int, _frame: object) -> None:
        self._stop_signal = number


@contextmanager
def _catching(handler: Callable[[int, object], None]) -> Iterator[None]:
    """Handle SIGTERM and Ctrl-C for a while."""
    before = {number: signal.signal(number, handler) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
