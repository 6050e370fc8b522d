"""A shop that was replayed into a folder, with its state."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cartwheel.app import main


def replay(folder: Path, config: str, events: Iterable[dict[str, Any]], *more: str) -> None:
    """Replay events under a config; both, the outputs and the state are in the folder then."""
    folder.mkdir(exist_ok=True)
    (folder / "shop.yaml").write_text(config)
    (folder / "events.jsonl").write_text("".join(json.dumps(each) + "\n" for each in events))
    words = ["--events", f"{folder}/events.jsonl", "--out", f"{folder}/out", "--json"]
    words += ["--state", f"{folder}/state", "--shards", "2", *more]
    assert main(["replay", f"{folder}/shop.yaml", *words]) == 0
