"""Replays that are of use only when they reach the end of the events."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from cartwheel.errors import CartwheelError
from cartwheel.replay import Recorded, Replayed, replay
from config import Config
from state.folder import StateFolder


def replay_to_the_end(
    config: Config, recorded: Recorded, folder: StateFolder, *, label: str, stopped: str
) -> Replayed:
    """Replay to the end of the events; see ``replay``.

    Args:
        config: that was loaded.
        recorded: what to replay, and how.
        folder: of the state.
        label: what the progress is called.
        stopped: what is said when a signal has stopped it.

    Raises:
        KeyboardInterrupt: Ctrl-C has stopped it.
        CartwheelError: it was stopped otherwise, or failed.
    """
    replayed = replay(config, recorded, folder, label=label)
    if replayed.finished:
        return replayed
    if replayed.stopped_by == signal.SIGINT:
        print(f"cartwheel: {stopped}", file=sys.stderr)
        raise KeyboardInterrupt
    raise CartwheelError(stopped)


@contextmanager
def stopped_by_sigterm(stopped: str) -> Iterator[None]:
    """Let SIGTERM end what is being done, so that temporary files go."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise CartwheelError(stopped)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
