"""A shop that hides fields, and events with a marker in each field that is hidden.

Whatever comes out, is kept or is said, the marker is in no byte of it.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

MARKER = "qxzzy"
MAIL = f"{MARKER}@x.example"

CONFIG = """
name: shop
state: {compression: none}
time: {disorder: 1m, idle: off, grace: 0s}
session:
  gap: 10m
  collect:
    pages: {distinct: context.page}
    mails: {last: properties.email}
features:
  views: {count: Product Viewed}
  mail: {last: properties.email}
  said: {recent: properties.comment, of: Product Viewed}
  codes: {recent: "properties.items[].code", of: Product Viewed}
segments:
  lookers: views >= 2
models:
  intent:
    kind: logistic_regression
    predicts: Order Completed
    within: 1h
    at: [Product Viewed]
    from: [views, mail]
triggers:
  abandoned:
    on: Product Viewed
    key: properties.cart
    after: 30m
    payload: {mail: mail, said: said, page: event.context.page}
"""
PRIVACY = """
privacy:
  drop: [traits.*, context.ip, properties.items.note]
  hash: [userId, anonymousId, properties.email, properties.items.code, context.page]
  mask: [properties.comment]
"""


def event(minute: int, who: str = "anna", name: str = "Product Viewed", **more: Any) -> bytes:
    """Write an event; with a marker in each field that is hidden."""
    mail = f"{who}@{MARKER}.example"
    fields: dict[str, Any] = {
        "type": "track",
        "event": name,
        "messageId": f"m-{who}-{minute}-{name}",
        "userId": f"{MARKER}-{who}",
        "timestamp": f"2026-01-01T{10 + minute // 60:02d}:{minute % 60:02d}:00.000Z",
        "context": {"ip": f"203.0.113.7 {MARKER}", "page": f"/{MARKER}/{minute % 3}"},
        "traits": {"name": MARKER, MARKER: 1},
        "properties": {
            "cart": "c1",
            "email": mail,
            "comment": f"nice, says {mail}",
            "items": [{"note": f"{MARKER}!", "code": f"{MARKER}{minute}", "n": 1e3}],
        },
    }
    return json.dumps(fields | more).encode()


def nested(depth: int) -> list[Any]:
    """Give lists in lists."""
    lists: list[Any] = [MARKER]
    for _ in range(depth):
        lists = [lists]
    return lists


GOOD = [
    event(minute, who, "Order Completed" if minute % 7 == 6 else "Product Viewed")
    for minute in range(40)
    for who in ("anna", "bert", "cleo")
]
BAD = [
    event(40)[:-30],  # ends too early
    event(40).replace(b'"track"', b'"track\xff"'),
    f'["{MARKER}"]'.encode(),
    f"{MARKER} is no JSON".encode(),
    b'{"userId":"' + MARKER.encode() + b'","x":' + b"[" * 5000 + b"]" * 5000 + b"}",
    event(40, timestamp=f"{MARKER}")[:-1].replace(
        MARKER.encode() + b'", "context', b'soon", "context'
    )
    + b"}",
    event(40, properties={"email": MARKER, "comment": {MAIL: [MAIL]}}, event=""),
    event(40, properties={"email": [MARKER], "cart": {"a": 1}}),
    event(40, properties={"items": nested(150)}),
    event(40, userId=None, anonymousId=None),
    event(40, userId={MARKER: MARKER}, timestamp=None),
    event(40, timestamp="2999-01-01T00:00:00Z"),
    event(40, traits={"x": "y" * (1 << 20)}),
    event(40, note="z" * (1 << 20)),
    event(0, messageId="m-late"),
    event(1, "dora"),
    event(200, "zoe"),  # so that all that was due before is over
]


def write_shop(folder: Path, lines: Iterable[bytes], privacy: str = PRIVACY) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "shop.yaml").write_text(CONFIG + privacy)
    (folder / "events.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    return folder


def found(folder: Path, needle: bytes) -> list[str]:
    """Name the files in a folder that hold some bytes, or have them in their names."""
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if needle in path.name.encode() or (path.is_file() and needle in path.read_bytes())
    ]
