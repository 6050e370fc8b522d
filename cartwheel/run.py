"""Run a config for good: events from topics or from files that grow, results as they are due.

A restart goes on where the last commit was. SIGTERM and Ctrl-C stop gracefully, SIGHUP takes a
changed config.
"""

import argparse
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from cartwheel import jobs
from cartwheel.errors import CartwheelError, UsageError
from cartwheel.opening import READERS_MOST, WORKERS_MOST, Asked, bounded, open_identity
from config import Config, ConfigError, load
from connectors.errors import ConnectorProblem
from connectors.kafka.sink import TopicsOut, prepare_topics
from connectors.out_folder import OutFolder
from connectors.sinks import FilesOut
from flows.errors import ResumeError, WorkerFailedError
from flows.job import Job
from flows.reports import Report
from flows.shard_keys import SHARDS_MOST
from flows.supervisor import Supervisor
from state.errors import StateError
from state.folder import Identity, StateFolder

NAME = "run"
SUMMARY = "run a config for good"

_INTERRUPTED = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("config", metavar="CONFIG", type=Path, help="the config file")
    parser.add_argument(
        "--state", metavar="DIR", type=Path, help="where the state is kept (NAME-state)"
    )
    parser.add_argument("--workers", metavar="N", type=int, default=1, help="processes (1)")
    parser.add_argument("--shards", metavar="N", type=int, help="slices of the customers (12)")
    parser.add_argument("--readers", metavar="N", type=int, help="input readers")
    parser.add_argument("--now", metavar="TIME", help="the moment of the first start")


def run(arguments: argparse.Namespace) -> int:
    """Run until SIGTERM: 0; until Ctrl-C: 130."""
    try:
        config = load(arguments.config)
        with ExitStack() as stack:
            return _run(arguments, config, stack)
    except ConfigError as error:
        raise UsageError(str(error)) from None
    except (StateError, ResumeError, ConnectorProblem, WorkerFailedError) as error:
        raise CartwheelError(str(error)) from None


def _run(arguments: argparse.Namespace, config: Config, stack: ExitStack) -> int:
    bounded("--workers", arguments.workers, WORKERS_MOST)
    bounded("--shards", arguments.shards, SHARDS_MOST)
    bounded("--readers", arguments.readers, READERS_MOST)
    jobs.check(config)
    folder = StateFolder(arguments.state or Path(f"{config.name}-state"))
    stack.enter_context(folder.lock())
    fresh = not folder.was_run()
    asked = Asked(arguments.shards, arguments.readers, jobs.readers(config), arguments.now)
    identity = open_identity(asked, config, folder)

    def make_job(changed: Config) -> Job:
        return jobs.live_job(changed, identity, folder, workers=arguments.workers)

    job = make_job(config)
    _prepare_sink(job, identity, stack, fresh=fresh)
    supervisor = Supervisor(
        folder,
        identity,
        job,
        report=_ignore,
        say=_say,
        reload=_reloading(arguments.config, job, make_job),
    )
    _, stopped_by = supervisor.run()
    _say("stopped; the same command goes on from here")
    return _INTERRUPTED if stopped_by == signal.SIGINT else 0


def _prepare_sink(job: Job, identity: Identity, stack: ExitStack, *, fresh: bool) -> None:
    """Make sure that results can go where they are to go."""
    if isinstance(job.sink, TopicsOut):
        prepare_topics(job.sink, job.kinds)
        return
    assert isinstance(job.sink, FilesOut), "there is nothing else"
    names = [f"{kind}.jsonl" for kind in job.kinds]
    out = OutFolder(Path(job.sink.folder))
    stack.enter_context(out.claim(identity.id, fresh=fresh, names=names))


def _reloading(
    path: Path, first: Job, make_job: Callable[[Config], Job]
) -> Callable[[], Job | None]:
    """Return what reads the config again; a wrong one is told of, and changes nothing."""

    def reload() -> Job | None:
        try:
            job = make_job(load(path))
            jobs.check_change(first, job)
            if isinstance(job.sink, TopicsOut):
                prepare_topics(job.sink, job.kinds)
        except (ConfigError, CartwheelError, ConnectorProblem, OSError) as error:
            _say(f"{error}\nthe changed config is not taken; going on with the old one")
            return None
        _say("taking the changed config")
        return job

    return reload


def _ignore(_report: Report) -> None:
    """Have no use for a report."""


def _say(text: str) -> None:
    print(f"cartwheel: {text}", file=sys.stderr, flush=True)
