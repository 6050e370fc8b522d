"""What a run is to do, as its workers read it: plans instead of config, and the files by name."""

from pathlib import Path

import msgspec

from config import Config
from connectors.inputs import Source
from connectors.replay import Order, RecordedFiles
from connectors.sinks import FilesOut, Nowhere, SinkPlan
from flows.consent import consent_plan
from flows.identity import identity_plan
from flows.privacy import privacy_plan
from flows.rules import compile_rules
from flows.triggers import holdout_plan, limit_plans, quiet_plan
from operators.erasing import CUSTOMERS
from operators.plans import ALWAYS_LIVE, DecidePlan, ProfilePlan, RoutePlan
from operators.privacy_plan import PrivacyPlan
from state.about import Attributes
from state.rocks import Compression


class Job(msgspec.Struct, frozen=True):
    """A replay, or what the long-lived worker does.

    Attributes:
        source: where events come from.
        sink: where results go.
        readers: how many input readers.
        route: how lines become ticks.
        profile: what the profile step keeps.
        decide: what the decide step decides.
        tick_lines: how many lines make a tick.
        close: whether the clock moves past every timer at the end.
        idle_ms: after how long without events a live partition is idle, None for never.
        workers: how many processes.
        epoch_ms: how often state is committed.
        epoch_bytes: the most that a reader hands over between two commits.
        compression: of the state on disk.
        cache_records: how many decoded records a worker keeps in memory.
        attributes: the table of customers that rules look at, None where they look at none.
        privacy: what nobody is to see of events, None where they stay as they are.
    """

    source: Source
    sink: SinkPlan
    readers: int
    route: RoutePlan
    profile: ProfilePlan
    decide: DecidePlan
    tick_lines: int
    close: bool
    idle_ms: int | None
    workers: int
    epoch_ms: int
    epoch_bytes: int
    compression: Compression
    cache_records: int
    attributes: Attributes | None = None
    privacy: PrivacyPlan | None = None

    @property
    def kinds(self) -> list[str]:
        """The kinds of outputs that this job can produce; each has its file."""
        return kinds_of(self.decide, links=bool(self.route.identity), forgets=self.profile.forgets)


def kinds_of(decide: DecidePlan, *, links: bool, forgets: bool) -> list[str]:
    """Return the kinds of outputs that some rules can produce.

    Args:
        decide: the rules.
        links: whether anonymous ids are linked to customers.
        forgets: whether events may let their customers be forgotten.
    """
    of_triggers = ["triggers", "decisions"] if decide.triggers else []
    of_segments = ["segments"] if decide.segments else []
    of_models = ["scores", "models"] if decide.models else []
    of_rules = [*of_triggers, *of_segments, *of_models]
    of_ids = [*(["identity"] if links else []), *([CUSTOMERS] if forgets else [])]
    return ["sessions", *of_rules, *of_ids, "late", "dead-letters"]


class ReplayOptions(msgspec.Struct, frozen=True):
    """What the command line says of a replay, beside the config; no ``out``: results go nowhere."""

    files: list[Path]
    out: Path | None
    order: Order
    shards: int
    readers: int
    workers: int
    tick_lines: int
    now_ms: int
    close: bool


class Options(msgspec.Struct, frozen=True):
    """What a job needs to know beside the rules of the config; see Job."""

    source: Source
    sink: SinkPlan
    shards: int
    readers: int
    workers: int
    tick_lines: int
    now_ms: int
    close: bool = False
    live_from_ms: int = ALWAYS_LIVE


def replay_job(config: Config, options: ReplayOptions) -> Job:
    """Compile a config and the command's options into a replay."""
    names = [str(file) for file in options.files]
    files = [names[reader :: options.readers] for reader in range(options.readers)]
    return compile_job(
        config,
        Options(
            source=RecordedFiles(files, options.order),
            sink=FilesOut(str(options.out)) if options.out else Nowhere(),
            shards=options.shards,
            readers=options.readers,
            workers=options.workers,
            tick_lines=options.tick_lines,
            now_ms=options.now_ms,
            close=options.close,
        ),
    )


def compile_job(config: Config, options: Options) -> Job:
    """Compile the rules of a config into a job."""
    profile, decide = plans_of(config, options.live_from_ms)
    return Job(
        source=options.source,
        sink=options.sink,
        readers=options.readers,
        route=RoutePlan(
            options.shards,
            config.time.disorder_ms,
            config.time.future_ms,
            options.now_ms,
            identity_plan(config),
        ),
        profile=profile,
        decide=decide,
        tick_lines=options.tick_lines,
        close=options.close,
        idle_ms=config.time.idle_ms,
        workers=options.workers,
        epoch_ms=config.epoch.every_ms,
        epoch_bytes=config.epoch.max_bytes,
        compression=config.state.compression,
        cache_records=config.state.cache_records,
        privacy=privacy_plan(config),
    )


def plans_of(config: Config, live_from_ms: int = ALWAYS_LIVE) -> tuple[ProfilePlan, DecidePlan]:
    """Compile the rules of a config alone, as its steps read them.

    Args:
        config: that was loaded.
        live_from_ms: what is due before it is not sent.
    """
    rules, consent = compile_rules(config), consent_plan(config)
    profile = ProfilePlan(
        name=config.name,
        gap_ms=config.session.gap_ms,
        collect=rules.collect,
        retention_ms=config.retention_ms,
        duplicates_last=config.duplicates.last,
        duplicates_within_ms=config.duplicates.within_ms,
        triggers=rules.triggers,
        session_features=rules.session_features,
        row=rules.row,
        has_rows=bool(rules.slots or rules.segments),
        grace_ms=config.time.grace_ms,
        models=rules.models,
        consent=consent,
        forgets=bool(config.privacy and config.privacy.forget_events),
    )
    decide = DecidePlan(
        name=config.name,
        triggers=rules.triggers,
        live_from_ms=live_from_ms,
        slots=rules.slots,
        segments=rules.segments,
        attributes=rules.attributes,
        limits=limit_plans(config),
        quiet=quiet_plan(config),
        holdout=holdout_plan(config),
        grace_ms=config.time.grace_ms,
        links=config.identity is not None,
        models=rules.models,
        consent=consent,
    )
    return profile, decide
