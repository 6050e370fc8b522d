"""Runs a job to its end: prepares the state, starts workers, starts them again when one dies."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flows.errors import WorkerFailedError
from flows.job import Job
from flows.processes import FAILED, NOT_JOINED, SAYS, Failure, Workers
from flows.reports import Listener, Report
from flows.resume import Progress, prepare
from state.folder import Identity, StateFolder

_ATTEMPTS = 5
"""How many runs in a row may die without having committed anything."""

_BACKOFF_S = 0.2
_POLL_S = 0.02


class Supervisor:
    """Owns a state while its job runs; the caller holds the state's lock.

    Attributes:
        had_nothing_to_do: whether the state was finished already.

    Args:
        folder: the state.
        identity: what it belongs to.
        job: what to do.
        report: told what workers report.
        say: told what the user should know while the run goes on.
    """

    def __init__(
        self,
        folder: StateFolder,
        identity: Identity,
        job: Job,
        *,
        report: Callable[[Report], None],
        say: Callable[[str], None],
    ) -> None:
        self._folder = folder
        self._identity = identity
        self._job = job
        self._report = report
        self._say = say
        self.had_nothing_to_do = False
        self._stop_signal = 0
        self._signals = 0

    def run(self) -> tuple[Progress, int]:
        """Run until the input has ended, or a signal asks to stop.

        Returns:
            How far the state is, and the signal that stopped the run or 0.

        Raises:
            ResumeError: the state is damaged.
            WorkerFailedError: a worker failed, or was killed again and again.
        """
        with _catching(self._stop):
            run_id, progress = self._prepare()
            self.had_nothing_to_do = progress.finished
            deaths = 0
            while not progress.finished and not self._stop_signal:
                death = self._run_once(run_id)
                before = progress.epoch
                run_id, progress = self._prepare()
                if death and not self._stop_signal:
                    deaths = deaths + 1 if progress.epoch == before else 1
                    self._after_death(death, deaths)
        return progress, self._stop_signal

    def _prepare(self) -> tuple[str, Progress]:
        with self._folder.lock_workers():
            run, progress = prepare(self._folder, self._identity, self._job)
        return run.id, progress

    def _run_once(self, run_id: str) -> Failure | None:
        """Run workers until all have gone; return how one was killed, if one was."""
        listener = Listener()
        workers = Workers(str(self._folder.path), run_id, self._job.workers, listener)
        listener.close_workers_end()
        asked_to_stop = False
        try:
            while not workers.done():
                self._pass_on(listener)
                failure = workers.failure()
                if failure and failure.exit_code > 0 and failure.exit_code != NOT_JOINED:
                    raise WorkerFailedError(_explain(failure))
                if failure or self._signals > 1:
                    return failure
                if self._stop_signal and not asked_to_stop:
                    workers.stop()
                    asked_to_stop = True
                time.sleep(_POLL_S)
            self._pass_on(listener)
            return None
        finally:
            workers.end()
            listener.close()

    def _after_death(self, death: Failure, deaths: int) -> None:
        """Say that a worker has died, and give up when that happens again and again."""
        cause = _cause(death)
        if deaths == _ATTEMPTS:
            raise WorkerFailedError(
                f"{cause}, for the {_ATTEMPTS}th time before anything was committed;"
                " the state is unharmed (is there enough memory?)"
            )
        self._say(f"{cause}; going on from the last commit")
        time.sleep(_BACKOFF_S * deaths)

    def _pass_on(self, listener: Listener) -> None:
        for report in listener.reports():
            self._report(report)

    def _stop(self, number: int, _frame: object) -> None:
        """Stop gracefully at the first signal, at once at the second."""
        self._stop_signal = number
        self._signals += 1


def _cause(death: Failure) -> str:
    """Say what has happened to a worker that is to be started again."""
    if death.exit_code == NOT_JOINED:
        return "a worker's port was taken by another program"
    said = "" if death.exit_code == -signal.SIGKILL else death.said
    return f"{said}a worker was killed ({signal.Signals(-death.exit_code).name})"


def _explain(failure: Failure) -> str:
    """Return the one line that a worker has said for the user, else everything."""
    if failure.exit_code == FAILED:
        lines = [line for line in failure.said.splitlines() if line.startswith(SAYS)]
        if lines:
            return lines[-1].removeprefix(SAYS)
    return (
        f"{failure.said}a worker broke down (exit code {failure.exit_code});"
        " this should not happen; the state is unharmed"
    )


@contextmanager
def _catching(handler: Callable[[int, object], None]) -> Iterator[None]:
    """Handle SIGTERM and Ctrl-C for a while."""
    before = {number: signal.signal(number, handler) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
