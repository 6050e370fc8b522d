"""The state folder as a whole: what it is for, who may use it, and where a run starts.

::

    STATE/
        state.json       what the state belongs to; written once
        run.json         where the current run starts
        lock             held by the supervisor
        workers.lock     shared by the workers
        recovery/        Bytewax's own, with the state's id beside it
        shard-00/ …      one folder a shard
        model-intent/ …  one folder a model
        models.new       what models are to begin with, until it is laid beside them
        training/        a state of its own, in which models are trained
        import-intent    what a model is to begin with, until it has a version of its own; or what
                         it had learned when it was left out of the config
        privacy.key      with which customers are hashed who were forgotten, and fields of events
        suppressed.json  whose events are dropped, as hashes
        audit.jsonl      who was looked at or forgotten, when the rules have changed
        forgetting.json  while somebody is being forgotten: what is to be done
"""

import fcntl
import os
import time
from pathlib import Path
from typing import IO
from uuid import uuid4

import msgspec

from state.errors import StateError
from state.keyed_hash import KEY_FILE
from state.versions import Version

FORMAT = 1

_WORKERS_GONE_WITHIN_S = 5.0  # they die with their supervisor, but not in the same instant
_LOOKED_AT_WITHIN_S = 1.0  # `state info` keeps runs from starting for a moment
_POLL_S = 0.02
_MODEL = "model-"
_IMPORT = "import-"
_PLACING = "models.new"
_TRAINING = "training"


class Identity(msgspec.Struct, frozen=True):
    """What a state belongs to; fixed when it is created.

    Attributes:
        format: of the folder.
        id: unique; the recovery folder has the same.
        name: of the config.
        shards: how many slices of the customers.
        readers: how many input readers.
        now_ms: the clock that future timestamps are held against, ms since 1970.
    """

    format: int
    id: str
    name: str
    shards: int
    readers: int
    now_ms: int


class ModelStart(msgspec.Struct, frozen=True):
    """Where a model starts.

    Attributes:
        row: its snapshot, empty where it is new.
        version: of its store, NO_VERSION where it is new.
        ticks: each reader's last tick that it has had, or that there was before it was new.
    """

    row: bytes
    version: Version
    ticks: list[int]


class Run(msgspec.Struct, frozen=True):
    """Where a run starts; workers read it, and leave when it is another run's.

    Attributes:
        id: of the run.
        versions: of each shard; NO_VERSION where nothing was ever written.
        profile: each shard's snapshot of the profile step, empty when fresh.
        decide: likewise of the decide step.
        readers: likewise of each reader.
        sink: likewise of the sink.
        job: what to do, as the command that started the run has written it.
        models: each model's start, by its name.
        identity: each shard's snapshot of the identity step; none where it starts with this run.
    """

    id: str
    versions: list[Version]
    profile: list[bytes]
    decide: list[bytes]
    readers: list[bytes]
    sink: bytes
    job: msgspec.Raw
    models: dict[str, ModelStart] = {}
    identity: list[bytes] = []


class StateFolder:
    """A state folder on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def recovery(self) -> Path:
        """Bytewax's recovery folder."""
        return self.path / "recovery"

    def shard(self, number: int) -> Path:
        """Return the folder of a shard."""
        return self.path / f"shard-{number:02d}"

    def model(self, name: str) -> Path:
        """Return the folder of a model."""
        return self.path / f"{_MODEL}{name}"

    def imported(self, name: str) -> Path:
        """Return the file of what a model is to begin with, which need not be there."""
        return self.path / f"{_IMPORT}{name}"

    @property
    def placing(self) -> Path:
        """The file of what models are to begin with, while it is being put in."""
        return self.path / _PLACING

    @property
    def training(self) -> Path:
        """Where models are trained, for as long as that takes."""
        return self.path / _TRAINING

    def models(self) -> list[str]:
        """Return the names of the models that have a folder."""
        folders = self.path.glob(f"{_MODEL}*")
        return sorted(each.name.removeprefix(_MODEL) for each in folders)

    def exists(self) -> bool:
        """Tell whether a state was created here."""
        return (self.path / "state.json").exists()

    def was_run(self) -> bool:
        """Tell whether anything may have been written for it."""
        return (self.path / "run.json").exists() or any(self.path.glob("shard-*"))

    def create(self, *, name: str, shards: int, readers: int, now_ms: int) -> Identity:
        """Make a new state in a folder that is empty or not there.

        Raises:
            StateError: something else is in the folder.
        """
        self._refuse_foreign()
        identity = Identity(FORMAT, uuid4().hex, name, shards, readers, now_ms)
        write_json(self.path / "state.json", identity)
        return identity

    def _refuse_foreign(self) -> None:
        ours = {"lock", "state.json.new", _PLACING, f"{_PLACING}.new", _TRAINING, KEY_FILE}
        found = {entry.name for entry in self.path.iterdir()} - ours
        others = {name for name in found if not name.startswith(_IMPORT)}
        if others:
            raise StateError(
                f"{self.path} is no state and not empty (it holds {min(others)}):"
                " name an empty folder, or one that does not exist"
            )

    def identity(self) -> Identity:
        """Read what the state belongs to.

        Raises:
            StateError: there is no state, or it has another format.
        """
        try:
            data = (self.path / "state.json").read_bytes()
        except FileNotFoundError:
            raise StateError(f"{self.path} holds no state (state.json is missing)") from None
        try:
            identity = msgspec.json.decode(data, type=Identity)
        except msgspec.DecodeError as error:
            raise StateError(f"{self.path / 'state.json'} cannot be read: {error}") from None
        if identity.format != FORMAT:
            raise StateError(
                f"{self.path} has format {identity.format}, this program reads format {FORMAT}"
            )
        return identity

    def lock(self) -> IO[bytes]:
        """Take the state for this process alone, as long as the returned file is open.

        Raises:
            StateError: another process has it, or it cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if not self.exists():
                self._refuse_foreign()
            return take_lock(
                self.path / "lock",
                fcntl.LOCK_EX,
                f"{self.path} is in use by another process",
                within_s=_LOOKED_AT_WITHIN_S,
            )
        except OSError as error:
            raise StateError(f"{self.path} cannot be written: {error.strerror}") from error

    def lock_workers(self) -> IO[bytes]:
        """Make sure that no worker is left from an earlier run; one that is just dying may.

        Raises:
            StateError: one is.
        """
        return take_lock(
            self.path / "workers.lock",
            fcntl.LOCK_EX,
            f"a worker of {self.path} still runs",
            within_s=_WORKERS_GONE_WITHIN_S,
        )

    def join_workers(self) -> IO[bytes]:
        """Be one of the workers, as long as the returned file is open.

        Raises:
            StateError: the supervisor has it, so this worker belongs to an earlier run.
        """
        return take_lock(
            self.path / "workers.lock", fcntl.LOCK_SH, f"{self.path} is being prepared"
        )

    def write_run(self, run: Run) -> None:
        """Say where the run starts."""
        write_json(self.path / "run.json", run)

    def read_run(self) -> Run:
        """Read where the current run starts."""
        return msgspec.json.decode((self.path / "run.json").read_bytes(), type=Run)


def write_json(path: Path, value: msgspec.Struct) -> None:
    """Replace a file as a whole by a value as JSON."""
    write_whole(path, msgspec.json.encode(value))


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file as a whole; it is on disk then."""
    beside = path.with_name(path.name + ".new")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def take_lock(path: Path, kind: int, otherwise: str, *, within_s: float = 0.0) -> IO[bytes]:
    """Lock a file, made when it is not there; the lock goes when the file is closed.

    Raises:
        StateError: with the text ``otherwise``, when somebody else has it for so long.
    """
    patience = time.monotonic() + within_s
    file = path.open("ab")
    while True:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= patience:
                file.close()
                raise StateError(f"{otherwise}; wait for it, or stop it") from None
            time.sleep(_POLL_S)
        else:
            return file
