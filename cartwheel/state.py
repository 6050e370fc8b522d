"""Look at a state: what it belongs to, how far it is, how large it is; one customer's data.

It may be looked at while a run goes on; then committed versions tell what they can.
"""

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cartwheel import customer_data
from cartwheel.errors import CartwheelError
from cartwheel.visible import print_json, size
from flows.inspect_state import (
    FeatureReport,
    ModelReport,
    ProgressReport,
    ShardReport,
    StateReport,
    inspect_state,
)
from state.errors import StateError
from state.folder import StateFolder

NAME = "state"
SUMMARY = "look at a state; one customer's data"

_COUNTS = ("applied", "duplicates", "late", "dead_letters", "customers", "sessions")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    info = actions.add_parser("info", help="what it belongs to, how far it is, how large it is")
    info.add_argument("state", metavar="DIR", type=Path, help="the state's folder")
    info.add_argument("--json", action="store_true", help="print the result as JSON")
    info.set_defaults(act=_info)
    customer_data.add_actions(actions)


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked for; each action says with what exit code."""
    exit_code: int = arguments.act(arguments)
    return exit_code


def _info(arguments: argparse.Namespace) -> int:
    """Print what is known of a state; 1 where it is damaged or there is none."""
    try:
        report = inspect_state(StateFolder(arguments.state))
    except StateError as error:
        raise CartwheelError(str(error)) from None
    except OSError as error:
        raise CartwheelError(f"{error.filename}: cannot be read: {error.strerror}") from None
    if arguments.json:
        print_json(report)
    else:
        _print(report)
    for problem in report.problems:
        print(f"cartwheel: {problem}", file=sys.stderr)
    return 1 if report.problems else 0


def _print(report: StateReport) -> None:
    console = Console(soft_wrap=True, highlight=False)
    facts = Table(show_header=False, box=None)
    rows = [
        ("config", report.config),
        ("id", report.id),
        ("clock", report.clock),
        ("readers", str(report.readers)),
        ("shards", str(len(report.shards))),
        ("size", size(report.bytes)),
        ("condition", _condition(report)),
    ]
    if report.progress is not None:
        rows += _progress(report.progress)
    for number, layout in enumerate(report.layouts, start=1):
        names = ", ".join(each.partition(" = ")[0] for each in layout) or "nothing"
        rows.append((f"collects ({number})" if len(report.layouts) > 1 else "collects", names))
    for name, value in rows:
        facts.add_row(name, value)
    console.print(facts)
    console.print()
    if report.features:
        console.print(_features(report.features))
        console.print()
    console.print(_shards(report.shards))
    if report.models:
        console.print()
        console.print(_models(report.models))


def _condition(report: StateReport) -> str:
    if report.problems:
        return "damaged"
    if report.running:
        return "in use: a run goes on; how far it is can be told when it has stopped"
    return "finished: all events were read" if report.finished else "stopped: it can go on"


def _progress(progress: ProgressReport) -> list[tuple[str, str]]:
    counts = progress.counts
    rows = [("events", str(counts.get("read", 0)))]
    rows += [(name.replace("_", " "), str(counts.get(name, 0))) for name in _COUNTS]
    if "no_consent" in counts:
        rows.append(("no consent", str(counts["no_consent"])))
    rows += [(name, str(n)) for name, n in counts.items() if name.startswith("sent ")]
    rows.append(("watermark", progress.watermark or "none yet"))
    rows.append(("next epoch", str(progress.epoch)))
    for number, reader in enumerate(progress.readers):
        end = ", ended" if reader.ended else ""
        rows.append((f"reader {number}", f"tick {reader.tick}, {reader.events} events{end}"))
    return rows


def _features(features: list[FeatureReport]) -> Table:
    table = Table(box=None)
    for column in ("feature", "counts events since", "condition"):
        table.add_column(column)
    for each in features:
        condition = "filling: it lacks what was earlier" if each.filling else "full"
        table.add_row(Text(each.name), each.since or "the beginning", condition)
    return table


def _shards(shards: list[ShardReport]) -> Table:
    table = Table(box=None)
    table.add_column("shard", justify="right")
    table.add_column("version")
    table.add_column("last tick", justify="right")
    table.add_column("size", justify="right")
    for each in shards:
        table.add_row(str(each.shard), *_version(each))
    return table


def _models(models: list[ModelReport]) -> Table:
    table = Table(box=None)
    table.add_column("model")
    table.add_column("version")
    table.add_column("last tick", justify="right")
    table.add_column("size", justify="right")
    for each in models:
        table.add_row(Text(each.model), *_version(each))
    return table


def _version(report: ShardReport | ModelReport) -> tuple[str, str, str]:
    ticks = "-" if report.ticks is None else ", ".join(map(str, report.ticks))
    return report.version or "-", ticks, size(report.bytes)
