"""The folder that a run writes its outputs to: whose it is, and that nobody else writes there."""

import fcntl
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import msgspec

from connectors.errors import FileProblem

MARKER = ".cartwheel"


class _Owner(msgspec.Struct):
    """What the marker holds.

    Attributes:
        state: the id of the state that writes here.
        names: of the files that it writes.
    """

    state: str
    names: list[str]


class OutFolder:
    """An output folder.

    A file in it says which state its outputs belong to. Files that no state owns are never
    touched; those of an earlier state are replaced by a new one.
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
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            is_ours = (self.path / MARKER).exists()
            if not is_ours:
                self._refuse_foreign(names)
            file = (self.path / MARKER).open("r+b" if is_ours else "x+b")
        except OSError as error:
            raise FileProblem(f"{self.path}: cannot be written: {error.strerror}") from error
        try:
            self._claim(file, state_id, fresh=fresh)
        except BaseException:
            file.close()
            raise
        return file

    def _refuse_foreign(self, names: Sequence[str]) -> None:
        foreign = [name for name in names if (self.path / name).exists()]
        if foreign:
            raise FileProblem(
                f"{self.path / foreign[0]} is there already and was not written by cartwheel;"
                " name another folder"
            )

    def _claim(self, file: IO[bytes], state_id: str, *, fresh: bool) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FileProblem(
                f"{self.path} is being written by another process; wait for it, or stop it"
            ) from None
        if not fresh and file.read() != _owner(state_id):
            raise FileProblem(
                f"{self.path} holds the outputs of another state; name the folder that this"
                " state has written to before, or start a new state"
            )
        file.seek(0)
        file.write(_owner(state_id))
        file.truncate()
        file.flush()


def _owner(state_id: str) -> bytes:
    return msgspec.json.encode({"state": state_id})
