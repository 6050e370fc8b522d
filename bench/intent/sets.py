"""The events that intent is measured on, each with a config whose one model predicts an order."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench.running import NOW, ROOT

HERE = Path(__file__).parent


class Events(NamedTuple):
    """Events, and what is to be predicted of them.

    Attributes:
        name: of the set; its config stands beside this file.
        said: what it is, for the results.
        path: of the events.
    """

    name: str
    said: str
    path: Path

    @property
    def config(self) -> Path:
        """The config file."""
        return HERE / f"{self.name}.yaml"


def all_sets(data: Path, ecom: Path, folder: Path) -> list[Events]:
    """Import what was recorded, and make up a shop.

    Args:
        data: the folder of the recorded sets.
        ecom: ``ecom.csv.gz``, from retentioneering's package.
        folder: where the events are put.
    """
    rees46 = data / "rees46" / "2019-Oct-head.csv.gz"
    otto = ROOT / "examples" / "shop" / "otto-sessions.jsonl"
    mapping = ["--mapping", HERE / "ecom-mapping.yaml"]
    sources: dict[str, tuple[str, Sequence[object]]] = {
        "rees46": ("recorded, 40 minutes of a shop", ["import", "rees46", rees46]),
        "otto": ("recorded, 20 customers in four weeks", ["import", "otto", otto]),
        "ecom": ("made up by retentioneering, half a year", ["import", "csv", ecom, *mapping]),
        "shop": ("made up by `cartwheel simulate`, a week", _SIMULATE),
    }
    found = []
    for name, (said, words) in sources.items():
        path = folder / f"{name}.jsonl"
        run([*words, "--out", path])
        found.append(Events(name, said, path))
    return found


def replayed(events: Events, folder: Path) -> Path:
    """Replay events by their config; return the folder of the results."""
    out, state = folder / f"{events.name}-out", folder / f"{events.name}-state"
    words = ["replay", events.config, "--events", events.path, "--out", out, "--state", state]
    run([*words, "--now", NOW])
    return out


def shown(events: Events, folder: Path) -> str:
    """Return what ``models show`` tells of the state that ``replayed`` has left, as JSON."""
    state = folder / f"{events.name}-state"
    return run(["models", "show", events.config, "--state", state, "--json"])


def run(words: Sequence[object]) -> str:
    """Run the command; return what it prints."""
    command = [sys.executable, "-m", "cartwheel", *map(str, words)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


_SIMULATE = ["simulate", "--users", "6000", "--events", "60000", "--seed", "7"]
