"""Runs a job to its end: prepares the state, starts workers, starts them again when one dies."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from connectors.errors import AmbiguousCommitError, BrokerUnreachableError
from connectors.kafka.outbox_delivery import send_rest
from connectors.kafka.plans import TopicsOut
from flows import secrets
from flows.errors import WorkerFailedError
from flows.job import Job
from flows.processes import FAILED, NOT_JOINED, SAYS, Failure, Workers
from flows.reports import Listener, Report, Restart, WorkersGone, WorkersStarted
from flows.resume import Progress, prepare
from state.folder import Identity, StateFolder

_ATTEMPTS = 5
"""How many runs in a row may fail without having committed anything."""

_RUNS_WELL_S = 60.0
"""Whoever has run for so long has not failed at once."""

_BACKOFF_S = 0.2
_BACKOFF_MOST_S = 5.0
_POLL_S = 0.02
_SEND_REST_WITHIN_S = 5.0


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
        reload: at SIGHUP gives the job to go on with, or None to stay with this one; a supervisor
            that has it also starts workers again that have failed, not only killed ones.
    """

    def __init__(  # noqa: PLR0913 (what it owns, and whom it tells)
        self,
        folder: StateFolder,
        identity: Identity,
        job: Job,
        *,
        report: Callable[[Report], None],
        say: Callable[[str], None],
        reload: Callable[[], Job | None] | None = None,
    ) -> None:
        self._folder = folder
        self._identity = identity
        self._job = job
        self._report = report
        self._say = say
        self._reload = reload
        self.had_nothing_to_do = False
        self._stop_signal = 0
        self._signals = 0
        self._shall_reload = False

    def run(self) -> tuple[Progress, int]:
        """Run until the input has ended, or a signal asks to stop.

        Returns:
            How far the state is, and the signal that stopped the run or 0.

        Raises:
            ResumeError: the state is damaged.
            WorkerFailedError: a worker failed, or was killed again and again.
        """
        with _catching(self._on_signal, forever=self._reload is not None):
            run_id, progress = self._prepare()
            self.had_nothing_to_do = progress.finished
            attempts = _Attempts()
            while not progress.finished and not self._stop_signal:
                started, before = time.monotonic(), progress.epoch
                failure = self._run_once(run_id)
                ran_s = time.monotonic() - started
                run_id, progress = self._prepare()
                if failure and not self._stop_signal:
                    attempts.note(failure, ran_s, committed=progress.epoch > before)
                    self._after_failure(failure, attempts.failed)
        self._send_rest(progress)
        return progress, self._stop_signal

    def _prepare(self) -> tuple[str, Progress]:
        with self._folder.lock_workers():
            run, progress = prepare(self._folder, self._identity, self._job)
        for note in progress.notes:
            self._say(note)
        return run.id, progress

    def _run_once(self, run_id: str) -> Failure | None:
        """Run workers until all have gone; return how one has failed, if it can be tried again."""
        listener = Listener()
        state, environment = str(self._folder.path), secrets.environment(self._job)
        workers = Workers(state, run_id, self._job.workers, listener, environment)
        listener.close_workers_end()
        self._report(WorkersStarted(self._job.workers))
        asked_to_stop = False
        try:
            while not workers.done():
                self._pass_on(listener)
                failure = workers.failure()
                if failure and self._is_final(failure):
                    raise WorkerFailedError(_explain(failure))
                if failure or self._signals > 1:
                    return failure
                if (self._stop_signal or self._take_new_job()) and not asked_to_stop:
                    workers.stop()
                    asked_to_stop = True
                time.sleep(_POLL_S)
            self._pass_on(listener)
            return None
        finally:
            workers.end()
            listener.close()
            self._report(WorkersGone())

    def _is_final(self, failure: Failure) -> bool:
        """Tell whether it is of no use to start again after this."""
        was_killed = failure.exit_code < 0 or failure.exit_code == NOT_JOINED
        return not was_killed and self._reload is None

    def _take_new_job(self) -> bool:
        """At SIGHUP take the job that is then asked for, if there is another."""
        if not self._shall_reload or self._reload is None:
            return False
        self._shall_reload = False
        job = self._reload()
        if job is None:
            return False
        self._job = job
        return True

    def _after_failure(self, failure: Failure, failures: int) -> None:
        """Say that a worker has failed, and give up when that happens again and again."""
        cause = _cause(failure)
        if failures == _ATTEMPTS and failure.exit_code == FAILED:
            raise WorkerFailedError(f"{cause} (tried {_ATTEMPTS} times; the state is unharmed)")
        if failures == _ATTEMPTS:
            raise WorkerFailedError(
                f"{cause}, for the {_ATTEMPTS}th time before anything was committed;"
                " the state is unharmed (is there enough memory?)"
            )
        self._report(Restart(cause))
        wait_until = time.monotonic() + min(_BACKOFF_S * 2**failures, _BACKOFF_MOST_S)
        while time.monotonic() < wait_until and not self._stop_signal:
            time.sleep(_POLL_S)

    def _send_rest(self, progress: Progress) -> None:
        """Send what is committed and was not yet sent, since no worker does any more."""
        sink = self._job.sink
        if not isinstance(sink, TopicsOut):
            return
        deadline = time.monotonic() + _SEND_REST_WITHIN_S
        try:
            send_rest(
                sink,
                progress.sink.outbox,
                owner=lambda: self._folder.read_run().id,
                until=lambda: time.monotonic() > deadline,
            )
        except (BrokerUnreachableError, AmbiguousCommitError) as error:
            self._say(f"{error}; what is committed and not yet sent is sent at the next start")

    def _pass_on(self, listener: Listener) -> None:
        for report in listener.reports():
            self._report(report)

    def _on_signal(self, number: int, _frame: object) -> None:
        """Stop gracefully at the first signal, at once at the second; SIGHUP reloads."""
        if number == signal.SIGHUP:
            self._shall_reload = True
        else:
            self._stop_signal = number
            self._signals += 1


class _Attempts:
    """Counts the runs in a row that came to nothing.

    Attributes:
        failed: how many.
    """

    def __init__(self) -> None:
        self.failed = 0
        self._told = ""

    def note(self, failure: Failure, ran_s: float, *, committed: bool) -> None:
        """Count a run that has failed.

        What a worker has told in so many words before, and soon after its start, will not pass:
        then it does not count that epochs without events were committed in the meantime.
        """
        told = _explain(failure) if failure.exit_code == FAILED else ""
        same = bool(told) and told == self._told and ran_s < _RUNS_WELL_S
        self.failed = 1 if committed and not same else self.failed + 1
        self._told = told


def _cause(failure: Failure) -> str:
    """Say what has happened to a worker that is to be started again."""
    if failure.exit_code == NOT_JOINED:
        return "a worker's port was taken by another program"
    if failure.exit_code > 0:
        return _explain(failure)
    said = "" if failure.exit_code == -signal.SIGKILL else failure.said
    return f"{said}a worker was killed ({signal.Signals(-failure.exit_code).name})"


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
def _catching(handler: Callable[[int, object], None], *, forever: bool) -> Iterator[None]:
    """Handle SIGTERM and Ctrl-C for a while, and SIGHUP where the run has no end."""
    numbers = (signal.SIGTERM, signal.SIGINT, *((signal.SIGHUP,) if forever else ()))
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
