"""Writes nothing; counts what each tick has brought, for who wants to know what a run has done."""

from connectors.tick_parts import RenderedPart, SinkState, TickParts


class CountingSink:
    """The end of a run whose results nobody wants.

    Args:
        shards: how many parts a tick has.
        state: as of the last snapshot.
    """

    def __init__(self, *, shards: int, state: SinkState) -> None:
        self._parts = TickParts(shards=shards, state=state)

    def write(self, part: RenderedPart) -> None:
        """Take one shard's part of a tick."""
        self._parts.add(part)

    def snapshot(self) -> SinkState:
        """Return what to remember."""
        return self._parts.snapshot()

    def reachable(self) -> bool:
        """Tell that nothing stands in the way."""
        return True

    def close(self) -> None:
        """Do nothing: nothing is open."""
