"""Where results go, as the flow sees it: files, topics, or nowhere."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from connectors.counting_sink import CountingSink
from connectors.file_sink import FileSink
from connectors.kafka.plans import TopicsOut
from connectors.rendering import Line, in_order, render_line, render_record
from connectors.tick_parts import RenderedPart, SinkState
from operators.erasing import CUSTOMERS
from operators.outputs import Output, Tombstone


class FilesOut(msgspec.Struct, frozen=True, tag="files"):
    """Each kind of output goes to a file of its own in a folder."""

    folder: str


class Nowhere(msgspec.Struct, frozen=True, tag="nowhere"):
    """Results are counted and not written: what models learn is all that is wanted."""


SinkPlan = FilesOut | TopicsOut | Nowhere
"""Where results go: one of these stands in a job."""


class Sink(Protocol):
    """Writes the parts of ticks."""

    def write(self, part: RenderedPart) -> None:
        """Take one shard's part of a tick.

        Raises:
            ConnectorProblem: it cannot be written.
        """
        ...

    def snapshot(self) -> SinkState:
        """Make what was taken durable; return what to remember.

        Raises:
            ConnectorProblem: it cannot be written.
        """
        ...

    def reachable(self) -> bool:
        """Tell whether results can be written."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


def open_sink(  # noqa: PLR0913 (where to, from where on, and whom to ask)
    plan: SinkPlan,
    *,
    kinds: Sequence[str],
    shards: int,
    state: SinkState,
    owner: Callable[[], str],
    stopping: Callable[[], bool],
) -> Sink:
    """Open where results go.

    Args:
        plan: where.
        kinds: which kinds of outputs there are.
        shards: how many parts a tick has.
        state: as of the last snapshot.
        owner: gives the id of the run that the state folder belongs to now.
        stopping: tells whether to give up waiting.

    Raises:
        ConnectorProblem: it cannot be written.
    """
    if isinstance(plan, FilesOut):
        return FileSink(Path(plan.folder), kinds=kinds, shards=shards, state=state)
    if isinstance(plan, Nowhere):
        return CountingSink(shards=shards, state=state)
    # here, since clients of Kafka are slow to load and seldom wanted
    if plan.delivery == "exact":
        from connectors.kafka.exact_sink import ExactSink  # noqa: PLC0415

        return ExactSink(plan, shards=shards, state=state, owner=owner, stopping=stopping)
    from connectors.kafka.fast_sink import FastSink  # noqa: PLC0415

    return FastSink(plan, shards=shards, state=state, owner=owner, stopping=stopping)


def renderer(
    plan: SinkPlan, name: str
) -> Callable[[dict[str, list[Output]]], dict[str, list[Line]]]:
    """Return what renders outputs, by kind, for where they go.

    Args:
        plan: where.
        name: of the config.
    """
    if isinstance(plan, Nowhere):
        return lambda _kinds: {}
    write = render_line if isinstance(plan, FilesOut) else render_record
    compacted = plan.compacted if isinstance(plan, TopicsOut) else ()

    def render(kinds: dict[str, list[Output]]) -> dict[str, list[Line]]:
        if CUSTOMERS not in kinds:
            return {kind: [write(name, each) for each in some] for kind, some in kinds.items()}
        lines = {}
        for kind, some in kinds.items():
            wanted = [each for each in some if kind in compacted or not isinstance(each, Tombstone)]
            lines[kind] = in_order([write(name, each) for each in wanted])
        return lines

    return render
