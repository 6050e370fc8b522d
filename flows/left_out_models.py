"""Keeps what a model has learned when the config has it no more, for when it comes back.

It becomes the file that a model begins with, as an import does. A run that is killed on the way
does it again.
"""

import shutil
from collections.abc import Mapping
from typing import cast

import msgspec

from flows.errors import ResumeError
from flows.model_files import KEYS, check_definition, sealed
from operators.models.learner import LearnerError
from operators.models.plan import InputKind, InputPlan, ModelPlan
from operators.models.stamps import layout
from operators.models.store import Head, way_out
from operators.models.watch import pairs_of
from state.errors import StateError
from state.folder import StateFolder, write_whole
from state.prefixes import Prefix
from state.reading import read_committed_version
from state.versions import Version


def leave_out(folder: StateFolder, name: str, version: Version | None) -> str | None:
    """Put what a model has learned aside, then remove its folder.

    Args:
        folder: the state.
        name: of the model.
        version: of its store, None where no snapshot names one.

    Returns:
        What the user should know; None where nothing was learned.
    """
    said = _put_aside(folder, name, version)
    shutil.rmtree(folder.model(name), ignore_errors=True)
    return said


def check_put_aside(folder: StateFolder, plan: ModelPlan) -> None:
    """Check that a model may begin with what it finds there, if it finds anything.

    Raises:
        ResumeError: that was learned by another definition.
    """
    file = folder.imported(plan.name)
    try:
        if file.exists():
            check_definition(file.read_bytes(), plan)
    except LearnerError:
        raise ResumeError(
            f"{file} holds what model {plan.name} has learned by another definition, of its own or"
            " of what it looks at. Go back to that definition, or remove the file, and the model"
            f" begins with nothing learned; or {way_out(plan.name)}"
        ) from None


def _put_aside(folder: StateFolder, name: str, version: Version | None) -> str | None:
    head_key, keys = Prefix.MODEL.key, list(KEYS.values())
    gone = f"model {name} is not in the config any more"
    try:
        _, _, values, _ = read_committed_version(folder.model(name), version, [head_key, *keys])
    except StateError as error:
        if folder.imported(name).exists():  # a run was killed after it was put aside
            return None
        return f"{gone}, and what it has learned is lost: {error}"
    head, *parts = values
    learned = {part: value for part, value in zip(KEYS, parts, strict=True) if value is not None}
    if head is None or not learned:
        return None
    about = msgspec.msgpack.decode(head, type=Head)
    inputs = [InputPlan(each, cast("InputKind", kind)) for each, kind in about.inputs]
    file = folder.imported(name)
    write_whole(file, sealed(learned, about.definition, layout(inputs)))
    return (
        f"{gone}: what it has learned{_from(learned)} is kept in {file}."
        " It goes on with that when it comes back; remove the file to forget it"
    )


def _from(learned: Mapping[str, bytes]) -> str:
    """Say from how many pairs, where a model predicts something."""
    return f" from {pairs_of(learned['watch']):,} pairs" if "watch" in learned else ""
