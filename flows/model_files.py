"""What a model has learned as one file: taken out of a state, and put into another.

A file is laid into the state folder beside the models; the next run begins with it. A run that is
killed before its first commit begins with it again, so nothing is half done.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from operators.models.kinds import make_drift, make_learner
from operators.models.learner import Learner, LearnerError
from operators.models.parts import Told
from operators.models.plan import ModelPlan
from operators.models.stamps import damaged, layout, seal, unseal
from operators.models.store import ModelStateError, ModelStore, way_out
from operators.models.watch import Watch
from operators.times import AFTER_ALL, EventTime
from state.folder import StateFolder
from state.keyvalue import KeyValue, MemoryKeyValue
from state.prefixes import Prefix
from state.reading import read_committed_version
from state.versions import NO_VERSION, Version

_HEAD = Prefix.MODEL.key
KEYS = {name: _HEAD + name.encode() for name in ("learner", "baseline", "watch", "drift")}
"""Where a model's store keeps what was learned; of one that predicts nothing the first alone."""


class Opened(NamedTuple):
    """What a model's committed version holds."""

    learned_until: EventTime
    learner: Learner
    watch: Watch


def exported(folder: StateFolder, plan: ModelPlan) -> bytes | None:
    """Return what a model has learned, sealed with its definition; None where that is nothing.

    What it waits for, and the scores that it has given to customers, stay in the state.

    Raises:
        StateError: the state cannot be read.
        ModelStateError: the model has learned by another definition, or with other libraries.
    """
    _, found = read_model(folder, plan)
    open_learned(found, plan)
    parts = {part: found[key] for part, key in KEYS.items() if key in found}
    return sealed(parts, plan.definition, layout(plan.inputs)) if parts else None


def sealed(parts: Mapping[str, bytes], definition: str, inputs: str) -> bytes:
    """Make an export of what was learned.

    Args:
        parts: by their names in KEYS.
        definition: of the model.
        inputs: their layout.
    """
    return seal(_stamp(definition, inputs), msgspec.msgpack.encode(parts))


def check_definition(data: bytes, plan: ModelPlan) -> bytes:
    """Return what an export holds, after it was seen to be of the plan's definition.

    Raises:
        LearnerError: it is of another one, or damaged.
    """
    return unseal(_stamp(plan.definition, layout(plan.inputs)), data)


def entries(data: bytes, plan: ModelPlan) -> dict[bytes, bytes]:
    """Return what an export puts into a model's store, after it was seen to fit the plan.

    Like a state, it may hold pickles of River: it must come from somebody who is trusted.

    Raises:
        LearnerError: it is of another definition, or damaged.
        ModelStateError: other versions of the libraries have written it.
    """
    try:
        parts = msgspec.msgpack.decode(check_definition(data, plan), type=dict[str, bytes])
        found = {KEYS[part]: value for part, value in parts.items()}
    except (msgspec.DecodeError, KeyError) as error:
        raise damaged(error) from error
    wanted = KEYS.keys() if plan.predicts else {"learner"}
    if wanted != parts.keys():
        raise LearnerError(f"an export without {', '.join(sorted(wanted - parts.keys()))}")
    open_learned(found, plan)
    return found


def take_import(folder: StateFolder, plan: ModelPlan, keyvalue: KeyValue) -> None:
    """Put what was imported for a model that has no version yet into its store, if anything was.

    Raises:
        ModelStateError: it does not fit.
    """
    for key, value in _imported(folder, plan).items():
        keyvalue.put(key, value)


def read_model(folder: StateFolder, plan: ModelPlan) -> tuple[Version, dict[bytes, bytes]]:
    """Read what a model has learned; where it has no version yet, what it is to begin with.

    Raises:
        StateError: the state cannot be read.
        ModelStateError: what the model is to begin with does not fit.
    """
    keys = [_HEAD, *KEYS.values()]
    version, _, values, _ = read_committed_version(folder.model(plan.name), keys=keys)
    if version == NO_VERSION:
        return version, _imported(folder, plan)
    found = zip(keys, values, strict=True)
    return version, {key: value for key, value in found if value is not None}


def open_learned(found: dict[bytes, bytes], plan: ModelPlan) -> Opened:
    """Open what was read; what does not fit the plan is refused as a run would do it."""
    store = ModelStore(MemoryKeyValue(found), plan, 1)
    learner, watch = make_learner(plan), Watch(is_sum=bool(plan.target.value))
    store.keep("learner", learner)
    store.keep("watch", watch)
    until = store.head.learned_until
    if until > AFTER_ALL - plan.step_ms:  # no more than a step before it
        until = AFTER_ALL
    return Opened(until, learner, watch)


def told_of(found: dict[bytes, bytes], plan: ModelPlan) -> Sequence[Told]:
    """Say which changes were told, of what was read.

    Raises:
        ModelStateError: another version of River has written it.
    """
    drift = make_drift("", plan)  # (the name stands in records only)
    ModelStore(MemoryKeyValue(found), plan, 1).keep("drift", drift)
    return drift.told()


def _imported(folder: StateFolder, plan: ModelPlan) -> dict[bytes, bytes]:
    """Read what a model is to begin with; nothing where that is nothing."""
    file = folder.imported(plan.name)
    if not file.exists():
        return {}
    try:
        return entries(file.read_bytes(), plan)
    except LearnerError as error:
        raise ModelStateError(
            f"{file} does not fit model {plan.name}: {error}. Go back to the definition by which"
            f" it has learned; or {way_out(plan.name)}"
        ) from error


def _stamp(definition: str, inputs: str) -> dict[str, str]:
    """Return what a model must have in common with the one that was exported; not the name."""
    return {"export": "1", "definition": definition, "inputs": inputs}
