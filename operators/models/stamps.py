"""Seals what a model has learned with all that must be the same for it to be read again (M10)."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from operators.models.learner import LearnerError
from operators.models.plan import InputPlan

_Learned = TypeVar("_Learned")


class _Sealed(msgspec.Struct, array_like=True):
    stamp: dict[str, str]
    learned: bytes


def layout(inputs: Sequence[InputPlan]) -> str:
    """Name what a model looks at, in its order: ``views_1h number, device category``."""
    return ", ".join(f"{each.name} {each.kind}" for each in inputs)


def seal(stamp: Mapping[str, str], learned: bytes) -> bytes:
    """Put a stamp on what was learned: what it depends on, by name."""
    return msgspec.msgpack.encode(_Sealed(dict(stamp), learned))


def unseal(stamp: Mapping[str, str], data: bytes) -> bytes:
    """Return what was sealed with this stamp.

    Raises:
        LearnerError: the stamp is another one, or the data is damaged.
    """
    try:
        sealed = msgspec.msgpack.decode(data, type=_Sealed)
    except msgspec.DecodeError as error:
        raise damaged(error) from error
    names = sorted({*stamp, *sealed.stamp})
    found = [
        f"{name}: {sealed.stamp.get(name, 'none')}, now {stamp.get(name, 'none')}"
        for name in names
        if sealed.stamp.get(name) != stamp.get(name)
    ]
    if found:
        raise LearnerError(f"what was learned does not fit ({'; '.join(found)})")
    return sealed.learned


def unseal_as(kind: type[_Learned], stamp: Mapping[str, str], data: bytes) -> _Learned:
    """Return what was encoded with msgpack and sealed with this stamp; see ``unseal``."""
    learned = unseal(stamp, data)
    try:
        return msgspec.msgpack.decode(learned, type=kind)
    except msgspec.DecodeError as error:
        raise damaged(error) from error


def damaged(error: Exception) -> LearnerError:
    """Say that the stamp may be right, but the rest cannot be read."""
    return LearnerError(f"what was learned is damaged ({error})")
