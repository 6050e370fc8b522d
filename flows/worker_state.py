"""What the steps of one worker share: the job, where this run starts, and the open shards."""

from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import msgspec

from flows.attributes import take_attributes
from flows.errors import ResumeError
from flows.forgetting import suppressed
from flows.job import Job
from flows.measures import Measures
from flows.model_files import take_import
from flows.privacy import state_minimizer
from flows.reports import Reporter
from flows.secrets import with_secrets
from operators.suppression import Out, Suppression
from state import audit
from state.errors import StateError
from state.folder import Run, StateFolder
from state.keyed_hash import keyed_hash, make_key, read_key
from state.rocks import settings_for
from state.shard import ShardStore
from state.versions import NO_VERSION

P = ParamSpec("P")
R = TypeVar("R")


class WorkerState:
    """One worker's view of the state.

    Attributes:
        run: where the run starts.
        job: what to do.
        reporter: the way to the supervisor.
        measures: what the steps spend.
        minimizer: takes out of events what nobody is to see, None where that is nothing.
        stopping: set when the worker is to stop at the next tick.
        problem: why a reader could not go on, once it cannot.
        failure: the first error that a step has raised.

    Args:
        folder: the state.
        run_id: the run that this worker belongs to.
        index: this worker's number.

    Raises:
        ResumeError: the state is being used by another run.
    """

    def __init__(self, folder: StateFolder, run_id: str, index: int) -> None:
        self.run: Run = folder.read_run()
        if self.run.id != run_id:
            raise ResumeError(f"{folder.path} was taken over by another run")
        self.job = with_secrets(msgspec.json.decode(self.run.job, type=Job))
        shards = -(-self.job.route.shards // self.job.workers)  # the most that this worker has
        self.cache_records_per_step = max(1, self.job.cache_records // (2 * shards))
        self._suppressed, self._key = _suppressed(folder, forgets=self.job.profile.forgets)
        self.minimizer = state_minimizer(folder, self.job.privacy)
        self.reporter = Reporter()
        self.stopping = False
        self.problem: Exception | None = None
        self.failure: Exception | None = None
        self._folder = folder
        self._settings = settings_for(shards, self.job.compression)
        self._shards: dict[int, ShardStore] = {}
        self._models: dict[str, ShardStore] = {}
        self.measures = Measures(index, self._shards, self.reporter)

    def suppression(self, number: int) -> Suppression:
        """Return who of a shard's customers is kept out by profile."""
        return Suppression(
            self._suppressed,
            partial(keyed_hash, self._key),
            self.shard(number).keyvalue,
            listens=self.job.profile.forgets,
            looks_at=Out.OF_PROFILE if self.job.route.identity else Out.ANY,
        )

    def id_suppression(self, number: int) -> Suppression:
        """Return which ids are kept out by a shard's identity step."""
        keyvalue = self.shard(number).keyvalue
        return Suppression(self._suppressed, partial(keyed_hash, self._key), keyvalue)

    def note_forgotten(self, entries: Sequence[audit.Entry]) -> None:
        """Note in the audit file who was forgotten by events, once that is committed."""
        audit.append_once(self._folder.path, entries)

    def owner(self) -> str:
        """Return the id of the run that the state belongs to now; another's once it took over."""
        return self._folder.read_run().id

    def shard(self, number: int) -> ShardStore:
        """Return a shard's store, opened where the run starts."""
        store = self._shards.get(number)
        if store is None:
            store = self._shards[number] = ShardStore(
                self._folder.shard(number),
                run=self.run.id,
                version=self.run.versions[number],
                settings=self._settings,
            )
            keyvalue, about = store.keyvalue, store.about
            take_attributes(self._folder, number, keyvalue, about, self.job.attributes)
        return store

    def model(self, name: str) -> ShardStore:
        """Return a model's store, opened where the run starts."""
        store = self._models.get(name)
        if store is None:
            store = self._models[name] = ShardStore(
                self._folder.model(name),
                run=self.run.id,
                version=self.run.models[name].version,
                settings=self._settings,
            )
            if self.run.models[name].version == NO_VERSION:
                plan = next(each for each in self.job.decide.models if each.name == name)
                take_import(self._folder, plan, store.keyvalue)
        return store

    def verify(self, what: str, row: bytes | None, expected: bytes) -> None:
        """Check that Bytewax resumes a step from the snapshot that the run starts from.

        Raises:
            ResumeError: it does not.
        """
        if (row or b"") != expected:
            found = "none" if row is None else "another"
            raise ResumeError(
                f"{what} should resume from a snapshot and was given {found}: the recovery folder"
                " does not belong to this state; restore both from one backup"
            )

    def close(self) -> None:
        """Close the shards and the models."""
        for store in [*self._shards.values(), *self._models.values()]:
            store.close()


def _suppressed(folder: StateFolder, *, forgets: bool) -> tuple[list[str], bytes]:
    """Read whose events are dropped, as hashes, and the key to them.

    Args:
        folder: the state.
        forgets: whether events may let their customers be forgotten, which takes a key.

    Raises:
        StateError: the key to their hashes is missing or damaged.
    """
    hashes, key = suppressed(folder), read_key(folder.path)
    if hashes and key is None:
        raise StateError(
            f"{folder.path} has lost the key to the customers who are kept out;"
            " restore the state from a backup"
        )
    if forgets:
        key = make_key(folder.path)
    return hashes, key or b""


def noting_failure(
    method: Callable[Concatenate[Any, P], R],
) -> Callable[Concatenate[Any, P], R]:
    """Let a method that Bytewax calls note its error in the worker's state before it raises it.

    With several processes Bytewax may panic over the broken connection and lose the error.
    """

    @wraps(method)
    def call(step: Any, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(step, *args, **kwargs)
        except StopIteration:
            raise
        except Exception as error:
            worker: WorkerState = step._worker  # noqa: SLF001 (this is part of the step)
            worker.failure = worker.failure or error
            raise

    return call
