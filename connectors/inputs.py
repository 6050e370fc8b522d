"""What a reader reads from, as the flow sees it: recorded files, or input that goes on and on."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from connectors.errors import SourceProblem
from connectors.followed import Followed, FollowedFiles, FollowedPositions
from connectors.kafka.plans import KafkaPositions, KafkaTopic
from connectors.replay import RecordedFiles, RecordedPositions, Replay
from operators.heads import LineReader
from operators.lines import Lines
from operators.rejections import Origin

Source = RecordedFiles | FollowedFiles | KafkaTopic
"""Where events come from: one of these stands in a job."""

_KINDS: dict[type, str] = {
    RecordedFiles: "recorded files",
    RecordedPositions: "recorded files",
    FollowedFiles: "files that it follows",
    FollowedPositions: "files that it follows",
    KafkaTopic: "a topic",
    KafkaPositions: "a topic",
}

Positions = RecordedPositions | FollowedPositions | KafkaPositions
"""Where a reader of each kind of source goes on."""


class Input(Protocol):
    """The input of one reader.

    Attributes:
        ended: whether everything was taken, and nothing will come any more.
    """

    ended: bool

    @property
    def origins(self) -> tuple[Origin, ...]:
        """What the places of lines mean."""
        ...

    def take(self, count: int) -> Lines:
        """Return the next lines, at most so many.

        Raises:
            ConnectorProblem: it cannot be read.
        """
        ...

    def positions(self) -> Positions:
        """Return where to go on after what was taken."""
        ...

    def bytes_read(self) -> int:
        """Return how many bytes were read so far, for progress."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


@runtime_checkable
class LiveInput(Input, Protocol):
    """Input that goes on: there may be nothing now, and more later."""

    @property
    def partitions(self) -> Sequence[int]:
        """The partitions that the reader has now."""
        ...

    @property
    def by_origin(self) -> bool:
        """Whether each origin is a partition of its own."""
        ...

    @property
    def has_share(self) -> bool:
        """Whether the reader has partitions, or does not know yet."""
        ...

    def idle(self) -> Sequence[int]:
        """Return the partitions whose end was reached and which brought nothing for a while."""
        ...

    def committed(self) -> None:
        """Take note that the positions of the last snapshot are committed."""
        ...

    def lag(self) -> int | None:
        """Return how many records wait, None where that is not known."""
        ...

    def reachable(self) -> bool:
        """Tell whether the source can be reached."""
        ...


def check_same_source(source: Source, number: int, positions: Positions) -> None:
    """Check that a reader is given what it has read before.

    Raises:
        SourceProblem: it is something else.
    """
    if isinstance(source, RecordedFiles) and isinstance(positions, RecordedPositions):
        positions.check(source, number)
    elif isinstance(source, KafkaTopic) and isinstance(positions, KafkaPositions):
        positions.check(source)
    elif positions.__struct_config__.tag != source.__struct_config__.tag:
        raise SourceProblem(
            f"the state has read from {_KINDS[type(positions)]}, and is given"
            f" {_KINDS[type(source)]} now; that cannot change later: start a new state"
        )


def open_input(
    source: Source,
    number: int,
    reader: LineReader,
    positions: Positions | None,
    *,
    idle_ms: int | None,
) -> Input:
    """Open what one reader reads from.

    Args:
        source: where events come from.
        number: the reader's.
        reader: says what the lines are.
        positions: where to go on, None at the first start.
        idle_ms: after how long without events a live partition is idle, None for never.

    Raises:
        FileProblem: it cannot be read.
    """
    if isinstance(source, RecordedFiles):
        assert positions is None or isinstance(positions, RecordedPositions), "checked before"
        return Replay(
            source.readers[number],
            reader,
            order=source.order,
            positions=positions.positions if positions else (),
        )
    if isinstance(source, KafkaTopic):
        assert positions is None or isinstance(positions, KafkaPositions), "checked before"
        # here, since clients of Kafka are slow to load and seldom wanted
        from connectors.kafka.source import KafkaInput  # noqa: PLC0415

        return KafkaInput(source, number, reader, positions, idle_ms=idle_ms)
    assert positions is None or isinstance(positions, FollowedPositions), "checked before"
    return Followed(source, reader, positions, idle_ms=idle_ms)
