"""From a file to a ``Config``, or to everything that is wrong with it."""

import codecs
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from config.checks import check_all
from config.errors import ConfigError, Problem
from config.explain import findings_of, locate, told_expression
from config.models import Config
from config.name_checks import check_names
from config.plain import KEY
from config.plain import Path as KeyPath
from config.tree import Fields, Finding, Node, Place, UnreadableError, describe, read_tree, to_plain
from config.warnings import warnings_of
from config.wording import dotted

MAX_FILE_BYTES = 1_048_576

_START = Place(1, 1)


@dataclass(frozen=True)
class Loaded:
    """A config that is fine.

    Attributes:
        config: what it says.
        warnings: what is allowed and yet probably not meant, in the order of the file.
    """

    config: Config
    warnings: tuple[Problem, ...]


def load(path: Path, environment: Mapping[str, str] | None = None) -> Config:
    """Read and check a config file.

    Args:
        path: the file.
        environment: what ``${NAME}`` refers to; None for the process's own.

    Raises:
        ConfigError: with every problem of the file.
    """
    return _load(path, environment)[0]


def load_with_warnings(path: Path, environment: Mapping[str, str] | None = None) -> Loaded:
    """Do the same, and look for what is probably not meant; see load."""
    config, tree = _load(path, environment)
    found = warnings_of(config, to_plain(tree))
    warnings = [finding_at(tree, where, message) for where, message in found]
    return Loaded(config, tuple(problems_of(path, warnings)))


def read_fields(
    path: Path, environment: Mapping[str, str] | None = None
) -> tuple[Fields, list[Finding]]:
    """Read a file that holds a mapping.

    Returns:
        The mapping, and what is wrong with single keys and values.

    Raises:
        ConfigError: it cannot be read, or holds something else.
    """
    try:
        tree, findings = read_tree(_read(path), os.environ if environment is None else environment)
    except UnreadableError as error:
        raise error_of(path, error.findings) from None
    if not isinstance(tree, Fields):
        found = "an empty file" if tree is None else describe(tree)
        finding = (_START if tree is None else tree.place, f"found {found}, expected a mapping")
        raise error_of(path, [*findings, finding])
    return tree, findings


def _load(path: Path, environment: Mapping[str, str] | None) -> tuple[Config, Node]:
    tree, findings = read_fields(path, environment)
    plain = to_plain(tree)
    config = None
    try:
        config = Config.model_validate(plain)
    except ValidationError as error:
        findings += findings_of(error, tree)
    findings += [
        finding_at(tree, where, message)
        for where, message in check_all(plain)
        if not locate(tree, where).broken
    ]
    for where, problem in check_names(plain):
        spot = locate(tree, where)
        if not spot.broken:
            place, message = told_expression(spot, problem)
            findings.append((place, f"{dotted(spot.path)}: {message}"))
    if config is None or findings:
        raise error_of(path, findings)
    return config, tree


def finding_at(tree: Node, where: KeyPath, message: str) -> Finding:
    """Say what is wrong at a path, which ends with KEY where the key itself is meant."""
    spot = locate(tree, where)
    place = spot.key_place if where[-1] == KEY else spot.place
    return place, f"{dotted(spot.path)}: {message}"


def problems_of(path: Path, findings: Iterable[Finding]) -> list[Problem]:
    """Say of what was found in which file it is, in the order of the file."""
    return [
        Problem(str(path), place.line, place.column, message)
        for place, message in sorted(dict.fromkeys(findings))
    ]


def error_of(path: Path, findings: Iterable[Finding]) -> ConfigError:
    """Make the error that says all that was found in a file."""
    return ConfigError(problems_of(path, findings))


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UnreadableError([(_START, f"cannot read the file: {reason}")]) from None
    if len(content) > MAX_FILE_BYTES:
        raise UnreadableError(
            [(_START, f"found a file of more than {MAX_FILE_BYTES} bytes, expected less")]
        )
    try:
        return content.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        before = content[: error.start]
        column = len(before[before.rfind(b"\n") + 1 :].decode(errors="replace")) + 1
        place = Place(before.count(b"\n") + 1, column)
        found = f"found the byte 0x{content[error.start]:02x}"
        raise UnreadableError([(place, f"{found}, expected text in UTF-8")]) from None
