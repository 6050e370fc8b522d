"""YAML 1.2 text as a tree of plain values that know where they stand.

Built straight from the parser's events rather than by a YAML constructor: so every key and value
keeps its line and column, all duplicate keys are found and not just the first, and the size and
depth of the result are bounded while reading (aliases count as what they stand for).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
)
from ruamel.yaml.reader import ReaderError

from config.environment import Substituted, substitute
from config.scalars import is_unicode, resolve
from config.wording import quote, shorten, yaml_hint

MAX_DEPTH = 20
MAX_VALUES = 50_000
SECRET_KEYS = frozenset({"password"})
"""Keys whose values no message shows, however wrong they are."""
HIDDEN = "a value that is not shown"
_UNCLOSED, _AT_THE_END = "while scanning a quoted scalar", "found unexpected end of stream"
"""What the parser says of a quote without an end."""


@dataclass(frozen=True, order=True, slots=True)
class Place:
    """A line and a column, both from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Scalar:
    """A text, number, true or false, or nothing; ``written`` is as in the file."""

    place: Place
    value: object
    written: str
    broken: bool = False
    """Its reference to the environment is wrong, which is said already."""
    source: str = ""
    """The text of the file that it was read from, quotes and block signs included."""


@dataclass(slots=True)
class Items:
    """A list."""

    place: Place
    items: list["Node"] = field(default_factory=list)


@dataclass(slots=True)
class Fields:
    """A mapping; its keys are texts."""

    place: Place
    values: dict[str, "Node"] = field(default_factory=dict)
    keys: dict[str, Place] = field(default_factory=dict)


Node = Scalar | Items | Fields
Finding = tuple[Place, str]


class UnreadableError(Exception):
    """The text cannot be read to its end; ``findings`` has all that was found up to there."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__(findings)
        self.findings = findings


def read_tree(text: str, environment: Mapping[str, str]) -> tuple[Node | None, list[Finding]]:
    """Read one YAML document.

    Returns:
        Its root (None if it is empty), and what is wrong with single keys and values.

    Raises:
        UnreadableError: not YAML, or too large, or something that a config has no use for.
    """
    builder = _Builder(text, environment)
    place = Place(1, 1)
    events: Iterator[Any] = YAML(typ="safe", pure=True).parse(text)
    while True:
        try:
            event = next(events)
        except StopIteration:
            return builder.root, builder.findings
        except ReaderError as error:
            builder.stop(_place_of(text, error.position), f"not YAML: {error.reason}")
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            if error.context == _UNCLOSED and error.problem == _AT_THE_END:
                mark = error.context_mark  # where the quote stands, not where the file ends
            parts = (
                ["cannot be read here, try quotes"]
                if builder.in_secret
                else [error.context, error.problem]
            )
            told = ", ".join(part for part in parts if part)
            builder.stop(_place(mark) if mark else place, f"not YAML: {told}{yaml_hint(told)}")
        except YAMLError:
            builder.stop(place, "not YAML from here on")
        except Exception:  # noqa: BLE001 (the parser fails on some escapes with what comes)
            builder.stop(place, "not YAML from here on: perhaps an escape such as \\U is wrong")
        place = _place(event.start_mark)
        builder.take(event, place)


def describe(node: Node) -> str:
    """Say what stands in the file there; values of the environment are not shown."""
    if isinstance(node, Items):
        return "a list"
    if isinstance(node, Fields):
        return "a mapping"
    if isinstance(node.value, Substituted):
        return f"the value of {quote(node.written)}"
    if isinstance(node.value, str):
        return quote(node.written)
    return "nothing" if node.value is None else shorten(node.written)


def to_plain(node: Node) -> object:
    """Give the tree's values as dicts, lists and scalars."""
    match node:
        case Scalar():
            return node.value
        case Items():
            return [to_plain(item) for item in node.items]
        case Fields():
            return {key: to_plain(value) for key, value in node.values.items()}


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet."""

    node: Items | Fields
    anchor: str | None
    size: int = 1
    height: int = 1
    key: str | None = None
    """The key that waits for its value."""
    skips: bool = False
    """The key that waits is wrong: drop its value."""

    @property
    def wants_key(self) -> bool:
        return isinstance(self.node, Fields) and self.key is None and not self.skips


class _Builder:
    """Takes the parser's events in order and makes the tree."""

    def __init__(self, text: str, environment: Mapping[str, str]) -> None:
        self.root: Node | None = None
        self.findings: list[Finding] = []
        self._text = text
        self._environment = environment
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int, int]] = {}
        self._documents = 0
        self._size = 0

    @property
    def in_secret(self) -> bool:
        """Whether the value of a secret key is being read."""
        return any(each.key in SECRET_KEYS for each in self._open)

    def stop(self, place: Place, message: str) -> NoReturn:
        raise UnreadableError([*self.findings, (place, message)])

    def take(self, event: object, place: Place) -> None:
        match event:
            case DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    self.stop(place, "found a second document, expected one")
                if event.version not in (None, (1, 2)):
                    self.stop(place, "found another YAML version, expected 1.2: remove the line")
            case AliasEvent():
                self._alias(event, place)
            case NodeEvent():
                self._start(event, place)
            case CollectionEndEvent():
                done = self._open.pop()
                self._add(done.node, done.size, done.height, done.anchor)

    def _start(self, event: NodeEvent, place: Place) -> None:
        self._grow(place, 1, 1)
        tag = getattr(event, "tag", None)
        if tag is not None:
            found = "a tag" if self.in_secret else f"the tag {shorten(str(tag))}"
            self.findings.append((place, f"found {found}, expected none"))
        if isinstance(event, CollectionStartEvent):
            node = Fields(place) if isinstance(event, MappingStartEvent) else Items(place)
            self._open.append(_Open(node, event.anchor))
        elif isinstance(event, ScalarEvent):
            self._add(self._scalar(event, place), 1, 1, event.anchor)

    def _scalar(self, event: ScalarEvent, place: Place) -> Scalar:
        written = event.value
        value = written if event.style else resolve(written)
        if not isinstance(value, str) or (self._open and self._open[-1].wants_key):
            return Scalar(place, value, written)
        value, wrong = substitute(value, self._environment)
        if not is_unicode(value):
            wrong.append("found half of a surrogate pair, expected whole characters")
        self.findings += [(place, message) for message in wrong]
        source = self._text[event.start_mark.index : event.end_mark.index]
        return Scalar(place, value, written, broken=bool(wrong), source=source)

    def _alias(self, event: AliasEvent, place: Place) -> None:
        if event.anchor not in self._anchors:
            name = "NAME" if self.in_secret else shorten(str(event.anchor))
            self.stop(place, f"found *{name}, expected an anchor &{name} that is complete above it")
        node, size, height = self._anchors[event.anchor]
        self._grow(place, size, height)
        self._add(node, size, height, None)

    def _grow(self, place: Place, size: int, height: int) -> None:
        self._size += size
        if self._size > MAX_VALUES:
            self.stop(place, f"found more than {MAX_VALUES} values (aliases counted in full)")
        if len(self._open) + height > MAX_DEPTH:
            self.stop(place, f"found values more than {MAX_DEPTH} levels deep")

    def _add(self, node: Node, size: int, height: int, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = (node, size, height)
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        parent.size += size
        parent.height = max(parent.height, height + 1)
        if isinstance(parent.node, Items):
            parent.node.items.append(node)
        elif parent.wants_key:
            self._take_key(parent, parent.node, node)
        else:
            if parent.key is not None:
                if isinstance(node, Scalar) and node.written == "" and node.value is None:
                    node.place = parent.node.keys[parent.key]  # the parser says: the next token
                parent.node.values[parent.key] = node
            parent.key, parent.skips = None, False

    def _take_key(self, parent: _Open, fields: Fields, node: Node) -> None:
        found = HIDDEN if self.in_secret else describe(node)
        if not (isinstance(node, Scalar) and isinstance(node.value, str)):
            self.findings.append(
                (node.place, f"found {found} as a key, expected text (try it in quotes)")
            )
            parent.skips = True
        elif node.value in fields.keys:
            first = fields.keys[node.value]
            self.findings.append(
                (
                    node.place,
                    f"the key {found} is given twice (first in line {first.line})",
                )
            )
            parent.skips = True
        else:
            fields.keys[node.value] = node.place
            parent.key = node.value


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def _place_of(text: str, offset: int) -> Place:
    before = text[:offset]
    return Place(before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1)
