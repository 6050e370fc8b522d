"""Run a config over recorded events: sessions, triggers and decisions as files.

Events are JSON lines, plain, .gz or .zst. With --state the same command goes on where it stopped.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Recorded:
    """What is replayed, how, and where the results go; ``ReplayOptions`` says more."""

    files: list[Path]
    out: Path | None
    order: Order
    asked: Asked
    workers: int = 1
    tick_lines: int = TICK_LINES
    close: bool = False


@dataclass(frozen=True)
class Replayed:
    """What came of a replay.

    Attributes:
        summary: over all runs of its state.
        counts: all that the sink has counted, by name.
        finished: whether everything was read.
        in_vain: what was asked for although the state was finished before, else None.
        stopped_by: the signal that stopped it, or 0.
    """

    summary: Summary
    counts: Mapping[str, int]
    finished: bool
    in_vain: str | None
    stopped_by: int


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
    except ConfigError as error:
        raise UsageError(str(error)) from None
    recorded = _recorded(arguments, config)
    with ExitStack() as stack:
        folder = _state_folder(arguments.state, stack)
        replayed = replay(config, recorded, folder)
    if replayed.in_vain is not None:
        _say(f"{folder.path} is finished: all events were read{replayed.in_vain}")
    print_summary(replayed.summary, as_json=arguments.json)
    if replayed.finished:
        return 0
    kept = "the same command goes on from here" if arguments.state else "nothing is kept"
    _say(f"stopped; {kept}")
    return INTERRUPTED if replayed.stopped_by == signal.SIGINT else 0


def replay(
    config: Config, recorded: Recorded, folder: StateFolder, *, label: str = NAME
) -> Replayed:
    """Replay into files or nowhere, to the end of the events or until a signal.

    Progress is shown on standard error.

    Args:
        config: that was loaded.
        recorded: what to replay, and how.
        folder: of the state; made where there is none.
        label: what the progress is called.

    Raises:
        UsageError: the state, the config and what was asked for do not fit.
        CartwheelError: it failed.
    """
    try:
        with ExitStack() as stack:
            return _replay(config, recorded, folder, label, stack)
    except (StateError, ResumeError, ConnectorProblem, WorkerFailedError) as error:
        raise CartwheelError(str(error)) from None


def _replay(
    config: Config, recorded: Recorded, folder: StateFolder, label: str, stack: ExitStack
) -> Replayed:
    stack.enter_context(folder.lock())
    fresh = not folder.was_run()
    identity = open_identity(recorded.asked, config, folder)
    options = ReplayOptions(
        files=recorded.files,
        out=recorded.out,
        order=recorded.order,
        shards=identity.shards,
        readers=identity.readers,
        workers=recorded.workers,
        tick_lines=recorded.tick_lines,
        now_ms=identity.now_ms,
        close=recorded.close,
    )
    job = jobs.with_attributes(replay_job(config, options), config, folder)
    if recorded.out:
        names = [*(f"{kind}.jsonl" for kind in job.kinds), SUMMARY_FILE]
        _refuse_inputs_as_outputs(recorded.files, [recorded.out / name for name in names])
        stack.enter_context(OutFolder(recorded.out).claim(identity.id, fresh=fresh, names=names))
    with ReplayProgress(recorded.files, label) as progress:
        supervisor = Supervisor(folder, identity, job, report=progress.report, say=progress.say)
        reached, stopped_by = supervisor.run()
    summary = Summary.of(
        reached.sink,
        segments=[each.name for each in job.decide.segments],
        triggers=[each.name for each in job.decide.triggers],
    )
    if recorded.out:
        write_summary(recorded.out / SUMMARY_FILE, summary)
    in_vain = _in_vain(reached, job) if supervisor.had_nothing_to_do else None
    return Replayed(summary, reached.sink.counts, reached.finished, in_vain, stopped_by)


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


def asked_events(asked: list[str] | None, config: Config) -> list[str]:
    """Return the paths and patterns of the files to read: those asked for, else the config's.

    Raises:
        UsageError: there are none.
    """
    patterns = asked or (config.source.files if config.source else None)
    if not patterns:
        raise UsageError("--events is missing, and the config names no source.files")
    return list(patterns)


def asked_order(asked: Order | None, config: Config) -> Order:
    """Return how files become one stream: as asked for, else as the config has it."""
    return asked or (config.source.order if config.source else "time")


def _recorded(arguments: argparse.Namespace, config: Config) -> Recorded:
    """Check the options, before anything is made.

    Raises:
        UsageError: an option is missing or out of bounds.
        CartwheelError: there is nothing to read.
    """
    bounded("--workers", arguments.workers, WORKERS_MOST)
    bounded("--tick", arguments.tick, _TICK_LINES_MOST)
    bounded("--shards", arguments.shards, SHARDS_MOST)
    bounded("--readers", arguments.readers, READERS_MOST)
    patterns = asked_events(arguments.events, config)
    sink = config.sinks.files if config.sinks else None
    out = arguments.out or (Path(sink) if sink else None)
    if not out:
        raise UsageError("--out is missing, and the config names no sinks.files")
    for folder in (out, arguments.state):
        if folder and folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is a file, expected a folder")
    if arguments.state and arguments.state.resolve() == out.resolve():
        raise UsageError(f"--out and --state are both {out}; results and state need two folders")
    return Recorded(
        files=expand(patterns),
        out=out,
        order=asked_order(arguments.order, config),
        asked=Asked(arguments.shards, arguments.readers, 1, arguments.now),
        workers=arguments.workers,
        tick_lines=arguments.tick,
        close=arguments.close,
    )


def _state_folder(path: Path | None, stack: ExitStack) -> StateFolder:
    """Return the state to use; one that nobody asked for goes with the command."""
    if path is not None:
        return StateFolder(path)
    return StateFolder(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cartwheel-"))))


def _say(text: str) -> None:
    print(f"cartwheel: {text}", file=sys.stderr)
