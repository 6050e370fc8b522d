"""The worked examples in the docs: their events, run through the engine, give what they show.

An example is a ``yaml`` block with a part of a config (it holds for those after it as well), an
``events`` block in order of arrival, and blocks that say what comes out: ``decisions``,
``messages``, ``sessions`` and ``late``. Decisions and late events that an example does not show
must not come out.
"""

import json
import re
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from docs_pages import ROOT, Page, normal

from config import load
from flows.job import ReplayOptions, replay_job
from simulation import Outcome, Simulation

DAY = "2026-01-01"
SHOWN = ("decisions", "messages", "sessions", "late")
_SIZES = (1, 2, 100)


class Example(NamedTuple):
    """Some events under a config, and what the page says that comes of them."""

    page: str
    line: int
    config: str
    events: str
    shown: dict[str, str]


def examples() -> Iterator[Example]:
    for path in sorted((ROOT / "docs").glob("*.md")):
        config, example = "", None
        for block in Page(path).blocks:
            if block.language == "yaml":
                config = block.text
            elif block.language == "events":
                if example:
                    yield example
                example = Example(path.name, block.line, config, block.text, {})
            elif block.language in SHOWN:
                assert example, f"{path.name}:{block.line}: no events before it"
                example.shown[block.language] = block.text
        if example:
            yield example


EXAMPLES = list(examples())


def event_of(line: str) -> dict[str, Any]:
    message_id, time, customer, name, *rest = re.split(r"\s{2,}", line.strip())
    day, _, clock = time.rpartition(" ")
    properties = dict(pair.split("=") for pair in rest[0].split()) if rest else {}
    return {
        "type": "track",
        "event": name,
        "messageId": message_id,
        "userId": customer,
        "timestamp": f"{day or DAY}T{long(clock)}Z",
        "properties": {name: number_or_text(text) for name, text in properties.items()},
    }


def number_or_text(text: str) -> object:
    return json.loads(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else text


def long(time: str) -> str:
    return f"{time}:00" if time.count(":") == 1 else time


def short(text: str) -> str:
    """Write an engine's time as the examples do: no more of it than is not zero."""
    date, _, time = text.removesuffix("Z").partition("T")
    time = time.removesuffix(".000").removesuffix(":00") if time.count(":") > 1 else time
    return time if date == DAY else f"{date} {time}"


def replayed(example: Example, folder: Path, tick: int) -> Outcome:
    (folder / "shop.yaml").write_text(f"name: shop\n{example.config}")
    options = ReplayOptions(
        files=[],
        out=folder,
        order="time",
        shards=4,
        readers=1,
        workers=1,
        tick_lines=1,
        now_ms=1 << 50,
        close=False,
    )
    job = replay_job(load(folder / "shop.yaml"), options)
    lines = [msgspec.json.encode(event_of(line)) for line in example.events.splitlines()]
    simulation = Simulation(
        lines, job.profile, job.decide, disorder_ms=job.route.disorder_ms, shards=4
    )
    return simulation.run(repeat(tick))


def decision(record: dict[str, Any]) -> str:
    data = record["data"]
    key = f" ({data['key']})" if data["key"] else ""
    step = f" step {data['step']}" if "step" in data else ""
    by = f" by {data['cause']}" if data["cause"] else ""
    why = f", {data['reason']}" if data["reason"] else ""
    why += f" ({data['limit']})" if "limit" in data else ""
    time = short(record["time"])
    started = short(data["started"])
    return f"{started} {record['subject']}{key}{step} {data['outcome']} at {time}{by}{why}"


def message(record: dict[str, Any]) -> str:
    data = record["data"]
    what = f"{short(record['time'])} {record['subject']}"
    if record["type"] == "cartwheel.trigger.retracted":
        return f"{what} retracts the message of {short(data['due'])}, by {data['cause']}"
    channel = f" {data['channel']}" if data["channel"] else ""
    return f"{what}{channel} {json.dumps(data['payload'], ensure_ascii=False)}"


def session(record: dict[str, Any]) -> str:
    data, customer = record["data"], record["subject"]
    revision = f", revision {data['revision']}" if data["revision"] > 1 else ""
    if record["type"] == "cartwheel.session.retracted":
        return f"{customer} retracted at {short(record['time'])}{revision}"
    start, end = short(data["start"]), short(data["end"])
    return f"{customer} {start} to {end} {data['events']} events{revision}"


def late(record: dict[str, Any]) -> str:
    return str(record["messageId"])


@pytest.mark.parametrize("tick", _SIZES)
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: f"{each.page}:{each.line}")
def test_an_example_gives_what_it_shows(example: Example, tick: int, tmp_path: Path) -> None:
    outcome = replayed(example, tmp_path, tick)
    assert outcome.counts["dead_letters"] == 0
    tell = {"decisions": decision, "messages": message, "sessions": session, "late": late}
    for kind, text in example.shown.items():
        lines = outcome.lines.get("triggers" if kind == "messages" else kind, [])
        told = [tell[kind](json.loads(line)) for line in lines]
        shown = [] if text.strip() == "none" else normal(text)
        assert sorted(told) == sorted(shown), kind
    for kind in ("decisions", "late"):
        if kind not in example.shown:
            assert not outcome.lines.get(kind), f"{kind} are not shown"


def test_pages_have_examples() -> None:
    assert {"time.md", "triggers.md"} <= {example.page for example in EXAMPLES}
    assert all(example.shown for example in EXAMPLES)
