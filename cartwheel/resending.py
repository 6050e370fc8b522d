"""Where dead letters go that are sent through a config's source once more."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cartwheel.errors import UsageError
from cartwheel.jobs import source_settings
from config import Config
from connectors.kafka.client_settings import KafkaSettings
from connectors.kafka.dead_letter_topic import send_to_topic
from connectors.kept_letters import KeptLetter, send_to_folder
from operators.rejections import Partition


class Target(Protocol):
    """Takes dead letters."""

    @property
    def name(self) -> str:
        """What it is, for messages."""
        ...

    def objection(self, letter: KeptLetter) -> str | None:
        """Say why a dead letter cannot be sent there, None where it can."""
        ...

    def send(self, letters: Iterable[KeptLetter]) -> int:
        """Send them; return how many there were.

        Raises:
            ConnectorProblem: it cannot be written.
        """
        ...


@dataclass(frozen=True)
class _Topic:
    settings: KafkaSettings
    topic: str

    @property
    def name(self) -> str:
        return f"the topic {self.topic}"

    def objection(self, letter: KeptLetter) -> str | None:
        origin = letter.place.origin
        if not isinstance(origin, Partition) or origin.topic != self.topic:
            return f"did not come from {self.name}"
        return None if letter.is_whole else "are kept only in part"

    def send(self, letters: Iterable[KeptLetter]) -> int:
        return send_to_topic(self.settings, self.topic, letters)


@dataclass(frozen=True)
class _Folder:
    path: Path

    @property
    def name(self) -> str:
        return f"the folder {self.path}"

    def objection(self, letter: KeptLetter) -> str | None:
        if isinstance(letter.place.origin, Partition):
            return "did not come from files"
        return None if letter.is_whole else "are kept only in part"

    def send(self, letters: Iterable[KeptLetter]) -> int:
        return send_to_folder(self.path, letters)


def target_of(config: Config) -> Target:
    """Return where a config's source takes events from.

    Raises:
        UsageError: it takes no more.
    """
    source = config.source
    if source is None:
        raise UsageError("the config has no source that dead letters could be sent through")
    if source.kafka is not None:
        return _Topic(source_settings(source.kafka), source.kafka.topic)
    if not source.follow:
        raise UsageError("source.follow is false: files that are added are not read")
    for path in map(Path, source.files or ()):
        if path.is_dir():
            return _Folder(path)
    raise UsageError(
        "source.files names no folder; only a folder that is watched can be given another file"
    )
