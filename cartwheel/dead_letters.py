"""List what was rejected, by reason; send chosen dead letters through the source once more.

They are read from where the config's results go. Nothing is removed there.
"""

import argparse
import json
import re
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cartwheel.errors import CartwheelError, UsageError
from cartwheel.jobs import sink_settings
from cartwheel.resending import Target, target_of
from config import Config, ConfigError, load
from connectors.errors import ConnectorProblem
from connectors.kafka.dead_letter_topic import read_letters
from connectors.kept_letters import KeptLetter, read_file

NAME = "dead-letters"
SUMMARY = "list what was rejected, and send it again"

_LIMIT = 100_000
_REASONS_MOST = 1_000
_WIDTH = 10_000  # reasons are not broken into lines
_OTHERS = ("", "", "(other reasons)")
_POSITION = re.compile(r"[^/]+/\d+/\d+|.+:\d+")

Group = tuple[str, str, str]
"""Stage, field and reason."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("config", metavar="CONFIG", type=Path, help="the config file")
    parser.add_argument("--stage", metavar="STAGE", help="only those of this stage")
    parser.add_argument("--reason", metavar="TEXT", help="only those whose reason contains it")
    parser.add_argument(
        "--at",
        metavar="PLACE",
        action="append",
        default=[],
        help="only the one from TOPIC/PARTITION/OFFSET or FILE:LINE; may be repeated",
    )
    parser.add_argument(
        "--limit", metavar="N", type=int, default=_LIMIT, help=f"at most so many ({_LIMIT})"
    )
    parser.add_argument("--resend", action="store_true", help="send them through the source again")
    parser.add_argument("--dry-run", action="store_true", help="with --resend: only say what for")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


@dataclass(frozen=True)
class _Choice:
    """Which dead letters are meant."""

    stage: str | None
    reason: str
    places: frozenset[str]

    def has(self, letter: KeptLetter) -> bool:
        rejection = letter.rejection
        return (
            self.stage in {None, rejection.stage}
            and self.reason in rejection.reason
            and (not self.places or letter.position in self.places)
        )


@dataclass
class _Seen:
    """What was found of one stage, field and reason."""

    example: str
    count: int = 0
    sent_before: int = 0


@dataclass
class _Found:
    """What came of a command.

    Attributes:
        groups: by stage, field and reason.
        places: of all that was found; each counts once, however often it was written.
        left_out: why some cannot be sent, and how many.
        is_all: whether no more were there than were asked for.
    """

    groups: dict[Group, _Seen] = field(default_factory=dict)
    places: set[str] = field(default_factory=set)
    left_out: dict[str, int] = field(default_factory=dict)
    is_all: bool = True

    def add(self, letter: KeptLetter) -> None:
        rejection = letter.rejection
        group = (rejection.stage, rejection.field, rejection.reason)
        if group not in self.groups and len(self.groups) >= _REASONS_MOST:
            group = _OTHERS
        seen = self.groups.setdefault(group, _Seen(letter.position))
        seen.count += 1
        seen.sent_before += letter.was_resent
        self.places.add(letter.position)


def run(arguments: argparse.Namespace) -> int:
    """List or send; 1 where one that is named by its place was not found."""
    choice = _choice(arguments)
    try:
        config = load(arguments.config)
        target = target_of(config) if arguments.resend else None
        found, sent = _Found(), 0
        with closing(_read(config)) as letters:
            chosen = _chosen(letters, choice, arguments.limit, found)
            if target is None:
                for _ in chosen:
                    pass
            else:
                sendable = _sendable(chosen, target, found)
                sent = sum(1 for _ in sendable) if arguments.dry_run else target.send(sendable)
    except ConfigError as error:
        raise UsageError(str(error)) from None
    except ConnectorProblem as error:
        raise CartwheelError(str(error)) from None
    if arguments.json:
        print(json.dumps(_document(found, target, sent, dry_run=arguments.dry_run)))
    else:
        _print(found, target, sent, dry_run=arguments.dry_run)
    missing = sorted(choice.places - found.places)
    if missing and found.is_all:
        raise CartwheelError(f"there is no such dead letter: {', '.join(missing)}")
    return 0


def _choice(arguments: argparse.Namespace) -> _Choice:
    if arguments.limit < 1:
        raise UsageError(f"--limit is {arguments.limit}, expected 1 or more")
    if arguments.dry_run and not arguments.resend:
        raise UsageError("--dry-run goes with --resend")
    for place in arguments.at:
        if not _POSITION.fullmatch(place):
            raise UsageError(f"--at is {place!r}, expected TOPIC/PARTITION/OFFSET or FILE:LINE")
    chooses = arguments.stage is not None or arguments.reason is not None or arguments.at
    if arguments.resend and not chooses:
        raise UsageError(
            "--resend needs --reason, --stage or --at to say which ones; --reason '' for all"
        )
    return _Choice(arguments.stage, arguments.reason or "", frozenset(arguments.at))


def _read(config: Config) -> Generator[KeptLetter, None, None]:
    """Read where the config's dead letters go."""
    sinks = config.sinks
    if sinks is None:
        raise UsageError("the config has no sinks that could hold dead letters")
    if sinks.kafka is not None:
        yield from read_letters(sink_settings(config), f"{config.sink_prefix}{NAME}")
        return
    assert sinks.files is not None, "a config has one of them"
    yield from read_file(Path(sinks.files) / f"{NAME}.jsonl")


def _chosen(
    letters: Iterator[KeptLetter], choice: _Choice, limit: int, found: _Found
) -> Iterator[KeptLetter]:
    """Give those that are meant, each once, and take note of them."""
    for letter in letters:
        if not choice.has(letter) or letter.position in found.places:
            continue
        if len(found.places) == limit:
            found.is_all = False
            return
        found.add(letter)
        yield letter


def _sendable(chosen: Iterator[KeptLetter], target: Target, found: _Found) -> Iterator[KeptLetter]:
    for letter in chosen:
        objection = target.objection(letter)
        if objection is None:
            yield letter
        else:
            found.left_out[objection] = found.left_out.get(objection, 0) + 1


def _sorted(found: _Found) -> list[tuple[Group, _Seen]]:
    return sorted(found.groups.items(), key=lambda each: (-each[1].count, each[0]))


def _document(found: _Found, target: Target | None, sent: int, *, dry_run: bool) -> dict[str, Any]:
    document: dict[str, Any] = {
        "dead_letters": len(found.places),
        "all": found.is_all,
        "reasons": [
            {
                "stage": stage,
                "field": field or None,
                "reason": reason,
                "count": seen.count,
                "sent_before": seen.sent_before,
                "example": seen.example,
            }
            for (stage, field, reason), seen in _sorted(found)
        ],
    }
    if target is not None:
        document |= {"to": target.name, "dry_run": dry_run}
        document |= {"sent": 0 if dry_run else sent, "left_out": found.left_out}
        if dry_run:
            document["would_send"] = sent
    return document


def _print(found: _Found, target: Target | None, sent: int, *, dry_run: bool) -> None:
    console = Console(soft_wrap=True, highlight=False, markup=False, width=_WIDTH)
    table = Table(box=None)
    table.add_column("dead letters", justify="right")
    names = ["stage", "field", "reason", "the first"]
    again = any(seen.sent_before for seen in found.groups.values())
    for name in [*(["sent before"] if again else []), *names]:
        table.add_column(name)
    for (stage, path, reason), seen in _sorted(found):
        before = [str(seen.sent_before)] if again else []
        cells = [str(seen.count), *before, stage, path or "-", reason, seen.example]
        table.add_row(*map(Text, cells))
    if found.groups:
        console.print(table)
    else:
        console.print("no dead letters" if found.is_all else "none")
    if not found.is_all:
        console.print(f"There are more than {len(found.places)}: see --limit.")
    if target is not None:
        console.print(f"{'would send' if dry_run else 'sent'} {sent} to {target.name}")
        for objection, count in found.left_out.items():
            console.print(f"left out {count} that {objection}")
