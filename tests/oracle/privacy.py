"""What becomes of fields that nobody is to see, the slow and plain way: on a document as a tree.

A tree keeps how it was written, so that it can be written again without what was taken out.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import msgspec

from operators.privacy_plan import PrivacyPlan

Path = tuple[str, ...]
Texts = Callable[[str], str]


@dataclass(frozen=True)
class Scalar:
    """A value as it is written."""

    text: str


@dataclass(frozen=True)
class Member:
    """A member of an object: its name as it is written, what it means, and the blanks around."""

    written: str
    name: str
    value: "Tree"
    blanks: tuple[str, str, str, str]


@dataclass(frozen=True)
class Object:
    members: tuple[Member, ...]


@dataclass(frozen=True)
class List:
    items: tuple["Tree", ...]
    blank: str = ""


Tree = Scalar | Object | List


def write(tree: Tree) -> str:
    if isinstance(tree, Scalar):
        return tree.text
    if isinstance(tree, List):
        return "[" + ",".join(tree.blank + write(each) + tree.blank for each in tree.items) + "]"
    parts = []
    for each in tree.members:
        a, b, c, d = each.blanks
        parts.append(f"{a}{each.written}{b}:{c}{write(each.value)}{d}")
    return "{" + ",".join(parts) + "}"


def hidden(tree: Tree, plan: PrivacyPlan, hashed: Texts, masked: Texts) -> Tree:
    """Return a document without what a plan hides."""
    return _hidden(tree, (), plan, hashed, masked)


def _hidden(tree: Tree, at: Path, plan: PrivacyPlan, hashed: Texts, masked: Texts) -> Tree:
    if isinstance(tree, List):
        return replace(
            tree, items=tuple(_hidden(each, at, plan, hashed, masked) for each in tree.items)
        )
    if not isinstance(tree, Object):
        return tree
    left = []
    for each in tree.members:
        path = (*at, each.name)
        if _is_named(path, plan.drop):
            continue
        if _is_named(path, plan.hash):
            value = _hashed(each.value, hashed)
        elif _is_named(path, plan.mask):
            value = _masked(each.value, masked)
        else:
            value = _hidden(each.value, path, plan, hashed, masked)
        left.append(replace(each, value=value))
    return Object(tuple(left))


def _is_named(path: Path, paths: tuple[Path, ...]) -> bool:
    return path in paths or (*path[:-1], "*") in paths


def _hashed(tree: Tree, hashed: Texts) -> Tree:
    if isinstance(tree, List):
        return replace(tree, items=tuple(_hashed(each, hashed) for each in tree.items))
    written = write(tree)
    if written in {"null", '""'}:
        return tree
    text = msgspec.json.decode(written) if written.startswith('"') else written
    return Scalar(f'"{hashed(text)}"')


def _masked(tree: Tree, masked: Texts) -> Tree:
    if isinstance(tree, List):
        return replace(tree, items=tuple(_masked(each, masked) for each in tree.items))
    if isinstance(tree, Object):
        members = (
            replace(
                each,
                written=_masked_text(each.written, masked),
                value=_masked(each.value, masked),
            )
            for each in tree.members
        )
        return Object(tuple(members))
    is_word = tree.text in {"null", "true", "false"}
    return tree if is_word else Scalar(_masked_text(tree.text, masked))


def _masked_text(written: str, masked: Texts) -> str:
    text = msgspec.json.decode(written) if written.startswith('"') else written
    left = masked(text)
    return written if left == text else msgspec.json.encode(left).decode()
