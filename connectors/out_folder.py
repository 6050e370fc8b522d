"""The folder that a run writes its outputs to: whose it is, and that nobody else writes there."""

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import msgspec

from connectors.errors import FileProblem

MARKER = ".cartwheel"


class _Owner(msgspec.Struct):
    """What the marker holds.

    Attributes:
        state: the id of the state that writes here; empty where the marker says nothing.
        names: of the files that it has written.
    """

    state: str
    names: list[str]


class OutFolder:
    """An output folder.

    A file in it says which state its outputs belong to. Files that no state owns are never
    touched; those of an earlier state go when a new one takes the folder over.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def claim(self, state_id: str, *, fresh: bool, names: Sequence[str]) -> IO[bytes]:
        """Make the folder this state's, as long as the returned file is open.

        Args:
            state_id: of the state that writes.
            fresh: whether the state has written nothing yet.
            names: of the files that will be written.

        Raises:
            FileProblem: it cannot be written, is in use, or holds somebody else's files.
        """
        marker = self.path / MARKER
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if not marker.exists():
                self._refuse_foreign(names)
                if not fresh:
                    raise FileProblem(
                        f"{self.path} does not hold the outputs of this state; name the folder"
                        " that it has written to before, or start a new state"
                    )
            file = os.fdopen(os.open(marker, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0)
        except OSError as error:
            raise FileProblem(f"{self.path}: cannot be written: {error.strerror}") from error
        try:
            self._claim(file, _Owner(state_id, sorted(names)), fresh=fresh)
        except BaseException:
            file.close()
            raise
        return file

    def _claim(self, file: IO[bytes], owner: _Owner, *, fresh: bool) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FileProblem(
                f"{self.path} is being written by another process; wait for it, or stop it"
            ) from None
        before = _read(file)
        is_ours = before.state == owner.state
        if not is_ours and not fresh:
            raise FileProblem(
                f"{self.path} holds the outputs of another state; name the folder that this"
                " state has written to before, or start a new state"
            )
        self._refuse_foreign(sorted(set(owner.names) - set(before.names)))
        if is_ours:
            owner.names = sorted({*owner.names, *before.names})
        try:
            if not is_ours:
                for name in before.names:
                    (self.path / name).unlink(missing_ok=True)
            _write(file, owner)
        except OSError as error:
            raise FileProblem(f"{self.path}: cannot be written: {error.strerror}") from error

    def _refuse_foreign(self, names: Sequence[str]) -> None:
        foreign = [name for name in names if os.path.lexists(self.path / name)]
        if foreign:
            raise FileProblem(
                f"{self.path / foreign[0]} is there already and was not written by cartwheel;"
                " name another folder"
            )


def _read(file: IO[bytes]) -> _Owner:
    """Read the marker, whose first line counts; one that was only just made says nothing."""
    try:
        return msgspec.json.decode(file.read().partition(b"\n")[0], type=_Owner)
    except msgspec.DecodeError:
        return _Owner("", [])


def _write(file: IO[bytes], owner: _Owner) -> None:
    """Replace the marker at one stroke: whoever is killed here leaves the old one or the new."""
    data = msgspec.json.encode(owner) + b"\n"
    os.pwrite(file.fileno(), data, 0)
    os.ftruncate(file.fileno(), len(data))
