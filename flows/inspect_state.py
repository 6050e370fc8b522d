"""Says what a state belongs to and how far it is, also while a run goes on.

A run that goes on has Bytewax's recovery folder to itself: then only committed versions are read.
Otherwise a copy of that folder is read. The state itself is never changed.
"""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from config import reach_ms
from connectors.tick_parts import SinkState
from flows import main, recovery
from flows.errors import ResumeError
from flows.model_logic import ModelState
from flows.readers import ReaderState, reader_key
from flows.shard_keys import shard_key
from flows.sinks import FILES
from flows.steps import DecideState
from operators.clock import Clock
from operators.times import BEFORE_ALL, EventTime, format_time
from state.about import About
from state.errors import StateError
from state.folder import Identity, StateFolder
from state.reading import bytes_on_disk, read_committed_version, while_unused
from state.versions import NO_VERSION


class ReaderReport(msgspec.Struct, frozen=True):
    """How far one reader is: its last committed tick, its lines, whether its input has ended."""

    files: list[str]
    tick: int
    events: int
    ended: bool


class ProgressReport(msgspec.Struct, frozen=True):
    """What was committed.

    Attributes:
        epoch: the next to be run.
        readers: each reader.
        watermark: of the shards, None before any event.
        counts: what the summary counts, and how each trigger's instances ended (``sent NAME``).
    """

    epoch: int
    readers: list[ReaderReport]
    watermark: str | None
    counts: dict[str, int]


class ShardReport(msgspec.Struct, frozen=True):
    """One shard.

    Attributes:
        shard: its number.
        version: the committed one, None where nothing was ever written.
        ticks: the last committed tick of each reader, None where that is not known.
        bytes: of the shard's folder.
    """

    shard: int
    version: str | None
    ticks: list[int] | None
    bytes: int


class ModelReport(msgspec.Struct, frozen=True):
    """What one model has learned, as far as its folder tells.

    Attributes:
        model: its name.
        version: the committed one of its store, None where nothing was ever written.
        ticks: the last committed tick of each reader, None where that is not known.
        bytes: of the model's folder.
    """

    model: str
    version: str | None
    ticks: list[int] | None
    bytes: int


class FeatureReport(msgspec.Struct, frozen=True):
    """One feature, as it is kept since its definition was last changed.

    Attributes:
        name: of the feature.
        definition: of the feature.
        since: from when on events count, None for from the beginning.
        filling: whether what it looks at began before that: it lacks what was earlier.
    """

    name: str
    definition: str
    since: str | None
    filling: bool


class StateReport(msgspec.Struct, frozen=True):
    """All that is known of a state.

    Attributes:
        state: the folder.
        config: name of the config that it belongs to.
        id: unique.
        readers: how many.
        clock: what future timestamps are held against: ``--now``, or when it was made.
        running: whether a run goes on.
        finished: whether all input was read, None where that is not known.
        progress: how far it is, None while a run goes on.
        shards: each of them.
        models: each of them, by name.
        layouts: what sessions collect, and what they have collected under earlier configs.
        features: what is kept of customers.
        bytes: of the whole folder.
        problems: why it cannot go on.
    """

    state: str
    config: str
    id: str
    readers: int
    clock: str
    running: bool
    finished: bool | None
    progress: ProgressReport | None
    shards: list[ShardReport]
    models: list[ModelReport]
    layouts: list[list[str]]
    features: list[FeatureReport]
    bytes: int
    problems: list[str]


def inspect_state(folder: StateFolder) -> StateReport:
    """Look at a state.

    Raises:
        StateError: there is none, or it has another format.
    """
    identity = folder.identity()
    problems: list[str] = []
    running, rows, progress = False, None, None
    try:
        committed = _committed(folder, identity)
    except ResumeError as error:
        problems.append(str(error))
    else:
        running = committed is None
        if committed is not None:
            epoch, rows = committed
            progress = _progress(rows, identity, epoch)
    shards: list[ShardReport] = []
    layouts: list[list[str]] = []
    features: dict[str, FeatureReport] = {}
    for shard in range(identity.shards):
        report, about = _shard(folder, shard, rows, problems)
        shards.append(report)
        for layout in about.layouts if about else []:
            if layout.session not in layouts:
                layouts.append(layout.session)
        features |= _features(about) if about else {}
    return StateReport(
        state=str(folder.path),
        config=identity.name,
        id=identity.id,
        readers=identity.readers,
        clock=format_time(EventTime(identity.now_ms)),
        running=running,
        finished=_is_finished(progress),
        progress=progress,
        shards=shards,
        models=_models(folder, rows, problems),
        layouts=layouts,
        features=list(features.values()),
        bytes=bytes_on_disk(folder.path),
        problems=problems,
    )


def _committed(folder: StateFolder, identity: Identity) -> tuple[int, recovery.Rows] | None:
    """Return the next epoch and the committed snapshots; None while a run goes on."""
    with TemporaryDirectory(prefix="cartwheel-") as beside:
        copy = Path(beside) / folder.recovery.name
        with while_unused(folder) as unused:
            if not unused:
                return None
            recovery.check(folder.recovery, identity.id)
            shutil.copytree(folder.recovery, copy)
        try:
            epoch = recovery.resume_epoch(copy)
            recovery.purge(copy, epoch)
            return epoch, recovery.rows(copy)
        except ResumeError as error:
            raise ResumeError(str(error).replace(str(copy), str(folder.recovery))) from None


def _progress(rows: recovery.Rows, identity: Identity, epoch: int) -> ProgressReport:
    readers = []
    for number in range(identity.readers):
        row = rows.get((main.step_id("readers"), reader_key(number)))
        state = msgspec.msgpack.decode(row, type=ReaderState) if row else None
        readers.append(
            ReaderReport(list(state.positions.names()), state.route.tick, state.events, state.ended)
            if state
            else ReaderReport([], 0, 0, ended=False)
        )
    clocks = [
        msgspec.msgpack.decode(row, type=Clock)
        for (step, _), row in rows.items()
        if step == main.step_id("profile")
    ]
    watermark = min((clock.watermark for clock in clocks), default=BEFORE_ALL)
    sink = rows.get((main.step_id("sinks"), FILES))
    counts = msgspec.msgpack.decode(sink, type=SinkState).counts if sink else {}
    return ProgressReport(
        epoch=epoch,
        readers=readers,
        watermark=None if watermark == BEFORE_ALL else format_time(EventTime(watermark)),
        counts=dict(sorted(counts.items())),
    )


def _is_finished(progress: ProgressReport | None) -> bool | None:
    return None if progress is None else all(reader.ended for reader in progress.readers)


def _shard(
    folder: StateFolder, shard: int, rows: recovery.Rows | None, problems: list[str]
) -> tuple[ShardReport, About | None]:
    """Look at one shard: at the version that the snapshots name, where they could be read."""
    path = folder.shard(shard)
    row = rows.get((main.step_id("decide"), shard_key(shard)), b"") if rows is not None else None
    state = msgspec.msgpack.decode(row, type=DecideState) if row else None
    version = None if row is None else (state.version if state else NO_VERSION)
    about: About | None = None
    try:
        version, about, *_ = read_committed_version(path, version)
    except StateError as error:
        problems.append(str(error))
    ticks = state.ticks if state else (about.ticks if about else None)
    return ShardReport(shard, version or None, ticks, bytes_on_disk(path)), about


def _models(
    folder: StateFolder, rows: recovery.Rows | None, problems: list[str]
) -> list[ModelReport]:
    """Look at the models: at the versions that the snapshots name, where they could be read."""
    states = {
        name: msgspec.msgpack.decode(row, type=ModelState)
        for (step, name), row in (rows or {}).items()
        if step == main.step_id("models") and row
    }
    reports = []
    for name in sorted({*states, *folder.models()}):
        state, about = states.get(name), None
        version = None if rows is None else (state.version if state else NO_VERSION)
        try:
            version, about, *_ = read_committed_version(folder.model(name), version)
        except StateError as error:
            problems.append(str(error))
        ticks = state.ticks if state else (about.ticks if about else None)
        reports.append(ModelReport(name, version or None, ticks, bytes_on_disk(folder.model(name))))
    return reports


def _features(about: About) -> dict[str, FeatureReport]:
    """Say since when each feature of a shard's last layout has been kept without a break."""
    if not about.layouts:
        return {}
    found = {}
    for text in about.layouts[-1].features:
        name, _, definition = text.partition(" = ")
        since = about.layouts[-1].since
        for layout in reversed(about.layouts):
            if text not in layout.features:
                break
            since = layout.since
        is_new = since > BEFORE_ALL
        reach = reach_ms(definition)
        found[name] = FeatureReport(
            name=name,
            definition=definition,
            since=format_time(EventTime(since)) if is_new else None,
            filling=is_new and (reach is None or since + reach > about.watermark),
        )
    return found
