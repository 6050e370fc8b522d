"""Writes each kind of output to its own file, tick by tick, exactly once.

A tick is written when all shards' parts of it are there, sorted, so that the files are the same
whatever the number of processes. The snapshot remembers the lengths; a resume cuts the files back.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from connectors.errors import FileProblem
from connectors.tick_parts import RenderedPart, SinkState, TickParts


class FileSink:
    """The output files of a run.

    Args:
        folder: where they are.
        kinds: which there are; each is ``KIND.jsonl``.
        shards: how many parts a tick has.
        state: as of the last snapshot.

    Raises:
        FileProblem: a file cannot be written, or is shorter than it was.
    """

    def __init__(
        self, folder: Path, *, kinds: Sequence[str], shards: int, state: SinkState
    ) -> None:
        self._folder = folder
        self._state = state
        self._parts = TickParts(shards=shards, state=state)
        # also what an earlier config could produce: its instances may still be pending
        self._files = {kind: self._open(kind) for kind in dict.fromkeys([*kinds, *state.lengths])}

    def write(self, part: RenderedPart) -> None:
        """Take one shard's part of a tick; write the tick when it was the last part.

        Raises:
            FileProblem: the disk is full, or something else prevents writing.
        """
        for kind, lines in self._parts.add(part).items():
            data = b"\n".join([line.text for line in lines]) + b"\n"
            self._write(kind, self._files[kind], data)

    def snapshot(self) -> SinkState:
        """Bring everything written to the operating system; return what to remember.

        Raises:
            FileProblem: the disk is full, or something else prevents writing.
        """
        state = self._parts.snapshot()
        for kind, file in self._files.items():
            self._write(kind, file, b"", flush=True)
        return state

    def reachable(self) -> bool:
        """Tell that files are there."""
        return True

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()

    def _open(self, kind: str) -> BinaryIO:
        path = self._folder / f"{kind}.jsonl"
        length = self._state.lengths.setdefault(kind, 0)
        try:
            size = path.stat().st_size if path.exists() else 0
            if size < length:
                raise FileProblem(
                    f"{path} has {size} bytes, but {length} were written to it; put it back,"
                    " or start a new state with an empty output folder"
                )
            file = path.open("ab")
            file.truncate(length)
        except OSError as error:
            raise FileProblem(f"{path}: cannot be written: {error.strerror}") from error
        return file

    def _write(self, kind: str, file: BinaryIO, data: bytes, *, flush: bool = False) -> None:
        try:
            file.write(data)
            if flush:
                file.flush()
        except OSError as error:
            path = self._folder / f"{kind}.jsonl"
            raise FileProblem(
                f"{path}: cannot be written: {error.strerror}; make room and start again,"
                " nothing is lost"
            ) from error
        self._state.lengths[kind] += len(data)
