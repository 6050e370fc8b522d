"""Replays of a few events by a small config, written by hand: what the verifier is to judge."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arbitration_verifier import Findings, verify

CONFIG = """
name: small
features:
  views: {count: Product Viewed}
segments:
  many: views >= 5
triggers:
  low: {on: Product Viewed, after: 10m, channel: email, priority: 1}
  high: {on: Product Viewed, after: 10m, channel: email, priority: 9}
  now: {on: Price Dropped, channel: push, again: 1h}
  now_too: {on: Price Dropped, channel: push, priority: 5, tags: [loud]}
  once: {on: Cart Viewed, after: 5m, restart: false, again: never, channel: chat}
  cart:
    on: Product Added
    key: properties.cart_id
    after: 20m
    cancel: Order Completed
    channel: sms
    expires: 6h
    then: [{after: 1h, channel: chat}]
  asked: {on: Coupon Entered, when: segment.many, channel: chat}
  off: {on: Coupon Entered, enabled: false, channel: chat}
limits:
  - {channel: email, at_most: 1, per: 30m}
  - {tag: loud, at_most: 1, per: day, zone: Asia/Tokyo}
quiet_hours: {from: "22:00", to: "06:00", then: hold}
holdout: 10%
"""
FREE, HELD_OUT = "ann", "guest1"


@dataclass(frozen=True)
class End:
    """A decision to write; times are of 5 May 2026, in UTC."""

    trigger: str
    started: str
    due: str
    outcome: str
    time: str = ""
    key: str = ""
    step: int = 1
    customer: str = FREE

    def data(self) -> dict[str, Any]:
        outcome, _, reason = self.outcome.partition(" ")
        return {
            "trigger": self.trigger,
            "instance": f"{self.trigger}-{self.customer}-{self.key}-{self.started}-{self.step}",
            "key": self.key,
            "step": self.step,
            "started": at(self.started),
            "due": at(self.due),
            "outcome": outcome,
            "reason": reason or None,
        }


def at(time: str) -> str:
    """Give a time of day its day; one from 24:00 on is of the day after."""
    hours, rest = time.split(":", 1)
    day, hour = divmod(int(hours), 24)
    return f"2026-05-{5 + day:02}T{hour:02}:{rest}:00.000Z"


def judged(
    folder: Path,
    events: str,
    ends: Sequence[End],
    *,
    lost: int = 0,
    changes: str = "",
    zone: str = "UTC",
) -> Findings:
    """Judge a replay that read and wrote this; `lost` messages are not written.

    Args:
        folder: of the files.
        events: such as ``10:00 Product Viewed``, separated by commas, with ``@customer`` at the
            end where that is not the usual one, and a cart after a slash.
        ends: the decisions.
        lost: how many messages are missing.
        changes: when the segment is entered and left by turns.
        zone: where all customers are.
    """
    (folder / "config.yaml").write_text(CONFIG)
    write(folder / "events.jsonl", [event(each.strip(), zone) for each in events.split(",")])
    sent = [each for each in ends if each.outcome == "sent"][lost:]
    kinds = [("decisions", "decision", ends), ("triggers", "trigger.sent", sent)]
    for name, kind, some in kinds:
        records = [record(kind, each.customer, each.time or each.due, each) for each in some]
        write(folder / f"{name}.jsonl", records)
    turns = [
        {
            "type": f"cartwheel.segment.{'left' if place % 2 else 'entered'}",
            "subject": FREE,
            "time": at(time),
            "data": {"segment": "many", "origin": "event"},
        }
        for place, time in enumerate(changes.split())
    ]
    write(folder / "segments.jsonl", turns)
    return verify(folder / "config.yaml", folder / "events.jsonl", folder)


CHANNELS = {"low": "email", "high": "email", "now": "push", "now_too": "push", "cart": "sms"}


def record(kind: str, customer: str, time: str, end: End) -> dict[str, Any]:
    channel = "chat" if end.step > 1 else CHANNELS.get(end.trigger, "chat")
    data = {**end.data(), "channel": channel}
    return {"type": f"cartwheel.{kind}", "subject": customer, "time": at(time), "data": data}


def event(text: str, zone: str) -> dict[str, Any]:
    text, _, customer = text.partition("@")
    text, _, cart = text.partition("/")
    time, _, name = text.partition(" ")
    return {
        "type": "track",
        "event": name,
        "userId": customer or FREE,
        "timestamp": at(time),
        "properties": {"cart_id": cart} if cart else {},
        "context": {"timezone": zone},
    }


def write(path: Path, lines: Sequence[dict[str, Any]]) -> None:
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


VIEWED = "10:00 Product Viewed"
HIGH = End("high", "10:00", "10:10", "sent")
LOW = End("low", "10:00", "10:10", "suppressed limit")
ADDED = "12:00 Product Added/c1"
CART = End("cart", "12:00", "12:20", "sent", key="c1")
CART_NEXT = End("cart", "12:00", "13:20", "sent", key="c1", step=2)
DROPPED = "10:00 Price Dropped"
NOW_TOO = End("now_too", "10:00", "10:00", "sent")
NOW = End("now", "10:00", "10:00", "sent")
COUPON = "10:00 Coupon Entered"
OFF = End("off", "10:00", "10:00", "suppressed paused")
ASKED = End("asked", "10:00", "10:00", "sent")
LATE_ADDED = "21:50 Product Added/c1"
HELD = End("cart", "21:50", "22:10", "expired", "28:10", key="c1")
