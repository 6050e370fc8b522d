"""Whom an event names, plainly: the first path that is there, else the anonymous id (J1, J2)."""

from collections.abc import Collection, Sequence
from typing import Any, Literal, NamedTuple

from oracle.input import LONGEST_STRING, Rejected

Kind = Literal["customer", "anonymous", "linking"]
EXTERNAL = "context.externalIds."


class Whom(NamedTuple):
    """Whom an event names; the anonymous id is empty where it is of a customer alone."""

    kind: Kind
    customer: str
    anonymous: str = ""


def whom(data: dict[str, Any], paths: Sequence[str], blocked: Collection[str]) -> Whom:
    """Judge one event.

    Raises:
        Rejected: it names nobody, or with too long or wrong an id.
    """

    def is_id(value: object) -> bool:
        return isinstance(value, str) and value != "" and value not in blocked

    found = [value for path in paths if is_id(value := _at(data, path))]
    if not found:
        anonymous = data.get("anonymousId")
        if not is_id(anonymous):
            raise Rejected("nobody")
        return Whom("anonymous", _short(anonymous), anonymous)
    customer = _short(found[0])
    links = {"identify": "anonymousId", "alias": "previousId"}
    kind = data.get("type")
    linked = data.get(links[kind]) if isinstance(kind, str) and kind in links else None
    if not isinstance(linked, str | None):
        raise Rejected("an anonymous id that is no text")
    if not is_id(linked) or linked == customer:
        return Whom("customer", customer)
    return Whom("linking", customer, _short(linked))


def _at(data: Any, path: str) -> Any:
    """Follow a path; None where it leads nowhere."""
    if path.startswith(EXTERNAL):
        entries = _at(data, EXTERNAL.rstrip("."))
        entries = entries if isinstance(entries, list) else []
        kind = path.removeprefix(EXTERNAL)
        of_kind = (each for each in entries if isinstance(each, dict) and each.get("type") == kind)
        return next(of_kind, {}).get("id")
    for part in path.split("."):
        data = data.get(part) if isinstance(data, dict) else None
    return data


def _short(value: str) -> str:
    if len(value) > LONGEST_STRING:
        raise Rejected("too long")
    return value
