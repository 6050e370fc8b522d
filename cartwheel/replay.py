"""Run a config over recorded events: sessions, triggers and decisions as files.

Events are JSON lines, plain, .gz or .zst. With --state the same command goes on where it stopped.
"""

import argparse
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from cartwheel import jobs
from cartwheel.errors import INTERRUPTED, CartwheelError, UsageError
from cartwheel.inputs import expand
from cartwheel.opening import READERS_MOST, TICK_LINES, WORKERS_MOST, Asked, bounded, open_identity
from cartwheel.progress import ReplayProgress
from cartwheel.summary import Summary, print_summary, write_summary
from config import Config, ConfigError, load
from connectors.errors import ConnectorProblem
from connectors.line_file import has_grown
from connectors.out_folder import OutFolder
from connectors.replay import Order, RecordedPositions
from flows.errors import ResumeError, WorkerFailedError
from flows.job import Job, ReplayOptions, replay_job
from flows.resume import Progress
from flows.shard_keys import SHARDS_MOST
from flows.supervisor import Supervisor
from state.errors import StateError
from state.folder import StateFolder

NAME = "replay"
SUMMARY = "run a config over recorded events"
SUMMARY_FILE = "summary.json"

_TICK_LINES_MOST = 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("config", metavar="CONFIG", type=Path, help="the config file")
    parser.add_argument(
        "--events", metavar="PATH", nargs="+", help="files or folders; default: the config's source"
    )
    parser.add_argument(
        "--out", metavar="DIR", type=Path, help="where to write; default: the config's sinks"
    )
    parser.add_argument(
        "--state", metavar="DIR", type=Path, help="keep the state here, to go on after a stop"
    )
    parser.add_argument("--workers", metavar="N", type=int, default=1, help="processes (1)")
    parser.add_argument("--shards", metavar="N", type=int, help="slices of the customers (12)")
    parser.add_argument("--readers", metavar="N", type=int, help="input readers (1)")
    parser.add_argument("--tick", metavar="N", type=int, default=TICK_LINES, help="lines a tick")
    parser.add_argument("--order", choices=["time", "name"], help="how files become one stream")
    parser.add_argument("--now", metavar="TIME", help="the clock for future timestamps")
    parser.add_argument(
        "--close", action="store_true", help="at the end, move the clock past every timer"
    )
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Replay to the end of the events, or until SIGTERM: 0; until Ctrl-C: 130."""
    try:
        config = load(arguments.config)
        with ExitStack() as stack:
            return _replay(arguments, config, stack)
    except ConfigError as error:
        raise UsageError(str(error)) from None
    except (StateError, ResumeError, ConnectorProblem, WorkerFailedError) as error:
        raise CartwheelError(str(error)) from None


def _replay(arguments: argparse.Namespace, config: Config, stack: ExitStack) -> int:
    files, out_path, order = _in_and_out(arguments, config)
    folder = _state_folder(arguments.state, stack)
    stack.enter_context(folder.lock())
    fresh = not folder.was_run()
    asked = Asked(arguments.shards, arguments.readers, 1, arguments.now)
    identity = open_identity(asked, config, folder)
    options = ReplayOptions(
        files=files,
        out=out_path,
        order=order,
        shards=identity.shards,
        readers=identity.readers,
        workers=arguments.workers,
        tick_lines=arguments.tick,
        now_ms=identity.now_ms,
        close=arguments.close,
    )
    job = jobs.with_attributes(replay_job(config, options), config, folder)
    out = OutFolder(out_path)
    names = [*(f"{kind}.jsonl" for kind in job.kinds), SUMMARY_FILE]
    _refuse_inputs_as_outputs(files, [out_path / name for name in names])
    stack.enter_context(out.claim(identity.id, fresh=fresh, names=names))
    with ReplayProgress(files) as progress:
        supervisor = Supervisor(folder, identity, job, report=progress.report, say=progress.say)
        reached, stopped_by = supervisor.run()
    summary = Summary.of(
        reached.sink,
        segments=[each.name for each in job.decide.segments],
        triggers=[each.name for each in job.decide.triggers],
    )
    write_summary(out.path / SUMMARY_FILE, summary)
    if supervisor.had_nothing_to_do:
        _say(f"{folder.path} is finished: all events were read{_in_vain(reached, job)}")
    print_summary(summary, as_json=arguments.json)
    if reached.finished:
        return 0
    kept = "the same command goes on from here" if arguments.state else "nothing is kept"
    _say(f"stopped; {kept}")
    return INTERRUPTED if stopped_by == signal.SIGINT else 0


def _in_vain(reached: Progress, job: Job) -> str:
    """Say what a command asks for that a finished state no longer does."""
    grown = [
        name
        for reader in reached.readers
        if isinstance(reader.positions, RecordedPositions)
        for name, position in zip(reader.positions.files, reader.positions.positions, strict=True)
        if has_grown(name, position)
    ]
    asked = [f"; {name} has grown since, its new events are not read" for name in grown]
    if job.close and not all(reader.closed for reader in reached.readers):
        asked.append("; --close has no effect any more")
    return "".join(asked) + (" (start a new state for that)" if asked else "")


def _refuse_inputs_as_outputs(inputs: list[Path], outputs: list[Path]) -> None:
    for output in outputs:
        if any(output.exists() and output.samefile(file) for file in inputs):
            raise UsageError(
                f"{output} is an input as well, and would be overwritten; name another --out"
            )


def _in_and_out(arguments: argparse.Namespace, config: Config) -> tuple[list[Path], Path, Order]:
    """Check the options, before anything is made; return what to read, where to write, the order.

    Raises:
        UsageError: an option is missing or out of bounds.
        CartwheelError: there is nothing to read.
    """
    bounded("--workers", arguments.workers, WORKERS_MOST)
    bounded("--tick", arguments.tick, _TICK_LINES_MOST)
    bounded("--shards", arguments.shards, SHARDS_MOST)
    bounded("--readers", arguments.readers, READERS_MOST)
    source = config.source
    patterns = arguments.events or (source.files if source else None)
    sink = config.sinks.files if config.sinks else None
    out = arguments.out or (Path(sink) if sink else None)
    if not patterns:
        raise UsageError("--events is missing, and the config names no source.files")
    if not out:
        raise UsageError("--out is missing, and the config names no sinks.files")
    for folder in (out, arguments.state):
        if folder and folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is a file, expected a folder")
    if arguments.state and arguments.state.resolve() == out.resolve():
        raise UsageError(f"--out and --state are both {out}; results and state need two folders")
    return expand(patterns), out, arguments.order or (source.order if source else "time")


def _state_folder(path: Path | None, stack: ExitStack) -> StateFolder:
    """Return the state to use; one that nobody asked for goes with the command."""
    if path is not None:
        return StateFolder(path)
    return StateFolder(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cartwheel-"))))


def _say(text: str) -> None:
    print(f"cartwheel: {text}", file=sys.stderr)
