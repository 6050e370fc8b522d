"""Where results go, as the flow sees it: files, or topics."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from connectors.file_sink import FileSink
from connectors.rendering import Line, render_line
from connectors.tick_parts import RenderedPart, SinkState
from operators.outputs import Output


class FilesOut(msgspec.Struct, frozen=True, tag="files"):
    """Each kind of output goes to a file of its own in a folder."""

    folder: str


SinkPlan = FilesOut
"""Where results go: one of these stands in a job."""


class Sink(Protocol):
    """Writes the parts of ticks."""

    def write(self, part: RenderedPart) -> None:
        """Take one shard's part of a tick.

        Raises:
            FileProblem: it cannot be written.
        """
        ...

    def snapshot(self) -> SinkState:
        """Make what was taken durable; return what to remember.

        Raises:
            FileProblem: it cannot be written.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


def open_sink(plan: SinkPlan, *, kinds: Sequence[str], shards: int, state: SinkState) -> Sink:
    """Open where results go.

    Args:
        plan: where.
        kinds: which kinds of outputs there are.
        shards: how many parts a tick has.
        state: as of the last snapshot.

    Raises:
        FileProblem: it cannot be written.
    """
    return FileSink(Path(plan.folder), kinds=kinds, shards=shards, state=state)


def renderer(plan: SinkPlan) -> Callable[[str, Output], Line]:
    """Return what renders an output of a config, by its name, for where it goes."""
    del plan
    return render_line
