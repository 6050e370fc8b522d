"""One broker for all processes of a test run.

Whoever needs it first starts a keeper, a process that belongs to the run and not to one of its
workers. The keeper starts the broker, notes the address and ends when the run has ended, however
that came about; the broker dies with the keeper.
"""

import fcntl
import json
import subprocess
import sys
import time
from pathlib import Path

from broker.broker import Broker
from broker.distribution import last_lines
from broker.errors import BrokerError
from broker.process_mark import mark_process

_LOOK_EVERY_S = 0.1
_NOTED_WITHIN_S = 400.0  # the first start on a machine fetches Kafka


def shared_broker(folder: Path, run: int) -> str:
    """Return the address of the run's broker; start it if nobody has.

    Args:
        folder: which the run's processes share.
        run: the process whose end is the run's end.

    Raises:
        BrokerError: it could not be started; everyone who asks hears the same reason.
    """
    with (folder / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        note = _note(folder)
        if not note.exists():
            _start_keeper(folder, run)
        bootstrap, reason = json.loads(note.read_text())
    if bootstrap is None:
        raise BrokerError(reason)
    return str(bootstrap)


def keep(folder: Path, run: int) -> None:
    """Be the keeper: have a broker for as long as the run goes on."""
    mark = mark_process(run)
    try:
        with Broker(folder / "kafka") as broker:
            _write_note(folder, broker.bootstrap, "")
            while mark is not None and mark.runs():
                time.sleep(_LOOK_EVERY_S)
    except (BrokerError, OSError) as error:
        _write_note(folder, None, str(error))


def _start_keeper(folder: Path, run: int) -> None:
    """Start a keeper and wait for its note."""
    command = [sys.executable, "-m", "broker", "keep", str(folder), str(run)]
    said = folder / "kafka-keeper.log"
    with said.open("wb") as log:
        keeper = subprocess.Popen(  # noqa: S603 (this package)
            command,
            cwd=Path(__file__).parents[1],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    until = time.monotonic() + _NOTED_WITHIN_S
    while not _note(folder).exists():
        if keeper.poll() is not None and not _note(folder).exists():
            _write_note(folder, None, f"the keeper failed: {last_lines(said.read_text())}")
        elif time.monotonic() > until:
            keeper.kill()
            _write_note(folder, None, f"no broker after {_NOTED_WITHIN_S:.0f} s")
        else:
            time.sleep(_LOOK_EVERY_S)


def _write_note(folder: Path, bootstrap: str | None, reason: str) -> None:
    """Write beside and rename, so that nobody reads half a note."""
    beside = folder / "kafka.json.part"
    beside.write_text(json.dumps([bootstrap, reason]))
    beside.rename(_note(folder))


def _note(folder: Path) -> Path:
    """Return where the broker's address is noted, or why there is none."""
    return folder / "kafka.json"
