"""Write the events of a made-up shop: customers in sessions, with carts, orders and a little mess.

The same options and the same seed give the same bytes on every machine.
"""

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from cartwheel.errors import CartwheelError, UsageError
from connectors.importing.output import written_whole
from connectors.simulation import MOST_CUSTOMERS, MOST_DUPLICATES, Shop, simulate
from operators.times import EventTime, format_time, parse_time

NAME = "simulate"
SUMMARY = "a believable shop's events, for load and demos"

_USERS, _EVENTS = 1_000, 10_000
_SHOP = Shop(customers=_USERS, events=_EVENTS)
_MOST_EVENTS = 10**12
_MOST_SEED = 2**64 - 1
_MOST_DAYS = 3_660
_DAY_MS = 86_400_000
_LAST_START = parse_time("8900-01-01T00:00:00Z")
"""Timestamps have four digits for the year."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.formatter_class = argparse.ArgumentDefaultsHelpFormatter
    add = parser.add_argument
    add("--users", type=_whole(1, MOST_CUSTOMERS), default=_USERS, metavar="N", help="customers")
    add(
        "--events",
        type=_whole(1, _MOST_EVENTS),
        default=_EVENTS,
        metavar="N",
        help="lines to write, duplicates included",
    )
    add(
        "--seed",
        type=_whole(0, _MOST_SEED),
        default=_SHOP.seed,
        metavar="N",
        help="another one, another shop",
    )
    add("--out", default="-", metavar="FILE", help="- is standard output; .gz and .zst compress")
    add(
        "--start",
        type=_time,
        default=format_time(_SHOP.start),
        metavar="TIME",
        help="when the first visits begin, RFC 3339 or a date",
    )
    add("--days", type=_days, default=7.0, metavar="D", help="how long visits go on beginning")
    add(
        "--products",
        type=_whole(1, MOST_CUSTOMERS),
        default=_SHOP.products,
        metavar="N",
        help="products on sale",
    )
    add(
        "--spread",
        choices=("zipf", "even"),
        default="zipf",
        help="a few busy customers and many quiet ones, or all about equally active",
    )
    for name, default, most, meaning in (
        ("--anonymous", _SHOP.anonymous, 1.0, "visits by somebody who never logs in"),
        ("--disorder", _SHOP.disorder, 1.0, "events that arrive up to 4.5 s after their time"),
        ("--late", _SHOP.late, 1.0, "events that arrive 6 s to 15 min after their time"),
        ("--duplicates", _SHOP.duplicates, MOST_DUPLICATES, "lines that are a line's second copy"),
    ):
        add(
            name,
            type=_share(most),
            default=default,
            metavar="SHARE",
            help=f"share of {meaning}, 0 to {most}",
        )


def run(arguments: argparse.Namespace) -> int:
    """Write the events; 1 where they cannot be written or nobody reads them any more."""
    shop = _shop(arguments)
    started = time.monotonic()
    try:
        with _output(arguments.out) as stream, _progress(shop.events) as advance:
            written = 0
            for lines in simulate(shop):
                stream.write(("\n".join(lines) + "\n").encode("ascii"))
                written += len(lines)
                advance(written)
    except BrokenPipeError:
        # Whoever read our output stopped, as `head` does; the interpreter must not flush again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        place = "standard output" if arguments.out == "-" else arguments.out
        raise CartwheelError(f"{place}: cannot be written: {error.strerror}") from error
    assert written == shop.events, "the simulation gives exactly as many lines as it was asked for"
    if sys.stderr.isatty():
        seconds = max(time.monotonic() - started, 0.001)
        rate = written / seconds
        print(
            f"cartwheel simulate: {written:,} events, {seconds:.1f} s, {rate:,.0f} events/s",
            file=sys.stderr,
        )
    return 0


def _shop(arguments: argparse.Namespace) -> Shop:
    if arguments.disorder + arguments.late > 1:
        raise UsageError(
            f"--disorder {arguments.disorder} and --late {arguments.late} are shares of the same"
            " events, expected no more than 1 together; make one of them smaller"
        )
    return Shop(
        customers=arguments.users,
        events=arguments.events,
        seed=arguments.seed,
        start=arguments.start,
        span_ms=round(arguments.days * _DAY_MS),
        products=arguments.products,
        even=arguments.spread == "even",
        anonymous=arguments.anonymous,
        disorder=arguments.disorder,
        late=arguments.late,
        duplicates=arguments.duplicates,
    )


@contextlib.contextmanager
def _output(out: str) -> Iterator[BinaryIO]:
    if out == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(out)
    if path.is_dir():
        raise UsageError(f"{path}: is a folder, expected a file's name")
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}; create it first")
    with written_whole(path) as stream:
        yield stream


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on stderr where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _done: None
        return
    columns = (TextColumn("simulating"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("simulating", total=total)
        yield lambda done: progress.update(task, completed=done)


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(
                f"found {text!r}, expected a whole number from {least} to {most}"
            )
        return number

    return read


def _share(most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            share = float(text)
        except ValueError:
            share = -1.0
        if not 0 <= share <= most:
            raise argparse.ArgumentTypeError(
                f"found {text!r}, expected a share from 0 to {most}, such as 0.02"
            )
        return share

    return read


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = 0.0
    if not 1 / _DAY_MS <= days <= _MOST_DAYS:
        raise argparse.ArgumentTypeError(
            f"found {text!r}, expected a number of days above 0 and up to {_MOST_DAYS}, such as 0.5"
        )
    return days


def _time(text: str) -> EventTime:
    try:
        moment = parse_time(text if len(text) > len("2026-01-01") else f"{text}T00:00:00Z")
    except ValueError:
        moment = None
    if moment is None or moment > _LAST_START:
        raise argparse.ArgumentTypeError(
            f"found {text!r}, expected a time such as 2026-01-01T00:00:00Z, or a date,"
            " before the year 8900"
        )
    return moment
