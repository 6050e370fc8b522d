"""Tells one process from every other, also from a later one that was given its number."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

_STATE, _STARTED = 0, 19
"""Where ``/proc/PID/stat`` has them, counted after the name in brackets (proc(5))."""


class ProcessMark(NamedTuple):
    """A process that was running when it was marked.

    Attributes:
        pid: its number.
        started: when it started, as the system tells; with the number it is unique.
    """

    pid: int
    started: str

    def runs(self) -> bool:
        """Tell whether that very process still runs."""
        return _started(self.pid) == self.started

    def send(self, number: signal.Signals) -> bool:
        """Send a signal to that very process; tell whether it was there."""
        if sys.platform != "linux":
            if self.runs():
                os.kill(self.pid, number)
                return True
            return False
        try:
            handle = os.pidfd_open(self.pid)  # holds the number while its owner is looked at
        except ProcessLookupError:
            return False
        try:
            if not self.runs():
                return False
            signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(handle)
        return True


def mark_process(pid: int) -> ProcessMark | None:
    """Mark a process; None if it does not run."""
    started = _started(pid)
    return None if started is None else ProcessMark(pid, started)


def _started(pid: int) -> str | None:
    """Return when a process started; None if it has ended, whether or not it was waited for."""
    if sys.platform != "linux":
        command = ["ps", "-o", "lstart=", "-p", str(pid)]
        told = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        return told.stdout.strip() or None
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[_STATE] in "ZX" else fields[_STARTED]
