"""From pydantic's errors to findings: where in the file, what was found, what was expected."""

import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import Tag, ValidationError
from pydantic_core import ErrorDetails

from config.environment import Substituted
from config.features import FEATURE_KINDS, WINDOW_KEYS
from config.measures import COLLECT_KINDS, Measure, keys_of
from config.models import Config
from config.places import place_in
from config.plain import KEY
from config.section import Section
from config.tree import HIDDEN, SECRET_KEYS, Fields, Finding, Items, Node, Place, Scalar, describe
from config.wording import dotted, quote, suggestion
from expressions import ExpressionProblem

_EXPECTED = {
    "model_type": "a mapping",
    "mapping_type": "a mapping",
    "dict_type": "a mapping",
    "tuple_type": "a list",
}

KeysAt = Callable[[Sequence[str | int]], list[str]]
"""Gives the keys of the section that a path of pydantic's leads to."""


@dataclass(frozen=True, slots=True)
class Spot:
    """What a path of keys leads to."""

    place: Place
    node: Node
    path: tuple[str | int, ...]
    key_place: Place
    """Where the key of the value stands; for the root, where it begins."""

    @property
    def broken(self) -> bool:
        """Whether the value is known to be wrong already."""
        return isinstance(self.node, Scalar) and self.node.broken

    @property
    def hidden(self) -> bool:
        """Whether messages must not show the value: it came from the environment or is secret."""
        from_outside = isinstance(self.node, Scalar) and isinstance(self.node.value, Substituted)
        return from_outside or self.secret

    @property
    def secret(self) -> bool:
        """Whether the value is one that messages never show, wherever it came from."""
        if not self.path or not isinstance(self.node, Scalar):
            return False
        # an address such as kafka://user:password@host is a likely mistake
        userinfo = self.path[-1] == "brokers" and "@" in self.node.written
        return userinfo or self.path[-1] in SECRET_KEYS

    def describe(self) -> str:
        """Say what stands there."""
        return HIDDEN if self.secret else describe(self.node)


def locate(root: Node, path: Sequence[str | int]) -> Spot:
    """Follow a path as far as it goes in the file; parts that are no keys there are left out."""
    node, key_place, followed = root, root.place, list[str | int]()
    for part in path:
        if isinstance(node, Fields) and part in node.values:
            key_place, node = node.keys[str(part)], node.values[str(part)]
        elif isinstance(node, Items) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            key_place = node.place
        else:
            continue
        followed.append(part)
    return Spot(node.place, node, tuple(followed), key_place)


def told_expression(spot: Spot, problem: ExpressionProblem) -> Finding:
    """Say what is wrong with an expression, at the place inside it where that is known."""
    if spot.hidden or not isinstance(spot.node, Scalar):
        return spot.place, f"found {spot.describe()}, expected an expression that fits here"
    near = f"; did you mean {quote(problem.near)}?" if problem.near else ""
    return place_in(spot.node, problem.start), problem.message + near


def findings_of(
    error: ValidationError, root: Node, keys: KeysAt | None = None
) -> Iterator[Finding]:
    """Say each of pydantic's errors in terms of the file.

    Args:
        error: what pydantic says.
        root: the file.
        keys: gives the keys of the section that a path leads to; by default a config's.
    """
    for details in error.errors(include_url=False, include_input=False):
        spot = locate(root, details["loc"])
        if spot.broken or details["type"] == "default_factory_not_called":
            continue  # the reason is another finding
        place, message = _finding(details, spot, keys or keys_at)
        path = dotted(spot.path)
        yield place, f"{path}: {message}" if path else message


def _finding(details: ErrorDetails, spot: Spot, keys: KeysAt) -> Finding:
    kind, path, context = details["type"], details["loc"], details.get("ctx", {})
    if kind == "extra_forbidden":
        return spot.key_place, _unknown_key(path, keys(path[:-1]))
    if kind == "expression":
        problem = ExpressionProblem(context["problem"], context["offset"], 0, context["near"])
        return told_expression(spot, problem)
    if kind == "missing":
        return spot.key_place, f"the key {quote(str(path[-1]))} is missing"
    if kind == "too_long":
        return spot.place, f"found {_length(spot.node)}, expected at most {context['max_length']}"
    if kind == "too_short":
        return spot.place, f"found none, expected at least {context['min_length']}"
    place, found = spot.place, spot.describe()
    if path and path[-1] == KEY:
        place, found = spot.key_place, quote(str(spot.path[-1]))
    key = context.get("key")
    if key is not None and isinstance(spot.node, Fields):
        place, found = spot.node.keys[key], quote(key)
    what = context.get("what") or _EXPECTED.get(kind)
    message = f"found {found}, " + (f"expected {what}" if what else details["msg"])
    near = None if spot.hidden else context.get("near")
    return place, message + (f"; did you mean {quote(near)}?" if near else "")


def _length(node: Node) -> int:
    if isinstance(node, Items):
        return len(node.items)
    return len(node.values) if isinstance(node, Fields) else 0


def _unknown_key(path: Sequence[str | int], valid: Sequence[str]) -> str:
    key = str(path[-1])
    kinds = _kinds_at(path)
    if kinds is not None and key not in kinds:
        with_it = [name for name, model in kinds.items() if key in keys_of(model)]
        if with_it:
            return f"found with {path[-2][1:-1]}, goes with {_listed(with_it)} only"  # type: ignore[index]
        if kinds is COLLECT_KINDS and key in (*WINDOW_KEYS, "pane", "zone"):
            return "a session collects over all of the session; only features have windows"
    keys = f"; the keys here are {', '.join(valid)}"
    if len(path) == 1:
        keys += " (keys of a section are indented)"
    return "unknown key" + (suggestion(key, valid) or keys)


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _kinds_at(path: Sequence[str | int]) -> Mapping[str, type[Measure]] | None:
    """Give the kinds among which a path of pydantic's chooses, None if it does not."""
    match path:
        case ("features", _, str(), *_):
            return FEATURE_KINDS
        case ("session", "collect", _, str(), *_):
            return COLLECT_KINDS
        case _:
            return None


def keys_at(path: Sequence[str | int]) -> list[str]:
    """Give the keys of the section that a path of pydantic's leads to."""
    kind: Any = Config
    for part in path:
        kind = _inside(kind, part)
    kind = _bare(kind)
    return keys_of(kind) if _is_section(kind) else []


def _inside(kind: Any, part: str | int) -> Any:
    """Give the type of a part of a value, by its key, its number or the tag of its model."""
    tagged = {
        each.tag: model
        for model in get_args(_unannotated(kind))
        for each in get_args(model)[1:]
        if isinstance(each, Tag)
    }
    if part in tagged:
        return tagged[str(part)]
    kind = _bare(kind)
    if _is_section(kind):
        return _fields(kind)[str(part)]
    if get_origin(kind) is Mapping:
        return get_args(kind)[1]
    return get_args(kind)[0] if get_origin(kind) is tuple else kind


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section)


def _unannotated(kind: Any) -> Any:
    return _unannotated(get_args(kind)[0]) if get_origin(kind) is Annotated else kind


def _fields(section: type[Section]) -> dict[str, Any]:
    """Give each key, as written in the file, with its type."""
    return {field.alias or name: field.annotation for name, field in section.model_fields.items()}


def _bare(annotation: Any) -> Any:
    """Take off what surrounds a type: constraints, and that it may be absent."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return _bare(get_args(annotation)[0])
    return annotation
