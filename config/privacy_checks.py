"""What must hold between the paths of privacy, and the rules that read these fields.

A part of ``checks`` and of ``warnings``; the same rules: plain values in, and what is wrong in
itself is passed over.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from config.field_uses import Use, field_uses
from config.identity import PREVIOUS_ID
from config.plain import Finding, Path, mapping_at
from config.wording import dotted, nearest, quote

KINDS = ("drop", "hash", "mask")
CUSTOMER = ("userId", "anonymousId")
NEEDED = (*CUSTOMER, "messageId", "timestamp", "receivedAt", "type", "event")
"""What every event is read by."""
_ROOTS = (*NEEDED, PREVIOUS_ID, "properties", "context", "traits")
_LINKED = (*CUSTOMER, PREVIOUS_ID)
_ALL = "*"
_DONE = {"drop": "dropped", "hash": "hashed", "mask": "masked"}


class _Named(NamedTuple):
    """A path under privacy.

    Attributes:
        where: it stands.
        kind: what becomes of the field.
        parts: of the path.
    """

    where: Path
    kind: str
    parts: tuple[str, ...]

    def has(self, field: str) -> bool:
        """Tell whether a field, or all that lies in it, is meant."""
        return _lies_in(tuple(field.split(".")), self.parts)


def check_privacy(config: object) -> Iterator[Finding]:
    """Give the path of each field that cannot be hidden so, and why."""
    named = list(_named(config))
    for each in named:
        yield from _needed(each)
        yield from _misspelt(each)
    yield from _overlaps(named)
    yield from _hashed_apart(config, named)
    has_file = "attributes" in mapping_at(config)
    for each in named:
        if each.kind == "hash" and each.parts[0] in CUSTOMER and has_file:
            message = "the file under attributes names customers as they are, and would fit nobody"
            yield each.where, f"{each.parts[0]} cannot be hashed: {message}"
    for each, use in _used(config, named):
        why = _impossible(each, use)
        if why:
            yield use.where, f"{use.field} is {_DONE[each.kind]} ({dotted(each.where)}), {why}"


def warnings_of_privacy(config: object) -> Iterator[Finding]:
    """Give the path of each rule that sees less than it may seem to."""
    for each, use in _used(config, list(_named(config))):
        why = None if _impossible(each, use) else _doubtful(each, use)
        if why:
            yield use.where, f"{use.field} is {_DONE[each.kind]} ({dotted(each.where)}), {why}"


def _named(config: object) -> Iterator[_Named]:
    for kind in KINDS:
        paths = mapping_at(config, "privacy").get(kind)
        for number, path in enumerate(paths if isinstance(paths, list) else ()):
            if isinstance(path, str):
                parts = tuple(part.removesuffix("[]") for part in path.split("."))
                yield _Named(("privacy", kind, number), kind, parts)


def _needed(named: _Named) -> Iterator[Finding]:
    """Find fields without which an event is none."""
    root, *below = named.parts
    is_customer = named.kind == "hash" and root in CUSTOMER and not below
    if root not in NEEDED or is_customer:
        return
    hint = "; it can be hashed" if root in CUSTOMER else ""
    yield named.where, f"found {root}, which every event is read by and cannot be hidden so{hint}"


def _hashed_apart(config: object, named: list[_Named]) -> Iterator[Finding]:
    """Find ids of which others that are compared with them are not hashed, or not likewise."""
    if not (isinstance(config, Mapping) and isinstance(config.get("identity"), Mapping)):
        return
    ids = {".".join(each.parts): each for each in named if each.kind == "hash"}
    ids = {name: each for name, each in ids.items() if name in _LINKED}
    missing = [name for name in _LINKED if name not in ids]
    if ids and missing:
        [first, *_] = ids.values()
        message = "with identity the ids of customers and visitors are compared with each other"
        yield first.where, f"{message}; hash {' and '.join(missing)} too"


def _misspelt(named: _Named) -> Iterator[Finding]:
    """Find what hides nothing since the field has another name."""
    root = named.parts[0]
    meant = None if root in _ROOTS else nearest(root, _ROOTS)
    if meant:
        found, near = ".".join(named.parts), ".".join((meant, *named.parts[1:]))
        yield (
            named.where,
            f"found {quote(found)}, a path into an event; did you mean {quote(near)}?",
        )


def _overlaps(named: list[_Named]) -> Iterator[Finding]:
    """Find paths that lie in others: only one thing can become of a field."""
    for number, each in enumerate(named):
        for other in (*named[:number], *named[number + 1 :]):
            is_same = each.parts == other.parts
            if _lies_in(each.parts, other.parts) and not (is_same and each.where < other.where):
                path = quote(".".join(each.parts))
                yield each.where, f"found {path}, which {dotted(other.where)} is already about"
                break


def _lies_in(field: tuple[str, ...], path: tuple[str, ...]) -> bool:
    if path[-1] == _ALL:
        above = path[:-1]
        return field == path or (len(field) > len(above) and field[: len(above)] == above)
    return field[: len(path)] == path


def _used(config: object, named: list[_Named]) -> Iterator[tuple[_Named, Use]]:
    if not named:
        return
    for use in field_uses(config):
        for each in named:
            if each.has(use.field):
                yield each, use
                break


def _impossible(named: _Named, use: Use) -> str | None:
    """Say why a rule can never do what it is for."""
    if use.role == "consent":
        return "and what customers permit could not be read any more"
    if use.role in {"id", "kind"}:
        return _no_id(named, use)
    if named.kind == "drop" and use.role == "value":
        return "so there is nothing to take"
    if named.kind == "hash" and len(use.field.split(".")) > len(named.parts):
        return "which makes one text of all that lies in it"
    if named.kind == "hash" and use.is_number:
        return "which makes it text, and a number is needed"
    return None


def _no_id(named: _Named, use: Use) -> str | None:
    """Say why nobody could be told by an id any more."""
    if named.kind == "hash":
        if use.role == "kind":
            return "and of which kind an id is could not be read any more"
        is_part = len(use.field.split(".")) > len(named.parts)
        return "which makes one text of all that lies in it" if is_part else None
    return "and identity tells customers by it; it can be hashed"


def _doubtful(named: _Named, use: Use) -> str | None:
    """Say what a rule does not see."""
    if named.kind == "drop":
        return "so it is always missing here"
    if named.kind == "hash" and use.role == "condition":
        return "so it can only be told whether two values are the same"
    if named.kind == "mask" and use.is_number:
        return "and a number that is taken for one of a phone is text by then"
    return None
