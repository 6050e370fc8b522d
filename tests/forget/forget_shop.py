"""A small shop with one customer who is to be forgotten, and whose data can be told from others'.

Whatever the state may keep of anna's events holds a marker: a text that nobody else's has.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

from cartwheel.app import main
from replaying import NOW, PROJECT

WHO = "anna-4711@example.org"
MARKER = "qxzzy"
NEEDLES = list(
    dict.fromkeys(
        [
            WHO.encode(),
            MARKER.encode(),
            json.dumps(WHO)[1:-1].encode(),
            blake2b(WHO.encode(), digest_size=16).digest(),  # under which records stand
        ]
    )
)

CONFIG = """
name: shop
state: {compression: none}
time: {disorder: 1m, idle: off, grace: 0s}
session: {gap: 10m, collect: {views: {count: Product Viewed}, place: {last: properties.place}}}
features:
  views_1h: {count: Product Viewed, over: 1h}
  place: {last: properties.place}
  viewed: {recent: properties.product_id, of: Product Viewed}
  device: {last: context.device.type}
attributes:
  file: customers.csv
  customer: customer
  columns: {tier: text}
models:
  intent:
    kind: logistic_regression
    predicts: Order Completed
    within: 1h
    at: [Product Viewed]
    from: [views_1h, device]
segments:
  lookers: views_1h >= 2
  gold: attribute.tier == "gold"
triggers:
  seen: {on: Product Viewed, payload: {place: event.properties.place}}
  abandoned:
    on: Product Viewed
    key: properties.product_id
    after: 30m
    cancel: Order Completed
    payload: {place: event.properties.place, tier: attribute.tier}
"""


def event(minute: int, customer: str, name: str = "Product Viewed", **more: Any) -> dict[str, Any]:
    mark = MARKER if customer == WHO else f"of-{customer}"
    return {
        "type": "track",
        "event": name,
        "messageId": f"{mark}-{minute}-{name}",
        "userId": customer,
        "timestamp": f"2026-01-01T{10 + minute // 60:02d}:{minute % 60:02d}:00.000Z",
        "properties": {"product_id": f"{mark}-p{minute}", "place": f"{mark} street {minute}"},
        "context": {"device": {"type": "mobile" if minute % 2 else "desktop"}},
        "traits": {"firstName": f"{mark}-first"},
        **more,
    }


EVENTS = [
    event(0, WHO),
    event(1, "bert"),
    event(2, WHO),
    event(3, WHO, "Order Completed"),
    event(4, "cleo"),
    event(5, "dora", "Order Completed"),
    event(20, WHO),
    event(21, "bert"),
    event(22, "cleo", "Order Completed"),
    event(23, WHO),
]
LATER = [
    event(24, "dora"),
    event(25, WHO),
    event(25, WHO, messageId=f"{MARKER}-odd", timestamp="soon"),
    event(25, WHO, messageId=f"{MARKER}-odd", traits={"age": float("inf")}),  # which is not JSON
    event(80, "bert"),
    event(81, "cleo"),
    event(95, "dora"),
]


def write_shop(folder: Path, *, more: str = "") -> Path:
    """Write config, events and the file of customers."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "shop.yaml").write_text(CONFIG + more)
    people = [f"{WHO},{MARKER}-gold", "bert,gold", "cleo,", "dora,silver"]
    (folder / "customers.csv").write_text("customer,tier\n" + "\n".join(people) + "\n")
    write_events(folder / "events.jsonl", EVENTS)
    return folder


def write_events(path: Path, events: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(each) + "\n" for each in events))


def replay(*options: str) -> int:
    """Replay the shop of this folder."""
    words = ["--events", "events.jsonl", "--out", "out", "--state", "state", "--shards", "3"]
    return main(["replay", "shop.yaml", *words, "--now", NOW, "--json", *options])


def forget(*options: str, customer: str = WHO, state: str = "state") -> int:
    return main(["state", "forget", customer, "--state", state, *options])


def in_a_process(words: list[str], **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of its own in this folder."""
    return subprocess.run(
        [sys.executable, "-m", "cartwheel", *words],
        env={**os.environ, "PYTHONPATH": str(PROJECT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def found(folder: Path, needles: list[bytes]) -> dict[str, list[bytes]]:
    """Search every file of a folder, and their names, for some bytes."""
    return {
        str(path.relative_to(folder)): there
        for path in folder.rglob("*")
        if (there := [each for each in needles if each in _all_of(path)])
    }


def _all_of(path: Path) -> bytes:
    return os.fsencode(path) + (path.read_bytes() if path.is_file() else b"")


def lines(path: Path) -> list[Mapping[str, Any]]:
    """Read a file of results."""
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []
