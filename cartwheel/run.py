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

import msgspec
from prometheus_client import CollectorRegistry

from cartwheel import jobs
from cartwheel.errors import INTERRUPTED, CartwheelError, UsageError
from cartwheel.health import Health, health
from cartwheel.http_server import serving
from cartwheel.metrics import RunCollector
from cartwheel.observed import Observed, View
from cartwheel.opening import READERS_MOST, WORKERS_MOST, Asked, bounded, open_identity
from cartwheel.run_log import RunLog
from config import Config, ConfigError, load
from connectors.errors import ConnectorProblem
from connectors.kafka.plans import KafkaTopic, TopicsOut
from connectors.kafka.topics import check_topic, prepare_topics
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
        job = jobs.live_job(changed, identity, folder, workers=arguments.workers)
        return jobs.with_attributes(job, changed, folder)

    job = make_job(config)
    if isinstance(job.source, KafkaTopic):
        check_topic(job.source)
    job = _prepare_sink(job, identity, stack, fresh=fresh)
    log = RunLog(sys.stderr)
    observed = Observed(
        [each.name for each in job.decide.triggers],
        job.kinds,
        segments=[each.name for each in job.decide.segments],
    )
    address = _serve(config, job, observed, stack)
    log.info("start", config=config.name, state=str(folder.path), workers=job.workers, http=address)

    def report(report: Report) -> None:
        observed.report(report)
        log.report(report)

    supervisor = Supervisor(
        folder,
        identity,
        job,
        report=report,
        say=lambda text: log.warning("note", text=text),
        reload=_reloading(arguments.config, config, job, make_job, log),
    )
    reached, stopped_by = supervisor.run()
    why = signal.Signals(stopped_by).name if stopped_by else "all input was read"
    log.info("stop", why=why, read=reached.sink.counts.get("read", 0))
    return INTERRUPTED if stopped_by == signal.SIGINT else 0


def _serve(config: Config, job: Job, observed: Observed, stack: ExitStack) -> str | None:
    """Serve metrics and health where the config says so; return the address."""
    if config.http is None:
        return None

    def judge(view: View) -> Health:
        return health(view, readers=job.readers, epoch_ms=job.epoch_ms)

    registry = CollectorRegistry()
    registry.register(RunCollector(observed.view, lambda view: judge(view).ready))
    server = serving(
        config.http.host,
        config.http.port,
        health=lambda: judge(observed.view()),
        registry=registry,
    )
    return stack.enter_context(server)


def _prepare_sink(job: Job, identity: Identity, stack: ExitStack, *, fresh: bool) -> Job:
    """Make sure that results can go where they are to go; return what knows more of that."""
    if isinstance(job.sink, TopicsOut):
        return msgspec.structs.replace(job, sink=prepare_topics(job.sink, job.kinds))
    assert isinstance(job.sink, FilesOut), "there is nothing else"
    names = [f"{kind}.jsonl" for kind in job.kinds]
    out = OutFolder(Path(job.sink.folder))
    stack.enter_context(out.claim(identity.id, fresh=fresh, names=names))
    return job


def _reloading(
    path: Path, config: Config, first: Job, make_job: Callable[[Config], Job], log: RunLog
) -> Callable[[], Job | None]:
    """Return what reads the config again; a wrong one is told of, and changes nothing."""

    def reload() -> Job | None:
        try:
            changed = load(path)
            if changed.http != config.http:
                raise UsageError("http is another one; that takes a restart")
            job = make_job(changed)
            jobs.check_change(first, job)
            if isinstance(job.sink, TopicsOut):
                job = msgspec.structs.replace(job, sink=prepare_topics(job.sink, job.kinds))
        except (ConfigError, CartwheelError, ConnectorProblem, OSError) as error:
            log.warning("the changed config is not taken", problem=str(error))
            return None
        log.info("the changed config is taken")
        return job

    return reload
