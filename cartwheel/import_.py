"""Turn other people's event logs into Segment-spec events, in time order.

FORMAT is otto, rees46 or taobao, or csv for any other table or JSON-lines file, which --mapping
describes (also what separates the cells, and decimal commas). Inputs may be plain, gzip or zstd;
- is standard input.
"""

import argparse
import base64
import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from cartwheel.errors import CartwheelError, UsageError
from connectors.importing.errors import ImportingError, MappingError
from connectors.importing.mapping import (
    BUILT_IN,
    ImportMapping,
    built_in_mapping,
    load_mapping,
)
from connectors.importing.output import written_whole
from connectors.importing.run import Counts, Reject, chunks, read_events
from connectors.importing.sorting import EventSorter

NAME = "import"
SUMMARY = "other people's logs to Segment-spec events"

_REJECTS_SHOWN = 20
_ORIGINAL_BYTES_MAX = 64 * 1024
_LINES_PER_WRITE = 10_000

Report = Callable[[Reject], None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("format", metavar="FORMAT", choices=[*BUILT_IN, "csv"])
    parser.add_argument("inputs", metavar="IN", nargs="+", help="a file, or - for standard input")
    parser.add_argument(
        "--out", metavar="FILE", required=True, help="- is standard output; .gz and .zst compress"
    )
    parser.add_argument(
        "--mapping", metavar="FILE", type=Path, help="for csv: what the columns mean"
    )
    parser.add_argument(
        "--rejects", metavar="FILE", type=Path, help="write the rows that cannot be read here"
    )


def run(arguments: argparse.Namespace) -> int:
    """Import; 0 also where only some rows were rejected, 1 where all were."""
    started = time.monotonic()
    try:
        mapping = _mapping(arguments.format, arguments.mapping)
        _check_places(arguments)
        counts = _import(arguments, mapping)
    except MappingError as error:
        print(error, file=sys.stderr)  # each line begins with its place, as those of `check` do
        return UsageError.exit_code
    except ImportingError as error:
        raise CartwheelError(str(error)) from error
    except BrokenPipeError:
        # Whoever read our output stopped, as `head` does; the interpreter must not flush again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        place = error.filename or arguments.out
        raise CartwheelError(f"{place}: cannot be written: {error.strerror}") from error
    _tell(_summary(counts, time.monotonic() - started, arguments))
    return 1 if counts.rejected and not counts.events else 0


def _mapping(name: str, path: Path | None) -> ImportMapping:
    if name == "csv":
        if path is None:
            raise UsageError("format csv needs --mapping FILE, which says what the columns mean")
        return load_mapping(path)
    if path is not None:
        raise UsageError(f"format {name} has its mapping; --mapping goes with format csv")
    return built_in_mapping(name)


def _check_places(arguments: argparse.Namespace) -> None:
    """Refuse to write over an input, or where nothing can be written."""
    targets = [path for path in (_out_path(arguments), arguments.rejects) if path is not None]
    if len({path.resolve() for path in targets}) < len(targets):
        raise UsageError("--out and --rejects are the same file")
    for target in targets:
        if not target.parent.is_dir():
            raise UsageError(f"{target}: there is no folder {target.parent}; create it first")
        if target.is_dir():
            raise UsageError(f"{target}: is a folder, expected a file's name")
        for path in arguments.inputs:
            if path != "-" and target.exists() and Path(path).exists() and target.samefile(path):
                raise UsageError(f"{target}: is an input as well and would be overwritten")
    if arguments.inputs.count("-") > 1:
        raise UsageError("standard input (-) can be read only once")


def _out_path(arguments: argparse.Namespace) -> Path | None:
    return None if arguments.out == "-" else Path(arguments.out)


def _import(arguments: argparse.Namespace, mapping: ImportMapping) -> Counts:
    out = _out_path(arguments)
    with (
        _rejects(arguments.rejects) as report,
        EventSorter(None if out is None else out.parent) as sorter,
    ):
        with _progress("reading", _total_bytes(arguments.inputs)) as advance:
            counts = read_events(
                arguments.inputs, mapping, sorter, on_reject=report, on_progress=advance
            )
        if counts.rejected and not counts.events:
            return counts
        with _output(out) as stream, _progress("writing", counts.events) as advance:
            written = 0
            for lines in chunks(sorter.drain(), _LINES_PER_WRITE):
                stream.write(b"".join(lines))
                written += len(lines)
                advance(written)
    assert written == counts.events  # sorting loses nothing
    return counts


@contextlib.contextmanager
def _output(path: Path | None) -> Iterator[BinaryIO]:
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with written_whole(path) as stream:
        yield stream


@contextlib.contextmanager
def _rejects(path: Path | None) -> Iterator[Report]:
    """Give the function that rejects go to: a file, or the first few to the screen."""
    if path is not None:
        with written_whole(path) as stream:
            yield lambda reject: _write_reject(stream, reject)
        return
    seen = 0

    def show(reject: Reject) -> None:
        nonlocal seen
        seen += 1
        if seen <= _REJECTS_SHOWN:
            _tell(f"{reject.file}:{reject.line}: {reject.reason}")
        elif seen == _REJECTS_SHOWN + 1:
            _tell("further rejected rows are only counted; --rejects FILE keeps them all")

    yield show


def _write_reject(stream: BinaryIO, reject: Reject) -> None:
    original = reject.original[:_ORIGINAL_BYTES_MAX]
    record: dict[str, object] = {
        "file": reject.file,
        "line": reject.line,
        "reason": reject.reason,
    }
    try:
        record["original"] = original.decode("utf-8")
    except UnicodeDecodeError:
        record["original_base64"] = base64.b64encode(original).decode("ascii")
    if len(original) < len(reject.original):
        record["length"] = len(reject.original)
    stream.write(msgspec.json.encode(record) + b"\n")


@contextlib.contextmanager
def _progress(doing: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a bar on stderr where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _done: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(doing, total=total)
        yield lambda done: progress.update(task, completed=done)


def _total_bytes(inputs: list[str]) -> int | None:
    paths = [Path(path) for path in inputs]
    if not all(path.is_file() for path in paths):
        return None
    return sum(path.stat().st_size for path in paths)


def _summary(counts: Counts, seconds: float, arguments: argparse.Namespace) -> str:
    where = "standard output" if arguments.out == "-" else arguments.out
    if counts.rejected and not counts.events:
        return f"all {counts.rejected:,} rows were rejected; nothing was written to {where}"
    parts = [f"{counts.events:,} events to {where}"]
    if counts.rejected:
        parts.append(f"{counts.rejected:,} of {counts.rows:,} rows REJECTED")
        if arguments.rejects is not None:
            parts[-1] += f" (see {arguments.rejects})"
    if counts.skipped:
        parts.append(f"{counts.skipped:,} rows skipped, as the mapping says")
    rate = counts.rows / max(seconds, 0.001)
    return f"{'; '.join(parts)}; {seconds:.1f} s, {rate:,.0f} rows/s"


def _tell(text: str) -> None:
    print(f"cartwheel import: {text}", file=sys.stderr)
