"""Works out where a run starts, and clears away what earlier runs left unfinished.

It may be interrupted and repeated at any point.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import msgspec

from connectors.errors import SourceProblem
from connectors.inputs import check_same_source
from connectors.tick_parts import SinkState
from flows import forgetting, main, recovery
from flows.attributes import keep_table
from flows.errors import ResumeError
from flows.job import Job
from flows.left_out_models import check_put_aside, leave_out
from flows.model_logic import ModelState
from flows.placed_models import place_rest
from flows.privacy import prepare_key
from flows.readers import ReaderState, reader_key
from flows.rule_changes import changed_rules, digest, rules_of
from flows.secrets import without_secrets
from flows.shard_keys import shard_key
from flows.sinks import FILES
from flows.steps import DecideState
from operators.clock import Clock
from operators.models.store import way_out
from state import audit, faults
from state.folder import Identity, ModelStart, Run, StateFolder
from state.versions import NO_VERSION, Version, read_committed, remove_versions, write_committed

_MODELS = main.step_id("models")
_IDENTITY = main.step_id("identity")


@dataclass(frozen=True)
class Progress:
    """How far a state is.

    Attributes:
        epoch: the next to be run.
        readers: what each reader remembers, empty when nothing was ever committed.
        sink: what the sink remembers.
        notes: what the user should know of what was done to make it ready.
    """

    epoch: int
    readers: list[ReaderState]
    sink: SinkState
    notes: Sequence[str] = ()

    @property
    def finished(self) -> bool:
        """Whether all readers have ended."""
        return bool(self.readers) and all(reader.ended for reader in self.readers)


def prepare(folder: StateFolder, identity: Identity, job: Job) -> tuple[Run, Progress]:
    """Make the state ready for a run, whose workers have not started.

    Raises:
        ResumeError: the state is damaged or incomplete.
    """
    recovery.check(folder.recovery, identity.id)
    forgetting.finish(folder)
    prepare_key(folder, job.privacy)
    epoch = recovery.resume_epoch(folder.recovery)
    faults.reach("while-purging")
    recovery.purge(folder.recovery, epoch)
    place_rest(folder)
    shutil.rmtree(folder.training, ignore_errors=True)  # of a command that was killed
    rows = recovery.rows(folder.recovery)
    is_new = epoch == recovery.FIRST_EPOCH and not any(
        read_committed(folder.shard(shard)) for shard in range(identity.shards)
    )
    models = {name: row for (step, name), row in rows.items() if step == _MODELS}
    names = {key: row for (step, key), row in rows.items() if step == _IDENTITY}
    rows = {at: row for at, row in rows.items() if at[0] not in {_MODELS, _IDENTITY}}
    run = _run(identity, job, rows, is_new=is_new)
    readers = [msgspec.msgpack.decode(row, type=ReaderState) for row in run.readers if row]
    _check_input(readers, job)
    run = msgspec.structs.replace(
        run,
        models=_models(folder, job, models, readers),
        identity=_names(folder, job, names, readers),
    )
    for shard, version in enumerate(run.versions):
        _clear(folder.shard(shard), version)
    for name, start in run.models.items():
        _clear(folder.model(name), start.version)
        if start.version != NO_VERSION:
            folder.imported(name).unlink(missing_ok=True)
    left_out = []
    for name in sorted({*models, *folder.models()} - run.models.keys()):
        row = models.get(name)
        known = msgspec.msgpack.decode(row, type=ModelState).version if row else None
        left_out.append(leave_out(folder, name, known))
        recovery.forget(folder.recovery, _MODELS, name)
    keep_table(folder, job.attributes)
    _note_change(folder, job)
    folder.write_run(run)
    sink = (
        msgspec.msgpack.decode(run.sink, type=SinkState)
        if run.sink
        else SinkState([0] * identity.readers)
    )
    audit.append_once(folder.path, sink.forgotten)  # unless a worker has come to it
    return run, Progress(epoch, readers, sink, [each for each in left_out if each])


def _note_change(folder: StateFolder, job: Job) -> None:
    """Note in the audit file that the rules are others than those of the last run."""
    try:
        before = rules_of(bytes(folder.read_run().job))
    except FileNotFoundError:
        return  # there were none before
    now = rules_of(msgspec.json.encode(job))
    if now != before:
        changed = changed_rules(before, now)
        entry = audit.Entry(audit.now_ms(), "config", rules=digest(now), changed=changed)
        audit.append(folder.path, entry)


def _clear(folder: Path, version: Version) -> None:
    """Leave of a shard's or a model's folder what the run starts from, and nothing else.

    Raises:
        ResumeError: that is not there.
    """
    if version != NO_VERSION and not (folder / version).is_dir():
        raise ResumeError(
            f"{folder / version} is missing: the state is incomplete and cannot go on."
            " Restore it from a backup, or start a new state"
        )
    if folder.exists():
        if version != NO_VERSION:
            write_committed(folder, version)
        remove_versions(folder, keep={version})


def _models(
    folder: StateFolder, job: Job, rows: dict[str, bytes], readers: list[ReaderState]
) -> dict[str, ModelStart]:
    """Say where each model of the job starts; one without a snapshot is new.

    Raises:
        ResumeError: a model has learned by another definition, or its snapshot is lost.
    """
    now = [each.route.tick for each in readers] or [0] * job.readers
    starts = {}
    for plan in job.decide.models:
        row = rows.get(plan.name)
        if row is None:
            if read_committed(folder.model(plan.name)):
                raise ResumeError(
                    f"the state has no snapshot of model {plan.name}, and yet its folder"
                    f" {folder.model(plan.name)}; restore it from a backup"
                )
            check_put_aside(folder, plan)
            starts[plan.name] = ModelStart(b"", NO_VERSION, now)
            continue
        state = msgspec.msgpack.decode(row, type=ModelState)
        if state.definition != plan.definition:
            raise ResumeError(
                f"model {plan.name} has learned by another definition, of its own or of what it"
                f" looks at. Go back to that; or {way_out(plan.name)}"
            )
        if state.ticks != now:
            raise ResumeError(
                f"the state's snapshots do not fit together: readers are at ticks {now},"
                f" model {plan.name} at {state.ticks}; restore it from a backup"
            )
        starts[plan.name] = ModelStart(row, state.version, state.ticks)
    return starts


def _names(
    folder: StateFolder, job: Job, rows: dict[str, bytes], readers: list[ReaderState]
) -> list[bytes]:
    """Return where the identity step of each shard starts; none where it is new, or is no more.

    Raises:
        ResumeError: its snapshots do not fit to the readers'.
    """
    if job.route.identity is None:
        for key in rows:
            recovery.forget(folder.recovery, _IDENTITY, key)
        return []
    starts = [rows.get(shard_key(shard), b"") for shard in range(job.route.shards)]
    if not any(starts):
        return []
    now = [each.route.tick for each in readers]
    seen = [msgspec.msgpack.decode(row, type=Clock).ticks if row else [] for row in starts]
    if any(each != now for each in seen):
        raise ResumeError(
            f"the state's snapshots do not fit together: readers are at ticks {now},"
            f" identity at {seen}; restore it from a backup"
        )
    return starts


def _run(identity: Identity, job: Job, rows: recovery.Rows, *, is_new: bool) -> Run:
    """Take the rows apart; exactly those of the flow must be there, all with the same ticks.

    Only a state that has never committed anything may have none.
    """
    shards = [shard_key(shard) for shard in range(identity.shards)]
    readers = [reader_key(number) for number in range(identity.readers)]
    expected = {(main.step_id("sinks"), FILES)}
    expected |= {(main.step_id("readers"), reader) for reader in readers}
    expected |= {(main.step_id(step), shard) for step in ("profile", "decide") for shard in shards}
    if rows.keys() != expected and (rows or not is_new):
        odd = min(rows.keys() ^ expected)
        raise ResumeError(
            f"the state has {'a surplus' if odd in rows else 'no'} snapshot of {odd[0]} {odd[1]};"
            " restore it from a backup, or start a new state"
        )
    decide = [rows.get((main.step_id("decide"), shard), b"") for shard in shards]
    states = [msgspec.msgpack.decode(row, type=DecideState) for row in decide if row]
    run = Run(
        id=uuid4().hex[:12],
        versions=[state.version for state in states] or [NO_VERSION] * identity.shards,
        profile=[rows.get((main.step_id("profile"), shard), b"") for shard in shards],
        decide=decide,
        readers=[rows.get((main.step_id("readers"), reader), b"") for reader in readers],
        sink=rows.get((main.step_id("sinks"), FILES), b""),
        job=msgspec.Raw(msgspec.json.encode(without_secrets(job))),
    )
    if rows:
        _check_ticks(run, states)
    return run


def _check_input(readers: list[ReaderState], job: Job) -> None:
    """Check that the readers are given what they have read before."""
    for number, reader in enumerate(readers):
        try:
            check_same_source(job.source, number, reader.positions)
        except SourceProblem as problem:
            raise ResumeError(str(problem)) from None


def _check_ticks(run: Run, decide: list[DecideState]) -> None:
    ticks = {
        "decide": [state.ticks for state in decide],
        "profile": [msgspec.msgpack.decode(row, type=Clock).ticks for row in run.profile],
        "sinks": [msgspec.msgpack.decode(run.sink, type=SinkState).ticks],
    }
    handed_over = [msgspec.msgpack.decode(row, type=ReaderState).route.tick for row in run.readers]
    for step, seen in ticks.items():
        if any(each != handed_over for each in seen):
            raise ResumeError(
                f"the state's snapshots do not fit together: readers are at ticks {handed_over},"
                f" {step} at {seen}; restore it from a backup"
            )
