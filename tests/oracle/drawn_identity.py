"""Hypothesis strategies: who the events of streams that exist name, and who is linked to whom."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from hypothesis import strategies as st

from oracle.drawn_triggers import drawn

DEVICES = ("a1", "a2", "a3")
CUSTOMERS = ("u1", "u2")


class Who(NamedTuple):
    """Who an event is to name.

    `kind` is of the event if it is to be another, `copies` how many lines before it is the one
    whose messageId it has, if not its own.
    """

    names: Mapping[str, Any]
    kind: str | None = None
    copies: int = 0


def _device(name: str) -> Who:
    return Who({"anonymousId": name})


def _customer(name: str) -> Who:
    return Who({"userId": name})


def _identify(anonymous: str, customer: str) -> Who:
    return Who({"anonymousId": anonymous, "userId": customer}, "identify")


def _alias(anonymous: str, customer: str) -> Who:
    return Who({"previousId": anonymous, "userId": customer}, "alias")


ODD = [
    Who({"previousId": "a1"}, "alias"),
    Who({"previousId": "a1", "anonymousId": "a2"}, "alias"),
    Who({"userId": "u1", "anonymousId": "a2"}, "alias"),
    Who({"userId": "unknown", "anonymousId": "a1"}),
    Who({"userId": "unknown", "anonymousId": "a1"}, "identify"),
    Who({"userId": "unknown"}),
    Who({"userId": "", "anonymousId": ""}),
    *(_identify("a1", "a2"), _identify("a2", "a1"), _identify("a1", "a1")),
    *(_alias("u1", "u2"), _alias("u2", "u1"), _customer("a3")),
]
IDENTITY: dict[str, Any] = {"blocked": ["unknown"]}

_devices = drawn([*DEVICES, "a1", "a1"])
_customers = drawn([*CUSTOMERS, "u1"])
_both = st.builds(lambda a, u: Who({"anonymousId": a, "userId": u}), _devices, _customers)
_who = drawn(
    [
        *[_devices.map(_device)] * 10,
        *[_customers.map(_customer)] * 4,
        *[_both] * 2,
        *[st.builds(_identify, _devices, _customers)] * 3,
        st.builds(_alias, _devices, _customers),
        drawn(ODD),
    ]
).flatmap(lambda strategy: strategy)
_copies = drawn([*[0] * 12, 1, 2, 5])


@st.composite
def mixed(
    draw: st.DrawFn, streams: st.SearchStrategy[list[bytes]], *, copies: bool = True
) -> list[bytes]:
    """Draw a stream in which devices are shared, linked, linked again and refused in any order."""
    lines = draw(streams)
    back = _copies if copies else st.just(0)
    who = st.builds(lambda one, copies: one._replace(copies=copies), _who, back)
    return with_names(lines, draw(st.lists(who, min_size=len(lines), max_size=len(lines))))


@st.composite
def newcomers(
    draw: st.DrawFn,
    streams: st.SearchStrategy[list[bytes]],
    *,
    copies: bool = True,
    lend: bool = True,
) -> list[bytes]:
    """Draw a stream in which each device is first linked to a customer who was never seen before.

    That is a1 to u1, a2 to u2 and so on, who may lend it to each other later.
    """
    lines = draw(streams)
    linked: set[int] = set()
    who: list[Who] = []
    for _ in lines:
        number = draw(drawn([1, 1, 1, 2]))
        device, customer = f"a{number}", f"u{number}"
        is_link = draw(drawn([*[False] * 5, True]))
        if number not in linked:
            one = _device(device)
            if is_link:
                one = draw(drawn([_identify, _identify, _alias]))(device, customer)
                linked.add(number)
        elif is_link and lend and len(linked) == 2:
            one = _identify(device, draw(_customers))
        else:
            known = _customer(customer)
            both = Who({**_device(device).names, **known.names})
            one = draw(drawn([_device(device), _device(device), known, both]))
        who.append(one._replace(copies=draw(_copies) if copies else 0))
    return with_names(lines, who)


def with_names(lines: Sequence[bytes], who: Sequence[Who]) -> list[bytes]:
    """Let lines name others, but for those that are no events at all.

    A device's name is no customer's at a time at which it was the device's: what came of the two
    would have the same ids.
    """
    named: list[bytes] = []
    seen: set[tuple[str, object]] = set()
    for number, (line, one) in enumerate(zip(lines, who, strict=True)):
        earlier = named[number - one.copies] if 0 < one.copies <= number else None
        event = _event(line) or {}
        if (one.names.get("userId"), event.get("timestamp")) in seen:
            one = one._replace(names={**one.names, "userId": "u1"})  # noqa: PLW2901
        seen |= {(name, event.get("timestamp")) for name in one.names.values() if name in DEVICES}
        named.append(_named(line, one, earlier))
    return named


def _named(line: bytes, who: Who, earlier: bytes | None) -> bytes:
    event = _event(line)
    if event is None:
        return line
    for name in ("userId", "anonymousId", "previousId"):
        event.pop(name, None)
    event |= who.names
    if who.kind:
        event["type"] = who.kind
    copied = _event(earlier) if earlier else None
    if copied and "messageId" in copied:
        event["messageId"] = copied["messageId"]
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
        json.dumps(event, ensure_ascii=False).encode()  # no half characters
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def relabelled(lines: Sequence[bytes], customers: Mapping[str, str]) -> list[bytes]:
    """Let events without a customer be of whom their device is said to belong to."""
    found: list[bytes] = []
    for line in lines:
        event = json.loads(line)
        customer = event.get("userId") or customers[event["anonymousId"]]
        found.append(_named(line, Who({"userId": customer}), None))
    return found
