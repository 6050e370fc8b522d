"""List what is kept of people: each field, by which rule, how long, and where it goes out.

It is worked out from the config's compiled rules; nothing is started.
"""

import argparse
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cartwheel.errors import CartwheelError, UsageError
from config import ConfigError, format_duration, load
from expressions import holds_half_a_character
from flows.field_uses import FieldUse
from flows.stored_fields import StoredFields, stored_fields
from state.errors import StateError
from state.folder import StateFolder
from state.keyed_hash import field_hash, read_key

NAME = "privacy"
SUMMARY = "list what is kept of people, and where it goes"

_WIDTH = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("config", metavar="CONFIG", type=Path, help="the config file")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument(
        "--hash", metavar="VALUE", help="instead, print what a state has in the place of a value"
    )
    parser.add_argument("--state", metavar="DIR", type=Path, help="the state, with --hash")


def run(arguments: argparse.Namespace) -> int:
    """Print what is kept, or a hash; 2 where the config is wrong."""
    try:
        config = load(arguments.config)
    except ConfigError as error:
        raise UsageError(str(error)) from None
    if (arguments.hash is None) is not (arguments.state is None):
        raise UsageError("--hash and --state go together")
    if arguments.hash is not None:
        print(_hash(arguments.state, arguments.hash))
        return 0
    told = stored_fields(config)
    if arguments.json:
        print(msgspec.json.encode(told).decode())
    else:
        _print(told)
    return 0


def _hash(folder: Path, value: str) -> str:
    """Return what stands in the place of a value, where a state's key hashes it."""
    try:
        StateFolder(folder).identity()
        key = read_key(folder)
    except StateError as error:
        raise CartwheelError(str(error)) from None
    if key is None:
        raise CartwheelError(f"{folder} has hashed nothing yet: it has no key")
    if not value or holds_half_a_character(value):
        raise UsageError("--hash is no text that is hashed")
    return field_hash(key, value)


def _print(told: StoredFields) -> None:
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, width=_WIDTH)
    table = Table(box=None, pad_edge=False)
    for name in ("field", "of", "used for", "kept in", "until", "goes out to"):
        table.add_column(name, overflow="fold")
    for each in told.fields:
        cells = (_named(each), each.source, each.use, *_kept(each), ", ".join(each.goes_out) or "-")
        table.add_row(*map(Text, cells))
    console.print(table)
    kept = format_duration(told.retention_ms)
    console.print(f"\nA customer who is not seen any more is kept for {kept}.")
    if told.derived:
        console.print(f"Worked out of these, and kept as well: {', '.join(told.derived)}.")
    console.print("No other field of an event is kept, or looked at.")
    events = " and ".join(told.whole_events)
    but = " but what is dropped" if told.hidden else ""
    console.print(f"Events that are not applied stand in {events}, with all their fields{but}.")
    for hidden in told.hidden:
        console.print(f"{hidden.how}: {hidden.field}")
    console.print(f"outputs: {', '.join(told.outputs.values())}")


def _named(use: FieldUse) -> str:
    return f"{use.field} ({use.hidden})" if use.hidden else use.field


def _kept(use: FieldUse) -> tuple[str, str]:
    return (", ".join(use.kept) or "nowhere", use.until or "-")
