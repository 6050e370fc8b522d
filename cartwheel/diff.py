"""Compare two configs on recorded events: what a change of the rules would have done.

Both run over the same events, each with a state of its own that is gone at the end. Then it is
said, by rule, what was sent, cancelled and suppressed, who entered and left, and who differs.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from cartwheel.diff_compare import (
    Ran,
    compared_segments,
    compared_sessions,
    compared_triggers,
)
from cartwheel.diff_outcomes import Outcomes
from cartwheel.diff_page import page, picture
from cartwheel.diff_result import Diff, RuleChange, RulesDiff, Sides
from cartwheel.diff_text import print_diff
from cartwheel.errors import CartwheelError, UsageError
from cartwheel.inputs import expand
from cartwheel.jobs import customers_file
from cartwheel.opening import WORKERS_MOST, Asked, bounded
from cartwheel.places import check_place, is_same_file, write_whole
from cartwheel.replay import Recorded, asked_order
from cartwheel.summary import Summary
from cartwheel.to_the_end import replay_to_the_end, stopped_by_sigterm
from cartwheel.visible import print_json
from config import Config, ConfigError, changes_of, load
from connectors.attributes import AttributesError
from flows.attributes import check_customers
from operators.times import EventTime, format_time
from state.errors import StateError
from state.folder import StateFolder
from state.keyed_hash import share_key

NAME = "diff"
SUMMARY = "what a change of the rules would have done, on recorded events"

_CUSTOMERS_SHOWN = 20
_CUSTOMERS_MOST = 1000
_RULES_SHOWN = 50
_STOPPED = "stopped; nothing was compared"
_COUNTS = ("read", "applied", "duplicates", "late", "dead_letters")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("old", metavar="OLD", type=Path, help="the config as it is")
    parser.add_argument("new", metavar="NEW", type=Path, help="the config as it could be")
    parser.add_argument(
        "--events", metavar="PATH", nargs="+", required=True, help="files or folders"
    )
    parser.add_argument(
        "--customers",
        metavar="N",
        type=int,
        default=_CUSTOMERS_SHOWN,
        help=f"how many are shown for each rule ({_CUSTOMERS_SHOWN})",
    )
    parser.add_argument("--workers", metavar="N", type=int, default=1, help="processes (1)")
    parser.add_argument("--order", choices=["time", "name"], help="how files become one stream")
    parser.add_argument("--now", metavar="TIME", help="the clock for future timestamps")
    parser.add_argument("--html", metavar="FILE", type=Path, help="write a page with charts too")
    parser.add_argument("--svg", metavar="FILE", type=Path, help="write the charts as a picture")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Compare; 0 whether or not there are differences."""
    bounded("--workers", arguments.workers, WORKERS_MOST)
    bounded("--customers", arguments.customers, _CUSTOMERS_MOST)
    old, new = _configs(arguments.old, arguments.new)
    files = expand(arguments.events)
    _check_places(arguments, files, [old, new])
    with (
        stopped_by_sigterm(_STOPPED),
        tempfile.TemporaryDirectory(prefix="cartwheel-") as folder,
    ):
        diff = _compared(arguments, old, new, files, Path(folder))
    if arguments.html:
        write_whole(arguments.html, page(diff).encode())
    if arguments.svg:
        write_whole(arguments.svg, picture(diff).encode())
    if arguments.json:
        print_json(diff)
    else:
        print_diff(diff)
    return 0


def _configs(old: Path, new: Path) -> tuple[Config, Config]:
    """Load both.

    Raises:
        UsageError: with all that is wrong with either.
    """
    loaded: list[Config] = []
    problems: list[str] = []
    for path in (old, new):
        try:
            loaded.append(load(path))
            problems += _customers_problems(loaded[-1])
        except ConfigError as error:
            problems += map(str, error.problems)
    if problems:
        raise UsageError("\n".join(dict.fromkeys(problems)))
    return loaded[0], loaded[1]


def _customers_problems(config: Config) -> Iterable[str]:
    """Look into the file of customers, where there is one."""
    file = customers_file(config)
    try:
        if file is not None:
            check_customers(file)
    except AttributesError as error:
        return str(error).splitlines()
    except StateError as error:
        raise CartwheelError(str(error)) from None
    return []


def _check_places(
    arguments: argparse.Namespace, files: Sequence[Path], configs: Sequence[Config]
) -> None:
    """Check what is to be written; see check_place."""
    html, svg = arguments.html, arguments.svg
    customers = [Path(each.attributes.file) for each in configs if each.attributes]
    read = [*files, arguments.old, arguments.new, *customers]
    for option, path in (("--html", html), ("--svg", svg)):
        if path:
            check_place(option, path, read)
    if html and svg and is_same_file(html, svg):
        raise UsageError(f"--html and --svg are both {html}; they need two files")


def _compared(
    arguments: argparse.Namespace, old: Config, new: Config, files: list[Path], folder: Path
) -> Diff:
    """Replay under both configs in a folder, and compare."""
    # one clock for both, or future timestamps might be judged differently
    now = arguments.now or format_time(EventTime(int(time.time() * 1000)))
    with Outcomes(folder / "outcomes") as outcomes:
        ran: list[Ran] = []
        summaries: list[Summary] = []
        for side, (label, config) in enumerate((("old", old), ("new", new))):
            place = folder / label
            recorded = Recorded(
                files=files,
                out=place / "out",
                order=asked_order(arguments.order, config),
                asked=Asked(None, None, 1, now),
                workers=arguments.workers,
            )
            state = StateFolder(place / "state")
            if config.privacy:  # what is hashed under both is to be the same
                share_key(folder, state.path)
            replayed = replay_to_the_end(config, recorded, state, label=label, stopped=_STOPPED)
            outcomes.take(side, place / "out")
            shutil.rmtree(place)  # the room may be wanted for the second one
            ran.append(Ran(list(config.triggers), list(config.segments), replayed.counts))
            summaries.append(replayed.summary)
        triggers, times = compared_triggers(outcomes, ran[0], ran[1], arguments.customers)
        return Diff(
            configs={"old": _named(arguments.old), "new": _named(arguments.new)},
            rules=_rules(old, new),
            events=_events(*summaries),
            triggers=triggers,
            segments=compared_segments(outcomes, ran[0], ran[1], arguments.customers),
            sessions=compared_sessions(outcomes),
            periods=times.told(),
        )


def _events(old: Summary, new: Summary) -> Sides:
    """Give what became of the lines that were read."""
    sides = [{name: getattr(each, name) for name in _COUNTS} for each in (old, new)]
    if old.no_consent is not None or new.no_consent is not None:
        for side, each in zip(sides, (old, new), strict=True):
            side["no_consent"] = each.no_consent or 0
    return Sides(*sides)


def _rules(old: Config, new: Config) -> RulesDiff:
    changes = [RuleChange(*each) for each in changes_of(old, new)]
    return RulesDiff(changes[:_RULES_SHOWN], len(changes[_RULES_SHOWN:]))


def _named(path: Path) -> str:
    """Name a file in UTF-8, whatever its name is."""
    return str(path).encode(errors="backslashreplace").decode()
