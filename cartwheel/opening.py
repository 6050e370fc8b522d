"""Opens the state that a command runs on: creates it, or checks that it fits."""

import time
from dataclasses import dataclass

from cartwheel.errors import UsageError
from config import Config
from flows import recovery
from operators.times import parse_time
from state.folder import Identity, StateFolder

DEFAULT_SHARDS = 12
READERS_MOST = 64
WORKERS_MOST = 240

TICK_LINES = 4096
"""The most lines of a tick, unless something else is asked for."""


@dataclass(frozen=True)
class Asked:
    """What a command asks of the state; None: what it has, or the default for a new one."""

    shards: int | None
    readers: int | None
    default_readers: int
    now: str | None


def open_identity(asked: Asked, config: Config, folder: StateFolder) -> Identity:
    """Create the state, or check that it fits the command.

    Raises:
        UsageError: it does not fit.
        StateError: there is something else.
    """
    if not folder.exists():
        identity = folder.create(
            name=config.name,
            shards=asked.shards or DEFAULT_SHARDS,
            readers=asked.readers or asked.default_readers,
            now_ms=_now(asked.now),
        )
        recovery.create(folder.recovery, identity.id)
        return identity
    identity = folder.identity()
    if not folder.was_run():
        recovery.create(folder.recovery, identity.id)  # killed before it was complete
    if identity.name != config.name:
        raise UsageError(
            f"{folder.path} belongs to the config {identity.name!r}, not to {config.name!r};"
            " name another state"
        )
    wanted = {"--shards": asked.shards, "--readers": asked.readers}
    has = {"--shards": identity.shards, "--readers": identity.readers}
    for option, number in wanted.items():
        if number is not None and number != has[option]:
            raise UsageError(
                f"{folder.path} was made with {option} {has[option]}, not {number};"
                " that cannot change later"
            )
    return identity


def bounded(option: str, number: int | None, most: int) -> None:
    """Check that a number, if one is given, is from 1 to the most.

    Raises:
        UsageError: it is not.
    """
    if number is not None and not 1 <= number <= most:
        raise UsageError(f"{option} is {number}, expected 1 to {most}")


def _now(text: str | None) -> int:
    if text is None:
        return int(time.time() * 1000)
    try:
        return parse_time(text)
    except ValueError:
        raise UsageError(
            f"--now is {text!r}, expected an RFC 3339 time such as 2026-01-31T09:30:00Z"
        ) from None
