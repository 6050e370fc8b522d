"""The text of a mapping file: its values, and where in the file each of them stands."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from connectors.importing.errors import MappingError
from connectors.importing.wording import described

Path = Sequence[str | int]
"""The keys that lead to a value."""


class Place(NamedTuple):
    """A line and a column, both from 1."""

    line: int
    column: int


class Mistake(NamedTuple):
    """One thing that is wrong with a mapping; mistakes sort by their place."""

    place: Place
    message: str


class Spot(NamedTuple):
    """Where a path of keys leads: parts of it that the file does not have are left out."""

    path: tuple[str | int, ...]
    key: Place
    value: Place

    @property
    def name(self) -> str:
        """Return the path as messages write it."""
        return ".".join(map(str, self.path))


@dataclass(frozen=True)
class MappingText:
    """A mapping's text and its file's name for messages."""

    name: str
    text: str

    def load(self) -> dict[object, object]:
        """Return the values.

        Raises:
            MappingError: it is not YAML, or holds no keys.
        """
        try:
            data = YAML(typ="safe", pure=True).load(self.text)
        except MarkedYAMLError as error:
            mark = error.problem_mark
            place = Place(1, 1) if mark is None else Place(mark.line + 1, mark.column + 1)
            raise self.error([Mistake(place, f"not valid YAML: {error.problem}")]) from error
        except (YAMLError, ValueError, RecursionError) as error:
            raise self.error([Mistake(Place(1, 1), f"not valid YAML: {error}")]) from error
        if not isinstance(data, dict):
            found = described(data)
            message = f"found {found}, expected a mapping with keys such as format: csv"
            raise self.error([Mistake(Place(1, 1), message)])
        return data

    @cached_property
    def _root(self) -> Node:
        root: Node = YAML(typ="safe", pure=True).compose(self.text)
        return root

    def locate(self, path: Path) -> Spot:
        """Follow a path of keys as far as the file has it."""
        node = self._root
        key_place = place = _place(node)
        followed: list[str | int] = []
        for part in path:
            entry = _entry(node, part)
            if entry is None:
                break
            key, node = entry
            key_place, place = _place(key), _place(node)
            if isinstance(node, ScalarNode) and not node.value and not node.style:
                place = key_place  # for an absent value YAML gives the place of what comes next
            followed.append(part)
        return Spot(tuple(followed), key_place, place)

    def error(self, mistakes: Iterable[Mistake], *more: str) -> MappingError:
        """Make the error that tells all mistakes in the order of the file, then other lines."""
        lines = [
            f"{self.name}:{place.line}:{place.column}: {message}"
            for place, message in sorted(dict.fromkeys(mistakes))
        ]
        return MappingError("\n".join([*lines, *more]))


def _entry(node: Node, part: str | int) -> tuple[Node, Node] | None:
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    if isinstance(node, MappingNode):
        return next(((key, value) for key, value in node.value if key.value == str(part)), None)
    return None


def _place(node: Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)
