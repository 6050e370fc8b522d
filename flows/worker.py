"""A worker process: joins the cluster, runs the flow, leaves when its supervisor does.

Started by the supervisor as ``python -m flows.worker STATE RUN INDEX ADDRESSES PARENT``.
"""

import gc
import os
import re
import signal
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

from bytewax._bytewax import cluster_main

from connectors.errors import ConnectorProblem
from flows import main, recovery
from flows.errors import ResumeError
from flows.processes import FAILED, NOT_JOINED, SAYS, UNEXPECTED
from flows.tracebacks import told
from flows.worker_state import WorkerState
from operators.models.store import ModelStateError
from state.errors import StateError
from state.folder import StateFolder

_GC_THRESHOLDS = (200_000, 50, 100)
"""Young collections are rare: the steps make no cycles, and look at a great many live objects."""

_EXPLAINED = (StateError, ResumeError, ConnectorProblem, ModelStateError)
"""Errors whose message is all that the user needs."""

_WATCH_EVERY_S = 0.5

_ROCKSDB = re.compile(r"(IO error|Corruption|Invalid argument|Resource busy): ")
"""How errors of RocksDB begin; rocksdict raises them as plain ``Exception``."""


_NO_NETWORK = "failed to initialize networking"
"""What Bytewax says when it cannot listen on its port."""


class UnexpectedError(Exception):
    """Something went wrong that should not; the traceback was printed."""


class NotJoinedError(Exception):
    """This worker's port was taken."""


def run(state: str, run_id: str, index: int, addresses: list[str], parent: int) -> int:
    """Run one worker to its end; return the exit code."""
    if os.getppid() != parent:
        return FAILED
    _watch(parent)
    folder = StateFolder(Path(state))
    try:
        with folder.join_workers():
            worker = WorkerState(folder, run_id, index)
            _on_signals(worker)
            _run_flow(worker, folder, index, addresses)
    except _EXPLAINED as error:
        return _fail(error)
    except NotJoinedError:
        return NOT_JOINED
    except UnexpectedError:
        return UNEXPECTED
    return _fail(worker.problem) if worker.problem else 0


def _run_flow(worker: WorkerState, folder: StateFolder, index: int, addresses: list[str]) -> None:
    flow = main.build(worker)
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    try:
        cluster_main(  # type: ignore[no-untyped-call]
            flow,
            addresses if len(addresses) > 1 else [],
            index,
            epoch_interval=timedelta(milliseconds=worker.job.epoch_ms),
            recovery_config=recovery.config(folder.recovery),
        )
    except BaseException as error:
        cause = worker.failure or error
        known = _known_cause(cause)
        if known is not None:
            raise known from None
        if _NO_NETWORK in str(cause):
            raise NotJoinedError from None
        if not isinstance(cause, Exception):
            raise  # a panic, most likely because another worker has gone
        print(told(cause), file=sys.stderr)  # noqa: T201 (the supervisor passes it on)
        raise UnexpectedError from error
    finally:
        worker.close()


def _known_cause(error: BaseException | None) -> Exception | None:
    """Find what has a plain explanation inside the errors that Bytewax wraps around it."""
    while error is not None:
        if isinstance(error, _EXPLAINED):
            return error
        if isinstance(error, OSError):
            return StateError(f"{error.filename}: {error.strerror}")
        reason = recovery.sqlite_failure(error)
        if reason is not None:
            return StateError(f"the recovery folder cannot be read or written: {reason}")
        if type(error) is Exception and _ROCKSDB.match(str(error)):
            return StateError(f"the state cannot be read or written: {error}")
        error = error.__cause__ or error.__context__
    return None


def _watch(parent: int) -> None:
    """Die with the supervisor also where the system does not see to it."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH_EVERY_S)
        os._exit(FAILED)

    if sys.platform != "linux":
        threading.Thread(target=watch, daemon=True).start()


def _on_signals(worker: WorkerState) -> None:
    def stop(_signal: int, _frame: object) -> None:
        worker.stopping = True

    signal.signal(signal.SIGTERM, stop)


def _fail(error: Exception) -> int:
    print(f"{SAYS}{error}", file=sys.stderr)  # noqa: T201 (the supervisor passes it on)
    return FAILED


def _main(state: str, run_id: str, index: str, addresses: str, parent: str) -> None:
    """Run a worker and end this process, without Python's own end.

    When a cluster has broken down, its threads may abort a Python that is about to end.
    """
    try:
        exit_code = run(state, run_id, int(index), addresses.split(","), int(parent))
    except BaseException as error:  # noqa: BLE001 (a panic is none of the others)
        print(told(error), file=sys.stderr)  # noqa: T201 (the supervisor passes it on)
        exit_code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code)


if __name__ == "__main__":
    _main(*sys.argv[1:])
