"""The folder that a run writes its outputs to: whose it is, and that nobody else writes there."""

import fcntl
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import msgspec

from connectors.errors import FileProblem

MARKER = ".cartwheel"


class _Owner(msgspec.Struct):
    state: str


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
            file = (self.path / MARKER).open("a+b")
        except OSError as error:
            raise FileProblem(f"{self.path}: cannot be written: {error.strerror}") from error
        try:
            self._claim(file, state_id, fresh=fresh, names=names)
        except BaseException:
            file.close()
            raise
        return file

    def _claim(self, file: IO[bytes], state_id: str, *, fresh: bool, names: Sequence[str]) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FileProblem(
                f"{self.path} is being written by another process; wait for it, or stop it"
            ) from None
        file.seek(0)
        owner = file.read()
        if not owner:
            foreign = [name for name in names if (self.path / name).exists()]
            if foreign:
                (self.path / MARKER).unlink()
                raise FileProblem(
                    f"{self.path / foreign[0]} is there already and was not written by cartwheel;"
                    " name another folder"
                )
        elif not fresh and msgspec.json.decode(owner, type=_Owner).state != state_id:
            raise FileProblem(
                f"{self.path} holds the outputs of another state; name the folder that this"
                " state has written to before, or start a new state"
            )
        file.truncate(0)
        file.write(msgspec.json.encode(_Owner(state_id)))
        file.flush()
