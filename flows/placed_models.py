"""Puts what models have learned into a state, in place of what they knew there: all of it or none.

First all is written into one file, at one stroke; from then on it counts. Then each model's
snapshot and folder go, and what it is to begin with is laid beside them. Who is killed in between
leaves the file, and whoever takes the state next goes on with it.
"""

import shutil
from collections.abc import Mapping

import msgspec

from flows import main, recovery
from state import faults
from state.folder import StateFolder, write_whole

_MODELS = main.step_id("models")


def place(folder: StateFolder, learned: Mapping[str, bytes]) -> None:
    """Let models begin with what others have learned; the caller has the state to itself.

    Args:
        folder: the state, or what is to become one.
        learned: what ``model_files.exported`` has sealed, by the model's name.
    """
    place_rest(folder)
    faults.reach("before-placing")
    write_whole(folder.placing, msgspec.msgpack.encode(dict(learned)))
    place_rest(folder)


def place_rest(folder: StateFolder) -> None:
    """Go on with what was begun to be put in, if anything was; it may be killed and repeated."""
    if not folder.placing.exists():
        return
    learned = msgspec.msgpack.decode(folder.placing.read_bytes(), type=dict[str, bytes])
    for name, data in learned.items():
        faults.reach("while-placing")
        if folder.recovery.exists():
            recovery.forget(folder.recovery, _MODELS, name)
        if folder.model(name).exists():
            shutil.rmtree(folder.model(name))
        write_whole(folder.imported(name), data)
    folder.placing.unlink()


def is_placed(folder: StateFolder, name: str) -> bool:
    """Tell whether a state has a model that has begun to learn, or is to begin with something."""
    return folder.model(name).exists() or folder.imported(name).exists()
